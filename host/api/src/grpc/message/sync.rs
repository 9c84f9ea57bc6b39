//! `flagd.sync.v1`.

use serde::{Deserialize, Serialize};

use super::{Struct, null_is_default};

/// What both calls for flags ask with; who asks (`provider_id`) is of no account.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(in crate::grpc) struct SyncFlagsRequest {
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "null_is_default")]
    pub(in crate::grpc) selector: String,
}

/// All flags, in a stream and once (`FetchAllFlagsResponse` is the same). The context of the set (`sync_context`, 2) is always empty here.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grpc) struct SyncFlagsResponse {
    #[prost(string, tag = "1")]
    pub(in crate::grpc) flag_configuration: String,
}

/// The metadata of the set.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(in crate::grpc) struct GetMetadataResponse {
    #[prost(message, optional, tag = "2")]
    pub(in crate::grpc) metadata: Option<Struct>,
}
