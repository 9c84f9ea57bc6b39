//! What routes answer.

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{admin::tag, error::ApiError, http::conditions};

/// What `encodeURIComponent` leaves as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A key as one segment of a path.
pub(crate) fn segment(key: &burgee_model::Key) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(key.as_str(), SEGMENT)
}

/// A JSON body.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(body).map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(bytes_of(status, bytes, "application/json"))
}

/// A body of a known type, which caches must ask about each time.
pub(crate) fn bytes_of(status: StatusCode, bytes: impl Into<Body>, content_type: &'static str) -> Response {
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// No body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A JSON body with its tag (without quotes).
pub(crate) fn shown(tag: &str, body: &Json) -> Result<Response, ApiError> {
    Ok(with_tag(json(StatusCode::OK, body)?, tag))
}

/// A JSON body with its tag (without quotes), or 304 where the client has it already.
pub(crate) fn tagged(headers: &HeaderMap, tag: &str, body: &Json) -> Result<Response, ApiError> {
    if conditions::has_already(headers, tag) {
        return Ok(with_tag(empty(StatusCode::NOT_MODIFIED), tag));
    }
    shown(tag, body)
}

/// A list: its tag is that of its bytes.
pub(crate) fn list(headers: &HeaderMap, body: &Json) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(body).map_err(|error| ApiError::Internal(error.to_string()))?;
    let tag = tag::of_bytes(&bytes);
    if conditions::has_already(headers, &tag) {
        return Ok(with_tag(empty(StatusCode::NOT_MODIFIED), &tag));
    }
    Ok(with_tag(bytes_of(StatusCode::OK, bytes, "application/json"), &tag))
}

/// 201 with the place of what was created.
pub(crate) fn created(location: &str, tag: &str, body: &Json) -> Result<Response, ApiError> {
    let mut response = with_tag(json(StatusCode::CREATED, body)?, tag);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Adds an entity tag, given without quotes.
pub(crate) fn with_tag(mut response: Response, tag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// What is compressed is not the same bytes: its tag says so by being weak.
pub(crate) async fn weak_where_encoded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !headers.contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| tag.starts_with('"'));
    if let Some(weak) = tag.and_then(|tag| HeaderValue::from_str(&format!("W/{tag}")).ok()) {
        headers.insert(header::ETAG, weak);
    }
    response
}
