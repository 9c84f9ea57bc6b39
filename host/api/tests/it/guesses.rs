//! Guessing: whoever shows what nobody has is limited, and nobody else.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use burgee_model::Limits;
use http::Request;
use serde_json::json;

use crate::server::{Options, Server, TOKEN};

async fn server() -> Server {
    let limits =
        Limits { wrong_tokens_per_address_per_minute: 3, failed_logins_per_address_per_minute: 3, ..Limits::default() };
    Server::with(Options { limits, ..Options::default() }).place().await
}

/// The status of an answer to somebody at an address.
async fn ask(server: &Server, from: &str, request: http::request::Builder, body: String) -> u16 {
    let address: SocketAddr = format!("{from}:4000").parse().unwrap();
    let request = request.extension(ConnectInfo(address)).header("content-type", "application/json");
    server.respond(request.body(Body::from(body)).unwrap()).await.status().as_u16()
}

async fn reads(server: &Server, from: &str, token: &str) -> u16 {
    let request = Request::get("/api/v1/tenants/t").header("authorization", format!("Bearer {token}"));
    ask(server, from, request, String::new()).await
}

async fn evaluates(server: &Server, from: &str, token: &str) -> u16 {
    let request = Request::post("/ofrep/v1/evaluate/flags").header("x-api-key", token);
    ask(server, from, request, String::new()).await
}

async fn logs_in(server: &Server, from: &str, token: &str) -> u16 {
    ask(server, from, Request::post("/api/v1/session"), json!({ "token": token }).to_string()).await
}

#[tokio::test]
async fn wrong_tokens_are_limited_by_address_and_good_ones_never() {
    let server = server().await;
    let (token, _) = server.token("viewer", json!({ "environments": ["dev"] })).await;
    assert_eq!(reads(&server, "192.0.2.9", TOKEN).await, 200);
    for from in ["192.0.2.1", "192.0.2.9"] {
        assert_eq!(reads(&server, from, "guess").await, 401);
        assert_eq!(evaluates(&server, from, "guess").await, 401);
        assert_eq!(reads(&server, from, "guess").await, 401);
        assert_eq!((reads(&server, from, "guess").await, evaluates(&server, from, "guess").await), (429, 429));
        assert_eq!((reads(&server, from, &token).await, evaluates(&server, from, &token).await), (200, 200));
    }
    // a text that somebody chose can be guessed: it is taken only where it was before
    let own = [reads(&server, "192.0.2.1", TOKEN).await, reads(&server, "192.0.2.9", TOKEN).await];
    assert_eq!((own, reads(&server, "192.0.2.2", TOKEN).await), ([429, 200], 200));
}

#[tokio::test]
async fn no_failed_logins_keep_others_from_logging_in() {
    let server = server().await;
    let (token, _) = server.token("viewer", json!({})).await;
    for at in 0..400 {
        assert_eq!(logs_in(&server, &format!("198.51.{}.{}", at / 200, at % 200), "guess").await, 401);
    }
    for _ in 0..5 {
        logs_in(&server, "192.0.2.1", "guess").await;
    }
    assert_eq!(logs_in(&server, "192.0.2.1", "guess").await, 429);
    assert_eq!((logs_in(&server, "192.0.2.1", &token).await, logs_in(&server, "192.0.2.2", TOKEN).await), (200, 200));
    assert_eq!(reads(&server, "192.0.2.1", TOKEN).await, 200, "requests and logins count apart");
}
