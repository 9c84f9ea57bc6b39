//! What is known of an expression without evaluating it: what it reads, what it asks for, how its work grows.
//!
//! A shared rule is gone through once, whatever number of flags name it: its facts are kept with it, and a rule has those
//! of its own expressions and refers to the shared rules for the rest.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, OnceLock},
};

use burgee_model::{Key, Value};

use crate::{
    emit::Measure,
    function::Function,
    ir::{Expr, Rule},
    walk,
};

/// A shared rule as rules hold it, with what is known of it once somebody has asked.
pub struct SharedExpr {
    expr: Expr,
    facts: OnceLock<Facts>,
    measure: OnceLock<Measure>,
    results: OnceLock<Box<[Value]>>,
}

impl SharedExpr {
    /// Of a shared rule that was read.
    #[must_use]
    pub fn new(expr: Expr) -> Arc<Self> {
        Arc::new(Self { expr, facts: OnceLock::new(), measure: OnceLock::new(), results: OnceLock::new() })
    }

    /// What is known of it.
    pub fn facts(&self) -> &Facts {
        // a shared rule refers to no other
        self.facts.get_or_init(|| Facts::of(&self.expr, &|name| name.into()).0)
    }

    pub(crate) fn measure(&self, measure: impl FnOnce(&Expr) -> Measure) -> &Measure {
        self.measure.get_or_init(|| measure(&self.expr))
    }

    pub(crate) fn results(&self, results: impl FnOnce(&Expr) -> Vec<Value>) -> &[Value] {
        self.results.get_or_init(|| results(&self.expr).into())
    }
}

impl std::ops::Deref for SharedExpr {
    type Target = Expr;
    fn deref(&self) -> &Expr {
        &self.expr
    }
}

impl std::fmt::Debug for SharedExpr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.expr.fmt(f)
    }
}

impl PartialEq for SharedExpr {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}

/// What expressions read and ask for, each name once and in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The members of the context's root that are read, but the targeting key.
    pub attributes: Box<[Arc<str>]>,
    /// Whether the context may be read as a whole.
    pub reads_all: bool,
    /// The config entries that are read. What cannot be a key names none.
    pub config_keys: Box<[Key]>,
    /// The other flags that are asked for.
    pub flags: Box<[Arc<str>]>,
    /// The guests that are called.
    pub guests: Box<[Arc<str>]>,
    /// How many expressions call one.
    pub guest_calls: usize,
    /// Whether they go through lists or search for patterns, so that their work grows with what they are given beyond what
    /// their own size says.
    pub loops: bool,
    /// Whether they read the time.
    pub reads_time: bool,
    /// The levels of expressions, with those of shared rules.
    pub levels: usize,
}

/// A rule's own facts, and the shared rules that it names.
#[derive(Debug, Default)]
pub struct RuleFacts {
    /// Of its own expressions.
    pub own: Facts,
    /// Its shared rules, each once.
    pub shared: Box<[Arc<SharedExpr>]>,
    /// The calls of guests, those of its shared rules wherever they are named.
    pub guest_calls: usize,
}

impl Rule {
    /// What is known of the rule; a function gives names, of which it may have the same already.
    #[must_use]
    pub fn facts(&self, name: &dyn Fn(&str) -> Arc<str>) -> RuleFacts {
        let (own, named) = Facts::of(&self.root, name);
        let guest_calls =
            named.iter().fold(own.guest_calls, |sum, shared| sum.saturating_add(shared.facts().guest_calls));
        let mut seen = HashSet::new();
        let shared = named.into_iter().filter(|shared| seen.insert(Arc::as_ptr(shared))).cloned().collect();
        RuleFacts { own, shared, guest_calls }
    }
}

/// What is found on the way.
#[derive(Default)]
struct Finding<'a> {
    /// By the paths' beginnings.
    attributes: BTreeSet<&'a str>,
    whole: bool,
    config_keys: BTreeSet<&'a str>,
    flags: BTreeSet<&'a Arc<str>>,
    guests: BTreeSet<&'a Arc<str>>,
    guest_calls: usize,
    loops: bool,
    reads_time: bool,
    shared: Vec<&'a Arc<SharedExpr>>,
}

impl Facts {
    /// Those of an expression without its shared rules, which are listed as often as they are named; their levels count.
    fn of<'a>(expr: &'a Expr, name: &dyn Fn(&str) -> Arc<str>) -> (Self, Vec<&'a Arc<SharedExpr>>) {
        let mut found = Finding::default();
        let levels = found.look(expr);
        let facts = Self {
            attributes: found.attributes.iter().map(|path| name(path)).collect(),
            reads_all: found.whole,
            config_keys: found.config_keys.iter().filter_map(|key| Key::new(key).ok()).collect(),
            flags: found.flags.into_iter().cloned().collect(),
            guests: found.guests.into_iter().cloned().collect(),
            guest_calls: found.guest_calls,
            loops: found.loops,
            reads_time: found.reads_time,
            levels,
        };
        (facts, found.shared)
    }
}

impl<'a> Finding<'a> {
    /// Gives back the levels.
    fn look(&mut self, expr: &'a Expr) -> usize {
        match expr {
            Expr::Shared(shared) => {
                self.shared.push(shared);
                return shared.facts().levels.saturating_add(1);
            }
            Expr::Var { path, .. } if !path.is_empty() => self.attributes.extend(path.split('.').next()),
            Expr::Var { .. } => self.whole = true,
            Expr::Config { key, .. } => drop(self.config_keys.insert(key)),
            Expr::Flag { key } => drop(self.flags.insert(key)),
            Expr::Guest { name, .. } => {
                self.whole = true;
                self.guest_calls = self.guest_calls.saturating_add(1);
                self.guests.insert(name);
            }
            Expr::Timestamp | Expr::Flagd => self.reads_time = true,
            Expr::Call { function: Function::Matches(_), .. } | Expr::Each { .. } | Expr::Reduce { .. } => {
                self.loops = true;
            }
            _ => {}
        }
        let mut below = 0;
        walk::children(expr, &mut |child| below = below.max(self.look(child)));
        below + 1
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::parse::{self, Setting, shared_rules};

    fn facts(rules: &[Json], shared: Json) -> Vec<RuleFacts> {
        let limits = Limits::default();
        let segments = shared_rules(|name| shared.get(name).cloned());
        let setting = Setting::new(&segments, &limits);
        let flag = Key::new("f").unwrap();
        let rule = |rule: &Json| parse::rule(&flag, rule, &setting).rule.unwrap().facts(&|name| name.into());
        rules.iter().map(rule).collect()
    }

    #[test]
    fn a_rule_knows_its_own_and_those_of_its_shared_rules_are_found_once() {
        let shared = json!({"s": {"and": [
            {"==": [{"var": "a.b"}, {"config": "k"}]}, {"flag": "x"}, {"some": [{"var": "l"}, {"var": ""}]}
        ]}});
        let rule = json!({"if": [{"$ref": "s"}, {"flag": "y"}, {"$ref": "s"}, {"var": "c"}]});
        let [one, other] = &facts(&[rule, json!({"$ref": "s"})], shared)[..] else { panic!() };
        let texts = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(&one.own.attributes), ["c"]);
        assert_eq!(texts(&one.own.flags), ["y"]);
        assert!(one.own.config_keys.is_empty() && !one.own.loops);
        assert_eq!(one.shared.len(), 1, "it is named twice");
        let of_shared = one.shared[0].facts();
        assert_eq!(texts(&of_shared.attributes), ["a", "l"]);
        assert_eq!((texts(&of_shared.flags), of_shared.config_keys.len()), (vec!["x".to_owned()], 1));
        assert!(of_shared.loops);
        assert!(std::ptr::eq(of_shared, other.shared[0].facts()), "all rules have the same ones");
        assert_eq!(one.own.levels, of_shared.levels + 2);
    }

    #[test]
    fn who_calls_guests_reads_everything_and_calls_are_counted_wherever_they_are_named() {
        let rule = json!({"if": [{"segment": "s"}, {"guest": ["h"]}, {"segment": "s"}, "on"]});
        let [found] = &facts(&[rule], json!({"s": {"guest": ["g"]}}))[..] else { panic!() };
        assert_eq!((found.own.reads_all, found.guest_calls), (true, 3));
        assert!(found.shared[0].facts().reads_all);
    }
}
