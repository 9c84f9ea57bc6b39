//! What an event told the client, who asks again because of it.

use std::{sync::Arc, time::Duration};

use burgee_engine::Snapshot;
use http::request::Parts;

use super::events::{parameter, tag};
use crate::{http::Api, view::View};

/// How long a node waits for a state of which another node has told already.
const PATIENCE: Duration = Duration::from_millis(250);

/// The state that an event named.
pub(super) struct Told {
    view: View,
    tag: Option<String>,
    /// Whether a time was named, which says nothing here: nodes need not have learnt of a state at once.
    time: bool,
}

impl Told {
    pub(super) fn of(parts: &Parts, view: View) -> Self {
        let parameter = |name| parameter(&parts.uri, name);
        Self { view, tag: parameter("flagConfigEtag"), time: parameter("flagConfigLastModified").is_some() }
    }

    /// Whether the client's own condition counts: not where it was told of another state than the one that answers.
    pub(super) fn allows_condition(&self, snapshot: &Snapshot) -> bool {
        match &self.tag {
            Some(told) => *told == tag(self.view, snapshot),
            None => !self.time,
        }
    }

    /// The state that was told of, where this node comes to it soon.
    pub(super) async fn awaited(&self, api: &Api, snapshot: &Snapshot) -> Option<Arc<Snapshot>> {
        let told = self.tag.as_ref().filter(|told| **told != tag(self.view, snapshot))?;
        let mut changes = api.snapshots.changes();
        let coming = async {
            loop {
                let newer = api.snapshots.get(snapshot.tenant(), snapshot.environment());
                if let Some(newer) = newer.filter(|newer| tag(self.view, newer) == *told) {
                    return Some(newer);
                }
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(PATIENCE, coming).await.ok().flatten()
    }
}
