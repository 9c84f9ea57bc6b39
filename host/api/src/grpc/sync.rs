//! `flagd.sync.v1`: all flags of an environment with their rules, for those who evaluate them by themselves.

use std::sync::{Arc, Weak};

use axum::body::Bytes;
use burgee_engine::Snapshot;
use prost::Message;

use super::{
    Grpc,
    message::{GetMetadataResponse, SyncFlagsRequest},
    place::Place,
    resolve::set_metadata,
    status::{Code, Status},
    stream::Teller,
    wire::{Encoding, Wire},
};
use crate::{http::Api, view::View};

/// Tells the whole state, at first and after every change.
pub(super) struct Sync {
    grpc: Arc<Grpc>,
    wire: Wire,
    /// What was told last: neither the state nor the document is kept.
    told: Option<(Weak<Snapshot>, [u8; 32])>,
}

impl Sync {
    pub(super) fn new(grpc: Arc<Grpc>, wire: Wire) -> Self {
        Self { grpc, wire, told: None }
    }
}

impl Teller for Sync {
    // who evaluates by itself knows the time
    fn told(&self) -> Option<&Arc<Snapshot>> {
        None
    }

    async fn tell(&mut self, api: &Api, place: &Place, snapshot: &Arc<Snapshot>) -> Result<Option<Bytes>, Status> {
        let seen = Arc::downgrade(snapshot);
        if self.told.as_ref().is_some_and(|(told, _)| Weak::ptr_eq(told, &seen)) {
            return Ok(None);
        }
        let document = self.grpc.documents.get(api, place, self.wire, snapshot).await?;
        let before = self.told.replace((seen, document.digest));
        let same = before.is_some_and(|(_, before)| before == document.digest);
        Ok((!same).then(|| document.message()))
    }
}

/// The selector of a request.
pub(super) fn selector(wire: Wire, message: &Bytes) -> Result<String, Status> {
    let unreadable = |error: &dyn std::fmt::Display| Status::invalid(format!("the message cannot be read: {error}"));
    let request: SyncFlagsRequest = match wire.encoding {
        Encoding::Proto => SyncFlagsRequest::decode(message.clone()).map_err(|error| unreadable(&error))?,
        Encoding::Json => serde_json::from_slice(message).map_err(|error| unreadable(&error))?,
    };
    Ok(request.selector)
}

/// Refuses applications that are handed out: rules may tell what their users are not to know.
pub(super) fn require_rules(place: &Place) -> Result<(), Status> {
    match place.view {
        View::All => Ok(()),
        View::Clients => Err(Status::new(Code::PermissionDenied, "tokens of clients see no rules")),
    }
}

/// All flags, once.
pub(super) async fn fetch(grpc: &Grpc, place: &Place, wire: Wire) -> Result<Bytes, Status> {
    let document = grpc.documents.get(&grpc.api, place, wire, &place.snapshot(&grpc.api)?).await?;
    // its answer is the stream's message
    Ok(wire.of_framed(document.message()))
}

/// What is known of all flags together.
pub(super) fn metadata(api: &Api, place: &Place, wire: Wire) -> Result<Bytes, Status> {
    let metadata = Some(set_metadata(&*place.snapshot(api)?));
    Ok(wire.write(&GetMetadataResponse { metadata }).into())
}
