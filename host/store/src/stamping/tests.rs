//! What stamps, parents and floors local writes get.

use std::convert::identity;

use burgee_model::{FlagField, FlagInField, NodeId};

use super::*;
use crate::{
    Stamping,
    request::Last,
    testing::{config, flag_in, floor, json, key, stamp, version},
};

const NOW: Millis = 1_800_000_000_000;

fn request(scope: WriteScope) -> Request {
    Request { scope, actor: "me".into(), note: None, stamping: Stamping::Local }
}

fn everything() -> Request {
    request(WriteScope::Everything)
}

fn clock() -> Clock {
    Clock::new(NodeId([7; 16]), 60_000, 0)
}

fn table(of: impl IntoIterator<Item = Version>) -> Table {
    let mut table = Table::default();
    for version in of {
        table.merge(&Arc::new(version));
    }
    table
}

fn put(id: RegisterId) -> DraftWrite {
    DraftWrite::put(id, json("1"))
}

fn write(table: &Table, write: DraftWrite) -> Result<Vec<Arc<Version>>, DraftError> {
    stamp_draft(&everything(), Draft::of(vec![write]), table, &mut clock(), NOW)
}

fn one(result: Result<Vec<Arc<Version>>, DraftError>) -> Arc<Version> {
    let [version] = <[_; 1]>::try_from(result.unwrap()).unwrap();
    version
}

fn state() -> RegisterId {
    flag_in(FlagInField::State)
}

/// A time an hour ahead of the wall clock.
fn ahead() -> u64 {
    burgee_model::stamp::millis_to_ntp64(NOW + 3_600_000)
}

#[test]
fn a_write_names_what_it_replaces() {
    let table = table([version(state(), 5, "0")]);
    let written = one(write(&table, put(state())));
    assert_eq!(*written.parents, [stamp(5)]);
    assert_eq!((written.stamp.millis(), written.change.0), (NOW, written.stamp));
}

#[test]
fn whoever_has_seen_a_version_can_override_it_however_wrong_its_clock() {
    for id in [state(), config("k")] {
        let mut clock = clock();
        let table = table([version(id.clone(), ahead(), "0")]);
        let draft = Draft::of(vec![put(id)]);
        let written = one(stamp_draft(&everything(), draft, &table, &mut clock, NOW));
        assert!(written.stamp > stamp(ahead()));
        assert_eq!(written.change.0.millis(), NOW, "the change bears the clock's reading");
        assert_eq!(clock.tick(NOW).millis(), NOW, "the clock does not follow beyond the fence");
    }
}

#[test]
fn a_write_stands_above_what_its_author_promised_also_where_time_was_set_back() {
    let node = clock().id();
    let promise = Stamp { time: ahead(), id: node };
    let entry = Version { stamp: promise, ..version(RegisterId::system(Address::Member { node }), 1, "{}") };
    let written = one(write(&table([entry]), put(state())));
    assert!(written.stamp > promise);
}

/// It said so alone, with a clock that was ahead, before this node joined.
#[test]
fn a_write_stands_above_what_any_member_says_that_it_holds_everything_up_to() {
    let (node, acked) = (NodeId([9; 16]), Stamp { time: ahead(), id: NodeId([9; 16]) });
    let content = serde_json::json!({ "name": "n", "acked": acked }).to_string();
    let table = table([Version { stamp: acked, ..version(RegisterId::system(Address::Member { node }), 1, &content) }]);
    assert!(one(write(&table, put(state()))).stamp > acked);
}

#[test]
fn a_write_stands_above_the_floors_over_it_and_has_seen_the_containers() {
    let scope = Scope::Config { environment: key("e"), prefix: "k".into() };
    let table = table([floor(Scope::Tenant, 9), floor(scope, ahead())]);
    let written = one(write(&table, put(config("k"))));
    assert!(written.stamp > stamp(ahead()));
    assert_eq!(written.floor_seen, Some(stamp(9)));
}

#[test]
fn a_floor_stands_above_all_in_its_scope_and_the_changes_own_writes_above_it() {
    let exists = RegisterId::flag(&key("t"), &key("f"), FlagField::Exists);
    let mut table = table([version(state(), ahead(), "0"), version(exists.clone(), 3, "{}")]);
    let floors = vec![(key("t"), Scope::Flag { flag: key("f") })];
    let draft = Draft { writes: vec![put(exists.clone())], floors, ..Draft::default() };
    let written = stamp_draft(&everything(), draft, &table, &mut clock(), NOW).unwrap();
    assert!(written[0].is_floor() && written[0].stamp > stamp(ahead()));
    assert!(written[1].stamp > written[0].stamp && written[1].floor_seen == Some(written[0].stamp));
    assert_eq!(written[0].change, written[1].change);
    assert!(written.iter().all(|version| version.is_sane()));
    written.iter().for_each(|version| {
        table.merge(version);
    });
    assert!(table.current(&exists, NOW).is_some() && table.current(&state(), NOW).is_none());
}

#[test]
fn a_kill_names_all_heads_even_if_a_version_cannot() {
    let id = flag_in(FlagInField::Kill);
    for heads in [1, 2, 8, 9, 20] {
        let mut table = table((1..=heads).map(|time| version(id.clone(), time, "{}")));
        let written = write(&table, put(id.clone())).unwrap();
        assert!(written.iter().all(|version| version.is_sane()));
        written.iter().for_each(|version| {
            table.merge(version);
        });
        assert_eq!(table.heads(&id).len(), 1, "{heads} heads");
    }
}

#[test]
fn what_is_settled_must_be_held() {
    let table = table([version(state(), 5, "0"), version(state(), 4, "x")]);
    let settles = vec![stamp(4), stamp(5), stamp(3), stamp(ahead())];
    let written = one(write(&table, DraftWrite { settles, ..put(state()) }));
    assert_eq!(*written.parents, [stamp(5), stamp(4)]);
}

#[test]
fn more_than_eight_parents_are_refused() {
    let table = table((1..=9).map(|time| version(state(), time, "0")));
    let settles = (1..=9).map(stamp).collect();
    assert_eq!(write(&table, DraftWrite { settles, ..put(state()) }), Err(DraftError::TooManyParents));
}

#[test]
fn genesis_versions_are_the_same_everywhere_and_lose() {
    let stamping = Stamping::Genesis { time: 1, id: NodeId([9; 16]) };
    let request = Request { stamping, ..everything() };
    let held = [table([]), table([version(state(), 5, "0")])];
    let draft = || Draft::of(vec![put(state()), put(config("k"))]);
    let made = held.each_ref().map(|table| stamp_draft(&request, draft(), table, &mut clock(), NOW).unwrap());
    assert_eq!(made[0], made[1]);
    let stamps: Vec<Stamp> = made[0].iter().map(|version| version.stamp).collect();
    assert_eq!(stamps, [Stamp { time: 1, id: NodeId([9; 16]) }; 2]);
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let floor_register = RegisterId::floor(&key("t"), Scope::Tenant);
    assert_eq!(write(&table([]), put(floor_register)), Err(DraftError::FloorRegister));
    let large = Blob { bytes: vec![0; CONTENT_BYTES_MAX + 1].into(), ..json("") };
    assert_eq!(write(&table([]), DraftWrite::put(state(), large)), Err(DraftError::TooLarge));
    let last = table([version(state(), TIME_MAX - 1, "0")]);
    assert_eq!(write(&last, put(state())), Err(DraftError::NoStamp));
    let twice = Draft::of(vec![put(state()), put(state())]);
    assert_eq!(stamp_draft(&everything(), twice, &table([]), &mut clock(), NOW), Err(DraftError::Duplicate));
}

#[test]
fn a_clock_that_was_out_of_range_goes_on_as_if_it_had_not_been() {
    let (table, mut clock) = (table([]), clock());
    let mut write = |wall| {
        let draft = Draft::of(vec![put(state())]);
        stamp_draft(&everything(), draft, &table, &mut clock, wall).map(|written| written[0].stamp.millis())
    };
    for wall in [MILLIS_MAX, MILLIS_MAX + 1, Millis::MAX] {
        assert_eq!(write(wall), Err(DraftError::ClockOutOfRange));
    }
    assert_eq!(write(NOW), Ok(NOW));
}

#[test]
fn drafts_stay_within_their_scope() {
    let scopes = [
        WriteScope::Everything,
        WriteScope::Tenant(key("t")),
        WriteScope::Tenant(key("other")),
        WriteScope::Flag(key("t"), key("f")),
        WriteScope::Flag(key("t"), key("other")),
        WriteScope::Config(key("t"), key("e"), key("k")),
    ];
    let allowed = |draft: &Draft| {
        scopes.clone().map(|scope| stamp_draft(&request(scope), draft.clone(), &table([]), &mut clock(), NOW).is_ok())
    };
    let of = |write| Draft::of(vec![write]);
    assert_eq!(allowed(&of(put(state()))), [true, true, false, true, false, false]);
    assert_eq!(allowed(&of(put(config("k")))), [true, true, false, false, false, true]);
    assert_eq!(allowed(&of(put(config("l")))), [true, true, false, false, false, false]);
    let floor = Draft { floors: vec![(key("t"), Scope::Flag { flag: key("f") })], ..Draft::default() };
    assert_eq!(allowed(&floor), [true, true, false, true, false, false]);
}

#[test]
fn an_entrys_scope_is_its_rollouts_too() {
    let of = |name: &str| RegisterId::rollout(&key("t"), &key("e"), &key(name));
    let scope = WriteScope::Config(key("t"), key("e"), key("k"));
    let written = |id| stamp_draft(&request(scope.clone()), Draft::of(vec![put(id)]), &table([]), &mut clock(), NOW);
    assert!(written(of("k")).is_ok());
    assert_eq!(written(of("l")), Err(DraftError::OutOfScope));
}

#[test]
fn what_comes_last_knows_the_stamps_of_the_others_and_keeps_the_rules() {
    let told = |id: RegisterId| {
        let last = Last::new(move |versions| {
            let stamps: Vec<String> = versions.iter().map(|version| version.stamp.to_string()).collect();
            Some(DraftWrite::put(id.clone(), json(&stamps.join(" "))))
        });
        let floors = vec![(key("t"), Scope::Flag { flag: key("g") })];
        let draft = Draft { writes: vec![put(config("k"))], floors, last: Some(last) };
        stamp_draft(&request(WriteScope::Tenant(key("t"))), draft, &table([]), &mut clock(), NOW)
    };
    let written = told(config("l")).unwrap();
    let [floor, entry, last] = written.as_slice() else { panic!("{written:?}") };
    assert_eq!(last.content, Some(json(&format!("{} {}", floor.stamp, entry.stamp))));
    assert!(last.change == entry.change && last.stamp > entry.stamp);
    assert_eq!(told(config("k")), Err(DraftError::Duplicate));
    assert_eq!(told(RegisterId::floor(&key("t"), Scope::Tenant)), Err(DraftError::FloorRegister));
    let elsewhere = RegisterId::config(&key("u"), &key("e"), &key("k"));
    assert_eq!(told(elsewhere), Err(DraftError::OutOfScope));
}

#[test]
fn scopes_overlap_if_they_share_a_register() {
    let (t, f, e) = (key("t"), key("f"), key("e"));
    let scopes = [
        WriteScope::Everything,
        WriteScope::Tenant(t.clone()),
        WriteScope::Flag(t.clone(), f.clone()),
        WriteScope::Config(t, e, f.clone()),
        WriteScope::Tenant(key("u")),
        WriteScope::Flag(key("u"), f),
    ];
    let overlap = |at: usize| scopes.each_ref().map(|other| scopes[at].overlaps(other));
    assert!(overlap(0).into_iter().all(identity));
    assert_eq!(overlap(1), [true, true, true, true, false, false]);
    assert_eq!(overlap(2), [true, true, true, false, false, false]);
    assert_eq!(overlap(3), [true, true, false, true, false, false]);
    assert_eq!(overlap(5), [true, false, false, false, true, true]);
}
