//! Reading a request's query member by member: every fault is named with its place. A member that nobody asked
//! for is a fault, and so is one that is there twice.

use axum::extract::FromRequestParts;
use burgee_model::{Format, Key, KeyError, Problem, problem::pointer};
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::{
    admin::{
        Refusal,
        members::{FAULTS_MAX, TEXT_BYTES_MAX},
    },
    error::ApiError,
};

/// What a route takes in its query; `()` takes nothing.
pub(crate) trait FromQuery: Sized {
    /// Takes its members. Faults are noted, and refuse the request in the end.
    fn take(query: &mut Query) -> Self;
}

impl FromQuery for () {
    fn take(_: &mut Query) -> Self {}
}

/// The parameters of a request, checked.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Sync, T: FromQuery> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let mut query = Query::parse(parts.uri.query().unwrap_or_default());
        let params = T::take(&mut query);
        query.finish()?;
        Ok(Self(params))
    }
}

/// The members of a query, taken one by one.
pub(crate) struct Query {
    members: Vec<(String, String)>,
    faults: Vec<Problem>,
}

impl Query {
    fn parse(text: &str) -> Self {
        let mut query = Self { members: Vec::new(), faults: Vec::new() };
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match (decode(name), decode(value)) {
                (Some(name), Some(value)) => query.members.push((name, value)),
                _ => query.fault(name, "invalid_parameter", format!("`{name}` is not UTF-8 once decoded")),
            }
        }
        query
    }

    /// Adds a fault of a member, up to the most that an answer lists.
    pub(crate) fn fault(&mut self, name: &str, code: &str, message: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Problem::new(pointer("", name), code, message));
        }
    }

    /// A text, where it is there.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let at = self.members.iter().position(|(found, _)| found == name)?;
        let (_, value) = self.members.remove(at);
        let before = self.members.len();
        self.members.retain(|(found, _)| found != name);
        if self.members.len() < before {
            self.fault(name, "doubled_parameter", format!("`{name}` is there more than once"));
        }
        Some(value)
    }

    /// A value as `read` makes it of a text; what it says of others is a fault.
    pub(crate) fn read<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        read(&text).map_err(|message| self.fault(name, "invalid_parameter", message)).ok()
    }

    /// Notes a fault where a member is missing.
    pub(crate) fn require(&mut self, name: &str, why: &str) {
        if !self.members.iter().any(|(found, _)| found == name) {
            self.fault(name, "missing", why);
        }
    }

    /// A key.
    pub(crate) fn key(&mut self, name: &str) -> Option<Key> {
        let text = self.text(name)?;
        self.checked(name, Key::new(&text))
    }

    /// What keys begin with.
    pub(crate) fn prefix(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        let fits = Key::check_prefix(&text);
        self.checked(name, fits).map(|()| text)
    }

    fn checked<T>(&mut self, name: &str, checked: Result<T, KeyError>) -> Option<T> {
        checked.map_err(|error| self.fault(name, "invalid_key", error.to_string())).ok()
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.read(name, |text| text.parse().map_err(|_| format!("`{name}` is `true` or `false`")))
    }

    /// How a document is written.
    pub(crate) fn format(&mut self) -> Option<Format> {
        self.read("format", |text| Format::named(text).ok_or_else(|| "`format` is `json` or `yaml`".to_owned()))
    }

    /// Why a change is made.
    pub(crate) fn note(&mut self) -> Option<String> {
        let too_long = || format!("`note` has at most {TEXT_BYTES_MAX} bytes");
        self.read("note", |text| (text.len() <= TEXT_BYTES_MAX).then(|| text.to_owned()).ok_or_else(too_long))
    }

    /// Ends the reading: members left over are faults, and any fault refuses the request.
    pub(crate) fn finish(mut self) -> Result<(), Refusal> {
        for (name, _) in std::mem::take(&mut self.members) {
            self.fault(&name, "unknown_parameter", format!("there is no parameter `{name}` here"));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.faults)) }
    }
}

/// As forms are encoded: a plus is a space.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(query: Query) -> Vec<(String, String)> {
        let Err(Refusal::Invalid(faults)) = query.finish() else { return Vec::new() };
        faults.into_iter().map(|fault| (fault.path, fault.code)).collect()
    }

    #[test]
    fn members_are_decoded_and_may_stand_in_any_order() {
        let mut query = Query::parse("&b=x%2Fy+z&&a=%2B&c&dryRun=false");
        assert_eq!(query.text("a").as_deref(), Some("+"));
        assert_eq!(query.text("b").as_deref(), Some("x/y z"));
        assert_eq!(query.text("c").as_deref(), Some(""));
        assert_eq!(query.boolean("dryRun"), Some(false));
        assert_eq!((query.text("d"), faults(query)), (None, Vec::new()));
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        let text = format!("on=yes&k=..&p=%00&p2=ok&p2=ok&u%2F=1&u=1&u=2&bad=%ff&note={long}");
        let mut query = Query::parse(&text);
        query.boolean("on");
        query.key("k");
        query.prefix("p");
        query.prefix("p2");
        query.note();
        query.require("kind", "it is needed");
        let expected = [
            ("/bad", "invalid_parameter"),
            ("/on", "invalid_parameter"),
            ("/k", "invalid_key"),
            ("/p", "invalid_key"),
            ("/p2", "doubled_parameter"),
            ("/note", "invalid_parameter"),
            ("/kind", "missing"),
            ("/u~1", "unknown_parameter"),
            ("/u", "unknown_parameter"),
            ("/u", "unknown_parameter"),
        ];
        assert_eq!(faults(query), expected.map(|(path, code)| (path.to_owned(), code.to_owned())));
    }
}
