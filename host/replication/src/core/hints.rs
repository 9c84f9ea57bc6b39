//! Hints: what is written here is told at once to every peer, and passed on to whom its author does not reach.

use std::sync::Arc;

use burgee_model::{NodeId, RegisterId, Stamp};
use burgee_store::{Table, Version};

use super::{Command, Core, Merging, Note, Turn, sequence::Arrival};
use crate::message::{News, PeerId};

/// Which part of a page one hint may fill.
const HINT_SHARE: usize = 4;

/// A peer's hint that is being merged.
#[derive(Debug)]
pub(super) struct Hinted {
    from: NodeId,
    /// What of it was not here, and is passed on if it stays.
    news: Vec<Arc<Version>>,
}

/// What tells a version from all others, as far as passing it on goes.
pub(super) type Name = (RegisterId, Stamp);

impl Core {
    /// Versions were written here.
    pub(super) fn written(&mut self, versions: Vec<Arc<Version>>, turn: &mut Turn<'_>) {
        self.wrote(&versions);
        if self.settings.resync {
            return;
        }
        let to: Vec<NodeId> = self.peers.values().filter(|peer| peer.live).map(|peer| peer.id.node).collect();
        let to: Vec<NodeId> = to.into_iter().filter(|node| self.admits(*node)).collect();
        for batch in batches(versions, self.settings.page_bytes / HINT_SHARE) {
            to.iter().for_each(|node| self.hint(*node, batch.clone(), turn));
        }
    }

    /// A number skipped tells every peer to compare.
    pub(super) fn written_unseen(&mut self, turn: &Turn<'_>) {
        self.wrote_unseen(turn);
        self.peers.values_mut().for_each(|peer| peer.sent += 1);
        self.beat_due = turn.now.mono;
    }

    fn hint(&mut self, to: NodeId, versions: Vec<Arc<Version>>, turn: &mut Turn<'_>) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        peer.sent += 1;
        turn.out.push(Command::Send { to: peer.id, news: News::Hint { seq: peer.sent, versions, unknown: 0 } });
    }

    /// A peer's hint came.
    pub(super) fn hinted(&mut self, from: PeerId, seq: u64, versions: Vec<Arc<Version>>, turn: &mut Turn<'_>) {
        // Before a peer knows that this newcomer joins, it collects over its head what it tells it of.
        let taken = self.admits_start(from) && !self.must_enter(from.node);
        if self.peers.get(&from.node).is_some_and(|peer| peer.id != from) || from.node == self.settings.own.node {
            // Of another start of it than the one that is there: late, or said again by somebody else.
            return turn.note(Note::IdentityClaimed(from));
        }
        let Some(peer) = self.peers.get_mut(&from.node).filter(|peer| peer.id == from && peer.live) else { return };
        peer.silent_since = turn.now.mono;
        let gap = peer.sequence.arrive(seq, true) == Arrival::Gap;
        if gap || !taken {
            peer.missing(turn.now.mono);
        }
        if !taken {
            return;
        }
        if self.is_full() {
            return self.hint_refused(from.node, turn);
        }
        let news = self.news_of(from.node, &versions, turn);
        self.merge(versions, from.node, Merging::Hint(Hinted { from: from.node, news }), turn);
    }

    /// What of a hint is to be passed on once it is merged: what is not here, and not on its way in from
    /// another peer.
    fn news_of(&mut self, from: NodeId, versions: &[Arc<Version>], turn: &Turn<'_>) -> Vec<Arc<Version>> {
        if self.cut_off_from(from).is_empty() {
            return Vec::new();
        }
        let passing = &mut self.passing;
        let news = versions.iter().filter(|version| !holds(turn.table, version) && passing.insert(name(version)));
        news.cloned().collect()
    }

    /// A hint is merged, or not. What of it is here now and was not before is passed on.
    ///
    /// So each node passes each version on at most once, and one that does not stay (a floor had killed it,
    /// say) not at all: it would count as new at each arrival, and go round for ever between nodes that are
    /// cut off from each other.
    pub(super) fn hint_merged(&mut self, hinted: Hinted, taken: bool, turn: &mut Turn<'_>) {
        let Hinted { from, mut news } = hinted;
        news.iter().for_each(|version| {
            self.passing.remove(&name(version));
        });
        if !taken {
            return self.hint_refused(from, turn);
        }
        news.retain(|version| holds(turn.table, version));
        if !news.is_empty() {
            self.cut_off_from(from).into_iter().for_each(|node| self.hint(node, news.clone(), turn));
        }
    }

    /// The store is behind, so an exchange brings the hint later.
    fn hint_refused(&mut self, from: NodeId, turn: &Turn<'_>) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.behind_since.get_or_insert(turn.now.mono);
            peer.exchange.want_later(turn.now.mono);
        }
    }

    /// Peers that another peer does not reach.
    fn cut_off_from(&self, node: NodeId) -> Vec<NodeId> {
        let info = self.peers.get(&node).and_then(|peer| peer.info.as_ref());
        let Some(reached) = info.and_then(|info| info.reaches.as_ref()) else { return Vec::new() };
        let others = self.peers.values().filter(|peer| peer.live).map(|peer| peer.id.node);
        others.filter(|other| *other != node && !reached.contains(other) && self.admits(*other)).collect()
    }
}

fn name(version: &Version) -> Name {
    (version.register.clone(), version.stamp)
}

fn holds(table: &Table, version: &Version) -> bool {
    table.history(&version.register).any(|held| *held == *version)
}

fn batches(versions: Vec<Arc<Version>>, bytes_max: usize) -> Vec<Vec<Arc<Version>>> {
    let mut batches: Vec<Vec<Arc<Version>>> = Vec::new();
    let mut bytes = usize::MAX;
    for version in versions {
        bytes = bytes.saturating_add(version.weight());
        match batches.last_mut() {
            Some(batch) if bytes <= bytes_max => batch.push(version),
            _ => {
                bytes = version.weight();
                batches.push(vec![version]);
            }
        }
    }
    batches
}
