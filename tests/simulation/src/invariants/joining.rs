//! By whom a node joined: before it pulls anything from a peer, that peer has its entry in the roster on disk.

use burgee_model::{Address, RegisterId};
use burgee_replication::message::PeerId;

use crate::world::World;

/// A newcomer is ready, level with a peer.
pub fn joined(world: &mut World, slot: usize, by: PeerId) {
    let Some(process) = &world.slots[slot].process else { return };
    let entry = RegisterId::system(Address::Member { node: process.id.node });
    let disks = world.slots.iter().filter_map(|slot| slot.disk.as_ref());
    // One that lost its disk meanwhile is another node.
    let mut of_peer = disks.filter(|disk| disk.node == by.node).peekable();
    let exists = of_peer.peek().is_some();
    let unknown = exists && !of_peer.any(|disk| disk.versions().any(|version| version.register == entry));
    if unknown {
        let what = format!("n{slot} joined by {:?}, on whose disk it is no member", by.node);
        world.violate("joining", what);
    }
}
