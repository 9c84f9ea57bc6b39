//! Walks find whatever differs, on either side.

use proptest::prelude::*;

use super::world::{World, entry, settings, text};
use crate::{
    core::{Event, Settings},
    message::Question,
};
use burgee_store::DraftWrite;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Two nodes with any overlap agree after one exchange each, whatever the sizes.
    #[test]
    fn any_two_replicas_come_to_agree(
        common in 0..400usize,
        left in 0..400usize,
        right in 0..400usize,
        changed in 0..50usize,
    ) {
        let mut world = World::new(2);
        let put = |n: usize, value: &str| DraftWrite::put(entry(&format!("k{n}")), text(value));
        for version in world.write(0, (0..common).map(|n| put(n, "both")).collect()) {
            world.nodes[1].table.merge(&version);
        }
        world.write(0, (1_000..1_000 + left).map(|n| put(n, "left")).collect());
        world.write(1, (2_000..2_000 + right).map(|n| put(n, "right")).collect());
        world.write(1, (0..changed.min(common)).map(|n| put(n, "newer")).collect());
        world.run(15);
        prop_assert!(world.roots_agree());
        prop_assert_eq!(world.nodes[0].table.counts().config_entries, common + left + right);
    }
}

/// Its link is made anew before the old one is known to be dead; the page that was asked for never comes.
#[test]
fn a_peer_that_restarts_while_it_is_pulled_from_is_pulled_from_again() {
    let newcomer = Settings { snapshot_versions: 50, ..settings(1, &[0]) };
    let mut world = World::of([settings(0, &[]), newcomer].into_iter());
    world.write(0, (0..500).map(|n| DraftWrite::put(entry(&format!("k{n}")), text("x"))).collect());
    world.lost = |question| matches!(question, Question::Page { .. });
    world.run(2);
    assert_eq!(world.nodes[1].table.counts().config_entries, 0);
    world.nodes[0].id.incarnation = 2;
    world.lost = |_| false;
    world.events.push_back((1, Event::Up(world.nodes[0].id)));
    world.run(10);
    assert!(world.nodes[1].core.readiness().ready && world.roots_agree());
}

/// History that is not current is compared too.
#[test]
fn history_travels_too() {
    use burgee_model::{FlagField, Key, RegisterId};
    let mut world = World::new(2);
    let [tenant, flag] = ["tenant", "flag"].map(|text| Key::new(text).unwrap());
    let id = RegisterId::flag(&tenant, &flag, FlagField::Name);
    for n in 0..5 {
        world.write(0, vec![DraftWrite::put(id.clone(), text(&format!("{n}")))]);
    }
    world.run(15);
    assert!(world.roots_agree());
    assert_eq!(world.nodes[1].table.history(&id).count(), 5);
}

#[test]
fn a_chain_converges_although_its_ends_never_meet() {
    let mut world = World::new(3);
    world.cut(0, 2);
    world.nodes[2].core = crate::core::Core::new(super::world::settings(2, &[1]));
    world.run(20);
    world.put(0, "x", "1");
    world.run(1);
    assert_eq!(world.get(2, "x"), Some(b"1".to_vec()));
    world.put(2, "y", "2");
    world.run(1);
    assert_eq!(world.get(0, "y"), Some(b"2".to_vec()));
}

#[test]
fn a_peer_that_contradicts_itself_ends_the_exchange_and_nothing_else() {
    use super::super::walk::{Nonsense, Walk};
    use crate::message::{Check, Twigs};
    use burgee_store::{
        Table,
        digest::{Prefix, Realm},
    };
    let table = Table::default();
    let mut walk = Walk::new(Realm::Current, Prefix::ROOT, true);
    let at = Prefix::of(0x1200 << 48, 2);
    let same = Twigs::Inner(vec![(at, Check(1)), (at, Check(2))]);
    assert_eq!(walk.compare(&table, at, &same), Err(Nonsense));
    let elsewhere = Twigs::Leaf(vec![(0x3400 << 48, Check(1))]);
    assert_eq!(walk.compare(&table, at, &elsewhere), Err(Nonsense));
    let below = Twigs::Inner(vec![(Prefix::of(0x1230 << 48, 3), Check(1))]);
    assert_eq!(walk.compare(&table, at, &below), Ok(()));
}
