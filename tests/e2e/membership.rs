//! Who is there: told once, by those who see it.

use std::time::{Duration, Instant};

use harness::{
    TOKEN,
    cli::Cli,
    cluster::{
        CONVERGE_BOUND, VISIBLE_BOUND, all_see, cluster, equal, id_of, live, meet, place, put, read, sees, trio,
    },
    node::{Node, Spec},
    proc::Signal,
    stream::{Event, Stream},
};

fn news(node: &Node) -> Stream {
    Stream::open(&format!("{}/api/v1/cluster/events", node.client.base), TOKEN, None)
}

/// What a stream tells until nothing was told for a while.
fn told(stream: &Stream) -> Vec<(String, String)> {
    let mut all = Vec::new();
    while let Some(Event { name, data, .. }) = stream.next(Duration::from_secs(3)) {
        all.push((name, data["name"].as_str().unwrap_or("?").to_owned()));
    }
    all
}

#[test]
fn check_49_each_coming_and_going_is_told_once_and_the_eldest_leads() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let b = Spec::serve().cluster("b").join(&a).start();
    meet(&[&a, &b]);
    let streams = [&a, &b].map(news);
    let c = Spec::serve().cluster("c").join(&a).start();
    meet(&[&a, &b, &c]);
    for node in [&a, &b, &c] {
        let cluster = cluster(&node.client);
        assert_eq!((&cluster["leader"], &cluster["self"]), (&"a".into(), &node.announcement["node"]), "{cluster}");
    }
    let c = c.stop();
    for node in [&a, &b] {
        sees("c is away", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&node.client));
    }
    for stream in &streams {
        let pair = [("joined", "c"), ("left", "c")].map(|(what, who)| (what.to_owned(), who.to_owned()));
        assert_eq!(told(stream), pair);
    }
    // killed, it goes as well, and comes back
    let c = c.start();
    meet(&[&a, &b, &c]);
    let _ = c.kill();
    sees("c is away", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&b.client));
    let pair = [("joined", "c"), ("left", "c")].map(|(what, who)| (what.to_owned(), who.to_owned()));
    assert_eq!(told(&streams[1]), pair);
    // the eldest gone, the next one leads
    let _ = a.kill();
    sees("b leads", CONVERGE_BOUND, &"b".into(), || cluster(&b.client)["leader"].clone());
}

#[test]
fn check_50_a_node_that_stops_is_missed_at_once_and_answers_503_meanwhile() {
    let [a, b, mut c] = trio();
    let start = Instant::now();
    c.signal(Signal::Term);
    let mut unready = false;
    while let Ok(answer) = c.client.try_send("GET", "/readyz", &[], b"") {
        unready |= answer.status == 503;
        assert!(answer.status == 503 || !unready, "ready again while it stops");
        assert!(start.elapsed() < Duration::from_secs(3), "it still answers");
    }
    assert_eq!(c.wait(Duration::from_secs(3).saturating_sub(start.elapsed())).code(), Some(0));
    assert!(unready, "it says so before it ends");
    for node in [&a, &b] {
        sees("c is away", VISIBLE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&node.client));
    }
    put(&a.client, "k", "x");
    sees("the others go on", VISIBLE_BOUND, &Ok("x".to_owned()), || read(&b.client, "k"));
}

#[test]
fn the_command_line_shows_the_nodes_and_forgets_one_that_is_gone() {
    let [a, b, c] = trio();
    let cli = Cli::of(&a);
    // the cells of a node's row
    let row = |name: &str| -> Vec<String> {
        let said = cli.run(&["cluster", "status"]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        let rows = said.out.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        rows.into_iter().find(|cells| cells.first().is_some_and(|cell| cell == name)).unwrap_or_default()
    };
    for name in ["a*", "c"] {
        sees("it is ready", CONVERGE_BOUND, &["live", "yes"].map(str::to_owned).to_vec(), || row(name)[1..3].to_vec());
    }
    let json = cli.run(&["cluster", "status", "--output", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.out).unwrap()["nodes"].as_array().unwrap().len(), 3);

    let unknown = cli.run(&["cluster", "forget", "nobody"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(1), ""), "{unknown:?}");
    let living = cli.run(&["cluster", "forget", "c"]);
    assert_eq!((living.code, living.out.as_str()), (Some(1), ""), "a live node is not forgotten: {living:?}");
    let _ = c.stop();
    sees("c is gone", CONVERGE_BOUND, &"gone".to_owned(), || row("c")[1].clone());
    let forgotten = cli.run(&["cluster", "forget", "c"]);
    assert_eq!((forgotten.code, forgotten.out.as_str()), (Some(0), "Node forgotten.\n"), "{forgotten:?}");
    assert!(row("c").first().is_none_or(|_| row("c")[1] == "forgotten"));
    sees("b knows it", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || {
        let nodes = cluster(&b.client)["nodes"].as_array().cloned().unwrap_or_default();
        let members = nodes.iter().filter(|node| node["state"] != "forgotten");
        members.filter_map(|node| node["name"].as_str().map(str::to_owned)).collect()
    });

    let none = cli.run(&["cluster", "forget", "--gone"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), "No node is gone.\n"), "{none:?}");
    let id = id_of(&b);
    let _ = b.stop();
    sees("b is gone", CONVERGE_BOUND, &"gone".to_owned(), || row("b")[1].clone());
    let all = cli.run(&["cluster", "forget", "--gone"]);
    assert_eq!((all.code, all.out), (Some(0), format!("Node b ({id}) forgotten.\n")));
    let neither = cli.run(&["cluster", "forget"]);
    assert_eq!((neither.code, neither.out.as_str()), (Some(2), ""), "{neither:?}");
}

#[test]
fn check_64_a_cluster_in_the_middle_of_an_upgrade_works_together() {
    const BEFORE: &str = "2";
    let old = |name: &str| Spec::serve().cluster(name).env("BURGEE_PROTOCOL_MAX", BEFORE);
    let a = old("a").start();
    place(&a.client);
    put(&a.client, "by-a", "before");
    // the new one gets what the old one holds, and the other way round
    let b = Spec::serve().cluster("b").join(&a).start();
    assert_eq!(read(&b.client, "by-a"), Ok("before".to_owned()));
    put(&b.client, "by-b", "new");
    let c = old("c").join(&b).start();
    assert_eq!(read(&c.client, "by-b"), Ok("new".to_owned()));
    meet(&[&a, &b, &c]);
    for (number, writer) in [&a, &b, &c].into_iter().enumerate() {
        let key = format!("from/{number}");
        put(&writer.client, &key, "x");
        all_see(&key, VISIBLE_BOUND, &Ok("x".to_owned()), &[&a, &b, &c], |client| read(client, &key));
    }
    // one that was away during writes is mended by either kind
    let c = c.stop();
    put(&a.client, "missed", "x");
    put(&b.client, "missed-too", "x");
    let c = c.start();
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    // the upgrade goes on, one after the other
    let a = a.stop().env("BURGEE_PROTOCOL_MAX", "3").start();
    meet(&[&a, &b, &c]);
    put(&a.client, "by-a", "after");
    all_see("it", VISIBLE_BOUND, &Ok("after".to_owned()), &[&b, &c], |client| read(client, "by-a"));
    equal(&[&a, &b, &c], CONVERGE_BOUND);
}
