//! Flags, environments and tenants as people and programs see them, merged and repaired.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::Key;

/// The member of a flag's metadata that, being true, marks the flag for clients: applications that are handed out,
/// whose tokens anybody may read, evaluate no other flag.
pub const FOR_CLIENTS: &str = "burgee.client";

/// What is known of a tenant beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantMeta {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What is known of an environment beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvironmentMeta {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether changes ask for more care.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// How `fractional` buckets here. Whoever changes it moves users between variants.
    #[serde(rename = "fractionalVersion", skip_serializing_if = "Bucketing::is_default")]
    pub bucketing: Bucketing,
}

/// A version of flagd's bucketing, which decides what `fractional` hashes. It is written as its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub enum Bucketing {
    /// Version 2: a text as it is; by itself, flag key + targeting key.
    #[default]
    V2,
    /// Version 3: the canonical CBOR of any value; by itself, of the list of flag key and targeting key.
    V3,
}

impl Bucketing {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The version's number.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// The number is none of a version of bucketing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`fractional` has the versions 2 and 3")]
pub struct BucketingError;

impl TryFrom<u64> for Bucketing {
    type Error = BucketingError;

    fn try_from(number: u64) -> Result<Self, BucketingError> {
        [Self::V2, Self::V3].into_iter().find(|version| version.number() == number).ok_or(BucketingError)
    }
}

impl From<Bucketing> for u64 {
    fn from(version: Bucketing) -> Self {
        version.number()
    }
}

/// Whether a flag is evaluated in an environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// It is.
    Enabled,
    /// It answers without a value, so that the application takes its own default.
    #[default]
    Disabled,
}

/// The kill switch: while set, the flag answers as disabled whatever its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kill {
    /// Whether it is set.
    pub killed: bool,
    /// Why, in its author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A flag of a tenant, materialised: always fit to evaluate and to export.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// Its key.
    pub key: Key,
    /// A name for people.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Texts, numbers and booleans that answers carry.
    pub metadata: Map<String, Json>,
    /// Variant name to value, in their author's order.
    pub variants: Map<String, Json>,
    /// Its part in each environment where something of it was ever written.
    pub environments: BTreeMap<Key, FlagIn>,
}

/// A flag in one environment, materialised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlagIn {
    /// Whether it is evaluated.
    pub state: State,
    /// What it answers where no rule decides; always names one of `variants`.
    pub default_variant: Option<String>,
    /// The rule: an object, never an empty one.
    pub targeting: Option<Json>,
    /// The kill switch.
    pub kill: Kill,
    /// The variants as they are here: the flag's, with this environment's overrides. Merging and imports may mix types.
    pub variants: Map<String, Json>,
    /// The overrides alone, as an import wrote them.
    pub variant_overrides: Option<Map<String, Json>>,
    /// The metadata as it is here.
    pub metadata: Map<String, Json>,
    /// Members of the imported flag that Burgee does not know.
    pub extra: Map<String, Json>,
}

impl FlagIn {
    /// Whether an evaluation here gives a value at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state == State::Enabled && !self.kill.killed
    }
}
