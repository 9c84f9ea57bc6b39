//! `EventStream`: that flags changed, and which.

use std::sync::Arc;

use axum::body::Bytes;
use burgee_engine::{FlagChange, Snapshot};
use serde_json::{Map, Value as Json, json};

use super::{message::EventStreamResponse, status::Status, stream::Teller, wire::Wire};
use crate::{http::Api, view::View};

/// Tells which flags changed, of those that its client may see.
pub(super) struct Events {
    wire: Wire,
    view: View,
    /// The state that was told last.
    told: Option<Arc<Snapshot>>,
}

impl Events {
    pub(super) fn new(wire: Wire, view: View) -> Self {
        Self { wire, view, told: None }
    }

    fn event(&self, kind: &str, data: Option<Map<String, Json>>) -> Bytes {
        self.wire.write(&EventStreamResponse { kind: kind.to_owned(), data: data.map(Into::into) })
    }
}

impl Teller for Events {
    async fn tell(&mut self, _: &Api, snapshot: &Arc<Snapshot>) -> Result<Option<Bytes>, Status> {
        let Some(before) = self.told.replace(snapshot.clone()) else {
            return Ok(Some(self.event("provider_ready", None)));
        };
        if Arc::ptr_eq(&before, snapshot) {
            return Ok(None);
        }
        let changes = snapshot.changes_since(&before).into_iter();
        let shown = |key: &str| self.view.shows(snapshot, key) || self.view.shows(&before, key);
        let flags: Map<String, Json> = changes
            .filter(|(key, _)| shown(key.as_str()))
            .map(|(key, change)| (key.to_string(), json!({ "type": name(change) })))
            .collect();
        let data = Map::from_iter([("flags".to_owned(), Json::Object(flags))]);
        let empty = data.values().all(|flags| flags.as_object().is_none_or(Map::is_empty));
        Ok((!empty).then(|| self.event("configuration_change", Some(data))))
    }

    fn quiet(&self) -> Option<Bytes> {
        self.told.as_ref().map(|_| self.event("keep_alive", None))
    }

    fn farewell(&self) -> Option<Bytes> {
        Some(self.event("provider_shutdown", None))
    }
}

fn name(change: FlagChange) -> &'static str {
    match change {
        FlagChange::Write => "write",
        FlagChange::Update => "update",
        FlagChange::Delete => "delete",
    }
}
