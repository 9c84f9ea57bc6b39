//! Who is reached: from the tokens of all nodes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;
use zenoh::{
    Session,
    handlers::Callback,
    pubsub::Subscriber,
    sample::{Sample, SampleKind},
};

use super::keys::{Keys, Turn};
use crate::{
    message::PeerId,
    refusals::Refusals,
    transport::{InboxSender, Membership},
    wire::Refusal,
};

/// The tokens that are seen. A peer has one, or two for the moment in which it declares itself anew.
pub(super) struct Members {
    keys: Keys,
    inbox: InboxSender,
    refusals: Arc<Refusals>,
    tokens: Mutex<BTreeMap<PeerId, Vec<Turn>>>,
    /// Woken when somebody appears or vanishes.
    pub(super) changed: Notify,
}

/// Watches the tokens for as long as the subscriber lives.
pub(super) async fn watch(session: &Session, keys: &Keys, members: Arc<Members>) -> zenoh::Result<Subscriber<()>> {
    let callback = Callback::from(move |sample: Sample| members.token(sample.key_expr().as_str(), sample.kind()));
    session.liveliness().declare_subscriber(keys.all_nodes()).history(true).with(callback).await
}

impl Members {
    pub(super) fn new(keys: Keys, inbox: InboxSender, refusals: Arc<Refusals>) -> Self {
        Self { keys, inbox, refusals, tokens: Mutex::default(), changed: Notify::new() }
    }

    fn token(&self, key: &str, kind: SampleKind) {
        match (self.keys.node(key), kind) {
            (Some((peer, _)), _) if self.keys.is_own(peer) => {}
            (Some((peer, turn)), SampleKind::Put) => self.appeared(peer, turn),
            (Some((peer, turn)), SampleKind::Delete) => self.vanished(peer, turn),
            (None, SampleKind::Put) => self.refusals.count(Refusal::Cluster, key.len()),
            (None, SampleKind::Delete) => {}
        }
    }

    fn appeared(&self, peer: PeerId, turn: Turn) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = tokens.entry(peer).or_default();
        // A second token is the same peer declaring itself anew; the same one again is a peer that returns.
        let anew = !turns.is_empty() && !turns.contains(&turn);
        turns.retain(|each| *each != turn);
        turns.push(turn);
        if !anew {
            self.tell(Membership::Up(peer));
        }
    }

    fn vanished(&self, peer: PeerId, turn: Turn) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(turns) = tokens.get_mut(&peer) else { return };
        turns.retain(|each| *each != turn);
        if turns.is_empty() {
            tokens.remove(&peer);
            self.tell(Membership::Down(peer));
        }
    }

    /// The session is closed: nobody is reached.
    pub(super) fn clear(&self) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *tokens).into_keys().for_each(|peer| self.tell(Membership::Down(peer)));
    }

    fn tell(&self, change: Membership) {
        self.inbox.membership(change);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::NodeId;

    use super::*;
    use crate::{config::ReplicationLimits, transport::inbox};

    const PEER: PeerId = PeerId { node: NodeId([2; 16]), incarnation: 3 };

    fn changes(steps: &[(Turn, SampleKind)]) -> Vec<Membership> {
        let own = PeerId { node: NodeId([1; 16]), incarnation: 1 };
        let (sender, mut inbox) = inbox(&ReplicationLimits::default(), Arc::default());
        let members = Members::new(Keys::new("c", own), sender, Arc::default());
        for (turn, kind) in steps {
            members.token(&Keys::new("c", PEER).token(*turn), *kind);
        }
        std::iter::from_fn(|| inbox.membership.try_recv().ok()).collect()
    }

    #[test]
    fn who_declares_itself_anew_was_not_away() {
        use SampleKind::{Delete, Put};
        let refresh = [(Turn::Even, Put), (Turn::Odd, Put), (Turn::Even, Delete)];
        assert_eq!(changes(&refresh), [Membership::Up(PEER)]);
        let leaves = [(Turn::Even, Put), (Turn::Odd, Put), (Turn::Even, Delete), (Turn::Odd, Delete)];
        assert_eq!(changes(&leaves), [Membership::Up(PEER), Membership::Down(PEER)]);
    }

    #[test]
    fn the_same_token_again_is_a_return() {
        use SampleKind::Put;
        assert_eq!(changes(&[(Turn::Even, Put), (Turn::Even, Put)]), [Membership::Up(PEER), Membership::Up(PEER)]);
    }
}
