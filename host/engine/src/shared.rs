//! The shared rules of an environment: each is kept and read once, over the builds in which it stands unchanged.

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::{Bucketing, Key};
use burgee_rules::parse::SharedRule;
use serde_json::Value as Json;

use crate::digest::Digester;

/// A shared rule.
pub(crate) struct Shared {
    document: Arc<Json>,
    /// How its `fractional` buckets.
    bucketing: Bucketing,
    pub(crate) rule: Arc<SharedRule>,
    pub(crate) digest: u128,
}

/// Those of an environment, by name.
pub(crate) type SharedRules = BTreeMap<Key, Arc<Shared>>;

impl Shared {
    fn new(document: Arc<Json>, bucketing: Bucketing) -> Self {
        let mut d = Digester::new("shared");
        d.json(&document);
        Self { rule: SharedRule::new(document.clone()), digest: d.finish(), document, bucketing }
    }

    fn is_of(&self, document: &Arc<Json>, bucketing: Bucketing) -> bool {
        self.bucketing == bucketing && (Arc::ptr_eq(&self.document, document) || self.document == *document)
    }
}

/// The shared rules of a source, with those of an earlier build that are as they were.
pub(crate) fn shared(
    before: Option<&SharedRules>,
    documents: BTreeMap<Key, Arc<Json>>,
    bucketing: Bucketing,
) -> SharedRules {
    let shared = |(name, document): (Key, Arc<Json>)| {
        let known = before.and_then(|before| before.get(&name)).filter(|known| known.is_of(&document, bucketing));
        let shared = known.cloned().unwrap_or_else(|| Arc::new(Shared::new(document, bucketing)));
        (name, shared)
    };
    documents.into_iter().map(shared).collect()
}

#[cfg(test)]
mod tests {
    use burgee_model::{FlagIn, Limits, State};
    use burgee_rules::{facts::SharedExpr, ir::Expr};
    use serde_json::{Map, json};

    use super::*;
    use crate::{
        build,
        flag::PreparedFlag,
        patterns::Patterns,
        source::{EnvironmentSource, FlagSource},
    };

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    fn documents(staff: &str) -> BTreeMap<Key, Arc<Json>> {
        let rule = |of: &str| Arc::new(json!({"in": [{"var": "id"}, ["a", of]]}));
        [(key("staff"), rule(staff)), (key("other"), rule("o"))].into()
    }

    /// Flags of a rule each, which a shared rule decides.
    fn flags(shared: &SharedRules, rules: &[Json]) -> Box<[Arc<PreparedFlag>]> {
        let flag = |rule: &Json| FlagIn { state: State::Enabled, targeting: Some(rule.clone()), ..FlagIn::default() };
        let flag = |rule: &Json| Arc::new(FlagSource::from(&flag(rule)));
        let source = EnvironmentSource {
            tenant: key("t"),
            environment: key("e"),
            flags: BTreeMap::new(),
            segments: BTreeMap::new(),
            bucketing: Bucketing::V2,
            guests: BTreeMap::new(),
            set: Map::new(),
        };
        let flags = rules.iter().enumerate().map(|(at, rule)| (key(&format!("f{at}")), flag(rule))).collect();
        build::flags(None, flags, &source, shared, &Patterns::new(None), &|_: &Key| Vec::new(), &Limits::default())
    }

    fn decides(flag: &PreparedFlag) -> &Arc<SharedExpr> {
        match &flag.targeting.as_ref().unwrap().rule.as_ref().unwrap().root {
            Expr::Shared(shared) => shared,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_flags_of_an_environment_have_one_reading() {
        let before = shared(None, documents("b"), Bucketing::V2);
        let rule = json!({"$ref": "staff"});
        let flags_before = flags(&before, &[rule.clone(), rule.clone()]);
        assert!(Arc::ptr_eq(decides(&flags_before[0]), decides(&flags_before[1])));
        let held = |flag: &PreparedFlag| Arc::as_ptr(&flag.targeting.as_ref().unwrap().facts.shared[0]);
        assert_eq!(held(&flags_before[0]), held(&flags_before[1]), "and what it reads is listed once");
        let kept = shared(Some(&before), documents("b"), Bucketing::V2);
        let flags_after = flags(&kept, &[json!({"var": "x"}), rule]);
        assert!(Arc::ptr_eq(decides(&flags_before[0]), decides(&flags_after[1])), "kept over edits of other things");
    }

    #[test]
    fn what_changed_is_another_rule() {
        let before = shared(None, documents("b"), Bucketing::V2);
        let is_kept = |after: &SharedRules, name: &str| Arc::ptr_eq(&before[name], &after[name]);
        let edited = shared(Some(&before), documents("c"), Bucketing::V2);
        assert!(!is_kept(&edited, "staff") && is_kept(&edited, "other"));
        assert_ne!(before["staff"].digest, edited["staff"].digest);
        assert!(!is_kept(&shared(Some(&before), documents("b"), Bucketing::V3), "staff"), "it is read otherwise");
    }
}
