//! Protected environments, and kills: who may change what.

use serde_json::{Value as Json, json};

use crate::server::{Answer, Server};

const PROD: &str = "/api/v1/tenants/t/flags/f/environments/prod";

/// `prod` is protected, and `f` is on there.
async fn server() -> Server {
    let server = Server::placed().await;
    server.flag("f").await;
    server.patch(PROD, json!({ "state": "ENABLED", "defaultVariant": "on" })).await.expect(200);
    server.patch("/api/v1/tenants/t/environments/prod", json!({ "protected": true })).await.expect(200);
    server
}

struct As<'a>(&'a Server, String);

impl<'a> As<'a> {
    async fn new(server: &'a Server, kind: &str) -> Self {
        Self(server, server.token(kind, json!({})).await.0)
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Json) -> Answer {
        self.0.with_token(&self.1, method, path, headers, body).await
    }
}

#[tokio::test]
async fn a_protected_environment_asks_for_an_operator_and_a_precondition() {
    let server = server().await;
    let (editor, operator) = (As::new(&server, "editor").await, As::new(&server, "operator").await);
    let config = "/api/v1/tenants/t/environments/prod/config/k";
    let flagd = "/api/v1/tenants/t/environments/prod/flagd.json";
    let environment = "/api/v1/tenants/t/environments/prod";
    let writes = [
        ("PATCH", PROD, json!({ "state": "DISABLED" })),
        ("PUT", flagd, json!({ "flags": {} })),
        ("PATCH", environment, json!({ "name": "P" })),
    ];
    for (method, path, body) in &writes {
        editor.ask(method, path, &[("if-match", "*")], body).await.problem(403, "forbidden");
        operator.ask(method, path, &[], body).await.problem(428, "precondition_required");
        operator.ask(method, path, &[("if-match", "\"old\"")], body).await.problem(412, "stale");
        let tag = server.get(path).await.tag();
        operator.ask(method, path, &[("if-match", &tag)], body).await.expect(200);
    }
    editor.ask("PUT", config, &[("if-none-match", "*")], &json!(1)).await.problem(403, "forbidden");
    operator.ask("PUT", config, &[], &json!(1)).await.problem(428, "precondition_required");
    operator.ask("PUT", config, &[("if-none-match", "*")], &json!(1)).await.expect(201);
    operator.ask("DELETE", config, &[], &json!({})).await.problem(428, "precondition_required");
    let purge = "/api/v1/tenants/t/environments/prod/config?prefix=";
    operator.ask("DELETE", purge, &[], &json!({})).await.problem(428, "precondition_required");
    operator.ask("PUT", config, &[("if-none-match", "*")], &json!(1)).await.problem(412, "stale");
    operator.ask("DELETE", purge, &[("if-match", "\"old\"")], &json!({})).await.problem(412, "stale");
    let before = server.get(purge).await.expect(200).tag();
    operator.ask("PUT", &format!("{config}2"), &[("if-none-match", "*")], &json!(1)).await.expect(201);
    operator.ask("DELETE", purge, &[("if-match", &before)], &json!({})).await.problem(412, "stale");
    let part = server.get(&format!("{purge}&limit=1")).await.expect(200).tag();
    operator.ask("DELETE", purge, &[("if-match", &part)], &json!({})).await.problem(412, "stale");
    let now = server.get(purge).await.expect(200).tag();
    server.send("GET", purge, &[("if-none-match", &now)], "").await.expect(304);
    operator.ask("DELETE", purge, &[("if-match", &now)], &json!({})).await.expect(204);
    assert_eq!(server.get(purge).await.body()["items"], json!([]));
    let dry_run = format!("{flagd}?dryRun=true");
    operator.ask("PUT", &dry_run, &[], &json!({ "flags": {} })).await.expect(200);
    server.patch(PROD, json!({ "state": "DISABLED" })).await.problem(428, "precondition_required");
    editor.ask("PATCH", &PROD.replace("prod", "dev"), &[], &json!({ "state": "DISABLED" })).await.expect(200);
}

#[tokio::test]
async fn killing_is_for_operators_and_works_at_once() {
    let server = server().await;
    let (editor, operator) = (As::new(&server, "editor").await, As::new(&server, "operator").await);
    let (dev, kill) = (PROD.replace("prod", "dev"), json!({ "kill": true, "reason": "fire" }));
    for path in [PROD, &dev] {
        editor.ask("PATCH", path, &[("if-match", "*")], &kill).await.problem(403, "forbidden");
        operator.ask("PATCH", path, &[], &kill).await.expect(200);
    }
    let release = json!({ "kill": false });
    editor.ask("PATCH", &dev, &[], &release).await.problem(403, "forbidden");
    operator.ask("PATCH", &dev, &[], &release).await.expect(200);
    operator.ask("PATCH", PROD, &[], &release).await.problem(428, "precondition_required");
    let more = json!({ "kill": true, "state": "DISABLED" });
    operator.ask("PATCH", PROD, &[], &more).await.problem(428, "precondition_required");
    let restore = |stamp: &Json| json!({ "register": { "kind": "flag", "key": "f", "environment": "dev", "field": "kill" }, "stamp": stamp });
    let history = server.get("/api/v1/tenants/t/history?kind=flag&key=f&environment=dev&field=kill").await.body();
    let body = restore(&history["items"][1]["stamp"]);
    editor.ask("POST", "/api/v1/tenants/t/restore", &[], &body).await.problem(403, "forbidden");
    operator.ask("POST", "/api/v1/tenants/t/restore", &[], &body).await.expect(200);
}

#[tokio::test]
async fn what_environments_share_is_as_protected_as_they_are() {
    let server = server().await;
    let (editor, operator) = (As::new(&server, "editor").await, As::new(&server, "operator").await);
    let flag = "/api/v1/tenants/t/flags/f";
    editor.ask("PATCH", flag, &[], &json!({ "name": "F", "tags": ["x"] })).await.expect(200);
    let variants = json!({ "variants": { "on": true, "off": false, "more": true } });
    editor.ask("PATCH", flag, &[("if-match", "*")], &variants).await.problem(403, "forbidden");
    operator.ask("PATCH", flag, &[], &variants).await.problem(428, "precondition_required");
    let tag = server.get(flag).await.tag();
    operator.ask("PATCH", flag, &[("if-match", &tag)], &variants).await.expect(200);
    editor.ask("DELETE", flag, &[("if-match", "*")], &json!({})).await.problem(403, "forbidden");
    operator.ask("DELETE", flag, &[], &json!({})).await.problem(428, "precondition_required");
    let fresh = json!({ "key": "g", "variants": { "on": true } });
    editor.ask("POST", "/api/v1/tenants/t/flags", &[], &fresh).await.expect(201);
    let configured =
        json!({ "key": "h", "variants": { "on": true }, "environments": { "prod": { "state": "ENABLED" } } });
    editor.ask("POST", "/api/v1/tenants/t/flags", &[], &configured).await.problem(403, "forbidden");
    let old = [("if-match", "\"old\"")];
    operator.ask("POST", "/api/v1/tenants/t/flags", &old, &configured).await.problem(412, "stale");
    operator.ask("POST", "/api/v1/tenants/t/flags", &[], &configured).await.expect(201);
    let other = "/api/v1/tenants/t/flags/g";
    editor.ask("PATCH", other, &[], &variants).await.expect(200);
    editor.ask("DELETE", other, &[], &json!({})).await.expect(204);
    let segment = json!({ "key": "s", "rule": { "==": [1, 1] } });
    let segments = "/api/v1/tenants/t/segments";
    editor.ask("POST", segments, &[("if-none-match", "*")], &segment).await.problem(403, "forbidden");
    operator.ask("POST", segments, &[], &segment).await.problem(428, "precondition_required");
    operator.ask("POST", segments, &[("if-none-match", "\"x\"")], &segment).await.problem(428, "precondition_required");
    operator.ask("POST", segments, &[("if-match", "\"old\"")], &segment).await.problem(412, "stale");
    operator.ask("POST", segments, &[("if-none-match", "*")], &segment).await.expect(201);
    let document = json!({ "flags": {}, "$evaluators": { "new": { "==": [1, 1] } } });
    let dev = "/api/v1/tenants/t/environments/dev/flagd.json";
    let imported = editor.ask("PUT", dev, &[], &document).await.expect(200).body();
    assert_eq!(
        imported["changes"][0]["register"]["environment"], "dev",
        "a rule that is new stays dev's own: {imported}"
    );
    let known = json!({ "flags": {}, "$evaluators": { "s": { "==": [1, 2] } } });
    editor.ask("PUT", dev, &[], &known).await.expect(200);
    let rule = json!({ "rule": { "==": [1, 2] } });
    let path = "/api/v1/tenants/t/segments/s";
    editor.ask("PATCH", path, &[("if-match", "*")], &rule).await.problem(403, "forbidden");
    operator.ask("PATCH", path, &[], &rule).await.problem(428, "precondition_required");
    server.delete("/api/v1/tenants/t").await.problem(428, "precondition_required");
}
