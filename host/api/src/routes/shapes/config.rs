//! Config entries.

use utoipa::ToSchema;

/// A config entry, its value aside.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ConfigEntry {
    key: String,
    stamp: String,
    content_type: String,
    size: usize,
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
}

/// A page of config entries.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ConfigList {
    items: Vec<ConfigEntry>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}
