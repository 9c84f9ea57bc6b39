//! Cross-origin rules, which cost nothing where no browser asks.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use axum::{extract::Request, response::Response};
use futures_util::future::Either;
use http::{HeaderName, Method, header};
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, Cors, CorsLayer};

use super::loopback;

/// How long a browser may remember what it was allowed.
const MAX_AGE: std::time::Duration = std::time::Duration::from_secs(3600);

/// Lets browsers of any origin evaluate; those of this machine only, where the node has no login.
pub(crate) fn evaluation(open: bool) -> ForBrowsers {
    const HEADERS: [&str; 6] =
        ["content-type", "authorization", "if-none-match", "last-event-id", "x-api-key", "flagd-selector"];
    let cors = CorsLayer::new()
        .allow_origin(origins(open))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(HEADERS.map(HeaderName::from_static))
        .expose_headers([header::ETAG, header::RETRY_AFTER])
        .max_age(MAX_AGE);
    ForBrowsers(Arc::new(cors))
}

/// The same for flagd's services, by gRPC-web and Connect.
pub(crate) fn services(open: bool) -> ForBrowsers {
    const HEADERS: [&str; 8] = [
        "x-api-key",
        "flagd-selector",
        "connect-protocol-version",
        "connect-timeout-ms",
        "grpc-timeout",
        "x-grpc-web",
        "x-user-agent",
        "content-type",
    ];
    let allowed = HEADERS.map(HeaderName::from_static).into_iter().chain([header::AUTHORIZATION]);
    let cors = CorsLayer::new()
        .allow_origin(origins(open))
        .allow_methods([Method::POST])
        .allow_headers(allowed.collect::<Vec<_>>())
        .expose_headers(["grpc-status", "grpc-message"].map(HeaderName::from_static))
        .max_age(MAX_AGE);
    ForBrowsers(Arc::new(cors))
}

fn origins(open: bool) -> AllowOrigin {
    if open {
        AllowOrigin::predicate(|origin, _| origin.to_str().is_ok_and(loopback::is_loopback_origin))
    } else {
        AllowOrigin::any()
    }
}

/// Applies cross-origin rules to requests that name their origin, as those of browsers do. A router clones its
/// services for each request, so the rules themselves are shared.
#[derive(Clone)]
pub(crate) struct ForBrowsers(Arc<CorsLayer>);

impl<S> Layer<S> for ForBrowsers {
    type Service = Browsers<S>;

    fn layer(&self, inner: S) -> Browsers<S> {
        Browsers { inner, rules: self.0.clone() }
    }
}

/// The service that [`ForBrowsers`] makes.
#[derive(Clone)]
pub(crate) struct Browsers<S> {
    inner: S,
    rules: Arc<CorsLayer>,
}

impl<S: Service<Request, Response = Response> + Clone> Service<Request> for Browsers<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, <Cors<S> as Service<Request>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !request.headers().contains_key(header::ORIGIN) {
            return Either::Left(self.inner.call(request));
        }
        // the one that was polled ready is used up, its clone takes its place
        let fresh = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, fresh);
        Either::Right(self.rules.layer(ready).call(request))
    }
}
