//! What is set aside, and what of it is written again over what the others hold.

use burgee_model::{FlagInField, Stamp};

use super::*;
use crate::testing::{config, flag_in, floor, key, stamp, version};

const OWN: NodeId = NodeId([1; 16]);
const PEER: NodeId = NodeId([2; 16]);
const NOW: Millis = 1_000;

fn tombstone(id: RegisterId, time: u64) -> Version {
    Version { content: None, ..version(id, time, "") }
}

fn by_peer(version: Version) -> Version {
    let stamp = Stamp { id: PEER, ..version.stamp };
    Version { stamp, change: crate::ChangeId(stamp), ..version }
}

fn table(versions: impl IntoIterator<Item = Version>) -> Table {
    let mut table = Table::default();
    let of_peer = RegisterId::system(Address::Member { node: PEER });
    table.merge(&Arc::new(by_peer(version(of_peer, 1, r#"{"name":"b"}"#))));
    versions.into_iter().for_each(|version| drop(table.merge(&Arc::new(version))));
    table
}

fn told(up_to: u64) -> Told {
    let mut told = Told::default();
    told.raise(PEER, stamp(up_to), &Table::default(), OWN);
    told
}

/// What is written again of one table over another: registers, and whether they get a value.
fn again(before: &Table, after: &Table, told: &Told) -> Vec<(RegisterId, bool)> {
    let aside = Aside::of(before, OWN, told, Missed::Forgotten, NOW);
    let writes = aside.parts().flat_map(|part| aside.writes(part, after, NOW));
    writes.map(|write| (write.register, write.content.is_some())).collect()
}

#[test]
fn a_deletion_is_repeated_where_the_others_hold_an_older_value() {
    let before = table([tombstone(config("k"), 9), by_peer(tombstone(config("l"), 9))]);
    let older = [version(config("k"), 5, "1"), version(config("l"), 5, "1")];
    assert_eq!(again(&before, &table(older), &told(0)), [(config("k"), false), (config("l"), false)]);
    let newer = [version(config("k"), 10, "1")];
    assert_eq!(again(&before, &table(newer), &told(0)), [], "of a newer one and of none there is nothing to delete");
}

#[test]
fn what_expired_unseen_is_repeated_as_a_deletion() {
    let expired = Version { expires_at: Some(NOW - 1), ..version(config("k"), 9, "2") };
    let older = [version(config("k"), 5, "1")];
    assert_eq!(again(&table([expired.clone()]), &table(older), &told(0)), [(config("k"), false)]);
    assert_eq!(again(&table([expired]), &table([]), &told(0)), []);
}

#[test]
fn a_value_is_repeated_where_no_member_was_told_of_it_and_nothing_is_there() {
    let field = flag_in(FlagInField::State);
    let before = table([version(config("told"), 5, "1"), version(config("k"), 6, "1"), version(field.clone(), 7, "1")]);
    assert_eq!(again(&before, &table([]), &told(5)), [(field, true), (config("k"), true)]);
    let there = [by_peer(version(config("k"), 8, "2")), tombstone(flag_in(FlagInField::State), 8)];
    assert_eq!(again(&before, &table(there), &told(5)), [], "they were overridden");
}

#[test]
fn what_only_forgotten_nodes_were_told_of_is_repeated() {
    let forgotten = RegisterId::system(Address::Forgotten { node: PEER });
    let after = table([version(forgotten, 9, r#"{"name":"b"}"#)]);
    let mut third = told(6);
    third.raise(NodeId([3; 16]), stamp(1), &Table::default(), OWN);
    let of_third = version(RegisterId::system(Address::Member { node: NodeId([3; 16]) }), 1, r#"{"name":"c"}"#);
    let before = table([version(config("k"), 6, "1"), of_third]);
    assert_eq!(again(&before, &after, &third), [(config("k"), true)]);
    assert_eq!(again(&before, &table([]), &third), [], "the peer that has it is a member");
}

/// It may be forgotten once more before anybody has heard of it.
#[test]
fn what_no_member_was_told_of_is_repeated_though_it_is_still_there() {
    let mine = || version(config("k"), 6, "1");
    let before = table([mine()]);
    assert_eq!(again(&before, &table([mine()]), &told(5)), [(config("k"), true)]);
    assert_eq!(again(&before, &table([mine()]), &told(6)), [], "it has been heard of");
    let repeated = Version { parents: [stamp(6)].into(), ..version(config("k"), 20, "1") };
    assert_eq!(again(&before, &table([mine(), repeated]), &told(5)), []);
}

#[test]
fn a_purge_deletes_what_it_had_killed_and_nothing_newer() {
    let prefix = || Scope::Config { environment: key("e"), prefix: "a/".into() };
    let before = table([floor(prefix(), 9)]);
    let after = table([version(config("a/1"), 5, "1"), version(config("a/2"), 10, "1"), version(config("b"), 5, "1")]);
    assert_eq!(again(&before, &after, &told(0)), [(config("a/1"), false)]);
}

#[test]
fn what_stands_under_a_floor_stays_dead() {
    let before = table([version(config("a/1"), 5, "1"), version(flag_in(FlagInField::State), 5, "1")]);
    let prefix = Scope::Config { environment: key("e"), prefix: "a/".into() };
    let after = table([floor(prefix, 9), floor(Scope::Flag { flag: key("f") }, 3)]);
    assert_eq!(again(&before, &after, &told(0)), []);
}

#[test]
fn of_an_old_disk_only_deletions_are_set_aside() {
    let before = table([version(config("k"), 5, "1"), tombstone(config("l"), 6)]);
    let aside = Aside::of(&before, OWN, &Told::default(), Missed::Restored, NOW);
    let registers: Vec<_> = aside.versions.iter().map(|version| version.register.clone()).collect();
    assert_eq!(registers, [config("l")]);
}

#[test]
fn a_large_purge_is_written_in_parts_until_nothing_is_left() {
    let everything = Scope::Config { environment: key("e"), prefix: "".into() };
    let before = table([floor(everything, 9)]);
    let mut after = table((0..2_500).map(|n| version(config(&format!("k{n}")), 5, "1")));
    let aside = Aside::of(&before, OWN, &told(0), Missed::Forgotten, NOW);
    let mut counts = Vec::new();
    while let Some(writes) = Some(aside.writes(&aside.versions, &after, NOW)).filter(|writes| !writes.is_empty()) {
        writes.iter().for_each(|write| drop(after.merge(&Arc::new(tombstone(write.register.clone(), 20)))));
        counts.push(writes.len());
    }
    assert_eq!(counts, [1_000, 1_000, 500]);
}

/// Only it had seen the floor, so what it writes again has not: it stands below by that, and is later all the same.
#[test]
fn what_is_written_again_is_not_written_once_more() {
    let before = table([Version { floor_seen: Some(stamp(3)), ..version(config("k"), 9, "2") }]);
    let older = by_peer(version(config("k"), 5, "1"));
    assert_eq!(again(&before, &table([older.clone()]), &told(0)), [(config("k"), true)]);
    let repeated = Version { parents: [older.stamp].into(), ..version(config("k"), 20, "2") };
    assert_eq!(again(&before, &table([older, repeated]), &told(0)), []);
}
