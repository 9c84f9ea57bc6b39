//! The messages of flagd's services. Each is protobuf and, as protojson has it, JSON.

mod evaluation;
mod structure;
mod sync;

pub(super) use self::{
    evaluation::{
        Answer, AnyFlag, AnyValue, EventStreamResponse, ResolveAllResponse, ResolveBooleanResponse,
        ResolveFloatResponse, ResolveIntResponse, ResolveObjectResponse, ResolveRequest, ResolveStringResponse,
        Resolved,
    },
    structure::Struct,
    sync::{GetMetadataResponse, SyncFlagsRequest, SyncFlagsResponse},
};

use serde::{Deserialize, Deserializer};

/// As protojson has it, a member that is null is one that is not there.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
