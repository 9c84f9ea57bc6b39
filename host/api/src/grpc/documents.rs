//! An environment's flags as a text, written once for all who ask for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use burgee_engine::Snapshot;
use burgee_model::Key;
use serde_json::Value as Json;

use super::status::{Code, Status};
use crate::{admin::flagd, error::ApiError, http::Api};

/// A flagd document.
pub(super) type Document = Arc<str>;

/// The documents that somebody holds at the moment.
#[derive(Default)]
pub(super) struct Documents(Mutex<HashMap<(Key, Key), Arc<Slot>>>);

/// That of one environment. Locked while it is written, so that it is written once.
type Slot = tokio::sync::Mutex<Held>;

/// Neither is kept alive here.
struct Held {
    snapshot: Weak<Snapshot>,
    document: Option<Weak<str>>,
}

impl Documents {
    /// The document of an environment, not older than a snapshot of it.
    pub(super) async fn get(&self, api: &Api, snapshot: &Arc<Snapshot>) -> Result<Document, Status> {
        let slot = self.slot(snapshot);
        let mut held = slot.lock().await;
        let same = Weak::ptr_eq(&held.snapshot, &Arc::downgrade(snapshot));
        if let Some(document) = held.document.as_ref().filter(|_| same).and_then(Weak::upgrade) {
            return Ok(document);
        }
        let document: Document = write(api, snapshot).await?;
        *held = Held { snapshot: Arc::downgrade(snapshot), document: Some(Arc::downgrade(&document)) };
        Ok(document)
    }

    /// The place of an environment's document; those that nobody holds are let go.
    fn slot(&self, snapshot: &Snapshot) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = (snapshot.tenant().clone(), snapshot.environment().clone());
        if !slots.contains_key(&id) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|held| held.is_alive()));
        }
        let empty = || Arc::new(Slot::new(Held { snapshot: Weak::new(), document: None }));
        slots.entry(id).or_insert_with(empty).clone()
    }
}

impl Held {
    fn is_alive(&self) -> bool {
        self.document.as_ref().is_some_and(|document| document.strong_count() > 0)
    }
}

/// Writing it takes a processor's time, so it is done beside the threads that serve.
async fn write(api: &Api, snapshot: &Snapshot) -> Result<Document, Status> {
    let (store, limits) = (api.store.clone(), api.limits.clone());
    let (tenant, environment) = (snapshot.tenant().clone(), snapshot.environment().clone());
    let written = tokio::task::spawn_blocking(move || {
        let exported = flagd::export(&store.read(), store.now(), &tenant, &environment, &limits)?;
        Ok::<_, ApiError>(Document::from(Json::Object(exported).to_string()))
    });
    match written.await {
        Ok(document) => Ok(document?),
        Err(error) => {
            tracing::error!(%error, "a document was not written");
            Err(Status::new(Code::Internal, "the server failed"))
        }
    }
}
