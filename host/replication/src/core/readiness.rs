//! Whether a node may serve.
//!
//! Ready is who holds everything that one ready peer had when the exchange began, and of whose membership
//! a ready peer knows, so that nothing is collected over its head. Who finds no ready peer in time goes on
//! with what it and the nodes that it reaches hold, unless that may be nothing for the wrong reason: a
//! node that came empty waits for one that has data.

use std::time::Duration;

use super::{Ask, Asked, Command, Core, Turn, peer::Peer};
use crate::{
    message::{Answer, Question},
    status::Readiness,
};

/// Between two attempts to tell a ready peer of this node's entry.
const TELL_PAUSE: Duration = Duration::from_millis(200);

/// So many timeouts long a node that holds part of what a peer had waits for anybody who is ready.
const PATIENCE: u32 = 6;

/// A newcomer's entry in the roster that is being written to disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    ticket: u64,
    since: Duration,
}

/// How far a newcomer's entry in the roster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enrolment {
    /// No ready peer knows it.
    Unknown,
    /// One is being told.
    Telling,
    /// One knows it, since then.
    Known(Duration),
}

impl Core {
    /// Decides anew, and tells who has to know.
    pub(super) fn decide_readiness(&mut self, turn: &mut Turn<'_>) {
        let decided = self.decide(turn);
        if decided != self.readiness {
            if decided.ready {
                // Once it serves, and is no longer alone, it may not be set outright.
                self.correct_clock(turn);
            }
            if decided.ready != self.readiness.ready {
                self.beat_due = turn.now.mono;
            }
            self.readiness = decided.clone();
            turn.out.push(Command::SetReadiness(decided));
        }
    }

    fn decide(&self, turn: &Turn<'_>) -> Readiness {
        if self.rival.is_some() {
            return Readiness::waiting("name_in_use");
        }
        if self.settings.resync {
            return Readiness::waiting("resynchronising");
        }
        if self.readiness.ready && !self.readiness.alone {
            return Readiness::ready();
        }
        // Those that nothing is taken from (they resynchronise, or were forgotten) are not waited for: they
        // wait for this node.
        let counts = |peer: &&Peer| peer.live && (!peer.heard_since_up || self.admits(peer.id.node));
        let live: Vec<&Peer> = self.peers.values().filter(counts).collect();
        let met = live.iter().any(|peer| peer.exchanged.is_some());
        if self.readiness.ready {
            return Readiness { alone: self.readiness.alone && !met, ..Readiness::ready() };
        }
        if self.served || self.is_by_itself() || self.is_in_line() {
            return Readiness::ready();
        }
        let timed_out = turn.now.mono >= self.settings.periods.ready_timeout;
        match live.as_slice() {
            [] if timed_out && self.came_with_data && self.is_known() => Readiness::alone(),
            [] => Readiness::waiting("no_peer"),
            live if timed_out && self.may_start_together(live, turn) => Readiness::ready(),
            _ => Readiness::waiting("joining"),
        }
    }

    /// Nobody is to be looked for.
    fn is_by_itself(&self) -> bool {
        let own = self.settings.own.node;
        self.settings.seeds.is_empty() && self.roster.members().all(|(node, _)| node == own)
    }

    /// Others know of its membership, and collect nothing over its head. One that took a new id, or joined and
    /// got only part of the data, and of which nobody heard, may not go on by itself.
    pub(super) fn is_known(&self) -> bool {
        self.came_entered || self.enrolled_at().is_some()
    }

    /// Since when a ready peer knows the entry of this node, a newcomer.
    pub(super) fn enrolled_at(&self) -> Option<Duration> {
        match self.enrolment {
            Enrolment::Known(since) => Some(since),
            Enrolment::Unknown | Enrolment::Telling => None,
        }
    }

    /// This node holds what a ready peer had, and is known as a member.
    fn is_in_line(&self) -> bool {
        self.has_exchanged_with_ready() && self.enrolled_at().is_some() && !self.is_outside()
    }

    fn has_exchanged_with_ready(&self) -> bool {
        self.peers.values().any(|peer| peer.live && peer.exchanged == Some(true))
    }

    /// Nobody reached is ready, and there is nothing to wait for: this node has merged all that they hold,
    /// and either it came with data of its own or nobody has any (a first start). A node that got part of
    /// what somebody ready had, and hears of nobody ready for long, goes on with that part.
    fn may_start_together(&self, live: &[&Peer], turn: &Turn<'_>) -> bool {
        let merged = live.iter().all(|peer| peer.exchanged.is_some() && !peer.is_ready());
        let empty = |peer: &&Peer| peer.info.as_ref().is_some_and(|info| info.versions == 0);
        let waited = turn.now.mono.saturating_sub(self.ready_seen_at);
        let in_vain = waited >= self.settings.periods.ready_timeout * PATIENCE && turn.table.counts().versions > 0;
        merged && (self.came_with_data || in_vain || live.iter().all(empty))
    }

    /// Notes that somebody ready is there.
    pub(super) fn look_for_ready(&mut self, turn: &Turn<'_>) {
        if self.peers.values().any(Peer::is_ready) {
            self.ready_seen_at = turn.now.mono;
        }
    }

    /// Whether this node may enter the roster: it holds what a ready peer holds, or serves already.
    pub(super) fn may_enrol(&self) -> bool {
        !self.settings.resync && self.rival.is_none() && (self.readiness.ready || self.has_exchanged_with_ready())
    }

    /// Tells a ready peer of this node's entry in the roster. A node that is no newcomer need not.
    pub(super) fn tell_enrolment(&mut self, turn: &mut Turn<'_>) {
        if turn.now.mono < self.tell_due
            || self.readiness.ready
            || self.enrolment != Enrolment::Unknown
            || !self.has_exchanged_with_ready()
        {
            return;
        }
        let own = self.settings.own.node;
        let Some(entry) = turn.table.latest(&super::member_register(own)) else { return };
        // In turn: one whose disk takes nothing stays ready, and never says yes.
        let ready = || self.peers.values().filter(|peer| peer.is_ready() && peer.exchanged == Some(true));
        let next = ready().find(|peer| Some(peer.id.node) > self.declined_by).or_else(|| ready().next());
        if let Some(node) = next.map(|peer| peer.id.node) {
            self.enrolment = Enrolment::Telling;
            self.tell_due = turn.now.mono + TELL_PAUSE;
            // It answers once that is on its disk.
            let timeout = self.settings.periods.ready_timeout.max(self.settings.periods.request);
            self.ask_within(node, Asked::Enrolment, Question::Offer { versions: vec![entry] }, timeout, turn);
        }
    }

    /// A ready peer knows of this node's entry, or does not.
    pub(super) fn enrolment_told(&mut self, ask: &Ask, answer: Option<&Answer>, turn: &Turn<'_>) {
        let known = answer == Some(&Answer::Taken(true));
        self.enrolment = if known { Enrolment::Known(turn.now.mono) } else { Enrolment::Unknown };
        self.declined_by = Some(ask.to).filter(|_| !known);
        if known {
            self.compare_with_all(turn);
        }
    }

    /// A newcomer's entry is merged: it is told so once that is on disk.
    pub(super) fn entry_merged(&mut self, ticket: u64, turn: &mut Turn<'_>) {
        let flush = self.flush(turn);
        self.entries.insert(flush, Entry { ticket, since: turn.now.mono });
    }

    pub(super) fn entry_flushed(&mut self, flush: u64, turn: &mut Turn<'_>) {
        if let Some(entry) = self.entries.remove(&flush) {
            turn.out.push(Command::Answer { ticket: entry.ticket, answer: Answer::Taken(true) });
        }
    }

    /// A disk that takes nothing, or is slow, may not keep newcomers and the room for answers: they ask again.
    pub(super) fn decline_entries(&mut self, turn: &mut Turn<'_>) {
        let (now, most) = (turn.now.mono, self.settings.periods.request);
        let late: Vec<u64> = self
            .entries
            .extract_if(.., |_, entry| now.saturating_sub(entry.since) >= most)
            .map(|(_, entry)| entry.ticket)
            .collect();
        let declined = |ticket| Command::Answer { ticket, answer: Answer::Taken(false) };
        turn.out.extend(late.into_iter().map(declined));
    }
}
