//! The stamps of what an evaluation reads.

use burgee_api::admin::stamps_read::{Registers, STAMPS_MAX, StampsRead};
use burgee_model::{Key, RegisterId};
use serde_json::{Value as Json, json};

use crate::server::Server;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

impl Server {
    async fn rule(&self, flag: &str, rule: Json) {
        self.flag(flag).await;
        let path = format!("/api/v1/tenants/t/flags/{flag}/environments/dev");
        self.patch(&path, json!({ "targeting": rule })).await.expect(200);
    }

    fn stamps_read(&self, flag: &str) -> StampsRead {
        let snapshot = self.snapshots.get(&key("t"), &key("dev")).unwrap();
        let table = self.store.read();
        StampsRead::of(&Registers { table: &table, entries: &table, now: self.store.now() }, &snapshot, &key(flag))
    }
}

#[tokio::test]
async fn all_that_a_rule_leads_to_is_told() {
    let server = Server::placed().await;
    for (segment, rule) in [("staff", json!(true)), ("gone", json!(false))] {
        server.post("/api/v1/tenants/t/segments", json!({ "key": segment, "rule": rule })).await.expect(201);
    }
    server.put("/api/v1/tenants/t/environments/dev/config/limits/rate", "5").await.expect(201);
    server.rule("last", json!({ "if": [{ "config": ["limits/rate", 1] }, "on", "off"] })).await;
    let asks = json!({ "if": [{ "and": [{ "$ref": "staff" }, { "segment": "gone" }, { "flag": "last" }] }, "on"] });
    server.rule("asks", asks).await;
    server.rule("first", json!({ "if": [{ "flag": "asks" }, "on", { "guest": "nobody" }, "off"] })).await;
    server.delete("/api/v1/tenants/t/segments/gone").await.expect(204);
    let read = server.stamps_read("first");
    let told = read.json();
    let told = told.as_object().unwrap();
    for name in [
        "variants",
        "environments/dev/targeting",
        "flags/asks/environments/dev/targeting",
        "flags/last/environments/dev/targeting",
        "segments/staff/rule",
        "segments/gone/rule",
        "config/limits/rate",
    ] {
        assert!(told.contains_key(name), "{name}: {told:?}");
    }
    assert!(!told.keys().any(|name| name.contains("prod") || name.contains("nobody")), "{told:?}");
    let entry = RegisterId::config(&key("t"), &key("dev"), &key("limits/rate"));
    assert_eq!(told["config/limits/rate"], server.store.read().latest(&entry).unwrap().stamp.to_string());
    assert!(read.complete);
    let alone = server.stamps_read("last").json();
    assert!(!alone.as_object().unwrap().keys().any(|name| name.starts_with("flags/")), "{alone}");
}

#[tokio::test]
async fn what_is_told_is_bounded() {
    let server = Server::placed().await;
    server.flag("f").await;
    let flags = (0..=STAMPS_MAX).map(|n| {
        let asks = json!({ "!": { "flag": format!("f{:04}", n + 1) } });
        let flag = json!({ "state": "ENABLED", "variants": { "on": 1 }, "targeting": { "if": [asks, "on"] } });
        (format!("f{n:04}"), flag)
    });
    let document = json!({ "flags": flags.collect::<serde_json::Map<_, _>>() });
    server.json("PUT", "/api/v1/tenants/t/environments/dev/flagd.json", &[], &document).await.expect(200);
    let read = server.stamps_read("f0000");
    assert!(!read.complete);
    assert_eq!(read.json().as_object().unwrap().len(), STAMPS_MAX);
    assert!(server.stamps_read("f").complete);
}
