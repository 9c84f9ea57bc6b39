//! What a connection is told of its requests.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{body::Body, http::Request};
use burgee_api::{Admission, Asking};

use crate::server::{Server, TOKEN};

struct Connection {
    goes_on: bool,
    told: AtomicBool,
}

impl Asking for Connection {
    fn admit(&self) -> bool {
        self.told.store(true, Ordering::Relaxed);
        self.goes_on
    }
}

/// The status of an attempt to create a tenant, and whether the connection was told who asks.
async fn created(server: &Server, token: &str, goes_on: bool) -> (u16, bool) {
    let connection = Arc::new(Connection { goes_on, told: AtomicBool::new(false) });
    let request = Request::post("/api/v1/tenants")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .extension(Admission::new(connection.clone()))
        .body(Body::from(r#"{"key":"told"}"#));
    let status = server.respond(request.unwrap()).await.status().as_u16();
    (status, connection.told.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_connection_hears_of_callers_that_are_known_and_what_it_cuts_off_changes_nothing() {
    let server = Server::new();
    assert_eq!(created(&server, "wrong", true).await, (401, false));
    assert_eq!(created(&server, TOKEN, false).await, (503, true));
    server.get("/api/v1/tenants/told").await.expect(404);
    assert_eq!(created(&server, TOKEN, true).await, (201, true));
}
