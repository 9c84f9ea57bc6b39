//! Repair: a [walk](super::walk) carried on, question by question.

use std::sync::Arc;

use burgee_model::{Address, NodeId, RegisterId, Stamp};
use burgee_store::{Table, Version, digest::Realm, is_kept_for_good};

use super::{
    Ask, Asked, Command, Core, Merging, Turn,
    exchange::Stage,
    walk::{Fetched, Place, Walk},
};
use crate::message::{Answer, Question};

/// Places that a node in line with the cluster again looks at, per event.
const EVICTIONS_AT_ONCE: usize = 20_000;

/// What a node does with what its peer lacks.
#[derive(Clone, Copy, Debug)]
enum Surplus {
    /// It is offered.
    Offer,
    /// It is dropped, up to the peer's horizon: the cluster collected it.
    Evict(Stamp),
    /// It stays.
    Keep,
}

impl Core {
    /// Carries a walk on as far as it goes without an answer.
    pub(super) fn pump(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let surplus = self.surplus(node, turn.table);
        let own = Some(self.settings.own.node).filter(|_| self.settings.resync);
        let (page_bytes, mut evicted) = (self.settings.page_bytes, false);
        let is_unlike = self.peers.get(&node).is_some_and(|peer| peer.unlike);
        let Some(run) = self.run_mut(node) else { return };
        let Stage::Walk(walk, _) = &mut run.stage else { return };
        let realm = walk.realm;
        // What one of the two leaves out differs for ever: a snapshot would be pulled again and again.
        if realm == Realm::Current && walk.is_hopeless() && !is_unlike && !matches!(surplus, Surplus::Evict(_)) {
            return self.begin_snapshot(node, turn);
        }
        let (prefixes, paths) = (walk.next_prefixes(), walk.next_paths());
        walk.branching |= !prefixes.is_empty();
        walk.fetching |= !paths.is_empty();
        let offer = match surplus {
            _ if walk.offering => Vec::new(),
            Surplus::Offer if walk.pushes => next_offer(walk, turn.table, page_bytes),
            Surplus::Evict(horizon) => {
                let gone = evict(walk, horizon, own, turn.table);
                if !gone.is_empty() {
                    evicted = true;
                    turn.out.push(Command::Evict(gone));
                }
                Vec::new()
            }
            Surplus::Offer | Surplus::Keep => {
                walk.forget_ours();
                Vec::new()
            }
        };
        walk.offering |= !offer.is_empty();
        let done = walk.is_done();
        run.wrote = run.wrote.filter(|_| run.stage.pushes());
        self.evicted |= evicted;
        if !prefixes.is_empty() {
            let asked = Asked::Branches(prefixes.clone());
            self.ask(node, asked, Question::Branches { realm, prefixes }, turn);
        }
        if !paths.is_empty() {
            self.ask(node, Asked::Versions(paths.clone()), Question::Versions { realm, paths }, turn);
        }
        if !offer.is_empty() {
            self.repaired += offer.len() as u64;
            self.ask(node, Asked::Offer, Question::Offer { versions: offer, unknown: 0 }, turn);
        }
        if done {
            self.walked(node, turn);
        }
    }

    fn surplus(&self, node: NodeId, table: &Table) -> Surplus {
        let run = self.peers.get(&node).and_then(|peer| peer.exchange.run.as_ref());
        match run {
            // Where this node goes by less than it heard of, what was collected up to there stays away too.
            Some(run) if self.settings.resync && run.peer_was_ready => Surplus::Evict(run.horizon.max(table.horizon())),
            Some(run) if self.is_outside() && run.peer_was_ready => Surplus::Evict(run.horizon),
            Some(_) if !self.is_outside() => Surplus::Offer,
            _ => Surplus::Keep,
        }
    }

    fn walk_mut(&mut self, node: NodeId) -> Option<&mut Walk> {
        match &mut self.run_mut(node)?.stage {
            Stage::Walk(walk, _) => Some(walk),
            _ => None,
        }
    }

    /// Branches came.
    pub(super) fn branches(&mut self, ask: &Ask, answer: Answer, turn: &mut Turn<'_>) {
        let (Asked::Branches(prefixes), Answer::Branches(twigs)) = (&ask.what, answer) else {
            return self.fail_exchange(ask.to, turn);
        };
        let Some(walk) = self.walk_mut(ask.to) else { return };
        walk.heard();
        walk.branching = false;
        let mut sound = prefixes.len() == twigs.len();
        for (prefix, twigs) in prefixes.iter().zip(&twigs) {
            sound = sound && walk.compare(turn.table, *prefix, twigs).is_ok();
        }
        if !sound {
            return self.fail_exchange(ask.to, turn);
        }
        self.pump(ask.to, turn);
    }

    /// Versions came: they are merged before their places are looked at here.
    pub(super) fn versions(&mut self, ask: &Ask, answer: Answer, turn: &mut Turn<'_>) {
        let (Asked::Versions(paths), Answer::Versions { paths: answered, versions, unknown }) = (&ask.what, answer)
        else {
            return self.fail_exchange(ask.to, turn);
        };
        self.left_out(ask.to, unknown);
        let answered = usize::try_from(answered).unwrap_or(usize::MAX).min(paths.len());
        if answered == 0 {
            return self.fail_exchange(ask.to, turn);
        }
        let Some(walk) = self.walk_mut(ask.to) else { return };
        walk.heard();
        let (paths, rest) = paths.split_at(answered);
        walk.want_again(rest);
        // At each path stood at least one.
        walk.vanished |= versions.len().saturating_add(unknown as usize) < answered;
        let theirs: Vec<(RegisterId, Stamp)> =
            versions.iter().map(|version| (version.register.clone(), version.stamp)).collect();
        self.repaired += versions.len() as u64;
        let fetched = Fetched { from: ask.to, paths: paths.to_vec(), theirs };
        self.merge(versions, ask.to, Merging::Repair(fetched), turn);
    }

    /// What was fetched is merged, or not.
    pub(super) fn repaired(&mut self, fetched: Fetched, taken: bool, turn: &mut Turn<'_>) {
        if !taken {
            return self.fail_exchange(fetched.from, turn);
        }
        let from = fetched.from;
        let Some(walk) = self.walk_mut(from) else { return };
        walk.fetching = false;
        walk.merged(fetched);
        self.pump(from, turn);
    }

    /// The peer took an offer, or did not.
    pub(super) fn offered(&mut self, ask: &Ask, answer: &Answer, turn: &mut Turn<'_>) {
        let Some(walk) = self.walk_mut(ask.to) else { return };
        walk.offering = false;
        if *answer != Answer::Taken(true) {
            walk.forget_ours();
            if let Some(run) = self.run_mut(ask.to) {
                run.declined = true;
            }
        }
        self.pump(ask.to, turn);
    }

    /// A question of an exchange stays without an answer. One of a walk or a snapshot is asked again.
    pub(super) fn unanswered(&mut self, ask: &Ask, turn: &mut Turn<'_>) {
        if let Some(run) = self.run_mut(ask.to).filter(|_| ask.what == Asked::Offer) {
            // Whether the peer took it is not known.
            run.wrote = None;
        }
        let goes_on = match &ask.what {
            Asked::Branches(_) | Asked::Versions(_) | Asked::Offer => {
                self.walk_mut(ask.to).is_some_and(|walk| walk.unanswered(&ask.what))
            }
            Asked::Page => self.page_unanswered(ask.to, turn),
            _ => false,
        };
        if goes_on { self.pump(ask.to, turn) } else { self.fail_exchange(ask.to, turn) }
    }

    /// Carries on what waits for nothing but time.
    pub(super) fn pump_all(&mut self, turn: &mut Turn<'_>) {
        let nodes: Vec<NodeId> = self.peers.keys().copied().collect();
        nodes.into_iter().for_each(|node| self.pump(node, turn));
    }
}

/// What the peer lacks, up to a page.
fn next_offer(walk: &mut Walk, table: &Table, page_bytes: usize) -> Vec<Arc<Version>> {
    let (mut offer, mut bytes): (Vec<Arc<Version>>, usize) = (Vec::new(), 0);
    while bytes < page_bytes {
        let Some(place) = walk.next_place(table) else { break };
        let lacking = table.at(walk.realm, place.path).into_iter().filter(|version| !place.has(version));
        for version in lacking {
            bytes += version.weight();
            offer.push(version);
        }
    }
    offer
}

/// What the cluster has collected while this node was away. What is never collected the peer just lacks.
fn evict(walk: &mut Walk, horizon: Stamp, own: Option<NodeId>, table: &Table) -> Vec<(RegisterId, Stamp)> {
    let mut gone = Vec::new();
    for _ in 0..EVICTIONS_AT_ONCE {
        let Some(place) = walk.next_place(table) else { break };
        let here = table.at(walk.realm, place.path).into_iter();
        let may_go = |version: &Version| {
            let address = &version.register.address;
            // Of what this node wrote under an identity of which nobody takes anything yet, nobody collected anything.
            *address != Address::Horizon && !is_kept_for_good(address) && Some(version.stamp.id) != own
        };
        for version in here.filter(|version| may_go(version)) {
            match walk.realm {
                Realm::Current => collected(table, &place, &version, horizon, &mut gone),
                // What the peer sent of a register's history says nothing of its current version.
                Realm::History(_) if version.stamp <= horizon && !place.has(&version) => {
                    gone.push((version.register.clone(), version.stamp));
                }
                Realm::History(_) => {}
            }
        }
    }
    // What was fetched may have been dead by what goes now.
    walk.vanished |= !gone.is_empty();
    gone
}

/// Of a register of which the peer has nothing: the versions up to the horizon. Where it has something older,
/// nothing newer was collected: this node alone has seen it.
fn collected(table: &Table, place: &Place, version: &Version, horizon: Stamp, gone: &mut Vec<(RegisterId, Stamp)>) {
    let id = &version.register;
    if place.theirs.iter().any(|(register, _)| register == id) {
        return;
    }
    let held = table.history(id).filter(|held| held.stamp <= horizon);
    gone.extend(held.map(|held| (id.clone(), held.stamp)));
    gone.dedup();
}

impl Place {
    fn has(&self, version: &Version) -> bool {
        self.theirs.iter().any(|(register, stamp)| *stamp == version.stamp && *register == version.register)
    }
}
