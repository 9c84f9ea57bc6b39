//! Nodes that the cluster has gone on without: forgotten ones, those restored from a backup, and those that
//! began to join and never became members.
//!
//! Such a node gets in line before it serves or pushes: it pulls what a ready peer holds, and drops what the
//! cluster has collected meanwhile. Those that were members take a new identity first.

use std::{sync::Arc, time::Duration};

use burgee_model::{MemberMeta, NodeId, Stamp, stamp::millis_to_ntp64};
use burgee_store::{Missed, Table, Version, digest::Realm};

use super::{Ask, Asked, Command, Core, Note, Turn, exchange::Run};
use crate::message::{Answer, HEARD_TWICE, Question};

/// How long a stamp that a peer remembers and that may be of this very start must be unknown here: the
/// reader of the feed may be behind.
const DOUBT: Duration = Duration::from_secs(2);

/// A whole exchange with a ready peer that is being made sure of.
#[derive(Debug)]
pub(super) struct InLine {
    node: NodeId,
    /// Up to where the peer had collected when the exchange began.
    horizon: Stamp,
    /// What it brought, and what was dropped, is on disk with this; none where that need not be.
    flush: Option<u64>,
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
            self.changed_by(version.change.0);
        }
    }

    /// A change below the last one, of a clock that was set back far, is not among what an exchange under way brings.
    fn changed_by(&mut self, change: Stamp) {
        if change < self.changed {
            for peer in self.peers.values_mut() {
                peer.told = peer.told.min(change);
                peer.exchange.run.iter_mut().for_each(|run| run.changed = None);
            }
        }
        self.changed = self.changed.max(change);
    }

    /// This node wrote what nobody named.
    pub(super) fn wrote_unseen(&mut self, turn: &Turn<'_>) {
        self.written = self.written.max(self.remembered(self.settings.own.node, turn.table));
    }

    /// A peer tells what it knows of this node.
    pub(super) fn told(&mut self, from: NodeId, remembers: u64, forgotten: bool, turn: &mut Turn<'_>) {
        if remembers == HEARD_TWICE {
            return self.give_way(turn);
        }
        if forgotten || self.roster.is_forgotten(self.settings.own.node) {
            let missed = if remembers > self.written { Missed::Restored } else { Missed::Forgotten };
            return self.reidentify(missed, turn);
        }
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if remembers <= self.written {
            peer.doubted_since = None;
            return;
        }
        let since = *peer.doubted_since.get_or_insert(turn.now.mono);
        let of_earlier_start = remembers < millis_to_ntp64(self.settings.started_at);
        if of_earlier_start || turn.now.mono.saturating_sub(since) >= DOUBT {
            self.reidentify(Missed::Restored, turn);
        }
    }

    /// Whether the roster says that this node is forgotten.
    pub(super) fn heed_roster(&mut self, turn: &mut Turn<'_>) {
        if self.roster.is_forgotten(self.settings.own.node) {
            self.reidentify(Missed::Forgotten, turn);
        }
    }

    /// Whether a horizon lies above what this node, a member, ever said that it holds, and above what the peer had
    /// said that it joined by. Either those who drew it did not know this node, or its disk is an old one: what it
    /// said since is on theirs.
    pub(super) fn is_passed_by(&self, horizon: Stamp, table: &Table) -> bool {
        let said = passed_by(self.settings.own.node, table);
        !self.is_outside() && Some(horizon) > said.max(self.joined_at)
    }

    /// What this node said last that it holds, as far as a table knows.
    pub(super) fn acked(&self, table: &Table) -> Option<Stamp> {
        entry_of(self.settings.own.node, table).and_then(|entry| entry.acked)
    }

    /// Before it exchanges anything with a peer whose horizon passes it by, this node asks for its own entry as
    /// the peer has it.
    pub(super) fn ask_own_entry(&mut self, node: NodeId, horizon: Stamp, turn: &mut Turn<'_>) {
        let place = turn.table.place_of(&super::member_register(self.settings.own.node));
        let question = Question::Versions { realm: Realm::Current, paths: vec![place] };
        self.ask(node, Asked::OwnEntry(horizon), question, turn);
    }

    /// This node's entry as a peer has it: it never says more than the one that is here, unless this disk is
    /// one of before that was said. A peer that is known here as a member, and knows nothing of this node, has gone on
    /// without it: it joined by one that was forgotten. (Of two that do not know each other, each may be right.)
    pub(super) fn own_entry(&mut self, ask: &Ask, horizon: Stamp, answer: Answer, turn: &mut Turn<'_>) {
        let Answer::Versions { versions, .. } = answer else { return self.fail_exchange(ask.to, turn) };
        let mut theirs = Table::default();
        versions.iter().for_each(|version| drop(theirs.merge(version)));
        let is_known = theirs.members().any(|(node, ..)| node == self.settings.own.node);
        let was_left = !is_known && self.roster.member(ask.to).is_some();
        if self.acked(&theirs) > self.acked(turn.table) {
            return self.reidentify(Missed::Restored, turn);
        }
        if was_left {
            return self.reidentify(Missed::Forgotten, turn);
        }
        if let Some(peer) = self.peers.get_mut(&ask.to).filter(|peer| peer.exchange.run.is_some()) {
            peer.vetted = horizon;
            let question = Question::Compare { history_since: turn.table.history_since() };
            self.ask(ask.to, Asked::Compare, question, turn);
        }
    }

    /// Notes whether any who is ready has collected as much as this node heard of.
    pub(super) fn look_for_horizon(&mut self, turn: &Turn<'_>) {
        let own = turn.table.horizon();
        let ready = || self.peers.values().filter(|peer| peer.is_ready());
        let told = || ready().filter_map(|peer| peer.info.as_ref());
        let all_less = ready().next().is_some() && told().all(|info| info.horizon < own);
        self.ahead_since = self.ahead_since.or(Some(turn.now.mono)).filter(|_| all_less);
    }

    /// Whether a node from which nobody takes anything goes by one who has collected less: who told it of more is gone,
    /// perhaps with its disk, and they would never hear of it. It drops what either has collected. (Those who collected
    /// more must have known that one, or be gone, all of them: else they did not wait for it, and what they deleted would
    /// come back to them.)
    pub(super) fn goes_by_less(&self, node: NodeId, now: Duration) -> bool {
        let waited = self.ahead_since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        let waited_for = self.roster.member(node).is_some() || !self.is_anybody_missing();
        self.settings.resync && waited_for && waited >= self.settings.periods.ready_timeout
    }

    /// A node that is to get in line and holds nothing, not even a horizon, is as good as new.
    pub(super) fn forgive_nothing(&mut self, turn: &mut Turn<'_>) {
        if self.settings.resync && turn.table.data_versions() == 0 && turn.table.horizon() == Stamp::ZERO {
            self.settings.resync = false;
            turn.out.push(Command::Resynchronised);
        }
    }

    pub(super) fn reidentify(&mut self, missed: Missed, turn: &mut Turn<'_>) {
        if !self.halted {
            self.halted = true;
            turn.note(Note::Outdated);
            turn.out.push(Command::Reidentify(missed));
        }
    }

    /// Whether the cluster may have gone on without what this node holds: nobody knows that it is a member,
    /// so nothing waits for it with collecting. It has acknowledged nothing yet.
    pub(super) fn is_outside(&self) -> bool {
        self.settings.resync || !(self.served || self.came_entered || self.lined)
    }

    /// A whole exchange ended: where it was with a ready peer, a node that is outside is in line once the peer
    /// is found to have collected nothing since, and what was dropped for it is gone from the disk too.
    pub(super) fn in_line_with(&mut self, node: NodeId, run: &Run, turn: &mut Turn<'_>) {
        // One that is under way is not begun anew: with a slow disk it would never end.
        if !run.peer_was_ready || !self.is_outside() || self.in_line.is_some() {
            return;
        }
        if self.must_enter(node) {
            // It began while nobody was to know of this node yet: what the peer collects meanwhile waits for nobody.
            if let Some(peer) = self.peers.get_mut(&node) {
                peer.missing(turn.now.mono);
            }
            return;
        }
        let flush = (self.settings.resync || self.evicted).then(|| self.flush(turn));
        self.in_line = Some(InLine { node, horizon: run.horizon, flush });
        if flush.is_none() {
            self.confirm(node, turn);
        }
    }

    pub(super) fn in_line_flushed(&mut self, flush: u64, turn: &mut Turn<'_>) {
        let in_line = self.in_line.as_ref().filter(|in_line| in_line.flush == Some(flush));
        if let Some(node) = in_line.map(|in_line| in_line.node) {
            self.confirm(node, turn);
        }
    }

    fn confirm(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let question = Question::Compare { history_since: turn.table.history_since() };
        self.ask(node, Asked::Confirm, question, turn);
    }

    /// The peer told how far it has collected by now. What it collected while it was walked may have gone
    /// before this node came to see it; then what that had killed is still here, and all begins again.
    pub(super) fn confirmed(&mut self, ask: &Ask, answer: Option<&Answer>, turn: &mut Turn<'_>) {
        let Some(in_line) = self.in_line.take() else { return };
        match answer {
            Some(Answer::Compared { ready: true, horizon, .. }) if *horizon == in_line.horizon => {
                let resync = std::mem::take(&mut self.settings.resync);
                self.lined = !resync;
                self.partial |= self.lined;
                // What the peer has collected itself is told of in what it holds.
                let collected = Some(in_line.horizon).filter(|horizon| *horizon > Stamp::ZERO);
                self.joined_at = passed_by(ask.to, turn.table).max(collected);
                if resync {
                    turn.out.push(Command::Resynchronised);
                }
                // Until it is in the roster, no horizon waits for it.
                self.enrol_due = turn.now.mono;
                if let Some(peer) = self.peers.get_mut(&ask.to) {
                    peer.exchanged = Some(true);
                    // Nobody knew it until now: it gets in line once more, as one that is known.
                    if resync {
                        peer.missing(turn.now.mono);
                    }
                }
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

/// The entry of a member, as a table has it.
pub(super) fn entry_of(member: NodeId, table: &Table) -> Option<MemberMeta> {
    table.members().find(|(node, ..)| *node == member).map(|(_, entry, _)| entry)
}

/// Up to where a horizon passes a member by rightly: it said that it holds everything up to there, or joined by one that
/// had.
fn passed_by(member: NodeId, table: &Table) -> Option<Stamp> {
    entry_of(member, table).and_then(|entry| entry.acked.max(entry.joined))
}
