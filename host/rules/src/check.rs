//! What POST and PATCH refuse.

use burgee_model::{Key, Limits, Problem};
use serde_json::{Map, Value as Json};

use crate::parse::Segments;

/// A flag as it is written for one environment.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// Its key.
    pub key: &'a Key,
    /// Variant name to value.
    pub variants: &'a Map<String, Json>,
    /// What it answers where no rule decides.
    pub default_variant: Option<&'a str>,
    /// Its rule.
    pub targeting: Option<&'a Json>,
    /// The shared rules of the environment.
    pub segments: Segments<'a>,
    /// What is allowed.
    pub limits: &'a Limits,
}

/// All problems of a rule, with paths relative to `targeting`: faults, and warnings that only an import may bring.
#[must_use]
pub fn rule(flag: &Key, targeting: &Json, segments: Segments<'_>, limits: &Limits) -> Vec<Problem> {
    let _ = (flag, targeting, segments, limits);
    Vec::new()
}

/// All problems of a flag, with paths `/variants/…`, `/defaultVariant`, `/targeting/…`.
#[must_use]
pub fn flag(draft: &Draft<'_>) -> Vec<Problem> {
    let _ = draft;
    Vec::new()
}
