//! `EventStream`: that flags changed, and which.

use std::{collections::BTreeMap, sync::Arc};

use axum::body::Bytes;
use burgee_engine::{FlagChange, Snapshot};
use burgee_model::{Key, Millis};
use serde_json::{Map, Value as Json, json};

use super::{message::EventStreamResponse, place::Place, status::Status, stream::Teller, wire::Wire};
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
        self.wire.write(&EventStreamResponse { kind: kind.to_owned(), data: data.map(Into::into) }).into()
    }
}

impl Events {
    /// That flags changed, as far as that is shown; none where nothing is.
    fn changed(
        &self,
        changes: BTreeMap<Key, FlagChange>,
        shown: impl Fn(&str, FlagChange) -> Option<FlagChange>,
    ) -> Option<Bytes> {
        let shown = changes.into_iter().filter_map(|(key, change)| Some((shown(key.as_str(), change)?, key)));
        let flags: Map<String, Json> =
            shown.map(|(change, key)| (key.to_string(), json!({ "type": name(change) }))).collect();
        let data = (!flags.is_empty()).then(|| Map::from_iter([("flags".to_owned(), Json::Object(flags))]))?;
        Some(self.event("configuration_change", Some(data)))
    }
}

impl Teller for Events {
    async fn tell(&mut self, _: &Api, _: &Place, snapshot: &Arc<Snapshot>) -> Result<Option<Bytes>, Status> {
        let Some(before) = self.told.replace(snapshot.clone()) else {
            return Ok(Some(self.event("provider_ready", None)));
        };
        if Arc::ptr_eq(&before, snapshot) {
            return Ok(None);
        }
        // one that is shown no more is gone, as far as its client can tell, and one that was not shown is new
        let shown = |key: &str, change| match (self.view.shows(&before, key), self.view.shows(snapshot, key)) {
            (true, true) => Some(change),
            (true, false) => Some(FlagChange::Delete),
            (false, true) => Some(FlagChange::Write),
            (false, false) => None,
        };
        Ok(self.changed(snapshot.changes_since(&before), shown))
    }

    fn step(&self, after: Millis, until: Millis) -> Option<Bytes> {
        let told = self.told.as_ref()?;
        self.changed(self.view.of_snapshot(told).stepped(after, until), |key, change| {
            self.view.shows(told, key).then_some(change)
        })
    }

    fn told(&self) -> Option<&Arc<Snapshot>> {
        self.told.as_ref()
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
