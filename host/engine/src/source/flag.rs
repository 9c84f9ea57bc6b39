//! A flag as snapshots are built from it: JSON stays text, for a tree takes twenty times as much memory, and only
//! a rule that changes is read.

use burgee_model::{FlagIn, json};
use serde_json::{Map, Value as Json};

/// A flag in one environment, packed.
#[derive(Clone, Debug, PartialEq)]
pub struct FlagSource {
    /// Whether an evaluation gives a value at all.
    pub(crate) on: bool,
    pub(crate) default_variant: Option<Box<str>>,
    /// The rule, JSON text.
    pub(crate) targeting: Option<Box<str>>,
    /// Names and values, JSON text, in their author's order.
    pub(crate) variants: Box<[(Box<str>, Box<str>)]>,
    pub(crate) metadata: Map<String, Json>,
}

impl From<&FlagIn> for FlagSource {
    fn from(flag: &FlagIn) -> Self {
        let text = |json: &Json| json.to_string().into_boxed_str();
        Self {
            on: flag.is_on(),
            default_variant: flag.default_variant.as_deref().map(Box::from),
            targeting: flag.targeting.as_ref().map(text),
            variants: flag.variants.iter().map(|(name, value)| (Box::from(&**name), text(value))).collect(),
            metadata: flag.metadata.clone(),
        }
    }
}

impl FlagSource {
    /// The rule as a tree; none where there is none.
    pub(crate) fn rule(&self) -> Option<Json> {
        // it was written from a tree of no more levels than what is stored may have
        self.targeting.as_ref().and_then(|text| json::parse(text.as_bytes(), json::STORED_DEPTH_MAX).ok())
    }
}
