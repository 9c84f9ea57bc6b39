//! A bare axum server: reads the request's body and answers `/N` with N bytes of JSON. The floor of what
//! any server on this stack costs.

use std::net::SocketAddr;

use axum::{Router, body::Bytes, extract::Path, http::header, response::IntoResponse, routing::post};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{}", listener.local_addr()?);
    let app = Router::new().route("/{bytes}", post(answer));
    axum::serve(listener, app).await
}

/// The longest answer, in bytes; the body is a part of this.
static TEXT: [u8; 1 << 20] = [b' '; 1 << 20];

async fn answer(Path(bytes): Path<usize>, _body: Bytes) -> impl IntoResponse {
    let body = Bytes::from_static(TEXT.get(..bytes).unwrap_or(&TEXT));
    ([(header::CONTENT_TYPE, "application/json")], body)
}
