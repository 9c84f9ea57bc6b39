//! Imports of flagd documents.

use utoipa::ToSchema;

use super::{FlagProblem, State};

/// What an import did, or would do.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ImportReport {
    dry_run: bool,
    created: Vec<String>,
    changed: Vec<String>,
    unchanged: usize,
    pruned: Vec<String>,
    /// What changes, line by line.
    diff: Vec<ImportLine>,
    /// The registers whose value changes.
    changes: Vec<ImportChange>,
    /// Faults of rules, which the import keeps all the same, and what prune leaves because environments share it.
    problems: Vec<FlagProblem>,
}

/// How a document is written.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum DocumentFormat {
    Json,
    Yaml,
}

/// One line of what an import changes.
#[derive(ToSchema)]
pub(crate) struct ImportLine {
    /// `add`, `change` or `remove`.
    op: String,
    /// `flag`, `segment`, or `document` for the document's own members.
    kind: String,
    #[schema(nullable = false)]
    key: Option<String>,
    /// Of what changes: which parts.
    #[schema(nullable = false)]
    fields: Option<Vec<String>>,
    /// Of a new flag: the type of its variants.
    #[schema(nullable = false)]
    r#type: Option<String>,
    /// Of a new flag.
    #[schema(nullable = false)]
    state: Option<State>,
}

/// One register that an import changes.
#[derive(ToSchema)]
pub(crate) struct ImportChange {
    register: crate::admin::address::Register,
    /// `put` or `delete`.
    op: String,
}
