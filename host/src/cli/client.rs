//! Requests of the command line to a node.

use std::io::Read;

use burgee_model::Key;
use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use ureq::http::{HeaderValue, Request, Response};

use super::{Failure, Target, agent::Lasting, values};

/// The status by which a write is asked to say what it is made from.
const PRECONDITION_REQUIRED: u16 = 428;
/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Percent-encodes a key as one path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A node's answer.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// Its entity tag, where it has one, with its quotes.
    pub(super) tag: Option<String>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// What comes of opening a stream.
pub(super) enum Opened<S> {
    /// It is open.
    Stream(S),
    /// The node does not give it.
    Refused(Answer),
}

/// A body to send.
pub(super) struct Body<'a> {
    /// Its media type.
    pub(super) content_type: &'a str,
    /// Its bytes.
    pub(super) bytes: &'a [u8],
}

impl<'a> Body<'a> {
    /// A JSON body.
    pub(super) fn json(bytes: &'a [u8]) -> Self {
        Self { content_type: "application/json", bytes }
    }
}

/// What a write goes by.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Condition {
    /// Write only if what is there still bears this tag: the one that a dry run of `import` prints, the `ETag` of a
    /// request, or `*` for anything. Without it, where a protected environment asks what a write is made from, that is
    /// read just before
    #[arg(long, value_name = "TAG", value_parser = values::tag)]
    if_match: Option<String>,
}

impl Condition {
    /// The headers that say it.
    pub(super) fn headers(&self) -> Vec<(&str, &str)> {
        self.if_match.iter().map(|tag| ("if-match", tag.as_str())).collect()
    }
}

/// Encodes a key as one segment of a path.
pub(super) fn segment(key: &str) -> String {
    utf8_percent_encode(key, SEGMENT).to_string()
}

impl Target {
    /// The path of the tenant.
    pub(super) fn tenant_path(&self) -> String {
        format!("/api/v1/tenants/{}", segment(&self.tenant))
    }

    /// The path of the environment.
    pub(super) fn environment_path(&self) -> String {
        format!("{}/environments/{}", self.tenant_path(), segment(&self.env))
    }

    /// The path of a thing of the environment by its key; a text that is no key is found before the node is asked.
    pub(super) fn keyed_path(&self, things: &str, key: &str) -> Result<String, Failure> {
        let key = Key::new(key).map_err(|e| Failure::Usage(format!("key: {e}")))?;
        Ok(format!("{}/{things}/{}", self.environment_path(), segment(key.as_str())))
    }

    /// Sends a request; any status is an answer. Where a write has to say what it is made from, that is read first.
    pub(super) fn send(&self, method: &str, path: &str, body: Option<&Body<'_>>) -> Result<Answer, Failure> {
        self.send_with(method, path, body, &[])
    }

    /// The same with more headers.
    pub(super) fn send_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Body<'_>>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let answer = self.send_once(method, path, body, headers)?;
        if answer.status != PRECONDITION_REQUIRED {
            return Ok(answer);
        }
        let resource = path.split('?').next().unwrap_or(path);
        let found = self.send_once("GET", resource, None, &[])?;
        let condition = match &found.tag {
            Some(tag) => ("if-match", tag.as_str()),
            None => ("if-none-match", "*"),
        };
        self.send_once(method, path, body, &[headers, &[condition]].concat())
    }

    fn send_once(
        &self,
        method: &str,
        path: &str,
        body: Option<&Body<'_>>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let request = self.request(method, path, body, headers)?;
        let response = self.agent(Lasting::Whole)?.run(request).map_err(|e| self.failed(&e))?;
        self.read(response)
    }

    /// A request, ready to be sent.
    fn request<'b>(
        &self,
        method: &str,
        path: &str,
        body: Option<&Body<'b>>,
        headers: &[(&str, &str)],
    ) -> Result<Request<&'b [u8]>, Failure> {
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut request = Request::builder().method(method).uri(&url);
        // an empty variable is how many say that there is none
        if let Some(token) = self.token.as_ref().filter(|token| !token.is_empty()) {
            // it is a secret, so it is not shown
            if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Failure::Usage(
                    "token: a token is of printable ASCII characters without spaces".to_owned(),
                ));
            }
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            if HeaderValue::from_str(body.content_type).is_err() {
                return Err(Failure::Usage("content-type: a media type is of printable characters".to_owned()));
            }
            request = request.header("content-type", body.content_type);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.map_or(&[][..], |b| b.bytes)).map_err(|e| self.failed(&e))
    }

    /// A whole answer, whatever its status.
    fn read(&self, mut response: Response<ureq::Body>) -> Result<Answer, Failure> {
        let status = response.status().as_u16();
        let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        Ok(Answer { status, tag, body: body.map_err(|e| self.failed(&e))? })
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::Refused(format!("burgee: url: {}: {why}", self.url))
    }

    /// Opens an answer that has no end: its bytes as they come, or what the node said against it.
    pub(super) fn open(
        &self,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Result<Opened<Box<dyn Read + Send>>, Failure> {
        let request = self.request("GET", path, None, header.as_slice())?;
        let response = self.agent(Lasting::Stream)?.run(request).map_err(|e| self.failed(&e))?;
        if response.status().is_success() {
            return Ok(Opened::Stream(Box::new(response.into_body().into_reader())));
        }
        self.read(response).map(Opened::Refused)
    }

    /// Sends a request that must succeed.
    pub(super) fn expect(&self, method: &str, path: &str, body: Option<&Body<'_>>) -> Result<Answer, Failure> {
        self.expect_with(method, path, body, &[])
    }

    /// The same with more headers.
    pub(super) fn expect_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Body<'_>>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let answer = self.send_with(method, path, body, headers)?;
        if answer.is_ok() { Ok(answer) } else { Err(answer.failure()) }
    }

    /// Follows a list to its end.
    pub(super) fn list(&self, path: &str, query: &str) -> Result<Vec<Json>, Failure> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = self.expect("GET", &format!("{path}?limit=1000{query}{cursor}"), None)?;
            let mut page = answer.json()?;
            match page.get_mut("items").map(Json::take) {
                Some(Json::Array(page)) => items.extend(page),
                _ => return Err(Failure::Refused(format!("burgee: {path}: the answer is no list"))),
            }
            match page.get("nextCursor").and_then(Json::as_str) {
                Some(next) => cursor = format!("&cursor={}", segment(next)),
                None => return Ok(items),
            }
        }
    }
}

impl Answer {
    /// Whether the request succeeded.
    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether asking again will not help.
    pub(super) fn is_final(&self) -> bool {
        (400..500).contains(&self.status) && !matches!(self.status, 408 | 429)
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Json, Failure> {
        serde_json::from_slice(&self.body).map_err(|e| Failure::Refused(format!("burgee: the answer is not JSON: {e}")))
    }

    /// What the node said against the request, for people: the problem, then each fault with its place.
    pub(super) fn failure(&self) -> Failure {
        let Ok(problem) = self.json() else { return Failure::Refused(format!("burgee: HTTP status {}", self.status)) };
        let text = |name: &str| problem.get(name).and_then(Json::as_str);
        let head = text("detail").or(text("errorDetails")).or(text("title")).unwrap_or("refused");
        let code = text("code").or(text("errorCode")).map_or_else(|| self.status.to_string(), str::to_owned);
        let mut lines = vec![format!("{code}: {head}")];
        let faults = problem.get("errors").and_then(Json::as_array).into_iter().flatten();
        lines.extend(faults.flat_map(|fault| in_words(fault, head)));
        Failure::Refused(lines.join("\n"))
    }
}

/// A fault, unless the head says it all, and how to mend it.
fn in_words(fault: &Json, head: &str) -> Vec<String> {
    let part = |name: &str| fault.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let (path, message) = (part("path"), part("message").filter(|message| *message != head));
    let line = match (path, message) {
        (None, None) => None,
        (Some(path), None) => Some(format!("  at {path}")),
        (None, Some(message)) => Some(format!("  {message}")),
        (Some(path), Some(message)) => Some(format!("  at {path}: {message}")),
    };
    line.into_iter().chain(part("hint").map(|hint| format!("    {hint}"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(problem: &Json) -> String {
        Answer { status: 422, tag: None, body: problem.to_string().into_bytes() }.failure().to_string()
    }

    #[test]
    fn a_problem_is_said_once_with_every_place() {
        let fault = |path: &str, message: &str| json!({ "path": path, "code": "c", "message": message });
        let mut problem = json!({ "code": "invalid_value", "detail": "no", "errors": [fault("/a", "no")] });
        assert_eq!(said(&problem), "invalid_value: no\n  at /a");
        problem["errors"] = json!([fault("/a", "no"), fault("/b", "never")]);
        problem["errors"][1]["hint"] = json!("try x");
        assert_eq!(said(&problem), "invalid_value: no\n  at /a\n  at /b: never\n    try x");
        problem["errors"] = json!([fault("", "no")]);
        assert_eq!(said(&problem), "invalid_value: no");
        assert_eq!(said(&json!({ "errorCode": "GENERAL", "errorDetails": "no" })), "GENERAL: no");
    }
}
