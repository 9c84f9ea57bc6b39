//! An acknowledged write survives `kill -9`.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use harness::{
    cluster::{entry, flag, flag_in, place, read},
    http::Client,
    node::Spec,
    proc::Signal,
    random::Random,
};
use serde_json::{Value as Json, json};

const ROUNDS: u64 = 10;
const ACKNOWLEDGED: usize = 1_000;
const WRITERS: usize = 8;
/// Every so many writes of a writer is a toggle of its flag, the others are config entries.
const TOGGLE_EVERY: usize = 5;

/// What a writer was told, and what it asked last without hearing the answer.
#[derive(Debug, Default)]
struct Diary {
    entries: HashMap<String, String>,
    /// The entry that was being written when the node died: it may hold its old or its new value.
    unsure: Option<String>,
    state: Option<bool>,
    asked: Option<bool>,
}

fn writer_flag(writer: usize) -> String {
    format!("toggled-{writer}")
}

/// Writes until the node no longer answers.
fn write_until_death(client: &Client, round: u64, writer: usize, acknowledged: &AtomicUsize) -> Diary {
    let mut diary = Diary::default();
    for number in 0.. {
        if number % TOGGLE_EVERY == 0 {
            let on = (number / TOGGLE_EVERY) % 2 == 1;
            diary.asked = Some(on);
            let state = if on { "ENABLED" } else { "DISABLED" };
            let body = json!({ "state": state }).to_string();
            let json = [("content-type", "application/json")];
            match client.try_send("PATCH", &flag_in(&writer_flag(writer)), &json, body.as_bytes()) {
                Ok(answer) => answer.check(200),
                Err(_) => return diary,
            }
            diary.state = Some(on);
        } else {
            // every third entry overwrites one of the round before
            let owner = if number % 3 == 0 { round.saturating_sub(1) } else { round };
            let (key, value) = (format!("{owner}/{writer}/{number}"), format!("value {round}.{writer}.{number}"));
            match client.try_send("PUT", &entry(&key), &[("content-type", "text/plain")], value.as_bytes()) {
                Ok(answer) => assert!(matches!(answer.status, 200 | 201), "{}", answer.text()),
                Err(_) => return Diary { unsure: Some(key), ..diary },
            }
            diary.entries.insert(key, value);
        }
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    diary
}

fn missing(client: &Client, entries: &HashMap<String, String>) -> Vec<String> {
    let lost = Mutex::new(Vec::new());
    let all: Vec<_> = entries.iter().collect();
    thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(WRITERS).max(1)) {
            let lost = &lost;
            scope.spawn(move || {
                for (key, value) in part {
                    let found = read(client, key);
                    if found.as_ref() != Ok(value) {
                        lost.lock().unwrap().push(format!("{key}: {found:?} in place of {value}"));
                    }
                }
            });
        }
    });
    lost.into_inner().unwrap()
}

#[test]
fn check_07_a_thousand_acknowledged_writes_survive_kill_9_ten_times_over() {
    let mut random = Random::seeded();
    let mut node = Spec::serve().start();
    place(&node.client);
    (0..WRITERS).for_each(|writer| flag(&node.client, &writer_flag(writer)));
    let mut entries = HashMap::new();
    for round in 0..ROUNDS {
        // some moment after the thousandth acknowledgement, with writes under way
        let moment = ACKNOWLEDGED + usize::try_from(random.below(300)).unwrap();
        let acknowledged = AtomicUsize::new(0);
        let client = node.client.clone();
        let diaries: Vec<Diary> = thread::scope(|scope| {
            let (acknowledged, client) = (&acknowledged, &client);
            let write = |writer| move || write_until_death(client, round, writer, acknowledged);
            let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(write(writer))).collect();
            while acknowledged.load(Ordering::SeqCst) < moment && !writers.iter().any(|w| w.is_finished()) {
                thread::yield_now();
            }
            node.signal(Signal::Kill);
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let total = acknowledged.into_inner();
        assert!(total >= moment, "the node died by itself after {total} writes");
        node = node.kill().start();
        for (writer, diary) in diaries.into_iter().enumerate() {
            let value = node.client.value("demo/development", &writer_flag(writer));
            let seen = value == Json::Bool(true);
            let possible = [diary.state, diary.asked];
            assert!(possible.contains(&Some(seen)), "round {round}: flag {writer} is {value}, not one of {possible:?}");
            entries.extend(diary.entries);
            diary.unsure.inspect(|key| drop(entries.remove(key)));
        }
        let lost = missing(&node.client, &entries);
        assert!(lost.is_empty(), "round {round}: {} of {total} acknowledged writes are lost: {lost:?}", lost.len());
        eprintln!("round {round}: killed after {total} acknowledged writes, none missing of {}", entries.len());
    }
}
