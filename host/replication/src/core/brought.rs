//! What a newcomer brings, and who keeps it.
//!
//! It may have been a member before, under another identity, and hold deletions that are older than what the others
//! have said by now that they hold. For those no horizon waits: one of them would drop its deletion, and another one,
//! which had it in memory alone, return with what it had killed. So a newcomer says nothing of what it holds, which
//! every horizon does wait for, before each other member that it knows of has on its disk what it brought.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use burgee_model::{NodeId, Stamp};
use burgee_store::Version;

use super::{Ask, Asked, Core, Turn, peer::Peer};
use crate::message::Answer;

/// What a newcomer knows of it.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Since when it hands over what it has: nobody takes it all before.
    since: Option<Duration>,
    /// Those that have it on disk.
    keepers: BTreeSet<NodeId>,
}

/// What this newcomer brought was handed over to one start of a peer, which took it.
#[derive(Debug)]
pub(super) struct Handed {
    /// This node's entry in the roster then: one that it wrote since came to the peer after all of it.
    then: Stamp,
    /// Such an entry. The peer is asked whether it keeps this one, and asked the same until it does.
    entry: Option<Arc<Version>>,
    /// When it is asked next.
    due: Duration,
}

impl Core {
    /// This node serves, and begins to collect.
    pub(super) fn begin_to_hand_over(&mut self, turn: &Turn<'_>) {
        self.brought.since.get_or_insert(turn.now.mono);
    }

    /// Whether every other member keeps what this node brought.
    pub(super) fn is_kept_by_all(&self) -> bool {
        self.has_acknowledged() || self.not_keeping().is_empty()
    }

    /// The members that do not, as far as is known.
    pub(super) fn not_keeping(&self) -> Vec<NodeId> {
        let own = self.settings.own.node;
        let lacks = |node: &NodeId| *node != own && !self.brought.keepers.contains(node);
        self.roster.members().map(|(node, _)| node).filter(lacks).collect()
    }

    /// A whole exchange with a peer ended in which that took what it lacked.
    pub(super) fn handed_over(&mut self, node: NodeId, began: Duration, turn: &Turn<'_>) {
        let counts = self.brought.since.is_some_and(|since| began >= since) && !self.has_acknowledged();
        if !counts || self.brought.keepers.contains(&node) {
            return;
        }
        let Some(entry) = self.own_version(turn.table) else { return };
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.handed.get_or_insert(Handed { then: entry.stamp, entry: None, due: turn.now.mono });
        }
    }

    /// Those to whom it was handed over are asked to keep it, with an entry that this node wrote since: whoever is
    /// offered a node's own entry answers once all that it took until then is on its disk.
    pub(super) fn ask_to_keep(&mut self, turn: &mut Turn<'_>) {
        if self.brought.since.is_none() || self.has_acknowledged() {
            return;
        }
        let Some(own) = self.own_version(turn.table) else { return };
        let lacks = |peer: &&Peer| peer.live && !self.brought.keepers.contains(&peer.id.node);
        let nodes: Vec<NodeId> = self.peers.values().filter(lacks).map(|peer| peer.id.node).collect();
        let (now, pause) = (turn.now.mono, self.settings.periods.request);
        for node in nodes {
            let handed = self.peers.get_mut(&node).and_then(|peer| peer.handed.as_mut());
            if let Some(entry) = handed.and_then(|handed| handed.ask(&own, now, pause)) {
                self.offer_entry(node, entry, Asked::Keeping, turn);
            }
        }
    }

    /// A peer answered whether it keeps it.
    pub(super) fn kept(&mut self, ask: &Ask, answer: &Answer) {
        if *answer == Answer::Taken(true) {
            self.brought.keepers.insert(ask.to);
        }
    }

    fn has_acknowledged(&self) -> bool {
        self.roster.member(self.settings.own.node).is_some_and(|member| member.acked.is_some())
    }
}

impl Handed {
    /// The entry that the peer is to be asked with now, where it is time.
    fn ask(&mut self, own: &Arc<Version>, now: Duration, pause: Duration) -> Option<Arc<Version>> {
        if now < self.due || own.stamp <= self.then {
            return None;
        }
        self.due = now + pause;
        Some(Arc::clone(self.entry.get_or_insert_with(|| Arc::clone(own))))
    }
}

#[cfg(test)]
mod tests {
    use burgee_store::ChangeId;

    use super::*;

    fn entry(time: u64) -> Arc<Version> {
        let stamp = Stamp { time, id: NodeId([1; 16]) };
        Arc::new(Version {
            register: super::super::member_register(stamp.id),
            stamp,
            parents: Box::default(),
            floor_seen: None,
            content: None,
            expires_at: None,
            actor: "test".into(),
            change: ChangeId(stamp),
            note: None,
        })
    }

    /// One of before may be on the peer's disk already, without all that was handed over.
    #[test]
    fn a_peer_is_asked_with_an_entry_of_later() {
        let (now, pause) = (Duration::from_secs(9), Duration::from_secs(2));
        let mut handed = Handed { then: entry(5).stamp, entry: None, due: now };
        assert_eq!(handed.ask(&entry(5), now, pause), None);
        assert_eq!(handed.ask(&entry(6), now, pause), Some(entry(6)));
        assert_eq!(handed.ask(&entry(7), now + pause / 2, pause), None, "it is asked already");
        assert_eq!(handed.ask(&entry(7), now + pause, pause), Some(entry(6)), "and asked the same again");
    }
}
