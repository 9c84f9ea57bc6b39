//! Nodes that come: empty, wiped, under a name in use, from an old disk, after an absence, after they were
//! forgotten.

use std::time::{Duration, Instant};

use harness::{
    cluster::{
        CONVERGE_BOUND, HEAL_BOUND, VISIBLE_BOUND, all_see, cluster, entry, equal, flag, id_of, keys, live, place, put,
        read, root, sees, stays, trio, trio_with, views,
    },
    disk,
    http::Client,
    metrics::metric,
    node::{Node, Spec},
    wait,
};
use serde_json::json;

const PLACE: &str = "demo/development";

/// Three nodes that collect as soon as they may.
fn collecting() -> [Node; 3] {
    trio_with(|spec| spec.option("--collect-grace", "2s").option("--collect-period", "500ms"))
}

fn tombstones(node: &Node) -> f64 {
    metric(&node.client, "burgee_tombstones", &[])
}

/// Waits until deletions are remembered nowhere.
fn collected(nodes: &[&Node]) {
    for node in nodes {
        sees("no tombstones", CONVERGE_BOUND, &0.0, || tombstones(node));
    }
}

fn forget(at: &Node, name: &str) {
    let id = views(&at.client, name)[0]["id"].as_str().unwrap().to_owned();
    at.client.delete(&format!("/api/v1/cluster/nodes/{id}")).check(204);
}

/// The last of three nodes has come back under another id than before, and brought no key below `k/` back.
fn is_back_anew(nodes: [&Node; 3], before: &str) {
    assert_ne!(id_of(nodes[2]), before, "a new identity");
    equal(&nodes, HEAL_BOUND);
    stays("nothing", Duration::from_secs(1), &Vec::new(), &nodes, |client| keys(client, "k/"));
}

/// Three nodes, a copy of the last one's disk from before it deleted what is below `k/`, and its id; the deletions
/// are remembered nowhere.
fn collected_since_a_backup() -> ([Node; 3], tempfile::TempDir, String) {
    let [a, b, c] = collecting();
    (0..20).for_each(|number| put(&c.client, &format!("k/{number}"), "x"));
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    let before = id_of(&c);
    let backup = tempfile::tempdir().unwrap();
    let c = c.stop();
    disk::copy(c.data_dir(), backup.path());
    let c = c.start();
    assert_eq!(id_of(&c), before);
    put(&c.client, "after-the-backup", "x");
    (0..20).for_each(|number| c.client.delete(&entry(&format!("k/{number}"))).check(204));
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    collected(&[&a, &b, &c]);
    ([a, b, c], backup, before)
}

/// What a node's log says of waiting.
fn waits(node: &Node) -> Vec<String> {
    node.output().1.into_iter().filter(|line| line.contains("waiting to be ready")).collect()
}

#[test]
fn a_joiner_that_waits_says_why_in_its_log_and_when_that_is_over() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    assert_eq!(waits(&a), [""; 0], "it was ready at once");
    let joining = Spec::serve().cluster("b").join(&a);
    let a = a.stop();
    let b = joining.launch();
    sees("the line", Duration::from_secs(5), &1, || waits(&b).len());
    assert!(waits(&b)[0].contains("no_peer"), "{:?}", waits(&b));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(waits(&b).len(), 1, "seldom, however long it waits");
    let _a = a.start();
    b.wait_ready();
    // it serves a moment before it says so
    sees("the end of waiting", Duration::from_secs(5), &true, || {
        let log = b.output().1;
        let mut after = log.iter().skip_while(|line| !line.contains("waiting to be ready")).skip(1);
        after.any(|line| line.ends_with(" ready"))
    });
}

#[test]
fn a_node_that_holds_nothing_is_not_trusted_whatever_an_operator_says() {
    let gone = Spec::serve().cluster("a").start();
    let waiting = Spec::serve().cluster("b").join(&gone).option("--ready-timeout", "1s").arg("--trust-own-data");
    let _ = gone.stop();
    let b = waiting.launch();
    stays("it waits", Duration::from_secs(3), &503, &[&b], |client| client.get("/readyz").status);
}

#[test]
fn check_18_a_name_in_use_is_refused_while_its_bearer_lives() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let b = Spec::serve().cluster("b").join(&a).start();
    let mut second = Spec::serve().cluster("b").join(&a).option("--ready-timeout", "3s").launch();
    sees("the reason", Duration::from_secs(3), &true, || {
        let ready = second.client.get("/readyz").expect(503).json();
        ready["reasons"].as_array().unwrap().contains(&json!("name_in_use"))
    });
    second.client.post("/api/v1/tenants", &json!({ "key": "t" })).problem(503, "not_ready");
    assert_eq!(second.wait(Duration::from_secs(10)).code(), Some(1));
    let (_, stderr) = second.output();
    assert!(stderr.iter().any(|line| line.starts_with("burgee: node-name: `b` ")), "{stderr:?}");
    sees("nothing of it", CONVERGE_BOUND, &1, || views(&a.client, "b").len());
    // the bearer was never disturbed, and its name is free once it is gone
    put(&b.client, "k", "x");
    sees("it", VISIBLE_BOUND, &Ok("x".to_owned()), || read(&a.client, "k"));
    let before = id_of(&b);
    let _ = b.kill();
    let b = Spec::serve().cluster("b").join(&a).start();
    assert_ne!(id_of(&b), before);
    assert_eq!(read(&b.client, "k"), Ok("x".to_owned()));
    sees("one b", CONVERGE_BOUND, &1, || views(&a.client, "b").len());
}

#[test]
fn check_20_an_empty_node_is_ready_with_a_hundred_thousand_entries_within_five_seconds() {
    const ENTRIES: usize = 100_000;
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    flag(&a.client, "f");
    let spec = a.stop();
    disk::fill(spec.data_dir(), ENTRIES, 100);
    let a = spec.start();
    let (start, b) = (Instant::now(), Spec::serve().cluster("b").join(&a).launch());
    let last = entry(&format!("bulk/{:09}", ENTRIES - 1));
    wait::until_true("ready", HEAL_BOUND, || {
        let ready = b.client.get("/readyz").status == 200;
        // nothing is written: what it held at that moment is what it holds now
        assert!(!ready || b.client.get(&last).status == 200, "ready without the last entry");
        ready
    });
    eprintln!("ready with {ENTRIES} entries {:?} after its start", start.elapsed());
    assert_eq!(b.client.value(PLACE, "f"), json!(true));
    equal(&[&a, &b], VISIBLE_BOUND);
    assert_eq!(keys(&b.client, "bulk/00009999").len(), 10);
}

#[test]
fn check_20_while_it_joins_it_serves_nothing() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    flag(&a.client, "f");
    let spec = a.stop();
    disk::fill(spec.data_dir(), 50_000, 100);
    let a = spec.start();
    let b = Spec::serve().cluster("b").join(&a).launch();
    let mut refused = 0;
    wait::until_true("ready", CONVERGE_BOUND, || {
        let answer = b.client.ofrep(PLACE, "f", &json!({}));
        match answer.status {
            200 => assert_eq!(answer.json()["value"], true),
            _ => {
                assert_eq!((answer.status, &answer.json()["errorCode"]), (503, &json!("PROVIDER_NOT_READY")));
                refused += 1;
            }
        }
        answer.status == 200
    });
    eprintln!("{refused} evaluations refused before it was ready");
    assert_eq!(b.client.get("/readyz").status, 200);
}

#[test]
fn check_23_a_node_that_lost_its_disk_gets_back_what_it_had_written() {
    let [a, b, c] = trio();
    (0..50).for_each(|number| put(&a.client, &format!("by-a/{number}"), "x"));
    flag(&a.client, "f");
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    let before = id_of(&a);
    // the same address and name, no disk, and told of nobody
    let a = a.kill().wiped().start();
    equal(&[&a, &b, &c], HEAL_BOUND);
    for node in [&a, &b, &c] {
        assert_eq!(keys(&node.client, "by-a/").len(), 50);
        sees("one a", CONVERGE_BOUND, &1, || views(&node.client, "a").len());
    }
    assert_eq!(a.client.value(PLACE, "f"), json!(true));
    assert_ne!(id_of(&a), before);
    put(&a.client, "by-a/0", "again");
    all_see("a writes", VISIBLE_BOUND, &Ok("again".to_owned()), &[&b, &c], |client| read(client, "by-a/0"));
}

#[test]
fn check_24_what_a_node_that_never_returns_wrote_is_listed_once_and_can_be_deleted() {
    let [a, b, c] = trio();
    (0..10).for_each(|number| put(&c.client, &format!("by-c/{number}"), "x"));
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    let _ = c.kill();
    for node in [&a, &b] {
        assert_eq!(keys(&node.client, "by-c/"), (0..10).map(|n| format!("by-c/{n}")).collect::<Vec<_>>());
    }
    (0..10).for_each(|number| b.client.delete(&entry(&format!("by-c/{number}"))).check(204));
    all_see("nothing", VISIBLE_BOUND, &Vec::new(), &[&a, &b], |client| keys(client, "by-c/"));
    sees("c is gone", CONVERGE_BOUND, &json!("gone"), || views(&a.client, "c")[0]["state"].clone());
}

#[test]
fn check_33_a_node_away_for_longer_than_the_grace_brings_nothing_back() {
    let [a, b, c] = collecting();
    (0..20).for_each(|number| put(&a.client, &format!("k/{number}"), "x"));
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    let c = c.stop();
    (0..20).for_each(|number| b.client.delete(&entry(&format!("k/{number}"))).check(204));
    // its absence holds collection back, however long it lasts
    sees("held by c", CONVERGE_BOUND, &json!(["c"]), || cluster(&a.client)["collectionHeldBy"].clone());
    std::thread::sleep(Duration::from_secs(3));
    assert!(tombstones(&a) >= 20.0 && tombstones(&b) >= 20.0, "{} {}", tombstones(&a), tombstones(&b));
    let c = c.start();
    assert_eq!(keys(&c.client, "k/"), Vec::<String>::new(), "ready, it has heard of the deletions");
    stays("nothing", Duration::from_secs(1), &Vec::new(), &[&a, &b, &c], |client| keys(client, "k/"));
    collected(&[&a, &b, &c]);
    equal(&[&a, &b, &c], HEAL_BOUND);
    assert_eq!(keys(&c.client, "k/"), Vec::<String>::new());
}

#[test]
fn check_34_a_forgotten_node_that_returns_with_its_old_disk_brings_nothing_back() {
    let [a, b, c] = collecting();
    (0..20).for_each(|number| put(&a.client, &format!("k/{number}"), "x"));
    put(&c.client, "kept", "x");
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    let before = id_of(&c);
    let c = c.stop();
    (0..20).for_each(|number| b.client.delete(&entry(&format!("k/{number}"))).check(204));
    sees("c is gone", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&a.client));
    forget(&a, "c");
    collected(&[&a, &b]);
    let c = c.launch();
    wait::until_true("ready again", CONVERGE_BOUND, || {
        let ready = c.client.get("/readyz").status == 200;
        let seen = keys(&a.client, "k/").len() + keys(&b.client, "k/").len();
        assert_eq!(seen, 0, "it pushed what was deleted");
        ready
    });
    assert_eq!(keys(&c.client, "k/"), Vec::<String>::new());
    assert_eq!(read(&c.client, "kept"), Ok("x".to_owned()));
    is_back_anew([&a, &b, &c], &before);
    put(&c.client, "new", "x");
    all_see("c writes", VISIBLE_BOUND, &Ok("x".to_owned()), &[&a, &b], |client| read(client, "new"));
}

#[test]
fn check_34_a_node_restored_from_an_old_backup_brings_nothing_back() {
    let ([a, b, c], backup, before) = collected_since_a_backup();
    let c = c.stop();
    disk::copy(backup.path(), c.data_dir());
    let c = c.start();
    assert_eq!(keys(&c.client, "k/"), Vec::<String>::new());
    assert_eq!(read(&c.client, "after-the-backup"), Ok("x".to_owned()));
    is_back_anew([&a, &b, &c], &before);
    put(&c.client, "k/0", "anew");
    all_see("c writes", VISIBLE_BOUND, &Ok("anew".to_owned()), &[&a, &b], |client| read(client, "k/0"));
}

/// What it writes while it is alone hides from its peers that its disk is an old one.
#[test]
fn check_34_a_restored_backup_that_takes_a_write_first_brings_nothing_back() {
    let ([a, b, c], backup, before) = collected_since_a_backup();
    let (a, b, c) = (a.stop(), b.stop(), c.stop());
    disk::copy(backup.path(), c.data_dir());
    let c = c.start();
    put(&c.client, "own", "x");
    let (a, b) = (a.start(), b.start());
    all_see("its own write", HEAL_BOUND, &Ok("x".to_owned()), &[&a, &b], |client| read(client, "own"));
    is_back_anew([&a, &b, &c], &before);
}

#[test]
fn check_35_once_all_members_have_seen_a_deletion_it_is_forgotten() {
    let [a, b, c] = collecting();
    (0..30).for_each(|number| put(&a.client, &format!("k/{number}"), "x"));
    (0..10).for_each(|number| a.client.put(&format!("{}?ttl=300ms", entry(&format!("t/{number}"))), "x").check(201));
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    (0..20).for_each(|number| b.client.delete(&entry(&format!("k/{number}"))).check(204));
    a.client.delete(&format!("{}?prefix=k%2F2", harness::cluster::CONFIG)).check(204);
    sees("tombstones", VISIBLE_BOUND, &true, || tombstones(&a) >= 20.0);
    collected(&[&a, &b, &c]);
    equal(&[&a, &b, &c], HEAL_BOUND);
    let count = |client: &Client| keys(client, "").len();
    all_see("nothing returned", VISIBLE_BOUND, &0, &[&a, &b, &c], count);
    let horizon = |node: &Node| cluster(&node.client)["horizon"].clone();
    assert!(horizon(&a).is_string(), "{}", horizon(&a));
    // and what is collected stays so on disk
    let a = a.kill().start();
    assert_eq!(tombstones(&a), 0.0);
    assert_eq!(count(&a.client), 0);
}

#[test]
fn a_live_node_is_not_forgotten_and_an_unknown_one_is_not_found() {
    let [a, b, _c] = trio();
    let id = id_of(&b);
    let answer = a.client.delete(&format!("/api/v1/cluster/nodes/{id}"));
    assert_eq!(answer.status, 409, "{}", answer.text());
    a.client.delete(&format!("/api/v1/cluster/nodes/{}", "0".repeat(32))).problem(404, "not_found");
    assert!(root(&b).is_some());
}
