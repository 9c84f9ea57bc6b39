//! Flags, environments and tenants as people and programs see them, merged and repaired.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::Key;

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
    /// The variants as they are here: the flag's, with this environment's overrides, all of one type.
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
