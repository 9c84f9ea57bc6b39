//! What a register holds: bytes with a media type.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Value, json};

/// The media type of a value. The three common ones cost no memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Media {
    /// `application/json`
    Json,
    /// `text/plain; charset=utf-8`
    Text,
    /// `application/octet-stream`
    Octets,
    /// Any other, kept as its author sent it.
    Other(Arc<str>),
}

impl Media {
    /// Reads a `Content-Type` value; parameters of unknown types are kept.
    #[must_use]
    pub fn new(content_type: &str) -> Self {
        match content_type {
            "application/json" => Self::Json,
            "text/plain; charset=utf-8" => Self::Text,
            "application/octet-stream" => Self::Octets,
            other => Self::Other(Arc::from(other)),
        }
    }

    /// The value of a `Content-Type` header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Octets => "application/octet-stream",
            Self::Other(text) => text,
        }
    }

    /// Whether the bytes are JSON, by the type's essence (parameters aside).
    #[must_use]
    pub fn is_json(&self) -> bool {
        let essence = self.as_str().split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    }
}

/// A value of any bytes, with its media type. Fields of flags are JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Blob {
    /// The media type.
    pub media: Media,
    /// The bytes.
    pub bytes: Bytes,
}

impl Blob {
    /// A JSON value, written compactly.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Self {
        Self { media: Media::Json, bytes: Bytes::from(value.to_string()) }
    }

    /// Any serialisable value as JSON. `None` where it cannot be JSON (a map with keys that are no text).
    #[must_use]
    pub fn of<T: Serialize>(value: &T) -> Option<Self> {
        serde_json::to_vec(value).ok().map(|bytes| Self { media: Media::Json, bytes: bytes.into() })
    }

    /// Reads the bytes as JSON of some type; `None` where they are not that.
    #[must_use]
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        json::stored(&self.bytes)
    }

    /// The value as rules see it: JSON where its type says so, else text; `None` where it is neither.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        if self.media.is_json() { self.read() } else { std::str::from_utf8(&self.bytes).ok().map(Value::text) }
    }
}
