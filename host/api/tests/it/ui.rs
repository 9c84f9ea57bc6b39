//! The dashboard's files.

use burgee_api::UiAssets;

use crate::server::{Answer, Options, Server};

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.send("GET", path, &[headers, &[("authorization", "")]].concat(), "").await
}

const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml");

#[tokio::test]
async fn every_path_of_the_application_is_the_page() {
    let server = Server::new();
    for path in ["/", "/tenants/t/flags", "/apiary", "/flags/a%2Fb"] {
        let page = get(&server, path, &[PAGE]).await.expect(200);
        assert_eq!((page.body.as_ref(), page.header("content-type")), (&b"<html>"[..], "text/html; charset=utf-8"));
        assert_eq!(page.header("cache-control"), "no-cache");
    }
    get(&server, "/", &[]).await.expect(200);
    get(&server, "/nothing.txt", &[("accept", "*/*")]).await.problem(404, "not_found");
    server.send("POST", "/nothing", &[], "").await.problem(404, "not_found");
    let head = server.send("HEAD", "/", &[PAGE], "").await.expect(200);
    assert_eq!((head.header("content-length"), head.body.len()), ("6", 0));
}

#[tokio::test]
async fn assets_are_cached_for_ever_and_compressed() {
    let server = Server::new();
    let plain = get(&server, "/assets/a.js", &[]).await.expect(200);
    assert_eq!(plain.body.as_ref(), b"let a");
    assert!(plain.header("cache-control").contains("immutable"));
    assert_eq!(plain.header("vary"), "accept-encoding");
    let gzip = get(&server, "/assets/a.js", &[("accept-encoding", "br, gzip")]).await.expect(200);
    assert_eq!((gzip.body.as_ref(), gzip.header("content-encoding")), (&b"gzipped"[..], "gzip"));
    let known = get(&server, "/assets/a.js", &[("if-none-match", "\"ui\"")]).await.expect(304);
    assert!(known.body.is_empty());
    get(&server, "/assets/missing.js", &[PAGE]).await.problem(404, "not_found");
}

#[tokio::test]
async fn pages_are_fenced() {
    let server = Server::new();
    for path in ["/", "/assets/a.js", "/assets/missing.js"] {
        let answer = get(&server, path, &[PAGE]).await;
        let policy = answer.header("content-security-policy");
        for rule in
            ["default-src 'none'", "script-src 'self';", "style-src 'self' 'unsafe-inline'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    }
}

#[tokio::test]
async fn a_build_without_dashboard_says_so() {
    let ui = UiAssets { file: |_| None, absent_page: || "why not".into(), why_not: Some("no node") };
    let server = Server::with(Options { ui, ..Options::default() });
    let page = get(&server, "/", &[]).await.expect(501);
    assert_eq!((page.body.as_ref(), page.header("content-type")), (&b"why not"[..], "text/html; charset=utf-8"));
    get(&server, "/flags", &[PAGE]).await.expect(501);
    get(&server, "/assets/a.js", &[PAGE]).await.problem(404, "not_found");
}
