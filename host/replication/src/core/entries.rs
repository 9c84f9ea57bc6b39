//! Entries in the roster that nodes offer of themselves: each is told once its own is on this node's disk.
//!
//! A disk may take longer than anybody waits for an answer, and longer than the room for answers may be held. So whoever
//! is told no asks again, with the same entry, and hears of what was begun for it the first time: else a slow disk would
//! keep a newcomer out for ever.

use std::{collections::BTreeMap, time::Duration};

use burgee_model::{NodeId, Stamp};

use super::{Command, Core, Turn};
use crate::message::Answer;

/// Entries that are being written to disk, by flush. Of one node, one is.
pub(super) type Entries = BTreeMap<u64, Entry>;

/// An entry that is being written to disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    node: NodeId,
    stamp: Stamp,
    /// The ticket of who asked last, and since when it waits; none once it was told no.
    asked: Option<(u64, Duration)>,
}

impl Core {
    /// A node's own entry is merged, which it offered: it is told so once that is on disk, with all that was merged
    /// before it, and has by then what this node holds everything up to.
    pub(super) fn entry_merged(&mut self, (node, stamp): (NodeId, Stamp), ticket: u64, turn: &mut Turn<'_>) {
        if self.peers.get(&node).is_some_and(|peer| peer.entry_kept >= stamp) {
            return turn.out.push(answer(ticket, true));
        }
        self.decline_entries_where(turn, |entry| entry.node == node);
        let asked = Some((ticket, turn.now.mono));
        if let Some(entry) = self.entries.values_mut().find(|entry| entry.node == node && entry.stamp >= stamp) {
            entry.asked = asked;
            return;
        }
        self.entries.retain(|_, entry| entry.node != node);
        let said = self.roster.member(self.settings.own.node).and_then(|member| member.acked);
        if self.collect.acked > said {
            self.write_member(turn);
        }
        let flush = self.flush(turn);
        self.entries.insert(flush, Entry { node, stamp, asked });
    }

    pub(super) fn entry_flushed(&mut self, flush: u64, turn: &mut Turn<'_>) {
        let Some(entry) = self.entries.remove(&flush) else { return };
        if let Some(peer) = self.peers.get_mut(&entry.node) {
            peer.entry_kept = peer.entry_kept.max(entry.stamp);
        }
        if let Some((ticket, _)) = entry.asked {
            turn.out.push(answer(ticket, true));
        }
    }

    /// A disk that takes nothing, or is slow, may not keep the room for answers: who waits asks again.
    pub(super) fn decline_entries(&mut self, turn: &mut Turn<'_>) {
        let (now, most) = (turn.now.mono, self.settings.periods.request);
        let is_late = |(_, since): (u64, Duration)| now.saturating_sub(since) >= most;
        self.decline_entries_where(turn, |entry| entry.asked.is_some_and(is_late));
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
