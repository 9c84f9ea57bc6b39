//! What goes to disk behind: merged versions, what is collected or evicted, and what may be waited for.

use super::*;

#[tokio::test]
async fn merged_versions_are_there_at_once_and_on_disk_after_closing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let mut reader = rig.store.feed().subscribe(None);
    let garbage = version(config("g"), u64::MAX, "x");
    let report = rig.merge([version(config("a"), 5, "1"), version(config("a"), 4, "0"), garbage]);
    assert_eq!(report, MergeReport { applied: 1, ignored: 1, refused: 1 });
    assert_eq!(rig.value(&config("a")).as_deref(), Some("1"));
    assert_eq!(drain(&mut reader), [(config("a"), Op::Put, Origin::Remote(PEER))]);
    let many: Vec<Version> = (1..10_000).map(|n| version(config(&format!("k{n}")), n, "v")).collect();
    rig.merge(many);
    rig.store.close().await;
    assert_eq!(rig.store.health().backlog_bytes, 0);
    let held = rig.store.read().clone();
    drop(rig);
    assert_eq!(*on_disk(dir.path()).store.read(), held);
}

#[tokio::test]
async fn merged_versions_are_persisted_without_closing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    rig.merge((1..6_000).map(|n| version(config(&format!("k{n}")), n, "v")));
    while rig.store.health().backlog_bytes > 0 {
        tokio::task::yield_now().await;
    }
    let killed = copy_of(dir.path());
    assert_eq!(*on_disk(killed.path()).store.read(), *rig.store.read());
}

/// Waits until all that was merged is on disk, as a kill would find it.
async fn assert_durable(rig: &Rig, dir: &Path) {
    rig.store.flushed().await;
    let killed = copy_of(dir);
    assert_eq!(*on_disk(killed.path()).store.read(), *rig.store.read());
}

fn small_backlog() -> StoreLimits {
    StoreLimits { backlog_bytes: 4_000, persist_registers: 7, ..StoreLimits::default() }
}

#[tokio::test]
async fn merging_does_not_wait_for_the_disk_and_the_sweep_brings_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, fault) = persist::tests::faulty(dir.path());
    let rig = faulty_rig(disk, small_backlog());
    rig.merge((1..40).map(|n| version(config(&format!("gone{n}")), n, "v")));
    assert_durable(&rig, dir.path()).await;
    fault.now();
    let flag = |n| RegisterId::flag(&key("t"), &key(&format!("f{n}")), FlagField::Name);
    for n in 0..400 {
        rig.merge([version(config(&format!("k{n}")), 100 + n, "v"), version(flag(n % 50), 500 + n, "v")]);
        assert!(rig.store.health().backlog_bytes <= 4_000);
    }
    let scope = Scope::Config { environment: key("e"), prefix: "gone".into() };
    rig.merge([floor(scope, 90), floor(Scope::Flag { flag: key("f7") }, 2_000)]);
    rig.store.evict(&[(config("k7"), stamp(107)), (flag(8), stamp(508))]);
    let mut flushed = Box::pin(rig.store.flushed());
    assert!(futures_poll(&mut flushed).is_none());
    fault.mend();
    assert_durable(&rig, dir.path()).await;
    flushed.await;
    assert_eq!(rig.store.health().backlog_bytes, 0);
    let held = rig.store.read().clone();
    assert_eq!(held.counts().config_entries, 399);
    let killed = copy_of(dir.path());
    assert_eq!(persist::tests::rows(killed.path()), held.counts().versions, "no row is left of what is gone");
}

#[tokio::test]
async fn flushing_ends_under_continuous_load() {
    for limits in [StoreLimits { persist_registers: 5, ..StoreLimits::default() }, small_backlog()] {
        let dir = tempfile::tempdir().unwrap();
        let (disk, fault) = persist::tests::faulty(dir.path());
        let rig = faulty_rig(disk, limits);
        let mut time = 0;
        let mut load = || {
            time += 1;
            rig.merge([version(config(&format!("k{}", time * 7 % 900)), time, "v")]);
        };
        (0..2_000).for_each(|_| load());
        let mut flushed = Box::pin(rig.store.flushed());
        let held = rig.store.read().clone();
        while futures_poll(&mut flushed).is_none() {
            load();
            tokio::task::yield_now().await;
        }
        // Nothing is written any more while the file is copied.
        fault.now();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let killed = copy_of(dir.path());
        let again = on_disk(killed.path());
        let mut both = again.store.read().clone();
        held.page(None, usize::MAX).versions.iter().for_each(|version| {
            both.merge(version);
        });
        assert_eq!(both, *again.store.read(), "all that was there is on disk, or something newer");
        fault.mend();
        rig.store.close().await;
    }
}

#[tokio::test]
async fn collecting_takes_the_rows_away_and_the_horizon_counts_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let mut reader = rig.store.feed().subscribe(None);
    let deleted = Version { content: None, ..version(config("gone"), 5, "") };
    let expires = Version { expires_at: Some(1_000), ..version(config("expires"), 6, "v") };
    rig.merge([deleted.clone(), expires, version(config("live"), 7, "v")]);
    let at = Stamp { time: 2 << 32, id: stamp(0).id };
    let horizon = RegisterId::system(burgee_model::Address::Horizon);
    let request = || Request { stamping: Stamping::At(at), actor: "burgee".into(), ..request() };
    let draft = put(&horizon, "{}");
    let receipt = rig.store.write(request(), move |_, _| Ok::<_, String>(draft)).await.unwrap();
    assert_eq!((receipt.versions[0].stamp, receipt.versions[0].parents.len()), (at, 0));
    assert_eq!((rig.store.read().horizon(), rig.store.read().counts().versions), (at, 2));
    let told = drain(&mut reader);
    assert_eq!(told.iter().filter(|(id, op, _)| *id == config("expires") && *op == Op::Expire).count(), 1);
    assert_durable(&rig, dir.path()).await;
    assert_eq!(persist::tests::rows(copy_of(dir.path()).path()), 2);
    assert!(rig.write(put(&config("k"), "1")).await.unwrap().versions[0].stamp > at);
    rig.store.close().await;
    drop(rig);
    let again = rig_with(Some(dir.path()), StoreLimits::default(), 500);
    assert_eq!(again.store.read().horizon(), at);
    assert!(again.write(put(&config("l"), "1")).await.unwrap().versions[0].stamp > at, "the clock is far behind");
}

#[tokio::test]
async fn what_a_kill_left_of_what_was_collected_goes_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (mut disk, _) = persist::tests::faulty(dir.path());
    // A tenant that comes after the cluster's own, so that the horizon is read first.
    let id = RegisterId::config(&key("long-named-tenant"), &key("e"), &key("k"));
    let gone = Version { content: None, ..version(id, 5, "") };
    let horizon = version(RegisterId::system(burgee_model::Address::Horizon), 9, "{}");
    disk.append(&[Arc::new(gone), Arc::new(horizon)], 9, None).unwrap();
    drop(disk);
    let rig = on_disk(dir.path());
    assert_eq!((rig.store.read().counts().versions, rig.store.read().horizon()), (1, stamp(9)));
    assert_durable(&rig, dir.path()).await;
    assert_eq!(persist::tests::rows(copy_of(dir.path()).path()), 1);
}

#[tokio::test]
async fn evicted_versions_are_gone_from_memory_and_disk_and_their_registers_are_fed() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let state = flag_in(FlagInField::State);
    rig.merge([version(config("k"), 5, "v"), version(state.clone(), 6, "old"), version(state.clone(), 7, "new")]);
    let mut reader = rig.store.feed().subscribe(None);
    let evicted = [(config("k"), stamp(5)), (state.clone(), stamp(7)), (config("unknown"), stamp(1))];
    assert_eq!(rig.store.evict(&evicted), 2);
    assert_eq!((rig.value(&config("k")), rig.value(&state).as_deref()), (None, Some("old")));
    let fed = [(config("k"), Op::Delete, Origin::Dropped), (state, Op::Put, Origin::Dropped)];
    assert_eq!(drain(&mut reader), fed);
    assert_durable(&rig, dir.path()).await;
}

#[tokio::test]
async fn a_new_identity_is_durable_with_its_note_until_it_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let old = rig.store.node_id();
    rig.write(put(&config("k"), "1")).await.unwrap();
    let new = rig.store.reidentify(crate::Missed::Forgotten).await.unwrap();
    assert!(new != old && rig.store.node_id() == new && rig.store.needs_resync());
    assert_eq!(rig.write(put(&config("k"), "2")).await.unwrap().versions[0].stamp.id, new);
    let killed = copy_of(dir.path());
    let again = on_disk(killed.path());
    assert!(again.store.node_id() == new && again.store.needs_resync());
    assert!(again.store.mark() >= rig.store.read().latest_of(new).unwrap().time);
    again.store.resynchronised().await.unwrap();
    assert!(!again.store.needs_resync());
    drop(again);
    let third = on_disk(killed.path());
    assert!(third.store.node_id() == new && !third.store.needs_resync());
    let memory = in_memory();
    let given = memory.store.reidentify(crate::Missed::Forgotten).await.unwrap();
    assert!(memory.store.node_id() == given && memory.store.needs_resync());
}

#[tokio::test]
async fn what_is_set_aside_outlives_a_kill_until_it_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    rig.write(put(&config("k"), "1")).await.unwrap();
    rig.write(put(&config("l"), "1")).await.unwrap();
    let own = rig.store.read().latest(&config("l")).unwrap();
    rig.store.reidentify(crate::Missed::Forgotten).await.unwrap();
    let killed = copy_of(dir.path());
    let again = on_disk(killed.path());
    assert!(again.store.has_set_aside());
    again.store.evict(&[(config("l"), own.stamp)]);
    assert_eq!(again.store.repeat().await.unwrap(), 2, "the one that is still there is the new identity's from now on");
    assert_eq!(again.value(&config("l")).as_deref(), Some("1"));
    assert!(again.store.read().latest(&config("l")).unwrap().stamp > own.stamp && !again.store.has_set_aside());
    drop(again);
    let third = on_disk(killed.path());
    assert!(!third.store.has_set_aside() && third.value(&config("l")).is_some());
}

#[tokio::test]
async fn what_a_peer_was_told_is_on_disk_a_moment_later_and_is_not_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let rig = on_disk(dir.path());
    let peer = burgee_model::NodeId([7; 16]);
    let member = version(RegisterId::system(burgee_model::Address::Member { node: peer }), 5, r#"{"name":"b"}"#);
    rig.merge([member]);
    let receipt = rig.write(put(&config("k"), "1")).await.unwrap();
    rig.store.told(peer, receipt.change.0);
    rig.store.close().await;
    drop(rig);
    let again = on_disk(dir.path());
    again.store.reidentify(crate::Missed::Forgotten).await.unwrap();
    assert!(!again.store.has_set_aside());
}

#[tokio::test]
async fn what_a_kill_left_of_what_was_purged_goes_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (mut disk, _) = persist::tests::faulty(dir.path());
    let everything = Scope::Config { environment: key("e"), prefix: "".into() };
    disk.append(&[Arc::new(version(config("k"), 5, "v"))], 5, None).unwrap();
    disk.append(&[Arc::new(floor(everything, 9))], 9, None).unwrap();
    drop(disk);
    let rig = on_disk(dir.path());
    assert_eq!(rig.value(&config("k")), None);
    assert_durable(&rig, dir.path()).await;
    assert_eq!(persist::tests::rows(copy_of(dir.path()).path()), 1, "the floor's own");
}
