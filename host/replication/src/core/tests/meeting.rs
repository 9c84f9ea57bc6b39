//! Where nodes are that one has only heard of.

use burgee_model::NodeId;

use super::world::World;
use crate::{
    core::Event,
    message::{News, PeerId},
};

/// Nodes come and go, each under an id of its own; what is known of where they were must not take the room of others.
#[test]
fn where_a_node_was_is_forgotten_once_nobody_reaches_it() {
    let mut world = World::new(2);
    world.run(15);
    let stranger = PeerId { node: NodeId([77; 16]), incarnation: 1 };
    // The first node alone meets it, and tells the second one of it.
    world.events.push_back((0, Event::Up(stranger)));
    world.settle();
    let mut info = world.info(1);
    (info.name, info.endpoint) = ("stranger".to_owned(), Some("test/77".to_owned()));
    let beat = News::Beat { seq: 0, info, remembers: 0, forgotten: false };
    world.events.push_back((0, Event::News { from: stranger, news: beat }));
    world.run(3);
    let named = |world: &World| world.nodes[1].core.mesh.named.contains_key(&stranger.node);
    assert!(named(&world));
    world.run(300);
    assert!(named(&world), "it may be back soon");
    world.run(400);
    assert!(!named(&world));
}
