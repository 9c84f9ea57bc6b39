//! A flag made ready to answer: its variants and metadata as JSON text, its rule parsed.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use burgee_model::{Key, Value, shown::shortened, value::same_text};
use burgee_rules::{ir::Rule, outcome::variant_name};
use serde_json::{Map, Value as Json};

use crate::{
    digest,
    evaluation::{ErrorCode, Evaluation, METADATA, Outcome, Reason, json_text},
    hash::BuildShortHasher,
    source::FlagSource,
    targeting::Targeting,
};

/// Beyond so many variants they are found by an index instead of a scan.
const VARIANTS_SCANNED: usize = 8;

/// A flag of a snapshot. Shared between snapshots as long as nothing of it changes.
pub(crate) struct PreparedFlag {
    pub(crate) key: Key,
    /// What it was made of.
    pub(crate) source: Arc<FlagSource>,
    /// Its rule; none where it has none.
    pub(crate) targeting: Option<Arc<Targeting>>,
    /// What an evaluation does.
    pub(crate) plan: Plan,
    pub(crate) digest: u128,
    /// Whether its rule's work grows with what it is given.
    pub(crate) loops: bool,
    /// The most steps that its rule takes, apart from that; 0 without one. Beside the plan, for all flags of a request are
    /// asked for both.
    pub(crate) steps: u32,
    /// What each result that the compiled rule can name by number means here.
    pub(crate) choices: Box<[Option<Choice>]>,
    variants: Box<[Variant]>,
    by_name: HashMap<Arc<str>, u32, BuildShortHasher>,
    default: Option<u32>,
    /// `{"key":…` of an item without value.
    head: Box<str>,
    /// What ends an item: `,"metadata":{…}}` or `}`.
    tail: Box<str>,
}

/// What an evaluation of a flag does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Answers the same to all.
    Fixed(Fixed),
    /// Runs the rule.
    Rule,
}

/// An answer that no context changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fixed {
    Disabled,
    /// The default variant, or none.
    Default,
    /// The rule does not compile.
    Broken,
}

/// What a rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The variant at this index.
    Variant(u32),
    /// No decision: the default.
    Default,
}

struct Variant {
    name: Arc<str>,
    /// `{"key":…,"value":…,"variant":…`
    item: Box<str>,
    /// Where the value begins and ends in it.
    value: (usize, usize),
}

impl PreparedFlag {
    pub(crate) fn new(
        key: &Key,
        source: Arc<FlagSource>,
        targeting: Option<Arc<Targeting>>,
        inherited: &Map<String, Json>,
    ) -> Self {
        let head = format!(r#"{{"key":{}"#, json_text(key.as_str()));
        let fractions = source.variants.iter().any(|(_, value)| is_fraction(value));
        let variants = source.variants.iter().map(|(n, v)| Variant::new(&head, n, &written(v, fractions)));
        let variants: Box<[Variant]> = variants.collect();
        let tail = tail(inherited, &source.metadata);
        let plan = plan(&source, targeting.as_deref());
        let mut flag = Self {
            key: key.clone(),
            plan,
            steps: targeting.as_ref().map_or(0, |targeting| targeting.steps()),
            loops: targeting.as_ref().is_some_and(|targeting| targeting.loops),
            digest: digest(key, &source, targeting.as_deref()),
            by_name: index(&variants),
            default: source.default_variant.as_ref().and_then(|name| position(&variants, name)),
            choices: [].into(),
            head: head.into(),
            tail: tail.into(),
            variants,
            source,
            targeting,
        };
        flag.choices = flag.targeting.iter().flat_map(|t| &*t.results).map(|value| flag.choose(value).ok()).collect();
        flag
    }

    /// What a rule's result means here; an error says why it means nothing.
    pub(crate) fn choose(&self, result: &Value) -> Result<Choice, String> {
        let Some(name) = variant_name(result).map_err(|error| error.to_string())? else { return Ok(Choice::Default) };
        let known = self.position(&name).map(Choice::Variant);
        known.ok_or_else(|| format!("the rule gave {}, which names no variant", json_text(&shortened(&name))))
    }

    fn position(&self, name: &str) -> Option<u32> {
        if self.by_name.is_empty() { position(&self.variants, name) } else { self.by_name.get(name).copied() }
    }

    /// The rule that decides, as a tree: its own, or an earlier one in its stead.
    pub(crate) fn rule_in_effect(&self) -> Option<Json> {
        let stand_in = self.targeting.as_ref().and_then(|targeting| targeting.stand_in.clone());
        stand_in.or_else(|| self.source.rule())
    }

    /// What a chunk takes of it.
    pub(crate) fn key_and_rule(&self) -> Option<(Key, Arc<Rule>)> {
        self.targeting.as_ref().and_then(|t| t.rule.clone()).map(|rule| (self.key.clone(), rule))
    }

    /// The answer for what the rule decided.
    #[inline]
    pub(crate) fn answer(&self, choice: Choice) -> Evaluation<'_> {
        match (choice, self.default) {
            (Choice::Variant(at), _) => self.value(at, Reason::TargetingMatch),
            (Choice::Default, Some(at)) => self.value(at, Reason::Default),
            (Choice::Default, None) => self.code_default(Reason::Default),
        }
    }

    /// The name of the variant that it gives; none where the application takes its own default.
    pub(crate) fn variant(&self, choice: Choice) -> Option<&Arc<str>> {
        let at = match choice {
            Choice::Variant(at) => Some(at),
            Choice::Default => self.default,
        };
        at.and_then(|at| self.variants.get(at as usize)).map(|variant| &variant.name)
    }

    /// Whether there is a default variant.
    pub(crate) fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// The default variant, because what the rule relied on failed.
    pub(crate) fn in_error(&self) -> Evaluation<'_> {
        self.default.map_or_else(|| self.code_default(Reason::Error), |at| self.value(at, Reason::Error))
    }

    /// The answer where the rule gave none.
    pub(crate) fn failed(&self, why: String) -> Evaluation<'_> {
        Evaluation::failed(self.key.as_str(), ErrorCode::General, Cow::Owned(why))
    }

    /// The answer that needs no context.
    #[inline]
    pub(crate) fn fixed(&self, fixed: Fixed) -> Evaluation<'_> {
        match (fixed, self.default) {
            (Fixed::Disabled, _) => self.code_default(Reason::Disabled),
            (Fixed::Default, Some(at)) => self.value(at, Reason::Static),
            (Fixed::Default, None) => self.code_default(Reason::Default),
            (Fixed::Broken, _) => {
                let details = self.targeting.as_ref().and_then(|t| t.problems.first());
                let details = details.map_or("the rule does not compile", |problem| problem.message.as_str());
                Evaluation::failed(self.key.as_str(), ErrorCode::ParseError, shortened(details))
            }
        }
    }

    #[inline]
    fn value(&self, at: u32, reason: Reason) -> Evaluation<'_> {
        let Some(variant) = self.variants.get(at as usize) else { return self.code_default(reason) };
        Evaluation {
            key: self.key.as_str(),
            outcome: Outcome::Value { variant: &variant.name, reason },
            item: [&*variant.item, reason.member(), &*self.tail],
            value: variant.value,
            kind: reason.into(),
        }
    }

    fn code_default(&self, reason: Reason) -> Evaluation<'_> {
        Evaluation {
            key: self.key.as_str(),
            outcome: Outcome::CodeDefault { reason },
            item: [&*self.head, reason.member(), &*self.tail],
            value: (0, 0),
            kind: reason.into(),
        }
    }
}

impl Variant {
    fn new(head: &str, name: &str, value: &str) -> Self {
        let mut item = format!(r#"{head},"value":"#);
        let start = item.len();
        item.push_str(value);
        let value = (start, item.len());
        item.push_str(r#","variant":"#);
        item.push_str(&json_text(name));
        Self { name: Arc::from(name), item: item.into(), value }
    }
}

/// Whether a value is a number that is written as one with a fraction.
fn is_fraction(value: &str) -> bool {
    let is_number = value.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    is_number && value.contains(['.', 'e', 'E'])
}

/// A value as it is answered. Of a flag that has fractions whole numbers are written as such too: there are clients that
/// tell by the text which kind of number a flag gives.
fn written(value: &str, fractions: bool) -> Cow<'_, str> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fractions && is_whole { Cow::Owned(format!("{value}.0")) } else { Cow::Borrowed(value) }
}

fn plan(source: &FlagSource, targeting: Option<&Targeting>) -> Plan {
    match targeting {
        _ if !source.on => Plan::Fixed(Fixed::Disabled),
        None => Plan::Fixed(Fixed::Default),
        Some(targeting) if targeting.rule.is_none() => Plan::Fixed(Fixed::Broken),
        Some(_) => Plan::Rule,
    }
}

fn digest(key: &Key, source: &FlagSource, targeting: Option<&Targeting>) -> u128 {
    let mut d = digest::Digester::new("prepared 2");
    d.word(digest::flag(key.as_str(), source));
    d.word(targeting.map_or(0, |t| t.digest));
    d.finish()
}

fn position(variants: &[Variant], name: &str) -> Option<u32> {
    variants.iter().position(|v| same_text(&v.name, name)).and_then(|at| u32::try_from(at).ok())
}

fn index(variants: &[Variant]) -> HashMap<Arc<str>, u32, BuildShortHasher> {
    match variants.len() {
        0..=VARIANTS_SCANNED => HashMap::default(),
        _ => (0..).zip(variants).map(|(at, v)| (v.name.clone(), at)).collect(),
    }
}

/// The end of every item: the set's metadata overlaid by the flag's, as far as OFREP allows it.
fn tail(inherited: &Map<String, Json>, own: &Map<String, Json>) -> String {
    let mut all = inherited.clone();
    all.extend(own.iter().map(|(k, v)| (k.clone(), v.clone())));
    all.retain(|_, value| matches!(value, Json::Bool(_) | Json::Number(_) | Json::String(_)));
    match all.is_empty() {
        true => "}".to_owned(),
        false => format!("{METADATA}{}}}", Json::Object(all)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flag_with_fractions_every_number_is_one() {
        for (value, fraction, answered) in [
            ("30", false, "30.0"),
            ("-3", false, "-3.0"),
            ("0", false, "0.0"),
            ("37.5", true, "37.5"),
            ("1e21", true, "1e21"),
            ("\"30\"", false, "\"30\""),
            ("[1,2.5]", false, "[1,2.5]"),
            ("{\"a\":1.5}", false, "{\"a\":1.5}"),
            ("true", false, "true"),
        ] {
            assert_eq!((is_fraction(value), &*written(value, true)), (fraction, answered), "{value}");
            assert_eq!(written(value, false), value, "of a flag of whole numbers they stay whole");
        }
    }
}
