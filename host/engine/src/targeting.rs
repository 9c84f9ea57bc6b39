//! A flag's rule, read once and shared by every snapshot in which it stands unchanged.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use burgee_model::{Key, Limits, Problem, Value};
use serde_json::Value as Json;

use crate::digest::Digester;

/// A rule with what the engine must know of it.
pub(crate) struct Targeting {
    /// The checked rule; none where it does not compile.
    pub(crate) rule: Option<Arc<()>>,
    pub(crate) problems: Vec<Problem>,
    /// The constants that the rule can give as they stand, in the order in which the compiled rule counts them.
    pub(crate) results: Box<[Value]>,
    /// Of the rule's JSON and of the shared rules that it uses.
    pub(crate) digest: u128,
    /// The shared rules that it asked for, and what they were.
    uses: Box<[(Box<str>, Option<Json>)]>,
}

impl Targeting {
    pub(crate) fn new(flag: &Key, json: &Json, segments: &BTreeMap<Key, Json>, _limits: &Limits) -> Self {
        let uses = RefCell::new(Vec::new());
        let _segment = |name: &str| {
            let found = segments.get(name).cloned();
            uses.borrow_mut().push((Box::from(name), found.clone()));
            found
        };
        let uses = uses.into_inner().into_boxed_slice();
        let _ = flag;
        Self { rule: None, problems: Vec::new(), results: [].into(), digest: digest(json, &uses), uses }
    }

    /// Whether the shared rules that it uses are still what they were.
    pub(crate) fn still_holds(&self, segments: &BTreeMap<Key, Json>) -> bool {
        self.uses.iter().all(|(name, then)| segments.get(&**name) == then.as_ref())
    }
}

fn digest(json: &Json, uses: &[(Box<str>, Option<Json>)]) -> u128 {
    let mut d = Digester::new("rule");
    d.json(json);
    for (name, rule) in uses {
        d.text(name);
        d.json(rule.as_ref().unwrap_or(&Json::Null));
    }
    d.finish()
}
