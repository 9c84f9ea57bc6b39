//! What is remembered of a write that bore an idempotency key, so that the same request is not carried out twice.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::Digest;

/// The answer to a write, and which request it answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// The digest of the request: what is written, query, media type and body.
    pub request: Digest,
    /// The HTTP status.
    pub status: u16,
    /// The entity tag, without quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The JSON body; none was empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Json>,
}
