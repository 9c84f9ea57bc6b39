//! Config entries: any bytes, deadlines, preconditions, ordered lists, purge.

use std::{thread, time::Duration};

use harness::{
    cluster::{CONVERGE_BOUND, VISIBLE_BOUND, all_see, converge, entry, equal, pair, place, put, read, sees, trio},
    node::{Node, Spec},
};
use serde_json::{Value as Json, json};

const CONFIG: &str = "/api/v1/tenants/demo/environments/development/config";

fn node() -> Node {
    let node = Spec::serve().start();
    place(&node.client);
    node
}

fn keys(list: &Json) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap()).collect()
}

#[test]
fn an_entry_keeps_its_bytes_and_its_type() {
    let node = node();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let kind = [("content-type", "application/x-anything; version=2")];
    let put = node.client.send("PUT", &entry("bin/a%20ry"), &kind, &bytes).expect(201);
    let got = node.client.get(&entry("bin/a%20ry")).expect(200);
    assert!(got.body == bytes, "{} bytes came back", got.body.len());
    assert_eq!(got.header("content-type").as_deref(), Some(kind[0].1));
    assert_eq!(got.etag(), put.etag());
    assert!(got.etag().contains(&got.header("burgee-stamp").unwrap()), "for a single register the tag is its stamp");
    // the slash in the key may be encoded or not
    assert_eq!(node.client.get(&entry("bin%2Fa%20ry")).expect(200).body, bytes);
    let head = node.client.send("HEAD", &entry("bin/a%20ry"), &[], b"").expect(200);
    assert_eq!(head.etag(), got.etag());
    node.client.put(&entry("empty"), "").check(201);
    assert_eq!(read(&node.client, "empty"), Ok(String::new()));
    node.client.delete(&entry("empty")).check(204);
    node.client.get(&entry("empty")).problem(404, "not_found");
    node.client.delete(&entry("empty")).problem(404, "not_found");
}

#[test]
fn entries_survive_a_restart_with_their_bytes() {
    let node = node();
    let key = "wörter/ключ/🚩";
    let path = entry(&harness::http::encode(key));
    node.client.put(&path, "kept").check(201);
    let node = node.stop().start();
    assert_eq!(node.client.get(&path).expect(200).text(), "kept");
    let list = node.client.get(CONFIG).expect(200).json();
    assert_eq!(keys(&list), [key]);
}

#[test]
fn an_entry_is_gone_after_its_deadline_on_every_node() {
    let (a, b) = pair();
    a.client.put(&format!("{}?ttl=1500ms", entry("short")), "lived").check(201);
    a.client.put(&format!("{}?ttl=1h", entry("long")), "lives").check(201);
    sees("the entry", VISIBLE_BOUND, &Ok("lived".to_owned()), || read(&b.client, "short"));
    assert!(b.client.get(&entry("short")).header("burgee-expires-at").is_some());
    for node in [&a, &b] {
        sees("its end", Duration::from_secs(4), &Err(404), || read(&node.client, "short"));
        let list = node.client.get(CONFIG).expect(200).json();
        assert_eq!(keys(&list), ["long"]);
        assert!(list["items"][0]["expiresAt"].is_string() || list["items"][0]["expiresAt"].is_number(), "{list}");
    }
    // it can be written again, and then stays
    b.client.put(&entry("short"), "again").check(201);
    sees("the new life", CONVERGE_BOUND, &Ok("again".to_owned()), || read(&a.client, "short"));
    let node = a.kill().start();
    sees("the new life after a restart", CONVERGE_BOUND, &Ok("again".to_owned()), || read(&node.client, "short"));
}

#[test]
fn a_deadline_holds_across_a_restart() {
    let node = node();
    node.client.put(&format!("{}?ttl=1s", entry("k")), "v").check(201);
    let spec = node.kill();
    thread::sleep(Duration::from_millis(1_100));
    let node = spec.start();
    assert_eq!(read(&node.client, "k"), Err(404));
}

#[test]
fn preconditions_are_held() {
    let node = node();
    let put = |headers: &[(&str, &str)], body: &str| {
        let kind = [("content-type", "text/plain")];
        node.client.send("PUT", &entry("k"), &[&kind, headers].concat(), body.as_bytes())
    };
    let first = put(&[("if-none-match", "*")], "1").expect(201).etag();
    put(&[("if-none-match", "*")], "2").problem(412, "stale");
    assert_eq!(read(&node.client, "k"), Ok("1".to_owned()));
    let second = put(&[("if-match", &first)], "3").expect(200).etag();
    assert_ne!(first, second);
    put(&[("if-match", &first)], "4").problem(412, "stale");
    assert_eq!(read(&node.client, "k"), Ok("3".to_owned()));
    node.client.send("DELETE", &entry("k"), &[("if-match", &first)], b"").problem(412, "stale");
    node.client.send("GET", &entry("k"), &[("if-none-match", &second)], b"").check(304);
    node.client.send("DELETE", &entry("k"), &[("if-match", &second)], b"").check(204);
    put(&[("if-match", &second)], "5").problem(412, "stale");
    assert_eq!(read(&node.client, "k"), Err(404));
    put(&[("if-none-match", "*")], "6").check(201);
}

#[test]
fn an_expired_entry_counts_as_absent_for_preconditions() {
    let node = node();
    node.client.put(&format!("{}?ttl=50ms", entry("k")), "v").check(201);
    sees("its end", CONVERGE_BOUND, &Err(404), || read(&node.client, "k"));
    let kind = [("content-type", "text/plain"), ("if-none-match", "*")];
    node.client.send("PUT", &entry("k"), &kind, b"w").check(201);
}

#[test]
fn of_two_that_create_only_one_succeeds() {
    let node = node();
    for round in 0..20 {
        let path = entry(&format!("race/{round}"));
        let statuses: Vec<u16> = thread::scope(|scope| {
            let race = |_| {
                let (client, path) = (node.client.clone(), &path);
                scope.spawn(move || client.send("PUT", path, &[("if-none-match", "*")], b"x").status)
            };
            (0..4).map(race).collect::<Vec<_>>().into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|s| **s == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|s| **s == 412).count(), 3, "{statuses:?}");
    }
}

#[test]
fn lists_are_ordered_paged_and_cut_by_prefix() {
    let node = node();
    for number in (0..250).rev() {
        node.client.put(&entry(&format!("page/{number:03}")), "x").check(201);
    }
    node.client.put(&entry("pag"), "x").check(201);
    node.client.put(&entry("page0"), "x").check(201);
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let list = node.client.get(&format!("{CONFIG}?prefix=page%2F&limit=99{cursor}")).expect(200).json();
        assert!(keys(&list).len() <= 99);
        all.extend(keys(&list).into_iter().map(str::to_owned));
        match list["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", harness::http::encode(next)),
            None => break,
        }
    }
    assert_eq!(all, (0..250).map(|n| format!("page/{n:03}")).collect::<Vec<_>>());
    let default = node.client.get(CONFIG).expect(200).json();
    assert_eq!((keys(&default).len(), default["nextCursor"].is_string()), (100, true));
    let item = &node.client.get(&format!("{CONFIG}?prefix=pag&limit=1")).expect(200).json()["items"][0];
    assert_eq!((item["key"].as_str(), item["size"].as_u64()), (Some("pag"), Some(1)), "{item}");
    assert_eq!(item["contentType"], "text/plain");
    assert!(item["stamp"].is_string());
    for query in ["limit=0", "limit=1001", "limit=x", "cursor=%00%FF"] {
        let status = node.client.get(&format!("{CONFIG}?{query}")).status;
        assert!(matches!(status, 400 | 422), "{query}: {status}");
    }
}

#[test]
fn a_purge_takes_the_prefix_and_nothing_else_on_both_nodes() {
    let (a, b) = pair();
    for number in 0..50 {
        a.client.put(&entry(&format!("old/{number}")), "x").check(201);
        a.client.put(&entry(&format!("older/{number}")), "x").check(201);
    }
    converge(&a, &b, CONFIG);
    b.client.delete(&format!("{CONFIG}?prefix=old%2F")).check(204);
    b.client.put(&entry("old/1"), "newer").check(201);
    let list: Json = serde_json::from_str(&converge(&a, &b, &format!("{CONFIG}?limit=1000"))).unwrap();
    let (old, older): (Vec<&str>, Vec<&str>) = keys(&list).into_iter().partition(|key| key.starts_with("old/"));
    assert_eq!((old, older.len()), (vec!["old/1"], 50));
    // what came from b may not have been on a's disk yet: then it comes again
    let a = a.kill().start();
    sees("the same after a restart", CONVERGE_BOUND, &list, || {
        a.client.get(&format!("{CONFIG}?limit=1000")).expect(200).json()
    });
}

#[test]
fn a_rule_reads_an_entry_and_follows_it_on_both_nodes() {
    let (a, b) = pair();
    let body = json!({ "key": "f", "variants": { "on": true, "off": false } });
    a.client.post("/api/v1/tenants/demo/flags", &body).check(201);
    let rule = json!({ "if": [{ "==": [{ "config": ["mode", "quiet"] }, "loud"] }, "on", "off"] });
    let settings = json!({ "state": "ENABLED", "defaultVariant": "off", "targeting": rule });
    a.client.patch(&harness::cluster::flag_in("f"), &settings).check(200);
    let value = |node: &Node| node.client.ofrep("demo/development", "f", &json!({})).json()["value"].clone();
    for node in [&a, &b] {
        sees("the default", CONVERGE_BOUND, &json!(false), || value(node));
    }
    b.client.put(&entry("mode"), "loud").check(201);
    for node in [&a, &b] {
        sees("the entry's effect", VISIBLE_BOUND, &json!(true), || value(node));
    }
    b.client.put(&format!("{}?ttl=700ms", entry("mode")), "loud").check(200);
    for node in [&a, &b] {
        sees("the end of its deadline", Duration::from_secs(3), &json!(false), || value(node));
    }
}

#[test]
fn a_purge_and_its_lists_are_the_same_on_all_three_nodes() {
    let [a, b, c] = trio();
    let nodes = [&a, &b, &c];
    for number in 0..90 {
        put(&nodes[number % 3].client, &format!("old/{number:02}"), "x");
    }
    put(&a.client, "older", "x");
    equal(&nodes, CONVERGE_BOUND);
    let listed = |node: &Node| {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = node.client.get(&format!("{CONFIG}?limit=40{cursor}")).expect(200).json();
            all.extend(keys(&page).into_iter().map(str::to_owned));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", harness::http::encode(next)),
                None => return all,
            }
        }
    };
    let before: Vec<String> = (0..90).map(|n| format!("old/{n:02}")).chain(["older".to_owned()]).collect();
    nodes.iter().for_each(|node| assert_eq!(listed(node), before));
    c.client.delete(&format!("{CONFIG}?prefix=old%2F")).check(204);
    equal(&nodes, CONVERGE_BOUND);
    for node in nodes {
        assert_eq!(listed(node), ["older"]);
        node.client.get(&entry("old/01")).problem(404, "not_found");
    }
}

#[test]
fn a_value_that_a_rule_reads_counts_at_once_on_all_three_nodes() {
    let [a, b, c] = trio();
    let body = json!({ "key": "f", "variants": { "on": true, "off": false } });
    a.client.post("/api/v1/tenants/demo/flags", &body).check(201);
    let rule = json!({ "if": [{ ">": [{ "config": ["limit", 0] }, 10] }, "on", "off"] });
    let settings = json!({ "state": "ENABLED", "defaultVariant": "off", "targeting": rule });
    a.client.patch(&harness::cluster::flag_in("f"), &settings).check(200);
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    let value = |client: &harness::http::Client| client.value("demo/development", "f");
    for (number, writer) in [&a, &b, &c].into_iter().enumerate() {
        let large = number % 2 == 0;
        let limit = if large { "11" } else { "9" };
        let put = writer.client.send("PUT", &entry("limit"), &[("content-type", "application/json")], limit.as_bytes());
        assert!(matches!(put.status, 200 | 201), "{}", put.status);
        assert_eq!(value(&writer.client), json!(large), "who wrote it reads its own write");
        all_see("the entry's effect", VISIBLE_BOUND, &json!(large), &[&a, &b, &c], value);
    }
    b.client.delete(&entry("limit")).check(204);
    assert_eq!(value(&b.client), json!(false));
    all_see("its end", VISIBLE_BOUND, &json!(false), &[&a, &b, &c], value);
}
