//! The store as its callers see it.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use burgee_model::{FlagField, FlagInField, Key, RegisterId, Scope};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    DraftError, DraftWrite, FeedEvent, Op, Stamping, WriteScope, persist,
    testing::{config, flag_in, floor, json, key, stamp, version},
};

mod backup;
mod behind;

const NOW: Millis = 1_800_000_000_000;

const PEER: NodeId = NodeId([9; 16]);

/// A store and the hands of its clock.
struct Rig {
    store: Store,
    now: Arc<AtomicU64>,
}

fn rig_with(dir: Option<&Path>, limits: StoreLimits, now: Millis) -> Rig {
    let now = Arc::new(AtomicU64::new(now));
    let hands = now.clone();
    let config = StoreConfig { dir: dir.map(Path::to_owned), limits, digest_key: 0 };
    let store = Store::open(config, Arc::new(move || hands.load(Ordering::SeqCst))).unwrap();
    Rig { store, now }
}

fn on_disk(dir: &Path) -> Rig {
    rig_with(Some(dir), StoreLimits::default(), NOW)
}

fn in_memory() -> Rig {
    rig_with(None, StoreLimits::default(), NOW)
}

fn request() -> Request {
    Request { scope: WriteScope::Everything, actor: "me".into(), note: None, stamping: Stamping::Local }
}

fn put(id: &RegisterId, value: &str) -> Draft {
    Draft::of(vec![DraftWrite::put(id.clone(), json(value))])
}

impl Rig {
    async fn write(&self, draft: Draft) -> Result<Receipt, WriteError<String>> {
        self.store.write(request(), move |_, _| Ok(draft)).await
    }

    fn value(&self, id: &RegisterId) -> Option<String> {
        let version = self.store.read().current(id, self.store.now())?;
        Some(String::from_utf8(version.content.as_ref()?.bytes.to_vec()).unwrap())
    }

    fn merge(&self, versions: impl IntoIterator<Item = Version>) -> MergeReport {
        self.store.merge(versions.into_iter().map(Arc::new).collect(), PEER).unwrap()
    }
}

/// A copy of the data file, as a kill would leave it.
fn copy_of(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let file = |dir: &Path| -> PathBuf { dir.join("burgee.redb") };
    std::fs::copy(file(dir), file(copy.path())).unwrap();
    copy
}

fn drain(reader: &mut crate::FeedReader) -> Vec<(RegisterId, Op, Origin)> {
    std::iter::from_fn(|| reader.try_next())
        .map(|event| match event {
            FeedEvent::Change(entry) => (entry.register.clone(), entry.op, entry.origin),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn an_acknowledged_write_is_applied_fed_and_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let mut reader = rig.store.feed().subscribe(None);
    let receipt = rig.write(put(&config("k"), "1")).await.unwrap();
    assert_eq!(rig.value(&config("k")).as_deref(), Some("1"));
    assert_eq!(drain(&mut reader), [(config("k"), Op::Put, Origin::Local)]);
    assert_eq!(receipt.position, rig.store.feed().position());
    assert_eq!(receipt.versions[0].stamp.id, rig.store.node_id());
    let killed = copy_of(dir.path());
    assert_eq!(on_disk(killed.path()).value(&config("k")).as_deref(), Some("1"));
}

#[tokio::test]
async fn every_acknowledged_write_survives_a_kill_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    for n in 0..60 {
        let id = if n % 3 == 0 { config(&format!("k{n}")) } else { flag_in(FlagInField::State) };
        rig.write(put(&id, &n.to_string())).await.unwrap();
        if n % 20 == 7 {
            let killed = copy_of(dir.path());
            assert_eq!(*on_disk(killed.path()).store.read(), *rig.store.read());
        }
    }
    let Rig { store, .. } = rig;
    let held = store.read().clone();
    drop(store);
    assert_eq!(*on_disk(dir.path()).store.read(), held);
}

#[tokio::test]
async fn plans_within_a_scope_see_what_was_written_before() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let add = |n: usize| {
        let name = ["even", "odd"][n % 2];
        let (id, name) = (config(name), key(name));
        let request = Request { scope: WriteScope::Config(key("t"), key("e"), name), ..request() };
        rig.store.write(request, move |table: &Table, now| {
            let held = table.current(&id, now).and_then(|v| v.content.as_ref()?.read::<u32>()).unwrap_or(0);
            Ok::<_, String>(put(&id, &(held + 1).to_string()))
        })
    };
    let answers: Vec<_> = (0..200).map(add).collect();
    for answer in answers {
        answer.await.unwrap();
    }
    assert_eq!(rig.value(&config("even")).as_deref(), Some("100"));
    assert_eq!(rig.value(&config("odd")).as_deref(), Some("100"));
}

#[tokio::test]
async fn a_plan_may_refuse_or_panic_and_the_writer_goes_on() {
    let rig = in_memory();
    let refused = rig.store.write(request(), |_, _| Err("no")).await;
    assert_eq!(refused.unwrap_err(), WriteError::Refused("no"));
    let panicked = rig.store.write(request(), |_, _| -> Result<Draft, String> { panic!("a plan") }).await;
    assert_eq!(panicked.unwrap_err(), WriteError::Draft(DraftError::Panicked));
    rig.write(put(&config("k"), "1")).await.unwrap();
}

#[tokio::test]
async fn an_empty_draft_is_acknowledged() {
    let receipt = in_memory().write(Draft::default()).await.unwrap();
    assert!(receipt.versions.is_empty());
}

#[tokio::test]
async fn a_full_queue_and_a_closed_store_say_so() {
    let limits = StoreLimits { queue_requests: 1, ..StoreLimits::default() };
    let rig = rig_with(None, limits, NOW);
    let (hold, held) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel::<()>();
    let blocked = rig.store.write(request(), move |_, _| -> Result<Draft, String> {
        began.send(()).unwrap();
        held.recv().ok();
        Ok(Draft::default())
    });
    begun.recv().unwrap();
    let queued = rig.write(Draft::default());
    let mut queued = Box::pin(queued);
    assert!(futures_poll(&mut queued).is_none());
    assert_eq!(rig.write(Draft::default()).await.unwrap_err(), WriteError::Overloaded);
    drop(hold);
    blocked.await.unwrap();
    queued.await.unwrap();
    rig.store.close().await;
    assert_eq!(rig.write(Draft::default()).await.unwrap_err(), WriteError::Closed);
    assert_eq!(rig.store.merge(vec![], PEER), Err(MergeError::Closed));
    assert!(!rig.store.health().writable);
}

/// Polls a future once.
fn futures_poll<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn conflicts_are_announced_once_after_two_seconds_for_each_set_of_losers() {
    let rig = in_memory();
    let id = flag_in(FlagInField::State);
    let mut reader = rig.store.feed().subscribe(None);
    let mut announced = |rig: &Rig| {
        rig.store.announce_conflicts();
        let events = std::iter::from_fn(|| reader.try_next());
        let losers = events.filter_map(|event| match event {
            FeedEvent::Conflict(conflict) => Some((
                conflict.winner.stamp.time,
                conflict.losers.iter().map(|loser| loser.stamp.time).collect::<Vec<_>>(),
            )),
            _ => None,
        });
        losers.collect::<Vec<_>>()
    };
    let after = |ms| rig.now.store(NOW + ms, Ordering::SeqCst);
    rig.merge([version(id.clone(), 1, "a"), version(id.clone(), 2, "b"), version(config("k"), 1, "a")]);
    assert_eq!((announced(&rig), rig.store.read().conflict_count()), (vec![], 1));
    after(1_999);
    assert_eq!(announced(&rig), []);
    after(2_000);
    assert_eq!(announced(&rig), [(2, vec![1])]);
    assert_eq!(announced(&rig), []);
    rig.merge([version(id.clone(), 3, "c")]);
    assert_eq!(announced(&rig), []);
    after(4_000);
    assert_eq!(announced(&rig), [(3, vec![2, 1])]);
    let settling = Version { parents: [3, 2, 1].map(stamp).into(), ..version(id, 4, "c") };
    rig.merge([settling]);
    after(9_000);
    assert_eq!((announced(&rig), rig.store.read().conflict_count()), (vec![], 0));
}

fn faulty_rig(disk: persist::Disk, limits: StoreLimits) -> Rig {
    let now = Arc::new(AtomicU64::new(NOW));
    let hands = now.clone();
    let wall: WallClock = Arc::new(move || hands.load(Ordering::SeqCst));
    let clock = Clock::new(NodeId([1; 16]), limits.max_skew_ms, 0);
    let (table, kept) = (Table::default(), Kept::default());
    let beginning = Beginning { table, clock, feed: 0, durable: true, resync: false, kept };
    let shared = Arc::new(Shared::new(limits, wall, beginning));
    Rig { store: Store::start(0, shared, Some(disk)).unwrap(), now }
}

#[tokio::test]
async fn a_disk_fault_applies_nothing_and_later_writes_succeed() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, fault) = persist::tests::faulty(dir.path());
    let rig = faulty_rig(disk, StoreLimits::default());
    let mut reader = rig.store.feed().subscribe(None);
    fault.now();
    assert!(matches!(rig.write(put(&config("k"), "1")).await, Err(WriteError::Disk(_))));
    assert_eq!((rig.value(&config("k")), drain(&mut reader).len()), (None, 0));
    let health = rig.store.health();
    assert!(!health.writable && health.last_error.is_some());
    fault.mend();
    rig.write(put(&config("k"), "2")).await.unwrap();
    assert!(rig.store.health().writable);
    drop(rig);
    assert_eq!(on_disk(dir.path()).value(&config("k")).as_deref(), Some("2"));
}

/// The disk says no, and has the rows all the same.
#[tokio::test]
async fn what_a_refused_write_left_on_disk_is_taken_back_before_anything_else_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, fault) = persist::tests::faulty(dir.path());
    let rig = faulty_rig(disk, StoreLimits::default());
    let kill = flag_in(FlagInField::Kill);
    let held_after_kill = || on_disk(copy_of(dir.path()).path()).store.read().clone();
    for (id, value) in [(&kill, r#"{"killed":false}"#), (&config("k"), "1")] {
        rig.write(put(id, value)).await.unwrap();
    }
    let refused = Draft {
        writes: vec![DraftWrite::put(kill.clone(), json(r#"{"killed":true}"#)), DraftWrite::delete(config("k"))],
        floors: vec![(key("t"), Scope::Flag { flag: key("g") })],
        ..Draft::default()
    };
    // Two for each commit: the second comes after everything was written.
    fault.at_sync(2);
    assert!(matches!(rig.write(refused).await, Err(WriteError::Disk(_))));
    let left = held_after_kill();
    assert_eq!((left.history(&kill).count(), left.counts().floors, left.counts().tombstones), (2, 1, 1));
    fault.mend();
    rig.write(put(&config("other"), "1")).await.unwrap();
    assert_eq!(held_after_kill(), *rig.store.read());
    assert_eq!(rig.store.read().history(&kill).count(), 1);
}

#[tokio::test]
async fn what_a_refused_write_left_on_disk_is_taken_back_at_the_close() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, fault) = persist::tests::faulty(dir.path());
    let rig = faulty_rig(disk, StoreLimits::default());
    fault.at_sync(2);
    assert!(matches!(rig.write(put(&flag_in(FlagInField::Kill), "{}")).await, Err(WriteError::Disk(_))));
    assert_eq!(on_disk(copy_of(dir.path()).path()).store.read().counts().versions, 1);
    fault.mend();
    rig.store.close().await;
    drop(rig);
    assert_eq!(on_disk(dir.path()).store.read().counts().versions, 0);
}

#[tokio::test]
async fn of_a_register_whose_newest_version_has_expired_a_late_one_does_not_expire_again() {
    let rig = in_memory();
    let expired = |time| Version { expires_at: Some(NOW + time), ..version(flag_in(FlagInField::State), time, "v") };
    rig.merge([expired(5)]);
    rig.now.store(NOW + 10, Ordering::SeqCst);
    let mut reader = rig.store.feed().subscribe(None);
    rig.merge([expired(4)]);
    let told: Vec<_> = std::iter::from_fn(|| reader.try_next())
        .map(|event| match event {
            FeedEvent::Change(entry) => (entry.op, entry.version.stamp.time, entry.current),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(Op::Put, 4, false), (Op::Expire, 5, true)]);
    assert_eq!(rig.store.expire(), 0);
}

#[tokio::test]
async fn a_stamp_is_never_given_twice_though_the_clock_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = None;
    for now in [NOW, NOW - 20_000, NOW - 50_000] {
        let rig = rig_with(Some(dir.path()), StoreLimits::default(), now);
        for name in ["a", "b"] {
            let stamp = rig.write(put(&config(name), "1")).await.unwrap().versions[0].stamp;
            assert!(last < Some(stamp));
            last = Some(stamp);
        }
    }
}

#[tokio::test]
async fn identity_stays_and_feed_positions_grow_over_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for now in [NOW, NOW - 86_400_000, 5] {
        let rig = rig_with(Some(dir.path()), StoreLimits::default(), now);
        rig.merge([version(config("k"), 5 + seen.len() as u64, "v")]);
        seen.push((rig.store.feed().position(), rig.store.node_id()));
    }
    assert!(seen.is_sorted_by(|a, b| a.0 < b.0 && a.1 == b.1));
    let earlier = on_disk(dir.path()).store.feed().subscribe(Some(seen[0].0)).try_next();
    assert!(matches!(earlier, Some(FeedEvent::Reset(_))));
}

#[tokio::test]
async fn an_expiry_is_fed_once() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let mut reader = rig.store.feed().subscribe(None);
    let draft = |id: &RegisterId, deadline| {
        let write = DraftWrite { expires_at: Some(deadline), ..DraftWrite::put(id.clone(), json("1")) };
        Draft::of(vec![write])
    };
    rig.write(draft(&config("k"), NOW + 10)).await.unwrap();
    assert_eq!((rig.store.expire(), rig.store.next_deadline()), (0, Some(NOW + 10)));
    rig.now.store(NOW + 10, Ordering::SeqCst);
    assert_eq!(rig.value(&config("k")), None);
    assert_eq!((rig.store.expire(), rig.store.expire()), (1, 0));
    let late = Version { expires_at: Some(NOW), ..version(config("late"), 5, "v") };
    rig.merge([late]);
    assert_eq!(rig.store.expire(), 0);
    let told: Vec<Op> = drain(&mut reader).into_iter().map(|(_, op, _)| op).collect();
    // the late one was written as well: peers must hear of it
    assert_eq!(told, [Op::Put, Op::Expire, Op::Put, Op::Expire]);
    drop(rig);
    let again = rig_with(Some(dir.path()), StoreLimits::default(), NOW + 10);
    assert_eq!((again.value(&config("k")), again.store.expire()), (None, 0));
    assert_eq!(again.store.read().counts().tombstones, 2);
}

proptest! {
    /// Whenever versions come, and whenever somebody looks for what has expired.
    #[test]
    fn each_expiry_is_fed_exactly_once(
        steps in prop::collection::vec((0..3u8, 1..40u64, prop::option::of(0..60u64), 0..8u64, any::<bool>()), 1..40),
    ) {
        let rig = in_memory();
        let mut reader = rig.store.feed().subscribe(None);
        let ids = [config("a"), config("b"), flag_in(FlagInField::State)];
        let mut seen_expired = std::collections::BTreeSet::new();
        for (id, time, deadline, pass, look) in steps {
            let id = &ids[usize::from(id)];
            rig.merge([Version { expires_at: deadline.map(|after| NOW + after), ..version(id.clone(), time, "v") }]);
            rig.now.fetch_add(pass, Ordering::SeqCst);
            if look {
                rig.store.expire();
                let now = rig.store.now();
                let latest = ids.iter().filter_map(|id| rig.store.read().latest(id));
                let expired = latest.filter(|v| v.is_expired(now));
                seen_expired.extend(expired.map(|v| (v.register.clone(), v.stamp, v.expires_at)));
            }
        }
        rig.now.fetch_add(100, Ordering::SeqCst);
        rig.store.expire();
        let latest = ids.iter().filter_map(|id| rig.store.read().latest(id));
        let expired = latest.filter(|v| v.expires_at.is_some());
        seen_expired.extend(expired.map(|v| (v.register.clone(), v.stamp, v.expires_at)));
        let told: Vec<_> = std::iter::from_fn(|| reader.try_next())
            .filter_map(|event| match event {
                FeedEvent::Change(entry) if entry.op == Op::Expire => {
                    Some((entry.register.clone(), entry.version.stamp, entry.version.expires_at))
                }
                _ => None,
            })
            .collect();
        let unique: std::collections::BTreeSet<_> = told.iter().cloned().collect();
        prop_assert_eq!(unique.len(), told.len(), "none is told twice");
        prop_assert!(seen_expired.is_subset(&unique), "each that was seen to expire was told");
        prop_assert_eq!(rig.store.expire(), 0);
    }
}

#[tokio::test]
async fn deleting_a_flag_leaves_nothing_also_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let flag = |field| RegisterId::flag(&key("t"), &key("f"), field);
    let ids = [flag(FlagField::Exists), flag(FlagField::Name), flag_in(FlagInField::State)];
    for id in &ids {
        rig.write(put(id, "{}")).await.unwrap();
    }
    let mut reader = rig.store.feed().subscribe(None);
    let floors = vec![(key("t"), Scope::Flag { flag: key("f") })];
    let receipt = rig.write(Draft { floors: floors.clone(), ..Draft::default() }).await.unwrap();
    let fed = drain(&mut reader);
    assert_eq!(fed.iter().filter(|(_, op, _)| *op == Op::Delete).count(), 3);
    assert_eq!(fed.last().unwrap().0, RegisterId::floor(&key("t"), floors[0].1.clone()));
    let unseen = Version { stamp: stamp(receipt.versions[0].stamp.time + 5), ..version(ids[1].clone(), 1, "x") };
    assert_eq!(rig.merge([unseen]).ignored, 1);
    rig.store.close().await;
    drop(rig);
    let again = on_disk(dir.path());
    assert_eq!((again.store.read().counts().registers, again.store.read().counts().floors), (0, 1));
}

#[tokio::test]
async fn a_local_write_that_a_remote_one_beat_meanwhile_is_no_row_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let store = rig.store.clone();
    let beaten = rig.store.write(request(), move |_, _| {
        // Comes between the plan and the commit.
        let far = burgee_model::stamp::millis_to_ntp64(NOW + 3_600_000);
        let remote = version(config("k"), far, "remote");
        std::thread::spawn(move || store.merge(vec![Arc::new(remote)], PEER));
        Ok::<_, String>(put(&config("k"), "local"))
    });
    beaten.await.unwrap();
    while rig.value(&config("k")).as_deref() != Some("remote") {
        tokio::task::yield_now().await;
    }
    rig.store.close().await;
    let held = rig.store.read().clone();
    drop(rig);
    assert_eq!(*on_disk(dir.path()).store.read(), held);
}

#[test]
fn pages_cover_what_stays_while_the_table_changes() {
    let rig = in_memory();
    let name = |n: u64| format!("k{n:03}");
    rig.merge((1..=100).map(|n| version(config(&name(n)), n, "v")));
    rig.merge([floor(Scope::Flag { flag: key("x") }, 1)]);
    let mut seen: Vec<Arc<Version>> = Vec::new();
    let mut cursor = None;
    for round in 0.. {
        let page = rig.store.page(cursor.as_ref(), 2_000);
        seen.extend(page.versions);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        rig.merge([version(config(&format!("k{:03}x", round * 3 % 100)), 1_000 + round, "new")]);
        rig.merge([version(config(&name(100 - round)), 2_000 + round, "newer")]);
    }
    assert!(seen[0].is_floor());
    let keys: std::collections::HashSet<&RegisterId> = seen.iter().map(|v| &v.register).collect();
    assert!((1..=100).all(|n| keys.contains(&config(&name(n)))));
}

#[test]
fn stamps_ahead_are_merged_and_counted_with_their_author() {
    let rig = in_memory();
    let far = burgee_model::stamp::millis_to_ntp64(NOW + 61_000);
    let report = rig.merge([version(config("k"), far, "v"), version(config("l"), 5, "v")]);
    assert_eq!(report.applied, 2);
    assert_eq!(rig.store.health().stamps_ahead, [(stamp(0).id, 1)]);
    // What comes again, as repair brings it, changes nothing.
    rig.merge([version(config("k"), far, "v")]);
    assert_eq!(rig.store.health().stamps_ahead, [(stamp(0).id, 1)]);
    rig.merge([version(config("k"), far + 1, "w")]);
    assert_eq!(rig.store.health().stamps_ahead, [(stamp(0).id, 2)]);
}

#[tokio::test]
async fn a_purge_of_a_prefix_spares_the_rest() {
    let rig = in_memory();
    for name in ["a/1", "a/2", "b"] {
        rig.write(put(&config(name), "1")).await.unwrap();
    }
    let scope = Scope::Config { environment: key("e"), prefix: "a/".into() };
    rig.write(Draft { floors: vec![(key("t"), scope)], ..Draft::default() }).await.unwrap();
    let table = rig.store.read();
    let left: Vec<Key> = table.config(&key("t"), &key("e"), "", None, NOW).map(|(key, _)| key).collect();
    assert_eq!(left, [key("b")]);
}
