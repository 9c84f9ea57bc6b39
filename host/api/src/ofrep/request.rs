//! The context of a request. A missing body, or one without a context, stands for an empty one.

use axum::body::Body;
use burgee_engine::Seen;
use burgee_model::{
    Context, Limits,
    context::{ContextError, WireError},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::Failure;
use crate::{
    error::ApiError,
    http::{Api, body, budget::Holder},
};

#[derive(Deserialize)]
struct Measured<'a> {
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
}

/// What a request may have beside its context: names, white space, and members that nobody reads.
const BESIDE_BYTES: usize = 16 * 1024;

/// Bytes of the body of a request to evaluate.
pub(crate) fn body_bytes(limits: &Limits) -> usize {
    limits.context_bytes.saturating_add(BESIDE_BYTES).min(limits.body_bytes)
}

/// Reads what the rules read that are seen.
pub(super) async fn context(body: Body, api: &Api, holder: &Holder, seen: Seen<'_>) -> Result<Context, Failure> {
    let read = body::read_of(api, holder, body, body_bytes(&api.limits));
    match tokio::time::timeout(api.http.request_timeout, read).await {
        Ok(text) => parse(&text?, &api.limits, |text| seen.read_context(text)),
        Err(_) => Err(ApiError::Timeout.into()),
    }
}

pub(crate) fn parse(
    text: &[u8],
    limits: &Limits,
    read: impl FnOnce(&[u8]) -> Result<Context, WireError>,
) -> Result<Context, Failure> {
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Ok(Context::default()),
        Some(b'{') => {}
        // a list would be read as the members in their order
        Some(_) => return Err(malformed(&"it does not begin with a brace")),
    }
    // a body that is small enough cannot hold a context that is too large: only others are measured
    if text.len() > limits.context_bytes {
        let measured: Measured<'_> = serde_json::from_slice(text).map_err(|error| malformed(&error))?;
        Context::check_bytes(measured.context.map_or(0, |raw| raw.get().len()), limits).map_err(|e| refused(&e))?;
    }
    read(text).map_err(|error| match error {
        WireError::Syntax(error) => malformed(&error),
        WireError::Refused(error) => refused(&error),
    })
}

fn malformed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "PARSE_ERROR",
        format!("the body is not a JSON object with a context: {error}"),
    )
}

fn refused(error: &ContextError) -> Failure {
    let status = match error {
        ContextError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ContextError::TooManyAttributes { .. } | ContextError::TooDeep { .. } | ContextError::NotAnObject => {
            StatusCode::BAD_REQUEST
        }
    };
    Failure::new(status, "INVALID_CONTEXT", error.to_string())
}

#[cfg(test)]
mod tests {
    use burgee_model::context::Kept;

    use super::*;

    fn read(text: &str) -> Result<Context, String> {
        let limits = Limits { context_bytes: 40, ..Limits::default() };
        let whole = |text: &[u8]| Context::from_request(text, &Kept::all(), &limits);
        parse(text.as_bytes(), &limits, whole).map_err(|failure| {
            let status = failure.response(None).status();
            status.as_u16().to_string()
        })
    }

    #[test]
    fn what_is_missing_is_empty() {
        for text in ["", " \n", "{}", r#"{"context":null}"#, r#"{"context":{}}"#, r#"{"other":1}"#] {
            assert_eq!(read(text), Ok(Context::default()), "{text}");
        }
    }

    #[test]
    fn only_the_context_is_measured() {
        let padding = "x".repeat(60);
        assert!(read(&format!(r#"{{"context":{{"a":1}},"other":"{padding}"}}"#)).is_ok());
        assert_eq!(read(&format!(r#"{{"context":{{"a":"{padding}"}}}}"#)), Err("413".into()));
        assert_eq!(read(r#"{"context":7}"#), Err("400".into()));
        assert_eq!(read("[]"), Err("400".into()));
        assert_eq!(read("{"), Err("400".into()));
    }
}
