//! Answers to the peers' questions: a bounded number at once, and large ones written off the loop.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use burgee_model::NodeId;

use super::traffic::Traffic;
use crate::{
    config::ReplicationLimits,
    message::Answer,
    transport::Responder,
    wire::{Codec, Message},
};

/// From how many versions on an answer is written on a thread that may take its time.
const LARGE_VERSIONS: usize = 32;

/// Questions that are being answered.
pub(super) struct Answers {
    codec: Codec,
    traffic: Arc<Traffic>,
    admission: Arc<Admission>,
    admitted: BTreeMap<u64, Admitted>,
    tickets: u64,
}

/// How many are under way.
struct Admission {
    total: usize,
    per_peer: usize,
    under_way: Mutex<BTreeMap<NodeId, usize>>,
}

struct Admitted {
    responder: Responder,
    /// In which version of the protocol.
    protocol: u8,
    place: Place,
}

/// One answer under way, until it is dropped.
struct Place {
    admission: Arc<Admission>,
    peer: NodeId,
}

impl Answers {
    pub(super) fn new(limits: &ReplicationLimits, codec: Codec, traffic: Arc<Traffic>) -> Self {
        let admission =
            Admission { total: limits.answers, per_peer: limits.answers_per_peer, under_way: Mutex::default() };
        Self { codec, traffic, admission: Arc::new(admission), admitted: BTreeMap::new(), tickets: 0 }
    }

    /// Takes a question where there is a place for its answer; else it fails at once and is asked again.
    pub(super) fn admit(&mut self, peer: NodeId, protocol: u8, responder: Responder) -> Option<u64> {
        let place = Place::take(&self.admission, peer)?;
        self.tickets += 1;
        self.admitted.insert(self.tickets, Admitted { responder, protocol, place });
        Some(self.tickets)
    }

    /// Answers a question that was admitted.
    pub(super) fn answer(&mut self, ticket: u64, message: Message) {
        let Some(admitted) = self.admitted.remove(&ticket) else { return };
        let (codec, traffic) = (self.codec, Arc::clone(&self.traffic));
        let is_large = match &message {
            Message::Answer(Answer::Versions { versions, .. } | Answer::Page { versions, .. }) => {
                versions.len() >= LARGE_VERSIONS
            }
            _ => false,
        };
        let write = move || {
            let frame = codec.encode(admitted.protocol, &message);
            traffic.sent(message.kind(), frame.len());
            admitted.responder.answer(frame.into());
            drop(admitted.place);
        };
        if is_large {
            tokio::task::spawn_blocking(write);
        } else {
            write();
        }
    }
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
