//! Answers to requests for pages: read and sent on threads that may block, a bounded number at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use burgee_model::NodeId;
use burgee_store::{PageCursor, Store};
use bytes::Bytes;

use crate::{
    config::ReplicationLimits,
    message::{Cursor, NodeInfo, Page, PageRequest, PeerId},
    transport::Responder,
    wire::{Codec, Message},
};

/// Who may be answered, and how.
pub(super) struct Answers {
    codec: Codec,
    own: PeerId,
    store: Store,
    page_bytes: usize,
    admission: Arc<Admission>,
    admitted: BTreeMap<u64, Admitted>,
    tickets: u64,
}

/// How many answers are under way.
struct Admission {
    total: usize,
    per_peer: usize,
    under_way: Mutex<BTreeMap<NodeId, usize>>,
}

struct Admitted {
    responder: Responder,
    place: Place,
}

/// One answer under way, until it is dropped.
struct Place {
    admission: Arc<Admission>,
    peer: NodeId,
}

impl Answers {
    pub(super) fn new(limits: &ReplicationLimits, codec: Codec, own: PeerId, store: Store) -> Self {
        let admission =
            Admission { total: limits.answers, per_peer: limits.answers_per_peer, under_way: Mutex::default() };
        Self {
            codec,
            own,
            store,
            page_bytes: limits.page_bytes,
            admission: Arc::new(admission),
            admitted: BTreeMap::new(),
            tickets: 0,
        }
    }

    /// Takes a question where there is a place for its answer; else it fails at once and is asked again.
    pub(super) fn admit(&mut self, peer: NodeId, responder: Responder) -> Option<u64> {
        let place = Place::take(&self.admission, peer)?;
        self.tickets += 1;
        self.admitted.insert(self.tickets, Admitted { responder, place });
        Some(self.tickets)
    }

    /// Answers a question that was admitted.
    pub(super) fn answer(&mut self, ticket: u64, request: PageRequest, info: NodeInfo, seq: u64) {
        let Some(admitted) = self.admitted.remove(&ticket) else { return };
        let (store, codec, own, page_bytes) = (self.store.clone(), self.codec.clone(), self.own, self.page_bytes);
        tokio::task::spawn_blocking(move || {
            let page = read(&store, request, page_bytes);
            let page = Page { info, seq, versions: page.versions, next: page.next.map(|next| Cursor(next.0)) };
            let frame = codec.encode(own, &Message::Page(page));
            admitted.responder.answer_blocking(Bytes::from(frame));
            drop(admitted.place);
        });
    }
}

fn read(store: &Store, request: PageRequest, page_bytes: usize) -> burgee_store::Page {
    let cursor = request.cursor.map(|cursor| PageCursor(cursor.0));
    store.page(cursor.as_ref(), page_bytes)
}

impl Place {
    fn take(admission: &Arc<Admission>, peer: NodeId) -> Option<Self> {
        let mut under_way = admission.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let own = under_way.get(&peer).copied().unwrap_or(0);
        if own >= admission.per_peer || under_way.values().sum::<usize>() >= admission.total {
            return None;
        }
        under_way.insert(peer, own + 1);
        Some(Self { admission: Arc::clone(admission), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.admission.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                under_way.remove(&self.peer);
            }
        }
    }
}
