//! The dashboard's static files: one page for every path of the application, cached assets, strict headers.

use std::fmt;

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::{error::ApiError, http::conditions};

/// The dashboard as the host hands it in.
#[derive(Clone, Copy)]
pub struct UiAssets {
    /// The file at a path without leading slash; the empty path is the page itself.
    pub file: fn(&str) -> Option<UiFile>,
    /// The page that stands in where the dashboard was not built.
    pub absent_page: fn() -> String,
    /// Why there is no dashboard in this build; `None` where there is one.
    pub why_not: Option<&'static str>,
}

impl fmt::Debug for UiAssets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UiAssets").field("why_not", &self.why_not).finish_non_exhaustive()
    }
}

/// One embedded file.
#[derive(Clone, Copy, Debug)]
pub struct UiFile {
    /// Its bytes.
    pub bytes: &'static [u8],
    /// The same compressed with gzip, where that was worth it.
    pub gzip: Option<&'static [u8]>,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// An entity tag of the content, with its quotes.
    pub etag: &'static str,
}

/// The dashboard may load from itself only, and nothing by default; its component library styles elements in place.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";
/// What no page here asks a browser for.
const PERMISSIONS_POLICY: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Answers a path that is not the API's: a file, the page itself for a path of the application, or 404.
pub(crate) fn serve(ui: &UiAssets, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::NoRoute.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let mut response = match (ui.file)(path) {
        Some(found) => file(&found, path, request.headers()),
        None if path.starts_with("assets/") || !is_page(path, request.headers()) => ApiError::NoRoute.into_response(),
        None => page(ui, request.headers()),
    };
    protect(response.headers_mut());
    response
}

/// Whether a browser asks for a page, or anybody for the root.
fn is_page(path: &str, headers: &HeaderMap) -> bool {
    path.is_empty() || accepts(headers, &header::ACCEPT, "text/html")
}

fn accepts(headers: &HeaderMap, name: &HeaderName, what: &str) -> bool {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains(what))
}

fn page(ui: &UiAssets, headers: &HeaderMap) -> Response {
    match (ui.file)("") {
        Some(index) => file(&index, "", headers),
        None => {
            let mut response = Response::new(Body::from((ui.absent_page)()));
            *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
    }
}

/// Assets are named by their content and never change; everything else is asked about each time.
fn file(file: &UiFile, path: &str, headers: &HeaderMap) -> Response {
    let known = conditions::has_already(headers, file.etag.trim_matches('"'));
    let compressed = file.gzip.filter(|_| accepts(headers, &header::ACCEPT_ENCODING, "gzip"));
    let body = if known { Body::empty() } else { Body::from(compressed.unwrap_or(file.bytes)) };
    let mut response = Response::new(body);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    out.insert(header::ETAG, HeaderValue::from_static(file.etag));
    if file.gzip.is_some() {
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if compressed.is_some() && !known {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("permissions-policy", HeaderValue::from_static(PERMISSIONS_POLICY));
}
