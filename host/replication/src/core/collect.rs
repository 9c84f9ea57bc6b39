//! Collection: what the members promise, what they hold for certain, and the horizon that follows.
//!
//! A sweep is a whole exchange with every other member. A node that has finished one, on disk, holds every
//! version up to the least promise that it knew when the sweep began. The horizon is the least of what all
//! members hold so.

use std::{collections::BTreeSet, time::Duration};

use burgee_model::{MemberMeta, Millis, NodeId, Stamp, stamp::millis_to_ntp64};

use super::{Command, Core, SystemWrite, Turn};
use crate::status::{Hold, Holder};

/// After so many steps of collection, what was due before them is late.
const STEPS_LATE: u32 = 4;

/// What the core knows of collection.
#[derive(Debug, Default)]
pub(super) struct Collect {
    due: Duration,
    sweep: Option<Sweep>,
    /// What this node holds for certain.
    pub(super) acked: Option<Stamp>,
    flush: Option<(u64, Sweep)>,
}

#[derive(Debug)]
struct Sweep {
    /// The least promise known when it began.
    promise: Stamp,
    began: Duration,
    /// Whom it is with.
    members: BTreeSet<NodeId>,
    /// Members with which no whole exchange has ended that began since.
    waiting: BTreeSet<NodeId>,
    /// Whether all of them kept by then what this node brought. Only from then on do they tell in an exchange of whoever
    /// joined by them before they had it.
    kept: bool,
}

impl Core {
    /// One step of collection, where it is time and there is something to collect.
    pub(super) fn collect(&mut self, turn: &mut Turn<'_>) {
        self.end_sweep(turn);
        if turn.now.mono < self.collect.due || !self.readiness.ready || self.settings.resync {
            return;
        }
        self.collect.due = turn.now.mono + self.settings.periods.collect;
        let is_member = self.roster.member(self.settings.own.node).is_some();
        if !is_member || !self.has_garbage(turn) {
            return;
        }
        self.begin_to_hand_over(turn);
        self.advance_horizon(turn);
        self.write_member(turn);
        self.begin_sweep(turn);
    }

    /// Whether something could be collected that is old enough.
    pub(super) fn has_garbage(&self, turn: &Turn<'_>) -> bool {
        turn.table.oldest_collectable().is_some_and(|oldest| oldest <= self.youngest_collected(turn.now.cluster))
    }

    /// The greatest horizon that the grace period allows.
    fn youngest_collected(&self, now: Millis) -> Stamp {
        let grace = Millis::try_from(self.settings.periods.grace.as_millis()).unwrap_or(Millis::MAX);
        Stamp { time: millis_to_ntp64(now.saturating_sub(grace)), ..Stamp::ZERO }
    }

    fn advance_horizon(&self, turn: &mut Turn<'_>) {
        let least = self.roster.members().map(|(_, member)| member.acked).min().flatten();
        let horizon = least.map(|least| least.min(self.youngest_collected(turn.now.cluster)));
        if let Some(horizon) = horizon.filter(|horizon| *horizon > turn.table.horizon()) {
            turn.out.push(Command::Write(SystemWrite::Horizon(horizon)));
        }
    }

    fn begin_sweep(&mut self, turn: &mut Turn<'_>) {
        // Who only begins to join holds nothing yet that it could say, and knows next to nobody: its sweep would count
        // for nothing, and have all that it pulls persisted at once.
        if self.is_outside() || self.collect.sweep.is_some() || self.collect.flush.is_some() {
            return;
        }
        let own = self.settings.own.node;
        let Some(promise) = self.roster.members().map(|(_, member)| member.promise).min() else { return };
        let waiting: BTreeSet<NodeId> =
            self.roster.members().map(|(node, _)| node).filter(|node| *node != own).collect();
        for node in &waiting {
            if let Some(peer) = self.peers.get_mut(node) {
                peer.exchange.want(turn.now.mono);
            }
        }
        let members = waiting.clone();
        let kept = self.is_kept_by_all();
        self.collect.sweep = Some(Sweep { promise, began: turn.now.mono, members, waiting, kept });
    }

    /// A whole exchange with a peer ended.
    pub(super) fn swept(&mut self, node: NodeId, began: Duration) {
        if let Some(sweep) = self.collect.sweep.as_mut().filter(|sweep| began >= sweep.began) {
            sweep.waiting.remove(&node);
        }
    }

    fn end_sweep(&mut self, turn: &mut Turn<'_>) {
        let roster = &self.roster;
        let Some(sweep) = &mut self.collect.sweep else { return };
        sweep.waiting.retain(|node| roster.member(*node).is_some());
        if !sweep.waiting.is_empty() {
            return;
        }
        if let Some(sweep) = self.collect.sweep.take() {
            let flush = self.flush(turn);
            self.collect.flush = Some((flush, sweep));
        }
    }

    /// Whether a sweep was with all members, as far as is known by now. What one wrote of whom this node
    /// heard only later need not be on this disk.
    fn is_of_all(&self, sweep: &Sweep) -> bool {
        let own = self.settings.own.node;
        self.roster.members().all(|(node, _)| node == own || sweep.members.contains(&node))
    }

    /// What the sweep brought is on disk.
    pub(super) fn sweep_flushed(&mut self, flush: u64, turn: &Turn<'_>) {
        if let Some((_, sweep)) = self.collect.flush.take_if(|(number, _)| *number == flush) {
            self.roster.look(turn.table);
            if self.is_of_all(&sweep) && sweep.kept && self.is_kept_by_all() {
                self.collect.acked = self.collect.acked.max(Some(sweep.promise));
            }
        }
    }

    /// The nodes that collection waits for: members that are away, and those that leave what has long been due unsaid
    /// (because their disk takes nothing, say); or else whoever had a clock that was ahead.
    pub(super) fn collection_held_by(&self, turn: &Turn<'_>) -> Vec<Holder> {
        if !self.has_garbage(turn) {
            return self.ahead(turn);
        }
        let own = self.settings.own.node;
        let is_away = |node: NodeId| node != own && !self.peers.get(&node).is_some_and(|peer| peer.live);
        let late = self.late(turn);
        let is_left_out = |node: NodeId| self.peers.get(&node).is_some_and(|peer| peer.live && peer.unlike);
        let why = |node: NodeId| match is_away(node) {
            true => Some(Hold::Away),
            false if is_left_out(node) => Some(Hold::LeftOut),
            false => late.contains(&node).then_some(Hold::Late),
        };
        let members = self.roster.members();
        let holds = members.filter_map(|(id, member)| Some(Holder { id, name: member.name.clone(), why: why(id)? }));
        holds.collect()
    }

    /// Where all that could be collected is stamped in times to come: those who said that they hold everything up to
    /// then, forgotten ones too, for whatever is written is stamped above that; or whoever stamped it.
    fn ahead(&self, turn: &Turn<'_>) -> Vec<Holder> {
        let fence = millis_to_ntp64(turn.now.cluster.saturating_add(self.settings.max_skew_ms));
        let Some(oldest) = turn.table.oldest_collectable().filter(|oldest| oldest.time > fence) else {
            return Vec::new();
        };
        let holder = |(id, MemberMeta { name, .. }, _)| Holder { id, name, why: Hold::ClockAhead };
        let said = |entry: &MemberMeta| entry.acked.is_some_and(|acked| acked.time > fence);
        let sayers: Vec<Holder> = turn.table.members().filter(|(_, entry, _)| said(entry)).map(holder).collect();
        if !sayers.is_empty() {
            return sayers;
        }
        turn.table.members().filter(|(node, ..)| *node == oldest.id).map(holder).collect()
    }

    /// The members that stand in the way of what could have been collected some steps ago: those whose promise
    /// is older, for which all others wait, or else those that do not say that they hold it.
    fn late(&self, turn: &Turn<'_>) -> BTreeSet<NodeId> {
        let steps = self.settings.periods.collect * STEPS_LATE;
        let then = turn.now.cluster.saturating_sub(Millis::try_from(steps.as_millis()).unwrap_or(Millis::MAX));
        let oldest = turn.table.oldest_collectable().filter(|oldest| *oldest <= self.youngest_collected(then));
        let Some(oldest) = oldest else { return BTreeSet::new() };
        let members = || self.roster.members();
        let promised_less: BTreeSet<NodeId> =
            members().filter(|(_, member)| member.promise < oldest).map(|(node, _)| node).collect();
        if !promised_less.is_empty() {
            return promised_less;
        }
        let holds_less = members().filter(|(_, member)| member.acked.is_none_or(|acked| acked < oldest));
        let mut late: BTreeSet<NodeId> = holds_less.map(|(node, _)| node).collect();
        if late.remove(&self.settings.own.node) {
            // A newcomer waits for those that do not keep yet what it brought.
            late.extend(if self.is_kept_by_all() { vec![self.settings.own.node] } else { self.not_keeping() });
        }
        late
    }
}
