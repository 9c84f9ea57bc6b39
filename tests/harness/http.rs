//! A small HTTP client that treats every status as an answer.

use std::time::Duration;

use serde_json::Value as Json;
use ureq::{Agent, http};

/// How long one request may take.
const REQUEST_BOUND: Duration = Duration::from_secs(20);

/// A client of one node. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    /// `http://address:port`
    pub base: String,
    token: Option<String>,
    agent: Agent,
}

/// What a node answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    asked: String,
}

impl Client {
    /// A client for `address:port`, with or without a token.
    #[must_use]
    pub fn new(address: &str, token: Option<&str>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_global(Some(REQUEST_BOUND))
            .build();
        Self { base: format!("http://{address}"), token: token.map(str::to_owned), agent: config.new_agent() }
    }

    /// The same client with another token, or none.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// Sends a request; an error means that there was no answer at all.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match method {
            "GET" | "HEAD" | "DELETE" | "OPTIONS" => self.agent.run(request.body(())?),
            _ => self.agent.run(request.body(body)?),
        }?;
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(64 << 20).read_to_vec()?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, asked: format!("{method} {path}") })
    }

    /// Sends a request; panics where there is no answer. A kept connection may have been closed meanwhile, as
    /// servers do after a refusal: what may be sent twice is sent once more.
    #[must_use]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = match self.try_send(method, path, headers, body) {
            Err(ureq::Error::Io(_)) if matches!(method, "GET" | "PUT") => self.try_send(method, path, headers, body),
            other => other,
        };
        answer.unwrap_or_else(|e| panic!("{method} {}{path}: {e}", self.base))
    }

    fn send_json(&self, method: &str, path: &str, body: &Json) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// GET.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// DELETE.
    #[must_use]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    /// POST of JSON.
    #[must_use]
    pub fn post(&self, path: &str, body: &Json) -> Answer {
        self.send_json("POST", path, body)
    }

    /// PATCH of JSON.
    #[must_use]
    pub fn patch(&self, path: &str, body: &Json) -> Answer {
        self.send_json("PATCH", path, body)
    }

    /// PUT of text.
    #[must_use]
    pub fn put(&self, path: &str, body: &str) -> Answer {
        self.send("PUT", path, &[("content-type", "text/plain")], body.as_bytes())
    }

    /// OFREP, single flag, in an environment; the key is encoded as JavaScript's `encodeURIComponent` does.
    #[must_use]
    pub fn ofrep(&self, place: &str, flag: &str, context: &Json) -> Answer {
        let path = format!("/e/{place}/ofrep/v1/evaluate/flags/{}", encode(flag));
        self.post(&path, &serde_json::json!({ "context": context }))
    }

    /// The value that OFREP gives for a flag without any context; null where it gives none.
    #[must_use]
    pub fn value(&self, place: &str, flag: &str) -> Json {
        let answer = self.ofrep(place, flag, &serde_json::json!({})).expect(200).json();
        answer.get("value").cloned().unwrap_or(Json::Null)
    }
}

impl Answer {
    /// Panics, with the body, unless the status is this one.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self
    }

    /// Panics unless the status is this one.
    pub fn check(self, status: u16) {
        let _ = self.expect(status);
    }

    /// Panics unless it is a problem document with this status and code; gives the document.
    pub fn problem(self, status: u16, code: &str) -> Json {
        let kind = self.header("content-type");
        let answer = self.expect(status);
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{}", answer.asked);
        let body = answer.json();
        assert_eq!(body["code"], code, "{}: {body}", answer.asked);
        assert_eq!(body["status"], status, "{}: {body}", answer.asked);
        for member in ["type", "title", "detail"] {
            assert!(body[member].is_string(), "{}: no {member} in {body}", answer.asked);
        }
        body
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{}: {e}: {}", self.asked, self.text()))
    }

    /// A header field's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    /// The entity tag; panics where there is none.
    #[must_use]
    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("{}: no ETag", self.asked))
    }
}

/// Percent-encodes one path segment.
#[must_use]
pub fn encode(segment: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b);
    segment.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
