//! History and conflicts.

use serde_json::Value as Json;
use utoipa::ToSchema;

/// A version of a register, as it was written.
#[derive(ToSchema)]
pub(crate) struct VersionShown {
    stamp: String,
    /// When, by the clock of its author.
    #[schema(format = DateTime)]
    at: String,
    actor: String,
    /// What was written together has the same.
    change: String,
    #[schema(nullable = false)]
    note: Option<String>,
    /// `put` or `delete`.
    op: String,
    #[schema(required)]
    value: Option<Json>,
}

/// A version with its register.
#[derive(ToSchema)]
pub(crate) struct HistoryItem {
    register: crate::admin::address::Register,
    #[schema(inline)]
    #[serde(flatten)]
    version: VersionShown,
    /// Whether it counts now.
    current: bool,
}

/// A page of versions, newest first.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct HistoryList {
    items: Vec<HistoryItem>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A register in which versions stand beside the current one.
#[derive(ToSchema)]
pub(crate) struct Conflict {
    register: crate::admin::address::Register,
    winner: VersionShown,
    /// Newest first.
    losers: Vec<VersionShown>,
}

/// A page of conflicts.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ConflictList {
    items: Vec<Conflict>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Which conflict to settle in favour of what stands.
#[derive(ToSchema)]
pub(crate) struct DismissRequest {
    register: crate::admin::address::Register,
    note: Option<String>,
}

/// Which version's value to write again.
#[derive(ToSchema)]
pub(crate) struct RestoreRequest {
    register: crate::admin::address::Register,
    stamp: String,
    note: Option<String>,
}

/// The version that was written.
#[derive(ToSchema)]
pub(crate) struct Settled {
    #[serde(flatten)]
    item: HistoryItem,
    /// How many losers of the register still stand.
    #[serde(rename = "losersLeft")]
    losers_left: usize,
}
