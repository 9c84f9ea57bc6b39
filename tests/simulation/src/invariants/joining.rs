//! By whom a node joined: before it pulls anything from a peer, that peer has its entry in the roster on disk.

use burgee_model::{Address, RegisterId};
use burgee_replication::message::PeerId;

use crate::{oracle::Excuse, world::World};

/// A newcomer is ready, level with a peer.
pub fn joined(world: &mut World, slot: usize, by: PeerId) {
    let Some(process) = &world.slots[slot].process else { return };
    let entry = RegisterId::system(Address::Member { node: process.id.node });
    // One that lost its disk meanwhile is another node, and one whose disk is an old one may say nothing. Nor does the
    // disk of a copy that gave way long ago.
    let of_peer = || {
        let slots = world.slots.iter().enumerate().filter(|(_, slot)| !slot.is_copy() || slot.process.is_some());
        slots.filter_map(|(number, slot)| Some((number, slot.disk.as_ref().filter(|disk| disk.node == by.node)?)))
    };
    let knows = of_peer().any(|(_, disk)| disk.versions().any(|version| version.register == entry));
    let is_old = of_peer().any(|(number, _)| world.oracle.doubted.get(&number) == Some(&Excuse::Restored));
    let unknown = of_peer().next().is_some() && !knows && !is_old;
    if unknown {
        let what = format!("n{slot} joined by {:?}, on whose disk it is no member", by.node);
        world.violate("joining", what);
    }
}
