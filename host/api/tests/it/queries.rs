//! The members of queries: whatever is wrong is named with its place.

use serde_json::json;

use crate::{
    access::{guarded, real},
    server::{Server, paths},
};

#[tokio::test]
async fn what_nobody_asked_for_is_refused_by_name_on_every_route() {
    let server = Server::placed().await;
    // OFREP has no parameters, and others may add theirs; the manifest has statuses of its own
    let ours = |path: &str| !["/e/", "/ofrep/", "/openfeature/"].iter().any(|of_others| path.starts_with(of_others));
    for (method, path, _) in guarded().into_iter().filter(|(_, path, _)| ours(path)) {
        let answer = server.json(method, &format!("{}?foo=1", real(&path)), &[], &json!({})).await;
        let faults = answer.problem(422, "invalid_value");
        assert!(faults.contains(&("/foo".into(), "unknown_parameter".into())), "{method} {path}: {faults:?}");
    }
}

#[tokio::test]
async fn wrong_values_are_refused_with_their_place() {
    let server = Server::placed().await;
    server.flag("f").await;
    let (tenant, long) = ("/api/v1/tenants/t", "x".repeat(513));
    let config = format!("{tenant}/environments/dev/config");
    let history = format!("{tenant}/history?kind=flag&key=f");
    for (method, path, wanted) in [
        ("GET", "/api/v1/tenants?limit=x".to_owned(), "/limit"),
        ("GET", "/api/v1/tenants?limit=".to_owned(), "/limit"),
        ("GET", "/api/v1/tenants?limit=1&limit=2".to_owned(), "/limit"),
        ("GET", format!("{tenant}/conflicts?limit=0"), "/limit"),
        ("GET", format!("{tenant}/conflicts?limit=1001"), "/limit"),
        ("GET", format!("{tenant}/conflicts?cursor=zz"), "/cursor"),
        ("GET", format!("{tenant}/flags?limit=-1"), "/limit"),
        ("GET", format!("{tenant}/flags?tag=%ff"), "/tag"),
        ("GET", format!("{history}&limit=1.5"), "/limit"),
        ("GET", format!("{history}&cursor=00"), "/cursor"),
        ("GET", format!("{history}&environment=.."), "/environment"),
        ("GET", format!("{history}&field=what"), "/field"),
        ("GET", format!("{history}&field=name&environment=dev"), "/field"),
        ("GET", format!("{history}&key=f"), "/key"),
        ("GET", format!("{tenant}/history?kind=what&key=f"), "/kind"),
        ("GET", format!("{tenant}/history?key=f"), "/kind"),
        ("GET", format!("{tenant}/history?kind=flag"), "/key"),
        ("GET", format!("{tenant}/history?kind=flag&key={long}"), "/key"),
        ("GET", format!("{tenant}/history?kind=tenant&key=t&environment=dev"), "/environment"),
        ("GET", format!("{tenant}/history?kind=environment&key=dev&field=name"), "/field"),
        ("GET", format!("{tenant}/watch?kind=what"), "/kind"),
        ("GET", format!("{tenant}/watch?prefix=%00"), "/prefix"),
        ("GET", format!("{tenant}/environments/dev/watch?since=1"), "/since"),
        ("GET", format!("{config}?prefix={long}"), "/prefix"),
        ("PUT", format!("{config}/k?ttl=1w"), "/ttl"),
        ("DELETE", format!("{config}/k?note={}", long.repeat(9)), "/note"),
        ("PUT", format!("{tenant}/environments/dev/flagd.json?dryRun=1"), "/dryRun"),
        ("PUT", format!("{tenant}/environments/dev/flagd.json?dryrun=true"), "/dryrun"),
    ] {
        let faults = server.json(method, &path, &[], &json!({})).await.problem(422, "invalid_value");
        assert_eq!(paths(&faults), [wanted], "{method} {path}");
    }
}

#[tokio::test]
async fn a_purge_names_what_keys_can_begin_with() {
    let server = Server::placed().await;
    let config = "/api/v1/tenants/t/environments/dev/config";
    for key in ["a/1", "a/2", "b"] {
        server.put(&format!("{config}/{key}"), "v").await.expect(201);
    }
    for wrong in ["", "?prefix=%00", "?prefix=a%0A", "?prefix=a&prefix=b", &format!("?prefix={}", "a".repeat(513))] {
        let faults = server.delete(&format!("{config}{wrong}")).await.problem(422, "invalid_value");
        assert_eq!(paths(&faults), ["/prefix"], "{wrong}");
    }
    server.delete(&format!("{config}?prefix={}", "a".repeat(512))).await.expect(204);
    server.delete(&format!("{config}?prefix=a%2F")).await.expect(204);
    server.get(&format!("{config}/a/1")).await.problem(404, "not_found");
    server.get(&format!("{config}/b")).await.expect(200);
}

#[tokio::test]
async fn all_faults_are_told_at_once() {
    let server = Server::placed().await;
    let faults = server.get("/api/v1/tenants/t/history?limit=0&x=1&key=").await.problem(422, "invalid_value");
    assert_eq!(paths(&faults), ["/kind", "/key", "/limit", "/x"]);
}
