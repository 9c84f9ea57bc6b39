//! Evaluations: OFREP's documents, and ours.

use serde_json::{Map, Value as Json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Ref, RefOr, Schema, schema::AnyOfBuilder},
};

use super::Stamps;

/// What to evaluate: one flag, or all.
#[derive(ToSchema)]
pub(crate) struct EvaluateRequest {
    flag: Option<String>,
    context: Option<Map<String, Json>>,
    /// As of when: RFC 3339, a day, or milliseconds since 1970. Flags and segments are those of then, and so is the time
    /// that rules see. 422 `history_not_kept` where no history reaches back so far.
    at: Option<Json>,
    /// Whether to say why: the tree of the flag's rule in `explain`, and the stamps of what was read in `stamps`.
    explain: Option<bool>,
}

/// The context of an OFREP request.
#[derive(ToSchema)]
pub(crate) struct OfrepRequest {
    context: Option<Map<String, Json>>,
}

/// An OFREP item: a success (whose value is absent where the application takes its own default) or a failure.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct OfrepItem {
    key: String,
    #[schema(nullable = false)]
    value: Option<Json>,
    #[schema(nullable = false)]
    variant: Option<String>,
    #[schema(nullable = false)]
    reason: Option<String>,
    #[schema(nullable = false)]
    metadata: Option<Map<String, Json>>,
    #[schema(nullable = false)]
    error_code: Option<String>,
    #[schema(nullable = false)]
    error_details: Option<String>,
    /// Where it was asked for: what each part of the rule gave, and which branch decided; null where no rule ran.
    explain: Option<Explained>,
    #[schema(nullable = false)]
    stamps: Option<Stamps>,
    /// That there are more stamps than are listed.
    #[schema(nullable = false)]
    stamps_complete: Option<bool>,
    /// Of an evaluation as of an instant: whether all that was read is known to have been so then.
    #[schema(nullable = false)]
    complete: Option<bool>,
}

/// An explained part of a rule. What is absent does not apply to it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Explained {
    /// Where it stands in the flag's `targeting`, or in the shared rule: a JSON pointer.
    path: String,
    #[schema(nullable = false)]
    operator: Option<String>,
    /// What it gave.
    value: Option<Json>,
    /// That the value is too large to be shown.
    #[schema(nullable = false)]
    value_truncated: Option<bool>,
    /// Why there is no value.
    #[schema(nullable = false)]
    error: Option<String>,
    /// The operations among its operands that were looked at.
    #[schema(nullable = false, no_recursion)]
    operands: Option<Vec<Explained>>,
    /// The position of the operand that decided.
    #[schema(nullable = false)]
    branch: Option<u32>,
    /// The bucket that was hashed to.
    #[schema(nullable = false)]
    bucket: Option<u32>,
    /// Of how many buckets.
    #[schema(nullable = false)]
    of: Option<u32>,
    /// The shared rule that was asked for.
    #[schema(nullable = false)]
    segment: Option<String>,
    /// The other flag that was asked for.
    flag: Option<Json>,
    /// That nothing below was looked at.
    #[schema(nullable = false)]
    truncated: Option<bool>,
}

/// All flags of an environment, evaluated.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct OfrepBulk {
    flags: Vec<OfrepItem>,
    #[schema(nullable = false)]
    metadata: Option<Map<String, Json>>,
    /// Of an evaluation as of an instant: whether all that was read is known to have been so then.
    #[schema(nullable = false)]
    complete: Option<bool>,
    /// Where changes are told of.
    #[schema(nullable = false)]
    event_streams: Option<Vec<OfrepEventStream>>,
}

/// What an evaluation gives: an item of one flag, or all.
pub(crate) struct Evaluated;

impl PartialSchema for Evaluated {
    fn schema() -> RefOr<Schema> {
        let [one, all] = [OfrepItem::name(), OfrepBulk::name()].map(Ref::from_schema_name);
        AnyOfBuilder::new().item(one).item(all).into()
    }
}

impl ToSchema for Evaluated {}

/// Where changes are told of.
#[derive(ToSchema)]
pub(crate) struct OfrepEventStream {
    /// Always `sse`.
    #[schema(rename = "type")]
    kind: String,
    endpoint: OfrepEndpoint,
}

/// An address on the origin that was asked.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct OfrepEndpoint {
    request_uri: String,
}

/// Why OFREP gives no evaluation.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct OfrepFailure {
    #[schema(nullable = false)]
    key: Option<String>,
    error_code: String,
    error_details: String,
}
