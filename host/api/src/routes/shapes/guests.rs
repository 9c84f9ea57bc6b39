//! Guests.

use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::Stamps;

/// A guest, its module aside.
#[derive(ToSchema)]
pub(crate) struct Guest {
    key: String,
    /// SHA-256 of the component: 64 hex digits.
    digest: String,
    /// Of the component.
    bytes: u64,
    /// How many it passed before it went live.
    fixtures: u64,
    stamps: Stamps,
}

/// A page of guests.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct GuestList {
    items: Vec<Guest>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A guest to upload.
#[derive(ToSchema)]
pub(crate) struct GuestUpload {
    #[schema(format = Binary)]
    module: Vec<u8>,
    #[schema(nullable = false)]
    fixtures: Option<Vec<GuestFixture>>,
}

/// A call of a guest, and what it must answer.
#[derive(ToSchema)]
pub(crate) struct GuestFixture {
    #[schema(required)]
    context: Option<Map<String, Json>>,
    expected: Json,
    #[schema(nullable = false)]
    arguments: Option<Vec<Json>>,
    /// The config entries that there are.
    #[schema(nullable = false)]
    config: Option<Map<String, Json>>,
    #[schema(nullable = false)]
    flag: Option<String>,
    /// Seconds since 1970-01-01T00:00:00Z.
    #[schema(nullable = false)]
    timestamp: Option<u64>,
}
