//! Hints: what is written here is told at once to every peer, and passed on to whom its author does not reach.

use std::sync::Arc;

use burgee_model::NodeId;
use burgee_store::{Table, Version};

use super::{Command, Core, Merging, Turn, sequence::Arrival};
use crate::message::{News, PeerId};

/// Which part of a page one hint may fill.
const HINT_SHARE: usize = 4;

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
        turn.out.push(Command::Send { to: peer.id, news: News::Hint { seq: peer.sent, versions } });
    }

    /// A peer's hint came.
    pub(super) fn hinted(&mut self, from: PeerId, seq: u64, versions: Vec<Arc<Version>>, turn: &mut Turn<'_>) {
        let admitted = self.admits_start(from);
        let Some(peer) = self.peers.get_mut(&from.node).filter(|peer| peer.id == from && peer.live) else { return };
        peer.silent_since = turn.now.mono;
        let gap = peer.sequence.arrive(seq, true) == Arrival::Gap;
        if gap || !admitted {
            peer.missing(turn.now.mono);
        }
        if !admitted {
            return;
        }
        self.relay(from.node, &versions, turn);
        self.merge(versions, from.node, Merging::Hint(from.node), turn);
    }

    /// Passes on what is new here to those whom the sender does not reach. Each node passes each version
    /// on at most once, since afterwards it is not new.
    fn relay(&mut self, from: NodeId, versions: &[Arc<Version>], turn: &mut Turn<'_>) {
        let info = self.peers.get(&from).and_then(|peer| peer.info.as_ref());
        let Some(reached) = info.and_then(|info| info.reaches.as_ref()) else { return };
        let cut_off =
            self.peers.values().filter(|peer| peer.live && peer.id.node != from && !reached.contains(&peer.id.node));
        let cut_off: Vec<NodeId> = cut_off.map(|peer| peer.id.node).collect();
        let cut_off: Vec<NodeId> = cut_off.into_iter().filter(|node| self.admits(*node)).collect();
        if cut_off.is_empty() {
            return;
        }
        let new: Vec<_> = versions.iter().filter(|version| is_new(turn.table, version)).cloned().collect();
        if !new.is_empty() {
            cut_off.into_iter().for_each(|node| self.hint(node, new.clone(), turn));
        }
    }

    /// A hint is merged, or not.
    pub(super) fn hint_merged(&mut self, from: NodeId, taken: bool, turn: &Turn<'_>) {
        if let Some(peer) = self.peers.get_mut(&from).filter(|_| !taken) {
            peer.behind_since.get_or_insert(turn.now.mono);
            peer.exchange.want_later(turn.now.mono);
        }
    }
}

fn is_new(table: &Table, version: &Version) -> bool {
    table.latest(&version.register).is_none_or(|latest| latest.stamp < version.stamp)
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
