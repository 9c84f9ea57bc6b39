//! An environment's flags as a message, written once for all who ask for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use axum::body::Bytes;
use burgee_engine::Snapshot;
use burgee_model::Key;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{
    message::SyncFlagsResponse,
    place::Place,
    status::{Code, Status},
    wire::{Encoding, Wire},
};
use crate::{admin::flagd, error::ApiError, http::Api};

/// A flagd document, as the message of a stream: large, and the same for all, in all protocols.
pub(super) struct Document {
    /// Counts as an answer of its tenant for as long as anybody holds a part of it.
    message: Bytes,
    /// Names the text, so that nobody need keep it to know whether another one is news.
    pub(super) digest: [u8; 32],
}

impl Document {
    /// The message, framed. As long as it is held, whoever asks for the same document gets the same bytes.
    pub(super) fn message(self: &Arc<Self>) -> Bytes {
        Bytes::from_owner(Whole(self.clone()))
    }
}

struct Whole(Arc<Document>);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.0.message
    }
}

/// The documents that somebody holds at the moment.
#[derive(Default)]
pub(super) struct Documents(Mutex<HashMap<Id, Arc<Slot>>>);

/// An environment, and how its document is written.
type Id = (Key, Key, Encoding);

/// That of one environment. Locked while it is written, so that it is written once.
type Slot = tokio::sync::Mutex<Held>;

/// Neither is kept alive here.
#[derive(Default)]
struct Held {
    snapshot: Weak<Snapshot>,
    document: Weak<Document>,
    /// Bytes of the last one: about what the next will have.
    bytes: usize,
}

impl Documents {
    /// The document of an environment, not older than a snapshot of it.
    pub(super) async fn get(
        &self,
        api: &Api,
        place: &Place,
        wire: Wire,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Arc<Document>, Status> {
        let slot = self.slot(snapshot, wire.encoding);
        let mut held = slot.lock().await;
        let same = Weak::ptr_eq(&held.snapshot, &Arc::downgrade(snapshot));
        let before = held.document.upgrade();
        if let Some(document) = before.as_ref().filter(|_| same) {
            return Ok(document.clone());
        }
        let document = write(api, place, wire, snapshot, (before, held.bytes)).await?;
        let bytes = document.message.len();
        *held = Held { snapshot: Arc::downgrade(snapshot), document: Arc::downgrade(&document), bytes };
        Ok(document)
    }

    /// The place of an environment's document; those that nobody holds are let go.
    fn slot(&self, snapshot: &Snapshot, encoding: Encoding) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = (snapshot.tenant().clone(), snapshot.environment().clone(), encoding);
        if !slots.contains_key(&id) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|held| held.is_alive()));
        }
        slots.entry(id).or_default().clone()
    }
}

impl Held {
    fn is_alive(&self) -> bool {
        self.document.strong_count() > 0
    }
}

/// Writing it takes a processor's time, so it is done beside the threads that serve. Where the one before says the same, that
/// one is given: not every state of the flags differs in its text.
async fn write(
    api: &Api,
    place: &Place,
    wire: Wire,
    snapshot: &Snapshot,
    (before, bytes_about): (Option<Arc<Document>>, usize),
) -> Result<Arc<Document>, Status> {
    let (store, limits) = (api.store.clone(), api.limits.clone());
    let (tenant, environment) = (snapshot.tenant().clone(), snapshot.environment().clone());
    let mut share = api.answers.share(&place.holder(api));
    if before.is_none() {
        share.grow_to(bytes_about)?;
    }
    let written = tokio::task::spawn_blocking(move || {
        let exported = flagd::export(&store.read(), store.now(), &tenant, &environment, &limits)?;
        let text = Json::Object(exported).to_string();
        let digest = Sha256::digest(&text).into();
        if let Some(before) = before.filter(|before| before.digest == digest) {
            return Ok(before);
        }
        let message = wire.write_framed(&SyncFlagsResponse { flag_configuration: text });
        Ok::<_, ApiError>(Arc::new(Document { message: share.sealed(message)?, digest }))
    });
    match written.await {
        Ok(document) => Ok(document?),
        Err(error) => {
            tracing::error!(%error, "a document was not written");
            Err(Status::new(Code::Internal, "the server failed"))
        }
    }
}
