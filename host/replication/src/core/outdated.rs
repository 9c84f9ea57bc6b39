//! Nodes that the cluster has gone on without: forgotten ones, and those restored from a backup.
//!
//! Such a node takes a new identity and gets in line before it serves or pushes: it pulls what a ready peer
//! holds, and drops what the cluster has collected meanwhile.

use std::{sync::Arc, time::Duration};

use burgee_model::{NodeId, Stamp, stamp::millis_to_ntp64};
use burgee_store::{Table, Version};

use super::{Ask, Asked, Command, Core, Note, Turn, exchange::Run};
use crate::message::{Answer, Question};

/// How long a stamp that a peer remembers and that may be of this very start must be unknown here: the
/// reader of the feed may be behind.
const DOUBT: Duration = Duration::from_secs(2);

/// A whole exchange with a ready peer that is being made sure of.
#[derive(Debug)]
pub(super) struct InLine {
    node: NodeId,
    /// Up to where the peer had collected when the exchange began.
    horizon: Stamp,
    /// What it brought is on disk with this.
    flush: u64,
}

impl Core {
    /// The time of the greatest stamp of a node that is known here: its promise included.
    pub(super) fn remembered(&self, node: NodeId, table: &Table) -> u64 {
        table.latest_of(node).map_or(0, |stamp| stamp.time)
    }

    /// This node wrote.
    pub(super) fn wrote(&mut self, versions: &[Arc<Version>]) {
        let own = self.settings.own.node;
        for version in versions.iter().filter(|version| version.stamp.id == own) {
            self.written = self.written.max(version.stamp.time);
            self.unacked.push(version.stamp);
        }
    }

    /// This node wrote what nobody named.
    pub(super) fn wrote_unseen(&mut self, turn: &Turn<'_>) {
        self.written = self.written.max(self.remembered(self.settings.own.node, turn.table));
    }

    /// A peer tells what it knows of this node.
    pub(super) fn told(&mut self, from: NodeId, remembers: u64, forgotten: bool, turn: &mut Turn<'_>) {
        if forgotten || self.roster.is_forgotten(self.settings.own.node) {
            return self.reidentify(turn);
        }
        let Some(peer) = self.peers.get_mut(&from) else { return };
        peer.remembers = remembers;
        if remembers <= self.written {
            peer.doubted_since = None;
            return;
        }
        let since = *peer.doubted_since.get_or_insert(turn.now.mono);
        let of_earlier_start = remembers < millis_to_ntp64(self.settings.started_at);
        if of_earlier_start || turn.now.mono.saturating_sub(since) >= DOUBT {
            self.reidentify(turn);
        }
    }

    /// Whether the roster says that this node is forgotten.
    pub(super) fn heed_roster(&mut self, turn: &mut Turn<'_>) {
        if self.roster.is_forgotten(self.settings.own.node) {
            self.reidentify(turn);
        }
    }

    fn reidentify(&mut self, turn: &mut Turn<'_>) {
        if !self.halted {
            self.halted = true;
            turn.note(Note::Outdated);
            turn.out.push(Command::Reidentify);
        }
    }

    /// A whole exchange ended: where it was with a ready peer, this node is in line again once that is on
    /// disk, and the peer has collected nothing since.
    pub(super) fn in_line_with(&mut self, node: NodeId, run: &Run, turn: &mut Turn<'_>) {
        // One that is under way is not begun anew: with a slow disk it would never end.
        if self.settings.resync && run.peer_was_ready && self.in_line.is_none() {
            let flush = self.flush(turn);
            self.in_line = Some(InLine { node, horizon: run.horizon, flush });
        }
    }

    pub(super) fn resync_flushed(&mut self, flush: u64, turn: &mut Turn<'_>) {
        let in_line = self.in_line.as_ref().filter(|in_line| in_line.flush == flush);
        if let Some(node) = in_line.map(|in_line| in_line.node) {
            let question = Question::Compare { history_since: turn.table.history_since() };
            self.ask(node, Asked::Confirm, question, turn);
        }
    }

    /// The peer told how far it has collected by now. What it collected while it was walked may have gone
    /// before this node came to see it; then what that had killed is still here, and all begins again.
    pub(super) fn confirmed(&mut self, ask: &Ask, answer: Option<&Answer>, turn: &mut Turn<'_>) {
        let Some(in_line) = self.in_line.take() else { return };
        match answer {
            Some(Answer::Compared { ready: true, horizon, .. }) if *horizon == in_line.horizon => {
                self.settings.resync = false;
                turn.out.push(Command::Resynchronised);
                // What the peers lack is offered to them from now on.
                self.compare_with_all(turn);
            }
            _ => {
                if let Some(peer) = self.peers.get_mut(&ask.to) {
                    peer.missing(turn.now.mono);
                }
            }
        }
    }

    /// What was asked of a peer's former link is void.
    pub(super) fn forget_in_line(&mut self, node: NodeId) {
        self.in_line.take_if(|in_line| in_line.node == node);
    }
}
