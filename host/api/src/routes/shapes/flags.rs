//! Flags, and what they are in each environment.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::Stamps;

/// Whether a flag is evaluated.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub(crate) enum State {
    Enabled,
    Disabled,
}

/// A fault of a stored flag.
#[derive(ToSchema)]
pub(crate) struct FlagProblem {
    path: String,
    code: String,
    message: String,
    #[schema(nullable = false)]
    hint: Option<String>,
    #[schema(nullable = false)]
    environment: Option<String>,
    /// `warning` where it is told, no more; else absent.
    #[schema(nullable = false)]
    severity: Option<String>,
}

/// A flag's part in one environment.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FlagSettings {
    state: State,
    #[schema(required)]
    default_variant: Option<String>,
    #[schema(required)]
    targeting: Option<Map<String, Json>>,
    kill: bool,
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Variants that differ here from the flag's own, from an import.
    #[schema(nullable = false)]
    variants: Option<Map<String, Json>>,
}

/// A flag.
#[derive(ToSchema)]
pub(crate) struct Flag {
    key: String,
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    description: Option<String>,
    tags: Vec<String>,
    metadata: Map<String, Json>,
    variants: Map<String, Json>,
    environments: BTreeMap<String, FlagSettings>,
    problems: Vec<FlagProblem>,
    /// Not in lists.
    #[schema(nullable = false)]
    stamps: Option<Stamps>,
}

/// A page of flags.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FlagList {
    items: Vec<Flag>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A flag to create.
#[derive(ToSchema)]
pub(crate) struct NewFlag {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    name: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    metadata: Option<Map<String, Json>>,
    variants: Map<String, Json>,
    environments: Option<BTreeMap<String, NewFlagSettings>>,
    note: Option<String>,
}

/// What a new flag is to be in one environment.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewFlagSettings {
    state: Option<State>,
    default_variant: Option<String>,
    targeting: Option<Map<String, Json>>,
    kill: Option<bool>,
    reason: Option<String>,
}

/// What to change of a flag.
#[derive(ToSchema)]
pub(crate) struct FlagPatch {
    name: Option<String>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    metadata: Option<Map<String, Json>>,
    #[schema(nullable = false)]
    variants: Option<Map<String, Json>>,
    note: Option<String>,
}

/// What to change of a flag in one environment. `reason` belongs to `kill`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FlagInPatch {
    #[schema(nullable = false)]
    state: Option<State>,
    default_variant: Option<String>,
    targeting: Option<Map<String, Json>>,
    kill: Option<bool>,
    reason: Option<String>,
    note: Option<String>,
}

/// A flag's part in one environment, with faults and stamps.
#[derive(ToSchema)]
pub(crate) struct FlagIn {
    #[serde(flatten)]
    settings: FlagSettings,
    problems: Vec<FlagProblem>,
    stamps: Stamps,
}
