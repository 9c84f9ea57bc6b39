//! Evaluations as of an earlier instant.

use serde_json::{Value as Json, json};

use crate::server::{START, Server, paths};

const EVALUATE: &str = "/api/v1/tenants/t/environments/dev/evaluate";
const FLAG: &str = "/api/v1/tenants/t/flags/f/environments/dev";
const ENTRY: &str = "/api/v1/tenants/t/environments/dev/config/k";
const MINUTE: u64 = 60_000;

/// A server whose clock is a minute further with each step.
struct Story {
    server: Server,
}

impl Story {
    async fn new() -> Self {
        let story = Self { server: Server::placed().await };
        story.pass();
        story.server.flag("f").await;
        story
    }

    fn pass(&self) {
        self.server.pass(MINUTE);
    }

    async fn patch(&self, change: Json) {
        self.pass();
        self.server.patch(FLAG, change).await.expect(200);
    }

    async fn ask(&self, minute: u64, more: Json) -> Json {
        let mut body = json!({ "at": START + minute * MINUTE });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.server.post(EVALUATE, body).await.expect(200).body()
    }

    async fn variants(&self, minutes: std::ops::RangeInclusive<u64>) -> Vec<Json> {
        let mut variants = Vec::new();
        for minute in minutes {
            variants.push(self.ask(minute, json!({ "flag": "f" })).await["variant"].clone());
        }
        variants
    }
}

#[tokio::test]
async fn flags_and_segments_are_those_of_then() {
    let story = Story::new().await;
    story.patch(json!({ "defaultVariant": "off" })).await;
    story.pass();
    let segments = "/api/v1/tenants/t/segments";
    let rule = json!({ "==": [1, 1] });
    story.server.post(segments, json!({ "key": "s", "rule": rule })).await.expect(201);
    story.patch(json!({ "targeting": { "if": [{ "segment": "s" }, "on"] } })).await;
    story.pass();
    let nobody = json!({ "rule": { "==": [1, 2] } });
    story.server.patch(&format!("{segments}/s"), nobody).await.expect(200);
    story.patch(json!({ "kill": true })).await;
    story.patch(json!({ "kill": false, "targeting": null, "defaultVariant": "on" })).await;
    // minute 1: made; 2: off; 4: its rule; 5: the segment; 6: killed; 7: on again
    assert_eq!(
        story.variants(1..=7).await,
        [json!("on"), json!("off"), json!("off"), json!("on"), json!("off"), Json::Null, json!("on")]
    );
    let killed = story.ask(6, json!({ "flag": "f" })).await;
    assert_eq!((&killed["reason"], &killed["complete"]), (&json!("DISABLED"), &json!(true)));
    assert_eq!(story.ask(0, json!({ "flag": "f" })).await["errorCode"], "FLAG_NOT_FOUND");
}

#[tokio::test]
async fn all_flags_at_once_and_an_explanation_are_of_then_too() {
    let story = Story::new().await;
    story.patch(json!({ "targeting": { "if": [{ "var": "x" }, "off", "on"] } })).await;
    let then = story.server.get(FLAG).await.body()["stamps"]["targeting"].clone();
    story.server.flag("g").await;
    story.patch(json!({ "targeting": null })).await;
    let all = story.ask(2, json!({ "context": { "x": 1 } })).await;
    let found = |at: usize| (all["flags"][at]["key"].clone(), all["flags"][at]["variant"].clone());
    assert_eq!((found(0), found(1)), ((json!("f"), json!("off")), (json!("g"), json!("on"))));
    assert_eq!((all["flags"].as_array().unwrap().len(), &all["complete"]), (2, &json!(true)));
    assert_eq!(story.ask(1, json!({})).await["flags"].as_array().unwrap().len(), 1);
    let why = story.ask(2, json!({ "flag": "f", "context": { "x": 1 }, "explain": true })).await;
    assert_eq!((&why["variant"], &why["explain"]["branch"]), (&json!("off"), &json!(1)), "{why}");
    assert!(why["stamps"].as_object().unwrap().values().any(|stamp| *stamp == then), "{why}");
}

#[tokio::test]
async fn rules_see_the_time_of_then() {
    let story = Story::new().await;
    let start = START / 1000 + 180;
    let ramp = json!({ "ramp": { "from": 0, "to": 1, "start": start, "end": start } });
    story.patch(json!({ "targeting": { "if": [{ "==": [ramp, 1] }, "off", "on"] } })).await;
    assert_eq!(story.variants(2..=4).await, ["on", "off", "off"], "also where it has not come yet");
    let rule = json!({ "if": [{ ">=": [{ "var": "$flagd.timestamp" }, start] }, "off", "on"] });
    story.patch(json!({ "targeting": rule })).await;
    let text = |second: u64| format!("2023-11-14T22:16:{second:02}Z");
    for (second, expected) in [(19, "on"), (20, "off")] {
        let asked = json!({ "flag": "f", "at": text(second), "context": {} });
        let answer = story.server.post(EVALUATE, asked).await.expect(200).body();
        assert_eq!(answer["variant"], expected, "{second}");
    }
}

#[tokio::test]
async fn of_prerequisites_it_is_the_answer_of_then() {
    let story = Story::new().await;
    story.server.flag("g").await;
    story.patch(json!({ "targeting": { "if": [{ "==": [{ "flag": "g" }, "on"] }, "on", "off"] } })).await;
    story.pass();
    let other = "/api/v1/tenants/t/flags/g/environments/dev";
    story.server.patch(other, json!({ "state": "DISABLED" })).await.expect(200);
    assert_eq!(story.variants(2..=3).await, ["on", "off"]);
}

#[tokio::test]
async fn an_entry_that_has_changed_since_makes_the_answer_incomplete() {
    let story = Story::new().await;
    story.server.put(ENTRY, "on").await.expect(201);
    story.patch(json!({ "targeting": { "config": ["k", "off"] } })).await;
    let found = async |minute, more| {
        let answer = story.ask(minute, more).await;
        (answer["variant"].clone(), answer["complete"].clone())
    };
    assert_eq!(found(2, json!({ "flag": "f" })).await, (json!("on"), json!(true)), "it is what it was");
    story.pass();
    story.server.put(ENTRY, "off").await.expect(200);
    assert_eq!(found(2, json!({ "flag": "f" })).await.1, json!(false));
    assert_eq!(found(2, json!({})).await.1, json!(false));
    assert_eq!(found(3, json!({ "flag": "f" })).await, (json!("off"), json!(true)));
    story.server.flag("other").await;
    assert_eq!(found(3, json!({ "flag": "other" })).await.1, json!(true), "it reads no entry");
}

#[tokio::test]
async fn where_no_history_reaches_it_is_said() {
    let story = Story::new().await;
    story.pass();
    story.server.delete("/api/v1/tenants/t/flags/f").await.expect(204);
    story.pass();
    story.server.flag("f").await;
    story.server.flag("g").await;
    let refused = async |body: Json| story.server.post(EVALUATE, body).await.problem(422, "history_not_kept");
    assert_eq!(paths(&refused(json!({ "flag": "f", "at": START + MINUTE })).await), ["/at"]);
    assert_eq!(paths(&refused(json!({ "flag": "f", "at": "2001-01-01" })).await), ["/at"]);
    refused(json!({ "at": 0 })).await;
    assert_eq!(story.ask(3, json!({ "flag": "f" })).await["variant"], "on");
    let all = story.ask(1, json!({})).await;
    assert_eq!((&all["flags"], &all["complete"]), (&json!([]), &json!(false)), "the deleted one may have been there");
    assert_eq!(story.ask(1, json!({ "flag": "g" })).await["errorCode"], "FLAG_NOT_FOUND");
    let missing = json!({ "flag": "f", "at": START });
    story.server.post("/api/v1/tenants/t/environments/x/evaluate", missing).await.problem(404, "not_found");
}
