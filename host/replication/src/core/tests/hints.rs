//! Hints that are passed on.

use std::sync::Arc;

use burgee_store::{DraftWrite, Version};

use super::world::{World, entry, settings, text};
use crate::{
    core::{Command, Event, MERGES_MAX, Note, Settings},
    message::{Answer, News, PeerId, Question},
};

/// Four nodes, of which each reaches two that do not reach each other.
fn ring() -> World {
    let mut world = World::new(4);
    world.run(15);
    world.cut(0, 2);
    world.cut(1, 3);
    world.run(2);
    world
}

fn hint(versions: &[Arc<Version>]) -> News {
    News::Hint { seq: 0, versions: versions.to_vec(), unknown: 0 }
}

/// What a node commands when something happens to it.
fn handle(world: &mut World, node: usize, event: Event) -> Vec<Command> {
    let now = world.now(node);
    let node = &mut world.nodes[node];
    node.core.handle(event, &node.table, now)
}

fn merge_in(commands: &[Command]) -> Option<u64> {
    commands.iter().find_map(|command| match command {
        Command::Merge { merge, .. } => Some(*merge),
        _ => None,
    })
}

fn hints_in(commands: &[Command]) -> usize {
    let is_hint = |command: &&Command| matches!(command, Command::Send { news: News::Hint { .. }, .. });
    commands.iter().filter(is_hint).count()
}

#[test]
fn what_is_new_goes_round_once() {
    let mut world = ring();
    world.bytes.clear();
    world.put(0, "x", "1");
    assert!((0..4).all(|node| world.get(node, "x").is_some()));
    let sent = world.bytes.keys().filter(|(.., kind)| *kind == "hint");
    let sent: Vec<(usize, usize)> = sent.map(|(from, to, _)| (*from, *to)).collect();
    // Who got it first from the one side may still pass it on to the other.
    assert!(sent.len() <= 5 && !sent.contains(&(1, 0)) && !sent.contains(&(3, 0)), "{sent:?}");
}

/// It counts as new at each arrival: this would have no end.
#[test]
fn what_a_floor_had_killed_is_not_passed_on() {
    let mut world = ring();
    let dead = world.write(0, vec![DraftWrite::put(entry("x"), text("1"))]);
    for floor in world.purge(0) {
        (1..4).for_each(|node| {
            world.nodes[node].table.merge(&floor);
        });
    }
    world.bytes.clear();
    world.hint(0, 1, dead);
    assert!(world.bytes.keys().all(|(.., kind)| *kind != "hint"), "{:?}", world.bytes);
}

#[test]
fn what_comes_again_while_it_is_merged_is_passed_on_once() {
    let mut world = ring();
    let new = world.write(0, vec![DraftWrite::put(entry("x"), text("1"))]);
    let from = world.nodes[0].id;
    let merges: Vec<u64> =
        (0..3).map(|_| merge_in(&handle(&mut world, 1, Event::News { from, news: hint(&new) })).unwrap()).collect();
    new.iter().for_each(|version| {
        world.nodes[1].table.merge(version);
    });
    let mut passed_on = |merge| hints_in(&handle(&mut world, 1, Event::Merged { merge, taken: true, refused: 0 }));
    assert_eq!(merges.into_iter().map(&mut passed_on).collect::<Vec<_>>(), [1, 0, 0]);
    let again = handle(&mut world, 1, Event::News { from, news: hint(&new) });
    let merge = merge_in(&again).unwrap();
    assert_eq!(hints_in(&handle(&mut world, 1, Event::Merged { merge, taken: true, refused: 0 })), 0);
}

#[test]
fn what_the_store_cannot_follow_is_left_to_repair() {
    let mut world = World::new(2);
    world.run(15);
    let new = world.write(0, vec![DraftWrite::put(entry("x"), text("1"))]);
    let from = world.nodes[0].id;
    let mut taken = |_| merge_in(&handle(&mut world, 1, Event::News { from, news: hint(&new) }));
    let merges: Vec<u64> = (0..MERGES_MAX + 100).filter_map(&mut taken).collect();
    assert_eq!(merges.len(), MERGES_MAX);
    let offer = Event::Asked { from, ticket: 1, question: Question::Offer { versions: new, unknown: 0 } };
    let refused = Command::Answer { ticket: 1, answer: Answer::Taken(false) };
    assert!(handle(&mut world, 1, offer).contains(&refused));
    for merge in merges {
        handle(&mut world, 1, Event::Merged { merge, taken: false, refused: 0 });
    }
    assert_eq!(world.get(1, "x"), None);
    world.run(2);
    assert!(world.get(1, "x").is_some());
}

/// It is late, or somebody says again what was overheard: nothing tells the two apart.
#[test]
fn a_hint_of_a_former_start_is_counted_and_not_merged() {
    let mut world = World::new(2);
    world.run(15);
    let before = world.nodes[0].id;
    let after = PeerId { incarnation: 2, ..before };
    let old = world.write(0, vec![DraftWrite::put(entry("x"), text("1"))]);
    world.rename(0, after, |node| Settings { own: after, ..settings(node, &[1]) });
    world.run(15);
    world.nodes[1].notes.clear();
    let commands = handle(&mut world, 1, Event::News { from: before, news: hint(&old) });
    assert_eq!(commands, [Command::Note(Note::IdentityClaimed(before))]);
    assert_eq!(handle(&mut world, 1, Event::Up(before)), [Command::Note(Note::IdentityClaimed(before))]);
    assert!(merge_in(&handle(&mut world, 1, Event::News { from: after, news: hint(&old) })).is_some());
}
