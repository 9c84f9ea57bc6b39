use burgee_model::{Media, NodeId, Stamp};
use burgee_store::{ChangeId, HistoryPolicy};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const START: Millis = 1_000_000;
const HOUR_MS: Millis = 3_600_000;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn place() -> Place {
    Place { tenant: key("t"), environment: key("e"), key: key("k") }
}

fn blob(text: &str) -> Blob {
    Blob { media: Media::Text, bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

fn stamp(time: u64, author: u8) -> Stamp {
    Stamp { time, id: NodeId([author; 16]) }
}

fn version(register: RegisterId, stamp: Stamp, content: Option<Blob>) -> Arc<Version> {
    Arc::new(Version {
        register,
        stamp,
        parents: Box::default(),
        floor_seen: None,
        content,
        expires_at: None,
        actor: "me".into(),
        change: ChangeId(stamp),
        note: None,
    })
}

/// Tenant, environment, and an entry.
fn table() -> Table {
    let mut table = Table::new(HistoryPolicy::default(), 7);
    let Place { tenant, environment, .. } = place();
    for (id, value) in [
        (RegisterId::tenant(&tenant), "{}"),
        (RegisterId::environment(&tenant, &environment), "{}"),
        (place().register(), "present"),
    ] {
        table.merge(&version(id, stamp(1, 1), Some(blob(value))));
    }
    table
}

/// What a draft writes, by an author at a time.
fn written(draft: Draft, time: u64, author: u8) -> Vec<Arc<Version>> {
    let versions = draft.writes.into_iter().zip(time..);
    versions.map(|(write, time)| version(write.register, stamp(time, author), write.content)).collect()
}

fn start_over(table: &Table, pace: Pace, by: By) -> Result<Draft, Refusal> {
    let start = Start { next: blob("next"), pace, by, actor: "me".into() };
    super::start(table, START, &place(), start, &Preconditions::default(), &Limits::default())
}

/// The same table with a rollout within an hour.
fn rolling(by: By) -> Table {
    let mut table = table();
    let draft = start_over(&table, Pace::During(HOUR_MS), by).unwrap();
    written(draft, 10, 1).iter().for_each(|version| drop(table.merge(version)));
    table
}

fn going(table: &Table, now: Millis) -> Option<Going> {
    let entry = table.current(&place().register(), now)?;
    over(table, now, &place(), &entry, &Limits::default())
}

fn act_on(table: &mut Table, now: Millis, action: Action, time: u64) -> Result<(), Refusal> {
    let draft = act(table, now, &place(), action, &Preconditions::default(), &Limits::default())?;
    written(draft, time, 1).iter().for_each(|version| drop(table.merge(version)));
    Ok(())
}

fn code(refusal: &Refusal) -> &str {
    match refusal {
        Refusal::Invalid(problems) => &problems[0].code,
        Refusal::AlreadyExists(Kind::Rollout, _) => "exists",
        Refusal::NotFound(Kind::Rollout, _) => "absent",
        _ => "another",
    }
}

#[test]
fn the_share_grows_by_the_ramp_and_nobody_goes_back() {
    let going = going(&rolling(By::Instance), START).unwrap();
    let readers: Vec<Key> = (0..1_000).map(|n| key(&format!("web-{n}"))).collect();
    let mut before = 0;
    for step in 0..=20 {
        let now = START + HOUR_MS * step / 20;
        let have = readers.iter().filter(|reader| going.gives_next(now, &key("k"), reader)).count();
        let expected = usize::try_from(step * 50).unwrap();
        assert!(have >= before && have.abs_diff(expected) <= 40, "{have} of 1000 at step {step}");
        before = have;
    }
    assert_eq!((before, going.whole_at().is_some_and(|at| at <= START + HOUR_MS)), (1_000, true));
}

#[test]
fn a_reader_is_told_the_first_millisecond_of_the_next_value() {
    let pace = Pace::Ramp(json!({ "start": 1000, "end": 4600, "steps": 7 }));
    let mut stepped = table();
    written(start_over(&stepped, pace, By::Instance).unwrap(), 10, 1).iter().for_each(|v| drop(stepped.merge(v)));
    for table in [rolling(By::Instance), stepped] {
        let going = going(&table, START).unwrap();
        for number in 0..300 {
            let reader = key(&format!("web-{number}"));
            let at = going.next_at(&key("k"), &reader).unwrap();
            let [before, after] = [at - 1, at].map(|now| going.gives_next(now, &key("k"), &reader));
            assert_eq!((before, after), (false, true), "{reader} at {at}");
        }
    }
}

#[test]
fn a_group_steps_as_one() {
    let going = going(&rolling(By::Group), START).unwrap();
    for group in ["eu", "us", "asia"] {
        let of = |n| going.next_at(&key("k"), &key(&format!("{group}/{n}")));
        assert!((1..50).all(|n| of(n) == of(0)));
    }
}

#[test]
fn a_pause_begins_after_its_lead_and_resuming_goes_on_from_there() {
    let mut table = rolling(By::Instance);
    let (quarter, half) = (START + HOUR_MS / 4, START + HOUR_MS / 2);
    assert_eq!(code(&act_on(&mut table, quarter, Action::Resume, 20).unwrap_err()), "not_paused");
    act_on(&mut table, quarter, Action::Pause, 30).unwrap();
    let paused = going(&table, half).unwrap();
    let stood = paused.share(quarter + PAUSE_LEAD_MS);
    assert!(paused.share(quarter) < stood);
    assert_eq!((paused.share(half), paused.state(half), paused.whole_at()), (stood, "paused", None));
    assert_eq!(code(&act_on(&mut table, half, Action::Pause, 40).unwrap_err()), "already_paused");
    act_on(&mut table, half, Action::Resume, 50).unwrap();
    let resumed = going(&table, half).unwrap();
    assert_eq!((resumed.share(half), resumed.state(half)), (stood, "running"));
    let late = HOUR_MS / 4 - PAUSE_LEAD_MS;
    assert!(resumed.whole_at().is_some_and(|at| at <= START + HOUR_MS + late && at + 100 > START + HOUR_MS + late));
}

#[test]
fn what_ends_it_leaves_the_value_that_it_should() {
    for (action, value) in [(Action::Abort, "present"), (Action::Finish, "next")] {
        let mut table = rolling(By::Instance);
        assert_eq!(code(&start_over(&table, Pace::During(1), By::Instance).unwrap_err()), "exists");
        act_on(&mut table, START, action, 20).unwrap();
        let entry = table.current(&place().register(), START).unwrap();
        assert_eq!(entry.content.as_ref().unwrap(), &blob(value));
        assert!(going(&table, START).is_none());
        for action in Action::ALL.map(|(_, action)| action) {
            assert_eq!(code(&act_on(&mut table, START, action, 30).unwrap_err()), "absent");
        }
        start_over(&table, Pace::During(1), By::Instance).unwrap();
    }
}

#[test]
fn a_ramp_that_is_no_growing_share_is_refused() {
    for (ramp, path) in [
        (json!({ "start": 2, "end": 1 }), "/ramp/end"),
        (json!({ "start": 1 }), "/ramp/end"),
        (json!({ "start": 1, "end": 2, "form": 3 }), "/ramp/form"),
        (json!({ "start": 1, "end": 2, "from": 100, "to": 0 }), "/ramp"),
        (json!({ "start": 1, "end": 2, "to": 101 }), "/ramp"),
        (json!({ "from": -1, "steps": [[1, 5]] }), "/ramp"),
        (json!({ "steps": [[1, 50], [2, 10]] }), "/ramp"),
        (json!([]), "/ramp"),
        (json!("soon"), "/ramp"),
    ] {
        let refusal = start_over(&table(), Pace::Ramp(ramp.clone()), By::Instance).unwrap_err();
        let Refusal::Invalid(problems) = &refusal else { panic!("{refusal:?}") };
        assert_eq!(problems[0].path, path, "{ramp}");
    }
}

#[test]
fn no_more_go_on_than_may() {
    let limits = Limits { rollouts_per_environment: 0, ..Limits::default() };
    let begin = Start { next: blob("next"), pace: Pace::During(1), by: By::Instance, actor: "me".into() };
    let refusal = start(&table(), START, &place(), begin, &Preconditions::default(), &limits).unwrap_err();
    assert_eq!(code(&refusal), "too_many_rollouts");
}

#[test]
fn a_member_of_an_older_release_holds_rollouts_up() {
    let mut table = table();
    for (node, protocol) in [(1, r#","protocol":4"#), (2, "")] {
        assert!(start_over(&table, Pace::During(1), By::Instance).is_ok());
        let member = RegisterId::system(Address::Member { node: NodeId([node; 16]) });
        let meta = format!(r#"{{"name":"n{node}"{protocol}}}"#);
        table.merge(&version(member, stamp(5, node), Some(blob(&meta))));
    }
    assert!(matches!(start_over(&table, Pace::During(1), By::Instance), Err(Refusal::Upgrading(_))));
}

/// What several nodes may write at once over one rollout: a put, a delete, a pause, an abort, a finish.
fn concurrent() -> impl Strategy<Value = Vec<(usize, u64)>> {
    prop::collection::vec((0..5usize, 20..40u64), 1..5)
}

fn drafts(table: &Table) -> [Draft; 5] {
    let none = Preconditions::default();
    let limits = Limits::default();
    let acted = |action| act(table, START, &place(), action, &none, &limits).unwrap();
    [
        config::put(table, START, &place(), blob("put"), None, &none, &limits).unwrap(),
        config::delete(table, START, &place(), &none).unwrap(),
        acted(Action::Pause),
        acted(Action::Abort),
        acted(Action::Finish),
    ]
}

proptest! {
    #[test]
    fn whatever_is_written_at_once_all_orders_end_alike_and_a_put_outlives_the_rollout(
        writes in concurrent(),
        order in any::<prop::sample::Index>(),
    ) {
        let begun = rolling(By::Instance);
        let drafts = drafts(&begun);
        let mut author = 1;
        let versions: Vec<Arc<Version>> = writes
            .iter()
            .flat_map(|(which, time)| {
                author += 1;
                written(drafts[*which].clone(), *time, author)
            })
            .collect();
        let merged = |versions: &[Arc<Version>]| {
            let mut table = begun.clone();
            versions.iter().for_each(|version| drop(table.merge(version)));
            table
        };
        let mut turned = versions.clone();
        turned.rotate_left(order.index(versions.len()));
        let backwards: Vec<_> = versions.iter().rev().cloned().collect();
        let table = merged(&versions);
        prop_assert!(table == merged(&turned) && table == merged(&backwards));
        let of_entry = |version: &&Arc<Version>| version.register == place().register();
        let last = versions.iter().filter(of_entry).max_by_key(|version| version.stamp);
        if let Some(last) = last {
            // a write of the entry counts whatever became of the rollout, and ends it
            prop_assert_eq!(table.latest(&place().register()).unwrap().stamp, last.stamp);
            prop_assert!(going(&table, START).is_none());
        }
    }
}
