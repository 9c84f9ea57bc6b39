//! Deadlines: the same on every node, whoever wrote them and whatever became of the writer.

use std::{
    thread,
    time::{Duration, Instant},
};

use harness::{
    TOKEN,
    cluster::{CLOCK_ERROR, VISIBLE_BOUND, all_see, entry, keys, read, sees, stays, trio},
    http::Client,
    node::Node,
    stream::Stream,
};

fn put_for(client: &Client, key: &str, ttl: &str, value: &str) {
    let answer = client.put(&format!("{}?ttl={ttl}", entry(key)), value);
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
}

#[test]
fn check_36_an_entry_ends_in_time_although_its_writer_is_dead() {
    const TTL: Duration = Duration::from_secs(4);
    const LATE: Duration = Duration::from_secs(1);
    let [a, b, c] = trio();
    let before = Instant::now();
    put_for(&a.client, "k", "4s", "x");
    all_see("it", VISIBLE_BOUND, &Ok("x".to_owned()), &[&b, &c], |client| read(client, "k"));
    let _ = a.kill();
    for node in [&b, &c] {
        sees("its end", TTL + LATE, &Err(404), || {
            let seen = read(&node.client, "k");
            let age = before.elapsed();
            assert!(seen.is_ok() || age + CLOCK_ERROR >= TTL, "early: {age:?}");
            assert!(seen.is_err() || age < TTL + LATE, "late: {age:?}");
            seen
        });
    }
}

#[test]
fn check_37_a_new_deadline_takes_the_place_of_the_old_one() {
    let [a, b, c] = trio();
    put_for(&a.client, "k", "1s", "short");
    sees("it", VISIBLE_BOUND, &Ok("short".to_owned()), || read(&b.client, "k"));
    put_for(&b.client, "k", "60s", "long");
    thread::sleep(Duration::from_millis(2_500));
    let long = Ok("long".to_owned());
    stays("it", Duration::from_millis(200), &long, &[&a, &b, &c], |client| read(client, "k"));
}

#[test]
fn check_38_what_has_not_expired_stays_when_others_expire() {
    let [a, b, c] = trio();
    for number in 0..20 {
        put_for(&a.client, &format!("short/{number}"), "700ms", "x");
        put_for(&a.client, &format!("long/{number}"), "1h", "x");
    }
    all_see("the long ones alone", Duration::from_secs(4), &20, &[&a, &b, &c], |client| keys(client, "").len());
    stays("them", Duration::from_millis(500), &20, &[&a, &b, &c], |client| keys(client, "long/").len());
}

#[test]
fn check_39_a_write_without_deadline_never_expires() {
    let [a, b, c] = trio();
    put_for(&a.client, "k", "1s", "short");
    sees("it", VISIBLE_BOUND, &Ok("short".to_owned()), || read(&c.client, "k"));
    c.client.put(&entry("k"), "for good").check(200);
    thread::sleep(Duration::from_millis(2_500));
    let kept = (Ok("for good".to_owned()), None);
    stays("it", Duration::from_millis(200), &kept, &[&a, &b, &c], |client| {
        (read(client, "k"), client.get(&entry("k")).header("burgee-expires-at"))
    });
}

/// Counts the expiries that a stream tells of a key until nothing was told for a while.
fn expiries(stream: &Stream, key: &str) -> usize {
    let mut count = 0;
    while let Some(event) = stream.next(Duration::from_secs(2)) {
        if event.data["register"]["key"] == key && event.data["op"] == "expire" {
            count += 1;
        }
    }
    count
}

#[test]
fn check_42_an_expiry_is_told_once_on_each_node() {
    let nodes = trio();
    let streams = nodes.each_ref().map(|node: &Node| {
        let url = format!("{}/api/v1/tenants/demo/environments/development/watch?kind=config", node.client.base);
        Stream::open(&url, TOKEN, None)
    });
    put_for(&nodes[0].client, "k", "500ms", "x");
    for stream in &streams {
        assert_eq!(expiries(stream, "k"), 1);
    }
}
