//! Entries in the roster that nodes offer of themselves: each is told once its own is on this node's disk, with all that
//! this node took until then. A newcomer asks so before it pulls anything, and again for what it brought (`brought`).
//!
//! A disk may take longer than anybody waits for an answer, and longer than the room for answers may be held. So whoever
//! is told no asks again, with the same entry, and hears of what was begun for it the first time: else a slow disk would
//! keep a newcomer out for ever.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use burgee_model::{NodeId, Stamp};
use burgee_store::{Table, Version};

use super::{Asked, Command, Core, Turn};
use crate::message::{Answer, Question};

/// Flushes of one node's entries that are under way: where more are asked for, the latest gives way, so that the first
/// one comes to its end however often an entry is written.
const FLUSHES_MAX: usize = 2;

/// Entries that are being written to disk, by flush.
pub(super) type Entries = BTreeMap<u64, Entry>;

/// An entry that is being written to disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    node: NodeId,
    stamp: Stamp,
    flushed: bool,
    /// This node's own entry when the flush ended, where it has to write another one.
    before: Option<Stamp>,
    /// The ticket of who asked last, and since when it waits; none once it was told no.
    asked: Option<(u64, Duration)>,
}

impl Core {
    /// This node's entry in the roster, as the table has it.
    pub(super) fn own_version(&self, table: &Table) -> Option<Arc<Version>> {
        table.latest(&super::member_register(self.settings.own.node))
    }

    /// Asks a peer whether an entry of this node is on its disk.
    pub(super) fn offer_entry(&mut self, node: NodeId, entry: Arc<Version>, what: Asked, turn: &mut Turn<'_>) {
        // Before anything is pulled there is nothing else to do, and an exchange fails with it.
        let patience = if what == Asked::Enrolment { self.settings.periods.ready_timeout } else { Duration::ZERO };
        let question = Question::Offer { versions: vec![entry], unknown: 0 };
        self.ask_within(node, what, question, patience.max(self.settings.periods.request), turn);
    }

    /// A node's own entry is merged, which it offered.
    pub(super) fn entry_merged(&mut self, node: NodeId, stamp: Stamp, ticket: u64, turn: &mut Turn<'_>) {
        let is_kept = self.peers.get(&node).is_some_and(|peer| peer.entry_kept >= stamp);
        if is_kept && self.has_said(turn) {
            return turn.out.push(answer(ticket, true));
        }
        self.decline_entries_where(turn, |entry| entry.node == node);
        let asked = Some((ticket, turn.now.mono));
        let covers = |entry: &&mut Entry| entry.node == node && entry.stamp >= stamp;
        if let Some(entry) = self.entries.values_mut().find(covers) {
            entry.asked = asked;
        } else {
            self.make_room_for_entry(node);
            let flush = self.flush(turn);
            self.entries.insert(flush, Entry { node, stamp, flushed: false, before: None, asked });
        }
        self.settle_entries(turn);
    }

    fn make_room_for_entry(&mut self, node: NodeId) {
        let mut of_node = self.entries.iter().filter(|(_, entry)| entry.node == node).map(|(flush, _)| *flush);
        if let Some(last) = of_node.nth(FLUSHES_MAX - 1) {
            self.entries.remove(&last);
        }
    }

    pub(super) fn entry_flushed(&mut self, flush: u64, turn: &mut Turn<'_>) {
        let Some(node) = self.entries.get(&flush).filter(|entry| !entry.flushed).map(|entry| entry.node) else {
            return;
        };
        // Whoever has acknowledged something is a newcomer no more, and only offers what is missing here.
        let is_newcomer = super::outdated::entry_of(node, turn.table).is_none_or(|entry| entry.acked.is_none());
        let own = self.own_version(turn.table).filter(|_| is_newcomer && self.may_enrol());
        if let Some(entry) = self.entries.get_mut(&flush) {
            (entry.flushed, entry.before) = (true, own.map(|version| version.stamp));
        }
        self.settle_entries(turn);
    }

    /// Answers where that can be, and else writes what is waited for.
    fn settle_entries(&mut self, turn: &mut Turn<'_>) {
        self.answer_entries(turn);
        if self.entries.values().any(|entry| entry.flushed && entry.asked.is_some()) {
            self.write_member(turn);
        }
    }

    /// Answers for the entries that are on disk, once this node has written its own since, by which an older disk of it is
    /// known for what it is, and has said with that what it holds everything up to: for who joins by it, a horizon up to
    /// there passes nobody by.
    pub(super) fn answer_entries(&mut self, turn: &mut Turn<'_>) {
        if self.entries.is_empty() || !self.has_said(turn) {
            return;
        }
        let own = self.own_version(turn.table).map(|version| version.stamp);
        let is_done = |entry: &Entry| entry.flushed && entry.before.is_none_or(|before| own > Some(before));
        for (_, entry) in self.entries.extract_if(.., |_, entry| is_done(entry)) {
            if let Some(peer) = self.peers.get_mut(&entry.node) {
                peer.entry_kept = peer.entry_kept.max(entry.stamp);
            }
            turn.out.extend(entry.asked.map(|(ticket, _)| answer(ticket, true)));
        }
    }

    /// Whether this node's entry says all that it holds.
    fn has_said(&self, turn: &Turn<'_>) -> bool {
        self.collect.acked <= self.acked(turn.table)
    }

    /// A disk that takes nothing, or is slow, may not keep the room for answers: who waits asks again. Who is no peer any
    /// more does not.
    pub(super) fn decline_entries(&mut self, turn: &mut Turn<'_>) {
        let (now, most) = (turn.now.mono, self.settings.periods.request);
        let is_late = |(_, since): (u64, Duration)| now.saturating_sub(since) >= most;
        self.decline_entries_where(turn, |entry| entry.asked.is_some_and(is_late));
        self.entries.retain(|_, entry| entry.asked.is_some() || self.peers.contains_key(&entry.node));
    }

    fn decline_entries_where(&mut self, turn: &mut Turn<'_>, is_declined: impl Fn(&Entry) -> bool) {
        let declined = self.entries.values_mut().filter(|entry| is_declined(entry));
        let tickets = declined.filter_map(|entry| entry.asked.take());
        turn.out.extend(tickets.map(|(ticket, _)| answer(ticket, false)));
    }
}

fn answer(ticket: u64, taken: bool) -> Command {
    Command::Answer { ticket, answer: Answer::Taken(taken) }
}
