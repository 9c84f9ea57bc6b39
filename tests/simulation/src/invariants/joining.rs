//! By whom a node joined: before it pulls anything from a peer, that peer has its entry in the roster on disk.

use burgee_model::{Address, RegisterId};
use burgee_replication::message::PeerId;

use crate::{oracle::Excuse, world::World};

/// A newcomer is ready, level with a peer.
pub fn joined(world: &mut World, slot: usize, by: PeerId) {
    let Some(process) = &world.slots[slot].process else { return };
    let entry = RegisterId::system(Address::Member { node: process.id.node });
    // One that lost its disk meanwhile is another node, and one whose disk is an old one may say nothing.
    let slots = world.slots.iter().enumerate();
    let slots = slots.filter(|(number, _)| world.oracle.doubted.get(number) != Some(&Excuse::Restored));
    let disks = slots.filter_map(|(_, slot)| slot.disk.as_ref());
    let mut of_peer = disks.filter(|disk| disk.node == by.node).peekable();
    let exists = of_peer.peek().is_some();
    let unknown = exists && !of_peer.any(|disk| disk.versions().any(|version| version.register == entry));
    if unknown {
        let what = format!("n{slot} joined by {:?}, on whose disk it is no member", by.node);
        world.violate("joining", what);
    }
}
