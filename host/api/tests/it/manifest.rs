//! The manifest API, as OpenFeature's command line uses it.

use std::sync::atomic::Ordering;

use burgee_model::Limits;
use serde_json::{Value as Json, json};

use crate::server::{Options, Server};

const BARE: &str = "/openfeature/v0/manifest";
const DEV: &str = "/e/t/dev/openfeature/v0/manifest";

fn flag(key: &str, kind: &str, default: impl Into<Json>) -> Json {
    let default: Json = default.into();
    json!({ "key": key, "type": kind, "defaultValue": default })
}

async fn value(server: &Server, key: &str) -> Json {
    server.value(key, json!({})).await["value"].take()
}

#[tokio::test]
async fn flags_of_every_type_are_listed_with_what_code_falls_back_to() {
    let server = Server::placed().await;
    let create = async |key: &str, variants: Json, default: Json| {
        let here = json!({ "dev": { "state": "DISABLED", "defaultVariant": default } });
        let body = json!({ "key": key, "name": "N", "description": "D", "variants": variants, "environments": here });
        server.post("/api/v1/tenants/t/flags", body).await.expect(201);
    };
    create("bool", json!({ "on": true, "off": false }), json!(null)).await;
    create("float", json!({ "a": 1, "b": 1.5 }), json!("a")).await;
    create("int", json!({ "a": 1, "b": 2 }), json!("b")).await;
    create("object", json!({ "a": { "x": 1 } }), json!("a")).await;
    create("text", json!({ "a": "x", "b": "y" }), json!("b")).await;
    let answer = server.get(DEV).await.expect(200);
    assert_eq!(answer.header("x-manifest-capabilities"), "read,write,delete");
    let shown = |key: &str, kind: &str, default: Json| json!({ "key": key, "type": kind, "defaultValue": default, "name": "N", "description": "D" });
    let expected = [
        shown("bool", "boolean", json!(false)),
        shown("float", "float", json!(1)),
        shown("int", "integer", json!(2)),
        shown("object", "object", json!({ "x": 1 })),
        shown("text", "string", json!("y")),
    ];
    assert_eq!(answer.body(), json!({ "flags": expected }));
}

#[tokio::test]
async fn a_flag_is_created_changed_and_deleted() {
    let server = Server::placed().await;
    let flags = format!("{DEV}/flags");
    let created = server.post(&flags, flag("a/b", "string", json!("x"))).await.expect(201);
    assert_eq!(created.header("x-manifest-capabilities"), "read,write,delete");
    assert_eq!(created.body()["flag"], flag("a/b", "string", json!("x")));
    assert!(created.body()["updatedAt"].as_str().unwrap().starts_with("2023-11-14T22:13:20"), "the clock of the test");
    assert_eq!(value(&server, "a%2Fb").await, "x");
    server.post(&flags, flag("a/b", "string", json!("x"))).await.problem(409, "");
    let one = format!("{flags}/a%2Fb");
    let change = json!({ "key": "a/b", "type": "string", "name": "N", "description": "D", "defaultValue": "y" });
    let changed = server.json("PUT", &one, &[], &change).await.expect(200).body();
    assert_eq!((&changed["flag"], value(&server, "a%2Fb").await), (&change, json!("y")));
    // the value that was there is a variant still; a description that is not given is gone, a name stays
    let back = server.json("PUT", &one, &[], &flag("a/b", "string", json!("x"))).await.expect(200).body();
    assert_eq!(back["flag"], json!({ "key": "a/b", "type": "string", "defaultValue": "x", "name": "N" }));
    let whole = server.get("/api/v1/tenants/t/flags/a%2Fb").await.body();
    assert_eq!(whole["variants"], json!({ "default": "x", "default-2": "y" }));
    assert_eq!(whole["environments"]["prod"]["state"], "DISABLED");
    let gone = server.delete(&one).await.expect(200).body();
    assert!(gone["message"].is_string() && gone["archivedAt"].is_string(), "{gone}");
    assert_eq!(server.get(DEV).await.body(), json!({ "flags": [] }));
    server.post(&flags, flag("on", "boolean", json!(true))).await.expect(201);
    assert_eq!(value(&server, "on").await, true);
}

#[tokio::test]
async fn a_deleted_flag_is_archived_until_it_is_made_anew_elsewhere() {
    let server = Server::placed().await;
    let (flags, one) = (format!("{DEV}/flags"), format!("{DEV}/flags/f"));
    let flag = flag("f", "boolean", true);
    server.delete(&one).await.problem(404, "");
    server.json("PUT", &one, &[], &flag).await.problem(404, "");
    server.post(&flags, flag.clone()).await.expect(201);
    server.delete(&one).await.expect(200);
    for method in ["POST", "PUT", "DELETE"] {
        let path = if method == "POST" { &flags } else { &one };
        let found = server.json(method, path, &[], &flag).await.problem(409, "");
        assert_eq!(found, [("key".to_owned(), "archived".to_owned())], "{method}");
    }
    server.flag("f").await;
    server.json("PUT", &one, &[], &flag).await.expect(200);
    // a tenant that is made anew knows nothing of the flags that it had
    server.delete(&one).await.expect(200);
    server.delete("/api/v1/tenants/t").await.expect(204);
    server.post("/api/v1/tenants", json!({ "key": "t" })).await.expect(201);
    server.post("/api/v1/tenants/t/environments", json!({ "key": "dev" })).await.expect(201);
    server.post(&flags, flag).await.expect(201);
}

#[tokio::test]
async fn flags_that_answer_nothing_are_listed_too() {
    let server = Server::placed().await;
    for key in ["killed", "off"] {
        server.flag(key).await;
    }
    let here = |key: &str| format!("/api/v1/tenants/t/flags/{key}/environments/dev");
    server.patch(&here("killed"), json!({ "kill": true })).await.expect(200);
    server.patch(&here("off"), json!({ "state": "DISABLED" })).await.expect(200);
    let elsewhere = DEV.replace("dev", "prod");
    server.post(&format!("{elsewhere}/flags"), flag("elsewhere", "boolean", true)).await.expect(201);
    let listed = server.get(DEV).await.expect(200).body();
    let keys: Vec<&str> =
        listed["flags"].as_array().unwrap().iter().map(|flag| flag["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["elsewhere", "killed", "off"]);
}

#[tokio::test]
async fn faults_are_named_in_the_protocols_shape() {
    let server = Server::placed().await;
    let flags = format!("{DEV}/flags");
    server.post(&flags, flag("f", "integer", json!(1))).await.expect(201);
    let put = async |body: Json| server.json("PUT", &format!("{flags}/f"), &[], &body).await;
    let fault = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
    assert_eq!(put(flag("g", "integer", json!(1))).await.problem(400, ""), fault("key", "mismatch"));
    assert_eq!(put(flag("f", "string", json!("x"))).await.problem(409, ""), fault("type", "type_changed"));
    for (body, expected) in [
        (json!({ "type": "string", "defaultValue": "x" }), fault("key", "missing")),
        (json!({ "key": "g", "type": "text", "defaultValue": "x" }), fault("type", "invalid_enum_value")),
        (json!({ "key": "g", "type": "integer", "defaultValue": 1.5 }), fault("defaultValue", "wrong_type")),
        (json!({ "key": "g", "type": "integer" }), fault("defaultValue", "missing")),
        (json!({ "key": "g", "type": "boolean", "defaultValue": true, "more": 1 }), fault("more", "unknown_member")),
    ] {
        let found = server.post(&flags, body.clone()).await.problem(400, "");
        assert!(expected.iter().all(|fault| found.contains(fault)), "{body}: {found:?}");
    }
    server.send("POST", &flags, &[], "{").await.problem(400, "");
    assert_eq!(server.get(&format!("{DEV}?foo=1")).await.problem(400, ""), fault("foo", "unknown_parameter"));
    server.get("/e/t/nowhere/openfeature/v0/manifest").await.problem(404, "");
    server.send("GET", DEV, &[("authorization", "Bearer wrong")], "").await.problem(401, "");
    server.send("PATCH", DEV, &[], "").await.problem(405, "");
    server.status.ready.store(false, Ordering::Relaxed);
    let busy = server.post(&flags, flag("g", "integer", json!(1))).await;
    assert_eq!(busy.header("retry-after"), "1");
    busy.problem(503, "");
}

#[tokio::test]
async fn the_bare_path_means_the_environment_of_the_token_and_its_role_decides() {
    let server = Server::placed().await;
    let ask = async |token: &str, method: &str, path: &str, body: Json| {
        server.with_token(token, method, &format!("{BARE}{path}"), &[], &body).await
    };
    let bound = async |kind: &str| server.token(kind, json!({ "environments": ["dev"] })).await.0;
    let (unbound, _) = server.token("editor", json!({})).await;
    assert_eq!(ask(&unbound, "GET", "", json!({})).await.problem(400, "")[0].1, "environment_required");
    let (reader, editor) = (bound("server").await, bound("editor").await);
    ask(&editor, "POST", "/flags", flag("f", "boolean", json!(true))).await.expect(201);
    let list = ask(&editor, "GET", "", json!({})).await.expect(200);
    assert_eq!(list.header("x-manifest-capabilities"), "read,write");
    let list = ask(&reader, "GET", "", json!({})).await.expect(200);
    assert_eq!((list.header("x-manifest-capabilities"), list.body()["flags"].as_array().unwrap().len()), ("read", 1));
    ask(&reader, "POST", "/flags", flag("g", "boolean", json!(true))).await.problem(403, "");
    // what environments share is not for a token of one of them; the default, and what is the environment's own, is
    ask(&editor, "PUT", "/flags/f", flag("f", "boolean", json!(false))).await.expect(200);
    assert_eq!(value(&server, "f").await, false);
    ask(&editor, "POST", "/flags", flag("s", "string", json!("x"))).await.expect(201);
    ask(&editor, "PUT", "/flags/s", flag("s", "string", json!("y"))).await.expect(200);
    assert_eq!(value(&server, "s").await, "y");
    let whole = server.get("/api/v1/tenants/t/flags/s").await.body();
    assert_eq!(whole["variants"], json!({ "default": "x" }));
    assert_eq!(whole["environments"]["dev"]["variants"], json!({ "default-2": "y" }));
    let named = json!({ "key": "s", "type": "string", "description": "D" });
    ask(&editor, "PUT", "/flags/s", named).await.problem(403, "");
    ask(&editor, "DELETE", "/flags/f", json!({})).await.problem(403, "");
    ask(&bound("client").await, "GET", "", json!({})).await.problem(403, "");
}

#[tokio::test]
async fn a_flag_of_a_protected_environment_is_not_deleted_without_more_care() {
    let server = Server::placed().await;
    let flags = format!("{DEV}/flags");
    server.post(&flags, flag("f", "boolean", json!(true))).await.expect(201);
    server.patch("/api/v1/tenants/t/environments/dev", json!({ "protected": true })).await.expect(200);
    server.delete(&format!("{flags}/f")).await.problem(409, "");
    server.json("PUT", &format!("{flags}/f"), &[], &flag("f", "boolean", json!(false))).await.problem(409, "");
    let (editor, _) = server.token("editor", json!({})).await;
    let asked = server.with_token(&editor, "DELETE", &format!("{flags}/f"), &[("if-match", "*")], &json!({})).await;
    asked.problem(403, "");
    assert_eq!(value(&server, "f").await, true);
}

#[tokio::test]
async fn values_do_not_pile_up_beyond_what_a_request_could_set() {
    let limits = Limits { body_bytes: 2_000, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).place().await;
    let flags = format!("{DEV}/flags");
    let text = |number: usize| format!("{number}{}", "x".repeat(600));
    server.post(&flags, flag("f", "string", text(0))).await.expect(201);
    let put = async |number| server.json("PUT", &format!("{flags}/f"), &[], &flag("f", "string", text(number))).await;
    for number in 1..3 {
        put(number).await.expect(200);
    }
    put(3).await.problem(413, "");
    assert_eq!(value(&server, "f").await, json!(text(2)));
    // one that is there already is no more
    put(0).await.expect(200);
}
