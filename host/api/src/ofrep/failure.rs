//! What goes wrong before a flag is evaluated, in OFREP's own shape.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, json};

use crate::{admin::Refusal, error::ApiError};

/// Seconds after which a client may try again.
const RETRY_SECONDS: u32 = 1;

/// Why there is no evaluation.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    /// OpenFeature's error code.
    error_code: &'static str,
    details: String,
    /// Our own code, where OpenFeature has none for it.
    code: Option<&'static str>,
    /// Seconds after which a client may try again.
    retry_seconds: Option<u32>,
    /// Whether the answer is to be held back for a moment.
    pub(super) held: bool,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error_code: &'static str, details: impl Into<String>) -> Self {
        Self { status, error_code, details: details.into(), code: None, retry_seconds: None, held: false }
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn not_ready(reason: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "PROVIDER_NOT_READY", format!("the node is not ready: {reason}"))
            .code("not_ready")
            .retry(RETRY_SECONDS)
    }

    fn retry(mut self, seconds: u32) -> Self {
        self.retry_seconds = Some(seconds);
        self
    }

    pub(super) fn environment_required() -> Self {
        let details = "environment_required: the token names no environment, \
                       use /e/TENANT/ENVIRONMENT/ofrep/v1/… instead";
        Self::new(StatusCode::BAD_REQUEST, "GENERAL", details).code("environment_required")
    }

    pub(super) fn wrong_selector(details: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "GENERAL", details).code("invalid_value")
    }

    /// The tenant or environment does not exist; the refusal says which.
    pub(super) fn no_environment(missing: &Refusal, single: bool) -> Self {
        let error_code = if single { "FLAG_NOT_FOUND" } else { "GENERAL" };
        Self::new(StatusCode::NOT_FOUND, error_code, missing.to_string()).code("not_found")
    }

    /// What happened, for people.
    pub(crate) fn details(self) -> String {
        format!("{}: {}", self.error_code, self.details)
    }

    /// The answer; of a request for one flag it names the flag.
    pub(super) fn response(self, key: Option<&str>) -> Response {
        let mut body = Map::new();
        if let Some(key) = key {
            body.insert("key".into(), json!(key));
        }
        body.insert("errorCode".into(), json!(self.error_code));
        body.insert("errorDetails".into(), json!(self.details));
        if let Some(code) = self.code {
            body.insert("code".into(), json!(code));
        }
        let mut response = Response::new(Body::from(serde_json::Value::Object(body).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"burgee\""));
        }
        response
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let (status, code) = error.class();
        let (retry_seconds, held) = (error.retry_seconds(), error.is_held());
        let failure = match &error {
            ApiError::NotReady(reasons) => Self::not_ready(&reasons.join(", ")),
            ApiError::BodyBroken => Self::new(status, "PARSE_ERROR", error.to_string()).code(code),
            ApiError::BodyTooLarge { .. } => Self::new(status, "INVALID_CONTEXT", error.to_string()).code(code),
            _ => Self::new(status, "GENERAL", error.to_string()).code(code),
        };
        Self { retry_seconds: failure.retry_seconds.or(retry_seconds), held, ..failure }
    }
}
