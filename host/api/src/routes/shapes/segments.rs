//! Segments.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use utoipa::ToSchema;

use super::Stamps;

/// A segment: a rule that flags share.
#[derive(ToSchema)]
pub(crate) struct Segment {
    key: String,
    #[schema(required)]
    rule: Option<Json>,
    /// Environments with a rule of their own.
    environments: BTreeMap<String, SegmentIn>,
    stamps: Stamps,
}

/// An environment's own rule for a segment.
#[derive(ToSchema)]
pub(crate) struct SegmentIn {
    rule: Json,
}

/// A page of segments.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct SegmentList {
    items: Vec<Segment>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A segment to create.
#[derive(ToSchema)]
pub(crate) struct NewSegment {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    rule: Json,
    note: Option<String>,
}

/// What to change of a segment.
#[derive(ToSchema)]
pub(crate) struct SegmentPatch {
    rule: Json,
    note: Option<String>,
}
