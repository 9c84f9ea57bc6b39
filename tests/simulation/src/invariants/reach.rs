//! Whom a node that looks for its cluster can reach, as the network has it and not as the node does; and what it may
//! conclude from that when the time has passed.

use std::collections::{BTreeMap, BTreeSet};

use burgee_model::{MemberMeta, NodeId};
use burgee_replication::message::PeerId;

use crate::{
    clock::micros,
    node::{Process, Slot},
    oracle::accounts_for,
    schedule::{Micros, SECOND},
    world::World,
};

/// For how long a ready peer is to be reached without a break until the node must have found it: a link may have to be
/// given up for silence before, and a dial waits for a pause.
const FOUND: Micros = 8 * SECOND;
/// So many timeouts long who holds part of what a peer had waits for one who is ready.
const PATIENCE: u64 = 6;

/// What a node could know of others until it was ready.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Its own entry in the roster, as its disk had it when it started.
    entry: Option<MemberMeta>,
    /// Whether an operator trusts it.
    trusted: bool,
    /// Since when each peer is ready and reached both ways.
    since: BTreeMap<PeerId, Micros>,
    /// To whom it has a link.
    links: BTreeSet<PeerId>,
    /// Whether a ready peer told it how they compare.
    pub met_ready: bool,
    /// Whether another node became ready since it started.
    pub overtaken: bool,
    /// Whether it was ready, and whether it said `alone` then.
    served: Option<bool>,
}

impl Reach {
    /// There is a link to a peer, or none any more.
    pub fn linked(&mut self, peer: PeerId, up: bool) {
        if up {
            self.links.insert(peer);
        } else {
            self.links.remove(&peer);
        }
    }

    /// Whether what its disk has is whole, and that of a member.
    fn came_whole(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| !entry.joining && !entry.partial)
    }
}

/// A node started.
pub fn started(world: &mut World, slot: usize) {
    let slot = &mut world.slots[slot];
    let (entry, trusted) = (slot.disk.as_ref().and_then(|disk| disk.entry()), slot.trusted);
    if let Some(process) = &mut slot.process {
        (process.seen.reach.entry, process.seen.reach.trusted) = (entry, trusted);
    }
}

/// Looks whom each node that waits can reach.
pub fn look(world: &mut World) {
    let waiting: Vec<usize> =
        world.processes().filter(|(_, process)| !process.readiness.ready).map(|(slot, _)| slot).collect();
    for slot in waiting {
        let reached: BTreeSet<PeerId> = ready_peers(world, slot).collect();
        let now = world.now;
        let Some(process) = &mut world.slots[slot].process else { continue };
        let since = &mut process.seen.reach.since;
        since.retain(|peer, _| reached.contains(peer));
        reached.into_iter().for_each(|peer| {
            since.entry(peer).or_insert(now);
        });
    }
}

/// The ready peers among a node's seeds that it can reach, and is to listen to. (Those that are found otherwise may
/// take longer.)
fn ready_peers(world: &World, slot: usize) -> impl Iterator<Item = PeerId> {
    let own = &world.slots[slot];
    let forgets = move |peer: PeerId| {
        own.process.as_ref().is_none_or(|own| own.table.forgotten().any(|(node, ..)| node == peer.node))
    };
    let passes = move |other| world.network.passes(slot, other) && world.network.passes(other, slot);
    world
        .processes()
        .filter(move |(other, process)| {
            let peer = &world.slots[*other];
            let is_up = *other != slot && process.readiness.ready && !peer.paused && !own.paused && passes(*other);
            let counts = !world.oracle.is_doubted(*other) && !peer.is_copy() && !world.is_copied(*other);
            is_up && counts && own.seeds.contains(&peer.endpoint) && !forgets(process.id)
        })
        .map(|(_, process)| process.id)
}

/// The ready peer that a node reaches for so long that it must know of it.
#[must_use]
pub fn found(world: &World, slot: usize) -> Option<PeerId> {
    let process = world.slots[slot].process.as_ref()?;
    if world.oracle.is_doubted(slot) || world.slots[slot].is_copy() {
        return None;
    }
    let since = |peer: &PeerId| process.seen.reach.since.get(peer).copied();
    ready_peers(world, slot).find(|peer| since(peer).is_some_and(|since| world.now - since >= FOUND))
}

/// What a node that says that it is ready may not say, for the first time or again.
#[must_use]
pub fn wrong(world: &World, slot: usize) -> Option<String> {
    let process = world.slots[slot].process.as_ref()?;
    let (reach, alone) = (&process.seen.reach, process.readiness.alone);
    if let Some(was_alone) = reach.served {
        return (alone && !was_alone).then(|| "is alone although it was not".to_owned());
    }
    let is_by_itself = world.slots[slot].seeds.is_empty() && knows_nobody(process);
    if is_by_itself || reach.trusted {
        return None;
    }
    let found = || found(world, slot).map(|peer| format!("although it reaches {:?}, which is ready", peer.node));
    let timeout = micros(world.plan.periods.ready_timeout);
    let waited = world.now - process.born;
    let in_time = (waited < timeout).then(|| "before the time has passed".to_owned());
    let why = if alone {
        let is_part = (!reach.came_whole() && !reach.met_ready && !may_go_on(reach, waited / timeout))
            .then(|| "with nothing, or with part of what somebody had".to_owned());
        in_time.or(is_part).or_else(found)
    } else if reach.links.is_empty() {
        Some("and does not say that it is alone".to_owned())
    } else if !reach.met_ready {
        in_time.or_else(found)
    } else {
        None
    };
    why.or_else(|| dropped(world, slot)).map(|why| format!("is ready {why}"))
}

fn knows_nobody(process: &Process) -> bool {
    let forgotten: BTreeSet<NodeId> = process.table.forgotten().map(|(node, ..)| node).collect();
    process.table.members().all(|(node, ..)| node == process.id.node || forgotten.contains(&node))
}

fn may_go_on(reach: &Reach, timeouts: u64) -> bool {
    reach.entry.as_ref().is_some_and(|entry| entry.partial) && timeouts >= PATIENCE
}

/// What of its own disk a node has not, that met nobody from whom it heard that it was collected.
fn dropped(world: &World, slot: usize) -> Option<String> {
    let Slot { disk: Some(disk), process: Some(process), .. } = &world.slots[slot] else { return None };
    let gone = disk.versions().find(|version| !accounts_for(&process.table, version));
    gone.filter(|_| !process.seen.reach.met_ready).map(|version| format!("without {version:?} of its disk"))
}

/// A node is ready.
pub fn ready(world: &mut World, slot: usize) {
    let Some(process) = &mut world.slots[slot].process else { return };
    process.seen.reach.served = Some(process.readiness.alone);
    let id = process.id;
    for other in world.slots.iter_mut().filter_map(|slot| slot.process.as_mut()).filter(|other| other.id != id) {
        other.seen.reach.overtaken = true;
    }
}
