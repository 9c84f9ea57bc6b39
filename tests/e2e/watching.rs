//! `burgee watch`: its lines, and what it does when its stream breaks.

use std::{process::Command, time::Duration};

use harness::{
    cli::Cli,
    cluster::{entry, flag, place},
    node::Spec,
    proc::Process,
    wait,
};
use serde_json::Value as Json;

const BOUND: Duration = Duration::from_secs(15);

/// A watch whose stream is open: a key is written until it shows.
fn watching(command: Command, poke: impl Fn()) -> Process {
    let watch = Process::spawn(command);
    wait::until_true("the watch is open", BOUND, || {
        poke();
        !watch.stdout.all().is_empty()
    });
    watch
}

#[test]
fn a_watch_tells_what_changes() {
    let node = Spec::serve().start();
    place(&node.client);
    let cli = Cli::of(&node);
    let put = |key: &str| assert!(matches!(node.client.put(&entry(key), "x").status, 200 | 201));
    let watch = watching(cli.command(&["watch", "in/"]), || put("in/open"));
    put("out/1");
    put("in/a%20key");
    node.client.put(&format!("{}?ttl=50ms", entry("in/short")), "x").check(201);
    node.client.delete(&entry("in/a%20key")).check(204);
    let heard = || {
        let lines = watch.stdout.all();
        lines.into_iter().filter(|line| line != "put in/open").collect::<Vec<_>>()
    };
    wait::until_true("all is told", BOUND, || heard().len() >= 4);
    let mut lines = heard();
    // the deadline and the deletion may come in either order
    lines[2..].sort();
    assert_eq!(lines, ["put in/a key", "put in/short", "delete in/a key", "expire in/short"]);

    let flags = cli.command(&["watch", "--kind", "flag", "--output", "json", "--count", "1"]);
    let mut flags = Process::spawn(flags);
    let mut number = 0;
    wait::until_true("a flag is told, and that is the end", BOUND, || {
        number += 1;
        flag(&node.client, &format!("f{number}"));
        flags.ended().is_some()
    });
    let lines = flags.stdout.all();
    let event: Json = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&event["event"], &event["data"]["register"]["kind"]), (&"change".into(), &"flag".into()));
    assert_eq!(lines.len(), 1);
}

#[test]
fn a_watch_survives_a_restart_of_its_node() {
    let node = Spec::serve().listen("127.0.0.1:0").start();
    place(&node.client);
    let cli = Cli::of(&node);
    let watch = watching(cli.command(&["watch"]), || {
        assert!(matches!(node.client.put(&entry("open"), "x").status, 200 | 201));
    });
    let again = node.again();
    drop(node);
    let node = again.start();
    node.client.put(&entry("after"), "x").check(201);
    wait::until_true("what came after is told, or that something may be missing", BOUND, || {
        watch.stdout.all().iter().any(|line| line == "put after" || line.starts_with("reset "))
    });
    wait::until_true("the watch goes on", BOUND, || {
        node.client.put(&entry("later"), "x").status < 300 && watch.stdout.all().iter().any(|line| line == "put later")
    });
    assert!(watch.stderr.all().iter().any(|line| line.starts_with("burgee: watch: the stream ended")));
}

#[test]
fn a_watch_that_is_refused_says_why() {
    let node = Spec::serve().start();
    let said = Cli::of(&node).run(&["watch"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains("not_found"), "{said:?}");
    assert_eq!(Cli::bare().run(&["watch", "\u{1}", "--url", "http://127.0.0.1:1"]).code, Some(2));
}
