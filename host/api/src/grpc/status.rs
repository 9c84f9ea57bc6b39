//! How a call ends, in the codes of gRPC.

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;

use crate::error::ApiError;

/// What may not stand in `grpc-message` as it is.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// The code of gRPC, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Ok = 0,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

impl Code {
    /// As Connect has it: its name, and the status of HTTP.
    fn connect(self) -> (&'static str, StatusCode) {
        use StatusCode as S;
        match self {
            Self::Ok => ("ok", S::OK),
            Self::Unknown => ("unknown", S::INTERNAL_SERVER_ERROR),
            Self::InvalidArgument => ("invalid_argument", S::BAD_REQUEST),
            Self::DeadlineExceeded => ("deadline_exceeded", S::GATEWAY_TIMEOUT),
            Self::NotFound => ("not_found", S::NOT_FOUND),
            Self::PermissionDenied => ("permission_denied", S::FORBIDDEN),
            Self::ResourceExhausted => ("resource_exhausted", S::TOO_MANY_REQUESTS),
            Self::Unimplemented => ("unimplemented", S::NOT_IMPLEMENTED),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR),
            Self::Unavailable => ("unavailable", S::SERVICE_UNAVAILABLE),
            Self::DataLoss => ("data_loss", S::INTERNAL_SERVER_ERROR),
            Self::Unauthenticated => ("unauthenticated", S::UNAUTHORIZED),
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: Code,
    /// For people.
    pub(super) message: String,
}

impl Status {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn ok() -> Self {
        Self::new(Code::Ok, "")
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub(super) fn shutting_down() -> Self {
        Self::new(Code::Unavailable, "the node is shutting down")
    }

    /// As headers or trailers of gRPC.
    pub(super) fn trailers(&self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        trailers.insert(HeaderName::from_static("grpc-status"), HeaderValue::from(self.code as u16));
        let message = utf8_percent_encode(&self.message, MESSAGE).to_string();
        if let Some(message) = HeaderValue::from_str(&message).ok().filter(|message| !message.is_empty()) {
            trailers.insert(HeaderName::from_static("grpc-message"), message);
        }
        trailers
    }

    /// As the last part of a body of gRPC-web.
    pub(super) fn web_trailers(&self) -> Bytes {
        let mut text = Vec::new();
        for (name, value) in &self.trailers() {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                text.extend_from_slice(part);
            }
        }
        text.into()
    }

    /// As a body of Connect, with the status of HTTP.
    pub(super) fn connect(&self) -> (StatusCode, Bytes) {
        let (code, status) = self.code.connect();
        (status, json!({ "code": code, "message": self.message }).to_string().into())
    }

    /// As the last message of a stream of Connect.
    pub(super) fn connect_end(&self) -> Bytes {
        if self.code == Code::Ok {
            return Bytes::from_static(b"{}");
        }
        let (code, _) = self.code.connect();
        json!({ "error": { "code": code, "message": self.message } }).to_string().into()
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let (status, _) = error.class();
        let code = match status {
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::FORBIDDEN => Code::PermissionDenied,
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => Code::ResourceExhausted,
            StatusCode::REQUEST_TIMEOUT => Code::DeadlineExceeded,
            StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Code::InvalidArgument,
            _ => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_ascii_on_the_wire() {
        let status = Status::new(Code::NotFound, "no flag `ünïcode` 100%\n");
        let trailers = status.trailers();
        assert_eq!(trailers["grpc-status"], "5");
        assert_eq!(trailers["grpc-message"], "no flag `%C3%BCn%C3%AFcode` 100%25%0A");
        assert_eq!(Status::ok().web_trailers(), "grpc-status: 0\r\n");
    }

    #[test]
    fn connect_says_it_in_words() {
        let (status, body) = Status::new(Code::InvalidArgument, "x").connect();
        assert_eq!((status.as_u16(), &*body), (400, br#"{"code":"invalid_argument","message":"x"}"#.as_slice()));
        assert_eq!(Status::ok().connect_end(), "{}");
    }
}
