//! Rollouts of config entries.

use serde_json::Value as Json;
use utoipa::ToSchema;

use super::ConfigEntry;

/// A rollout that goes on.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Rollout {
    key: String,
    /// `waiting`, `running`, `paused` or `whole`.
    state: String,
    /// The share of readers that get the next value, in percent.
    share: f64,
    /// The share over time: the members of a rule's `ramp`. Pauses are not in it.
    #[schema(value_type = Object)]
    ramp: Json,
    /// `instance` or `group`.
    by: String,
    next: NextValue,
    /// The stamp of the entry's version that it began over.
    over: String,
    stamp: String,
    #[schema(format = DateTime)]
    started_at: String,
    started_by: String,
    /// Who wrote it last.
    actor: String,
    /// From when on all readers get the next value.
    #[schema(nullable = false, format = DateTime)]
    whole_at: Option<String>,
    #[schema(nullable = false, format = DateTime)]
    paused_at: Option<String>,
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
    #[schema(nullable = false)]
    note: Option<String>,
    #[schema(nullable = false)]
    r#as: Option<Reader>,
}

/// The value that readers come to, its bytes aside.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NextValue {
    content_type: String,
    size: usize,
}

/// What one reader gets.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Reader {
    name: String,
    /// `next` or `present`.
    gets: String,
    /// From when on it gets the next value.
    #[schema(nullable = false, format = DateTime)]
    next_at: Option<String>,
}

/// A page of rollouts.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct RolloutList {
    items: Vec<Rollout>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// What is to be done.
#[derive(ToSchema)]
pub(crate) struct RolloutAction {
    /// `pause`, `resume`, `abort` or `finish`.
    action: String,
    #[schema(nullable = false, max_length = 4096)]
    note: Option<String>,
}

/// What was done.
#[derive(ToSchema)]
pub(crate) struct RolloutWritten {
    key: String,
    /// `started`, `paused`, `resumed`, `aborted` or `finished`.
    done: String,
    stamp: String,
    /// The entry, where its next value is the present one now.
    #[schema(nullable = false)]
    entry: Option<ConfigEntry>,
}
