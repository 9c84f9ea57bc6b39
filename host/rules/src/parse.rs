//! From targeting as JSON to the typed form of a rule, with all faults found on the way.

use burgee_model::{Key, Limits, Problem};
use serde_json::Value as Json;

use crate::ir::Rule;

/// What became of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// The rule; `None` exactly where there are faults: the flag answers PARSE_ERROR.
    pub rule: Option<Rule>,
    /// Why it does not compile.
    pub faults: Vec<Problem>,
    /// What compiles but cannot be meant, such as an operator that gives null whatever the context. Writes by
    /// people are refused for it, imports and merges are not.
    pub warnings: Vec<Problem>,
}

impl Compiled {
    /// Faults and warnings.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.faults.iter().chain(&self.warnings)
    }
}

/// Finds a shared rule (`$ref`) by its name.
pub type Segments<'a> = &'a dyn Fn(&str) -> Option<Json>;

/// Reads the rule of a flag. The paths of problems are relative to `targeting`.
#[must_use]
pub fn rule(flag: &Key, targeting: &Json, segments: Segments<'_>, limits: &Limits) -> Compiled {
    let _ = (flag, targeting, segments, limits);
    Compiled::default()
}
