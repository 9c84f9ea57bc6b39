//! A node without login, as `burgee dev` opens it on loopback.

use burgee_api::AuthConfig;
use burgee_model::Key;
use serde_json::json;

use crate::server::{Options, Server};

const LOCAL: (&str, &str) = ("host", "127.0.0.1:8080");
const NOBODY: (&str, &str) = ("authorization", "");

async fn server() -> Server {
    let environment = Some((Key::new("t").unwrap(), Key::new("dev").unwrap()));
    let auth = AuthConfig { open: true, open_environment: environment, ..AuthConfig::default() };
    let server = Server::with(Options { auth, ..Options::default() });
    for (path, key) in [("/api/v1/tenants", "t"), ("/api/v1/tenants/t/environments", "dev")] {
        server.json("POST", path, &[LOCAL, NOBODY], &json!({ "key": key })).await.expect(201);
    }
    let flag = json!({ "key": "f", "variants": { "on": true }, "environments": { "dev": { "state": "ENABLED", "defaultVariant": "on" } } });
    server.json("POST", "/api/v1/tenants/t/flags", &[LOCAL, NOBODY], &flag).await.expect(201);
    server
}

#[tokio::test]
async fn the_bare_path_means_the_open_environment() {
    let server = server().await;
    let bare = server.send("POST", "/ofrep/v1/evaluate/flags/f", &[LOCAL, NOBODY], "").await.expect(200).body();
    assert_eq!(bare["value"], true);
    let bulk = server.send("POST", "/ofrep/v1/evaluate/flags", &[LOCAL, NOBODY], "").await.expect(200);
    let long = server.send("POST", "/e/t/dev/ofrep/v1/evaluate/flags", &[LOCAL, NOBODY], "").await.expect(200);
    assert_eq!((bulk.body(), bulk.tag()), (long.body(), long.tag()));
}

#[tokio::test]
async fn other_hosts_and_other_sites_are_kept_out() {
    let server = server().await;
    let path = "/api/v1/tenants/t";
    for host in ["burgee.example", "localhost.example:8080", ""] {
        server.send("GET", path, &[("host", host), NOBODY], "").await.problem(403, "forbidden");
        server.send("POST", "/ofrep/v1/evaluate/flags", &[("host", host), NOBODY], "").await.problem(403, "forbidden");
        server.send("GET", "/", &[("host", host), NOBODY], "").await.problem(403, "forbidden");
    }
    let patch = async |origin: &str| {
        server.json("PATCH", path, &[LOCAL, NOBODY, ("origin", origin)], &json!({ "name": "x" })).await
    };
    patch("https://shop.example").await.problem(403, "forbidden");
    patch("null").await.problem(403, "forbidden");
    patch("http://localhost:5173").await.expect(200);
}

#[tokio::test]
async fn only_pages_of_this_machine_may_read_evaluations() {
    let server = server().await;
    let ask = async |origin: &str| {
        server.send("POST", "/ofrep/v1/evaluate/flags", &[LOCAL, NOBODY, ("origin", origin)], "").await
    };
    let own = ask("http://localhost:3000").await.expect(200);
    assert_eq!(own.header("access-control-allow-origin"), "http://localhost:3000");
    assert_eq!(ask("https://shop.example").await.expect(403).header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn changes_are_written_down_as_dev() {
    let server = server().await;
    let id = burgee_model::RegisterId::tenant(&Key::new("t").unwrap());
    let version = server.store.read().latest(&id).unwrap();
    assert_eq!(&*version.actor, "dev");
}
