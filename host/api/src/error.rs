//! Refusals at the edge: problem documents (RFC 9457), one stable code each.
//!
//! Codes beyond those of contracts.md: `method_not_allowed` 405, `timeout` 408, `unsupported_media_type` 415,
//! `node_live` 409 (a node must be stopped before it is forgotten), `internal` 500, `overloaded` 503 (too many writes wait; with `Retry-After`), `storage` 507 (the disk refused,
//! nothing was applied; with `Retry-After`), `invalid_path` 400 (a path that is not UTF-8), `invalid_host` 400, `invalid_yaml` 400.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use burgee_model::{Millis, Problem, flagd::DocumentError, json::JsonError, yaml::YamlError};
use burgee_store::{DraftError, WriteError};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{admin::Refusal, cluster::ForgetError};

/// Seconds after which a client may try again where the node is not ready or too busy.
const RETRY_SECONDS: u32 = 1;

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A domain operation refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No token, or not the right one.
    #[error("this needs `Authorization: Bearer TOKEN` with a token that this node knows")]
    Unauthorized,
    /// Known, but not allowed; the text says why.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such route.
    #[error("there is no such path here")]
    NoRoute,
    /// The route has no such method.
    #[error("the path does not take this method")]
    MethodNotAllowed,
    /// The path is not UTF-8 once decoded, or does not fit its route.
    #[error("{0}")]
    InvalidPath(String),
    /// An HTTP/1.1 request without a `Host`, or with several.
    #[error("a request of HTTP/1.1 has one `Host`")]
    NoHost,
    /// The body is not JSON.
    #[error("{0}")]
    InvalidJson(JsonError),
    /// The body is not YAML, where it should be.
    #[error("{0}")]
    InvalidYaml(YamlError),
    /// The body's type is not what the route reads.
    #[error("the body must be {0}, but `Content-Type` says that it is something else")]
    MediaType(&'static str),
    /// The body has more bytes than allowed.
    #[error("the body has more than {max} bytes")]
    BodyTooLarge {
        /// What is allowed.
        max: usize,
    },
    /// The client went away, or sent something that HTTP does not allow.
    #[error("the body could not be read to its end")]
    BodyBroken,
    /// The request took too long.
    #[error("the request took too long")]
    Timeout,
    /// Somebody asks more often than allowed.
    #[error("{who} has used up its rate: try again in {retry_seconds} s")]
    RateLimited {
        /// Whose rate.
        who: &'static str,
        /// Seconds after which there is some of it again.
        retry_seconds: u32,
        /// Whether the answer is held back for a moment.
        held: bool,
    },
    /// Too many streams are open.
    #[error("{max} streams are open, no more are allowed")]
    TooManyStreams {
        /// What is allowed.
        max: usize,
    },
    /// The bodies of all requests that are held take too much memory.
    #[error("the bodies of requests that are held have more than {max} bytes")]
    TooManyBodies {
        /// What is allowed.
        max: usize,
    },
    /// The large answers that wait to be read take too much memory.
    #[error("large answers that were not read yet have more than {max} bytes")]
    TooManyAnswers {
        /// What is allowed.
        max: usize,
    },
    /// Too many wait for a turn at work of which little is done at once.
    #[error("{max} {what} wait, no more are allowed")]
    TooManyWait {
        /// What it is.
        what: &'static str,
        /// What is allowed.
        max: usize,
    },
    /// The node does not serve yet, or not any more.
    #[error("the node is not ready: {}", .0.join(", "))]
    NotReady(Vec<String>),
    /// This node's clock is ahead of the cluster's by so many milliseconds, so that what it wrote would win
    /// over what others write later.
    #[error("this node's clock is {0} ms ahead of the cluster's: it takes no writes, kills included")]
    ClockAhead(Millis),
    /// This node's clock shows a time that no stamp can bear, so that nothing can be written by it.
    #[error("this node's clock shows a time after the year 2099: it takes no writes, kills included")]
    ClockOutOfRange,
    /// There is no node with this id in the cluster.
    #[error("no node of the cluster has this id")]
    NoNode,
    /// The node takes part in the cluster.
    #[error("the node is live, for this node or for one that it reaches: stop it before it is forgotten")]
    NodeLive,
    /// Too many writes are waiting.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The disk refused; the text is its answer.
    #[error("the disk refused the write")]
    Storage(String),
    /// A fault of ours; the text is for the log only.
    #[error("the server failed")]
    Internal(String),
}

impl<E: Into<ApiError>> From<WriteError<E>> for ApiError {
    fn from(error: WriteError<E>) -> Self {
        match error {
            WriteError::Refused(refusal) => refusal.into(),
            WriteError::Draft(DraftError::ClockOutOfRange) => Self::ClockOutOfRange,
            WriteError::Draft(error) => Self::Internal(error.to_string()),
            WriteError::Overloaded => Self::Overloaded,
            WriteError::Disk(answer) => Self::Storage(answer),
            WriteError::Closed => Self::NotReady(vec!["shutting_down".into()]),
        }
    }
}

impl From<ForgetError> for ApiError {
    fn from(error: ForgetError) -> Self {
        match error {
            ForgetError::Unknown => Self::NoNode,
            ForgetError::Live => Self::NodeLive,
            ForgetError::Refused(why) => Self::NotReady(vec![why]),
        }
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Json(error) => Self::InvalidJson(error),
            DocumentError::Yaml(error) => Self::InvalidYaml(error),
            DocumentError::Invalid(problems) => Refusal::Invalid(problems).into(),
        }
    }
}

impl ApiError {
    /// Status and code.
    #[must_use]
    pub fn class(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Refused(refusal) => refusal_class(refusal),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden(_) => (S::FORBIDDEN, "forbidden"),
            Self::NoRoute | Self::NoNode => (S::NOT_FOUND, "not_found"),
            Self::NodeLive => (S::CONFLICT, "node_live"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::InvalidPath(_) => (S::BAD_REQUEST, "invalid_path"),
            Self::NoHost => (S::BAD_REQUEST, "invalid_host"),
            Self::InvalidJson(JsonError::TooDeep { .. } | JsonError::Doubled { .. })
            | Self::InvalidYaml(YamlError::TooDeep { .. } | YamlError::Doubled { .. }) => {
                (S::UNPROCESSABLE_ENTITY, "invalid_value")
            }
            Self::InvalidJson(JsonError::TooMany { .. })
            | Self::InvalidYaml(YamlError::TooLarge { .. } | YamlError::TooMany { .. } | YamlError::Anchored { .. }) => {
                (S::PAYLOAD_TOO_LARGE, "too_large")
            }
            Self::InvalidYaml(_) => (S::BAD_REQUEST, "invalid_yaml"),
            Self::InvalidJson(_) | Self::BodyBroken => (S::BAD_REQUEST, "invalid_json"),
            Self::MediaType(_) => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::BodyTooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Timeout => (S::REQUEST_TIMEOUT, "timeout"),
            Self::RateLimited { .. }
            | Self::TooManyStreams { .. }
            | Self::TooManyBodies { .. }
            | Self::TooManyAnswers { .. }
            | Self::TooManyWait { .. } => (S::TOO_MANY_REQUESTS, "rate_limited"),
            Self::NotReady(_) => (S::SERVICE_UNAVAILABLE, "not_ready"),
            Self::ClockAhead(_) | Self::ClockOutOfRange => (S::SERVICE_UNAVAILABLE, "clock_ahead"),
            Self::Overloaded => (S::SERVICE_UNAVAILABLE, "overloaded"),
            Self::Storage(_) => (S::INSUFFICIENT_STORAGE, "storage"),
            Self::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    fn errors(&self) -> Vec<Fault> {
        match self {
            Self::Refused(Refusal::Invalid(problems) | Refusal::InvalidRule(problems)) => {
                problems.iter().map(Fault::from).collect()
            }
            Self::Refused(Refusal::HistoryNotKept(path)) => {
                vec![Fault::new((*path).to_owned(), "history_not_kept", self.to_string())]
            }
            Self::Refused(Refusal::Upgrading(_)) => vec![
                Fault::new(String::new(), "upgrading", self.to_string())
                    .hint("a member that will not return is forgotten with `burgee cluster forget`"),
            ],
            Self::Refused(Refusal::HistoryTooShort) => {
                vec![Fault::new("/at".into(), "history_not_kept", self.to_string())]
            }
            Self::Refused(Refusal::NoConflict) => {
                vec![Fault::new("/register".into(), "no_conflict", self.to_string())]
            }
            Self::Refused(Refusal::NoVersion(_)) => {
                vec![Fault::new("/stamp".into(), "no_such_version", self.to_string())]
            }
            Self::Refused(Refusal::PreconditionRequired(_)) => vec![
                Fault::new(String::new(), "precondition_required", self.to_string())
                    .hint("send `If-Match` with the ETag of what the change was made from"),
            ],
            Self::InvalidJson(error) => vec![json_fault(error)],
            Self::InvalidYaml(error) => vec![yaml_fault(error)],
            Self::ClockOutOfRange => vec![
                Fault::new(String::new(), "clock_ahead", self.to_string())
                    .hint("correct the clock; until then send writes to another node"),
            ],
            Self::ClockAhead(ms) => vec![
                Fault::new(String::new(), "clock_ahead", format!("the clock is {ms} ms ahead"))
                    .hint("send the write to another node, and correct this one's clock"),
            ],
            _ => Vec::new(),
        }
    }

    /// Whether the answer is to be held back for a moment.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self, Self::RateLimited { held: true, .. })
    }

    /// Seconds after which a client may try again, where that may help.
    #[must_use]
    pub fn retry_seconds(&self) -> Option<u32> {
        use ApiError::{
            ClockAhead, ClockOutOfRange, NotReady, Overloaded, Storage, TooManyAnswers, TooManyBodies, TooManyStreams,
            TooManyWait,
        };
        match self {
            Self::RateLimited { retry_seconds, .. } => Some(*retry_seconds),
            ClockAhead(_) | ClockOutOfRange | NotReady(_) | Overloaded | Storage(_) => Some(RETRY_SECONDS),
            TooManyStreams { .. } | TooManyBodies { .. } | TooManyAnswers { .. } | TooManyWait { .. } => {
                Some(RETRY_SECONDS)
            }
            Self::Refused(Refusal::Upgrading(_)) => Some(RETRY_SECONDS),
            _ => None,
        }
    }

    /// The problem document.
    #[must_use]
    pub fn document(&self) -> ProblemDocument {
        let (status, code) = self.class();
        ProblemDocument {
            kind: format!("urn:burgee:problem:{code}"),
            title: title(code),
            status: status.as_u16(),
            code,
            detail: self.to_string(),
            errors: self.errors(),
        }
    }

    fn log(&self) {
        match self {
            Self::Storage(answer) => tracing::error!(%answer, "the disk refused a write"),
            Self::Internal(cause) => tracing::error!(%cause, "a request failed"),
            _ => {}
        }
    }
}

fn json_fault(error: &JsonError) -> Fault {
    let (path, code) = match error {
        JsonError::Doubled { path } => (path.clone(), "doubled_member"),
        JsonError::TooMany { path, .. } => (path.clone(), "too_many_values"),
        JsonError::TooDeep { .. } => (String::new(), "too_deep"),
        JsonError::Syntax(_) => (String::new(), "syntax"),
    };
    Fault::new(path, code, error.to_string())
}

fn yaml_fault(error: &YamlError) -> Fault {
    let (path, code) = match error {
        YamlError::Doubled { path } => (path.clone(), "doubled_member"),
        YamlError::TooMany { path, .. } => (path.clone(), "too_many_values"),
        YamlError::Anchored { .. } => (String::new(), "too_many_values"),
        YamlError::TooDeep { .. } => (String::new(), "too_deep"),
        YamlError::TooLarge { .. } => (String::new(), "too_large"),
        YamlError::Syntax(_) => (String::new(), "syntax"),
    };
    Fault::new(path, code, error.to_string())
}

fn refusal_class(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::NotFound(..) | Refusal::NoVersion(_) | Refusal::NoConflict => (StatusCode::NOT_FOUND, "not_found"),
        Refusal::HistoryNotKept(_) | Refusal::HistoryTooShort => (StatusCode::UNPROCESSABLE_ENTITY, "history_not_kept"),
        Refusal::AlreadyExists(..) => (StatusCode::CONFLICT, "already_exists"),
        Refusal::Stale(_) => (StatusCode::PRECONDITION_FAILED, "stale"),
        Refusal::Upgrading(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
        Refusal::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
        Refusal::PreconditionRequired(_) => (StatusCode::PRECONDITION_REQUIRED, "precondition_required"),
        Refusal::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_value"),
        Refusal::InvalidRule(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_rule"),
        Refusal::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
    }
}

fn title(code: &str) -> &'static str {
    match code {
        "unauthorized" => "Not authorised",
        "forbidden" => "Not allowed",
        "not_found" => "Not found",
        "already_exists" => "It exists already",
        "stale" => "The state has changed",
        "precondition_required" => "A precondition is required",
        "too_large" => "Too large",
        "invalid_rule" => "The rule is not valid",
        "invalid_value" => "The request is not valid",
        "invalid_json" => "The body is not JSON",
        "invalid_yaml" => "The body is not YAML",
        "invalid_path" => "The path is not valid",
        "invalid_host" => "The host is not valid",
        "method_not_allowed" => "Method not allowed",
        "unsupported_media_type" => "Unsupported media type",
        "timeout" => "Timed out",
        "rate_limited" => "Too many",
        "not_ready" => "Not ready",
        "history_not_kept" => "No history is kept",
        "clock_ahead" => "The clock is ahead",
        "node_live" => "The node is live",
        "overloaded" => "Too busy",
        "storage" => "Storage failed",
        _ => "Internal error",
    }
}

/// A problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// A URN made from the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Stable code in snake case.
    pub code: &'static str,
    /// What happened this time.
    pub detail: String,
    /// The faults of the request, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Fault {
    /// JSON Pointer into the request's document, or `/` and the name of a query parameter.
    pub path: String,
    /// Stable code in snake case.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Fault {
    fn new(path: String, code: &str, message: String) -> Self {
        Self { path, code: code.to_owned(), message, hint: None }
    }

    fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }
}

impl From<&Problem> for Fault {
    fn from(problem: &Problem) -> Self {
        Self { hint: problem.hint.clone(), ..Self::new(problem.path.clone(), &problem.code, problem.message.clone()) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.class().0;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_seconds() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::Unauthorized) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"burgee\""));
        }
        response
    }
}
