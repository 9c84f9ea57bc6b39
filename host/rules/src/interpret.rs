//! Running a rule directly: tier 0, and the oracle of every emitted module.

use std::borrow::Cow;

use burgee_model::{Context, Limits, Value};

use crate::{EvalError, ir::Rule};

/// All that a rule may read.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The key of the flag.
    pub flag_key: &'a str,
    /// What the application tells.
    pub context: &'a Context,
    /// The time, in whole seconds since the Unix epoch.
    pub timestamp_seconds: u64,
    /// The value of a config entry; null where it is absent.
    pub config: &'a dyn Fn(&str) -> Value,
    /// What an evaluation may cost.
    pub limits: &'a Limits,
}

/// The value of a rule: borrowed from the rule or the context where it stands there.
pub fn evaluate<'a>(rule: &'a Rule, inputs: &Inputs<'a>) -> Result<Cow<'a, Value>, EvalError> {
    let _ = (rule, inputs);
    Ok(Cow::Owned(Value::Null))
}
