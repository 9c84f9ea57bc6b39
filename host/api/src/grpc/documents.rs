//! An environment's flags as a text, written once for all who ask for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use axum::body::Bytes;
use burgee_engine::Snapshot;
use burgee_model::Key;
use serde_json::Value as Json;

use super::{
    message::SyncFlagsResponse,
    status::{Code, Status},
    wire::{Encoding, Wire},
};
use crate::{admin::flagd, error::ApiError, http::Api};

/// A flagd document.
pub(super) struct Document {
    pub(super) text: String,
    /// The message of a stream, in either encoding: it is large, and the same for all.
    messages: [OnceLock<Bytes>; 2],
}

impl Document {
    fn new(text: String) -> Arc<Self> {
        Arc::new(Self { text, messages: Default::default() })
    }

    /// As a message of a stream, which all protocols frame alike.
    pub(super) fn message(&self, wire: Wire) -> Bytes {
        let [proto, json] = &self.messages;
        let message = if wire.encoding == Encoding::Proto { proto } else { json };
        message.get_or_init(|| wire.write(&SyncFlagsResponse { flag_configuration: self.text.clone() })).clone()
    }
}

/// The documents that somebody holds at the moment.
#[derive(Default)]
pub(super) struct Documents(Mutex<HashMap<(Key, Key), Arc<Slot>>>);

/// That of one environment. Locked while it is written, so that it is written once.
type Slot = tokio::sync::Mutex<Held>;

/// Neither is kept alive here.
struct Held {
    snapshot: Weak<Snapshot>,
    document: Weak<Document>,
}

impl Documents {
    /// The document of an environment, not older than a snapshot of it.
    pub(super) async fn get(&self, api: &Api, snapshot: &Arc<Snapshot>) -> Result<Arc<Document>, Status> {
        let slot = self.slot(snapshot);
        let mut held = slot.lock().await;
        let same = Weak::ptr_eq(&held.snapshot, &Arc::downgrade(snapshot));
        if let Some(document) = held.document.upgrade().filter(|_| same) {
            return Ok(document);
        }
        let document = write(api, snapshot).await?;
        *held = Held { snapshot: Arc::downgrade(snapshot), document: Arc::downgrade(&document) };
        Ok(document)
    }

    /// The place of an environment's document; those that nobody holds are let go.
    fn slot(&self, snapshot: &Snapshot) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = (snapshot.tenant().clone(), snapshot.environment().clone());
        if !slots.contains_key(&id) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|held| held.is_alive()));
        }
        let empty = || Arc::new(Slot::new(Held { snapshot: Weak::new(), document: Weak::new() }));
        slots.entry(id).or_insert_with(empty).clone()
    }
}

impl Held {
    fn is_alive(&self) -> bool {
        self.document.strong_count() > 0
    }
}

/// Writing it takes a processor's time, so it is done beside the threads that serve.
async fn write(api: &Api, snapshot: &Snapshot) -> Result<Arc<Document>, Status> {
    let (store, limits) = (api.store.clone(), api.limits.clone());
    let (tenant, environment) = (snapshot.tenant().clone(), snapshot.environment().clone());
    let written = tokio::task::spawn_blocking(move || {
        let exported = flagd::export(&store.read(), store.now(), &tenant, &environment, &limits)?;
        Ok::<_, ApiError>(Document::new(Json::Object(exported).to_string()))
    });
    match written.await {
        Ok(document) => Ok(document?),
        Err(error) => {
            tracing::error!(%error, "a document was not written");
            Err(Status::new(Code::Internal, "the server failed"))
        }
    }
}
