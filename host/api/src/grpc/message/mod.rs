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
    sync::{FetchAllFlagsResponse, GetMetadataResponse, SyncFlagsRequest, SyncFlagsResponse},
};
