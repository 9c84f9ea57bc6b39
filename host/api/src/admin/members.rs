//! Reading a request's JSON document member by member: every fault is named with its place, and members
//! that nobody asked for are faults too.

use burgee_model::{Key, Problem, problem::pointer};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::Refusal;

/// The most faults that one answer lists.
pub const FAULTS_MAX: usize = 100;
/// The most bytes of a name.
pub const NAME_BYTES_MAX: usize = 512;
/// The most bytes of a description, a note or a reason.
pub const TEXT_BYTES_MAX: usize = 4096;

/// A member as it stands in a PATCH document.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Member<T> {
    /// Not there: stays as it is.
    #[default]
    Absent,
    /// Null: is cleared.
    Null,
    /// A new value.
    Value(T),
}

impl<T> Member<T> {
    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the member stands there, be it null.
    pub fn is_given(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// The value, or nothing for null; the outer `None` where the member is absent.
    pub fn given(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

/// The members of an object of the request, taken one by one.
pub struct Members {
    at: String,
    map: Map<String, Json>,
    faults: Vec<Problem>,
}

impl Members {
    /// The request's document itself; not an object is a refusal.
    pub fn root(document: Json) -> Result<Self, Refusal> {
        match document {
            Json::Object(map) => Ok(Self { at: String::new(), map, faults: Vec::new() }),
            _ => Err(Refusal::invalid("", "not_an_object", "the request's document is a JSON object")),
        }
    }

    /// The place of a member, as a JSON Pointer.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        pointer(&self.at, name)
    }

    /// Adds a fault.
    pub fn fault(&mut self, path: String, code: &str, message: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Problem::new(path, code, message));
        }
    }

    /// A member of any type. Null counts as [`Member::Null`].
    pub fn any(&mut self, name: &str) -> Member<Json> {
        match self.map.shift_remove(name) {
            None => Member::Absent,
            Some(Json::Null) => Member::Null,
            Some(value) => Member::Value(value),
        }
    }

    fn typed<T>(&mut self, name: &str, what: &str, read: impl FnOnce(Json) -> Option<T>) -> Member<T> {
        match self.any(name) {
            Member::Absent => Member::Absent,
            Member::Null => Member::Null,
            Member::Value(json) => match read(json) {
                Some(value) => Member::Value(value),
                None => {
                    self.fault(self.path(name), "wrong_type", format!("`{name}` is {what}"));
                    Member::Absent
                }
            },
        }
    }

    /// A text of at most `max` bytes.
    pub fn text(&mut self, name: &str, max: usize) -> Member<String> {
        let read = |json| match json {
            Json::String(text) => Some(text),
            _ => None,
        };
        let text = self.typed(name, "a text", read);
        if let Member::Value(text) = &text
            && text.len() > max
        {
            let message = format!("`{name}` has {} bytes, {max} are allowed", text.len());
            self.fault(self.path(name), "too_long", message);
        }
        text
    }

    /// A text of at most `max` bytes that must be there; `None`, and a fault, where it is not.
    pub fn required(&mut self, name: &str, max: usize) -> Option<String> {
        if self.map.get(name).is_none_or(Json::is_null) {
            self.map.shift_remove(name);
            self.fault(self.path(name), "missing", format!("`{name}` is missing"));
        }
        self.text(name, max).value()
    }

    /// True or false.
    pub fn boolean(&mut self, name: &str) -> Member<bool> {
        self.typed(name, "true or false", |json| json.as_bool())
    }

    /// Whatever can be read from JSON; `what` names it.
    pub fn read<T: DeserializeOwned>(&mut self, name: &str, what: &str) -> Member<T> {
        self.typed(name, what, |json| serde_json::from_value(json).ok())
    }

    /// An object of any members.
    pub fn object(&mut self, name: &str) -> Member<Map<String, Json>> {
        let read = |json| match json {
            Json::Object(map) => Some(map),
            _ => None,
        };
        self.typed(name, "an object", read)
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str) -> Member<Vec<String>> {
        self.read(name, "a list of texts")
    }

    /// An object whose members are texts, numbers or booleans.
    pub fn scalars(&mut self, name: &str) -> Member<Map<String, Json>> {
        let object = self.object(name);
        if let Member::Value(map) = &object {
            let wrong = map.iter().filter(|(_, v)| v.is_object() || v.is_array() || v.is_null());
            let paths: Vec<String> = wrong.map(|(member, _)| pointer(&self.path(name), member)).collect();
            for path in paths {
                self.fault(path, "wrong_type", format!("a member of `{name}` is a text, a number, true or false"));
            }
        }
        object
    }

    /// The key that a create names; `None`, and a fault, where it is missing or is no key.
    pub fn key(&mut self) -> Option<Key> {
        let text = match self.map.shift_remove("key") {
            Some(Json::String(text)) => text,
            Some(_) => {
                self.fault(self.path("key"), "wrong_type", "`key` is a text");
                return None;
            }
            None => {
                self.fault(self.path("key"), "missing", "`key` is missing");
                return None;
            }
        };
        Key::new(&text).map_err(|error| self.fault(self.path("key"), "invalid_key", error.to_string())).ok()
    }

    /// A nested object that must be there, read by `read`; `None`, and a fault, where it is not. `shape` says what
    /// it looks like.
    pub fn nested<T>(&mut self, name: &str, shape: &str, read: impl FnOnce(&mut Members) -> T) -> Option<T> {
        let (path, code) = match self.any(name) {
            Member::Value(Json::Object(map)) => {
                let mut inner = Members { at: self.path(name), map, faults: Vec::new() };
                let found = read(&mut inner);
                self.absorb(inner);
                return Some(found);
            }
            Member::Value(_) => (self.path(name), "wrong_type"),
            Member::Absent | Member::Null => (self.path(name), "missing"),
        };
        self.fault(path, code, format!("`{name}` is {shape}"));
        None
    }

    /// The members of a nested object, read by `read`, each under its own key.
    pub fn each<T>(&mut self, name: &str, mut read: impl FnMut(&mut Members) -> T) -> Vec<(Key, T)> {
        let Member::Value(map) = self.object(name) else { return Vec::new() };
        let at = self.path(name);
        let mut items = Vec::new();
        for (key, value) in map {
            let path = pointer(&at, &key);
            match (Key::new(&key), value) {
                (Ok(key), Json::Object(map)) => {
                    let mut inner = Members { at: path, map, faults: Vec::new() };
                    items.push((key, read(&mut inner)));
                    self.absorb(inner);
                }
                (Err(error), _) => self.fault(path, "invalid_key", error.to_string()),
                (Ok(_), _) => self.fault(path, "wrong_type", format!("a member of `{name}` is an object")),
            }
        }
        items
    }

    fn absorb(&mut self, mut inner: Members) {
        inner.name_unknown();
        let room = FAULTS_MAX.saturating_sub(self.faults.len());
        self.faults.extend(inner.faults.into_iter().take(room));
    }

    fn name_unknown(&mut self) {
        let unknown: Vec<String> = self.map.keys().take(FAULTS_MAX).cloned().collect();
        for name in unknown {
            self.fault(self.path(&name), "unknown_member", format!("there is no member `{name}` here"));
        }
    }

    /// Ends the reading: members left over are faults, and any fault refuses the request.
    pub fn finish(mut self) -> Result<(), Refusal> {
        self.name_unknown();
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.faults)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_every_fault_with_its_place() {
        let mut members =
            Members::root(json!({"name": 1, "in": {"a/b": {"on": 2}, "c": 3}, "metadata": {"x": []}, "zap": 1}))
                .unwrap();
        members.text("name", 9);
        members.each("in", |inner| inner.boolean("on"));
        members.scalars("metadata");
        let Err(Refusal::Invalid(faults)) = members.finish() else { panic!("faults") };
        let paths: Vec<&str> = faults.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["/name", "/in/a~1b/on", "/in/c", "/metadata/x", "/zap"]);
    }

    #[test]
    fn tells_absent_from_null() {
        let mut members = Members::root(json!({"a": null, "b": "x"})).unwrap();
        assert_eq!(members.text("a", 9), Member::Null);
        assert_eq!(members.text("b", 9), Member::Value("x".into()));
        assert_eq!(members.text("c", 9), Member::Absent);
        assert_eq!(members.finish(), Ok(()));
    }
}
