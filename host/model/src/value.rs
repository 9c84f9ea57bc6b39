//! The values that rules compute with: JSON as JavaScript sees it, every number an `f64`.

use std::{collections::HashMap, fmt, sync::Arc};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

/// A JSON value. Cloning is cheap (texts, lists and objects are shared).
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// `null`, and what an absent attribute gives.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number; arithmetic can make it infinite or NaN, JSON cannot.
    Number(f64),
    /// Text.
    Text(Arc<str>),
    /// An array.
    List(Arc<[Value]>),
    /// An object. Each name once (the last one given wins), in the order of its first appearance.
    Object(Arc<[(Arc<str>, Value)]>),
}

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// As JSON, whole numbers without a fraction as JavaScript writes them. `beyond` stands in for numbers that JSON does
    /// not have. Goes as deep as the value.
    pub fn to_json(&self, beyond: &dyn Fn(f64) -> Json) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Number(number) if number.is_finite() => number_to_json(*number),
            Self::Number(number) => beyond(*number),
            Self::Text(text) => Json::from(&**text),
            Self::List(items) => items.iter().map(|item| item.to_json(beyond)).collect(),
            Self::Object(members) => {
                members.iter().map(|(name, value)| (name.to_string(), value.to_json(beyond))).collect()
            }
        }
    }

    /// The member of an object; `None` also where the value is no object.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(n, _)| same_text(n, name)).map(|(_, v)| v),
            _ => None,
        }
    }

    /// One step of a dotted path: the member of an object, or the element of a list by decimal index.
    #[must_use]
    pub fn step(&self, token: &str) -> Option<&Self> {
        match self {
            Self::Object(_) => self.member(token),
            Self::List(items) => index(token).and_then(|at| items.get(at)),
            _ => None,
        }
    }

    /// A whole dotted path, e.g. `user.address.city`; the empty path is the value itself.
    #[must_use]
    pub fn path(&self, dotted: &str) -> Option<&Self> {
        if dotted.is_empty() {
            return Some(self);
        }
        dotted.split('.').try_fold(self, |value, token| value.step(token))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn number_to_json(number: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_whole = number.fract() == 0.0 && number.abs() < EXACT && !(number == 0.0 && number.is_sign_negative());
    if is_whole { Json::from(number as i64) } else { Json::from(number) }
}

/// Whether two texts are the same. Most of those that rules and contexts hold are short: for them this is several
/// times as quick as `==`, which calls the C library.
#[must_use]
#[inline]
pub fn same_text(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    left.len() == right.len()
        && match left.len() {
            0..=3 => left.iter().zip(right).all(|(left, right)| left == right),
            4..=8 => same_ends::<4>(left, right),
            9..=16 => same_ends::<8>(left, right),
            _ => left == right,
        }
}

/// Whether the first and the last bytes are the same, which together are all of a text of up to twice as many.
#[inline]
fn same_ends<const N: usize>(left: &[u8], right: &[u8]) -> bool {
    left.first_chunk::<N>() == right.first_chunk::<N>() && left.last_chunk::<N>() == right.last_chunk::<N>()
}

/// An index as JavaScript writes it: digits, without sign and leading zeros.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || token.starts_with(|c: char| matches!(c, '1'..='9'));
    plain.then(|| token.parse().ok()).flatten()
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        use serde_json::Value as J;
        match json {
            J::Null => Self::Null,
            J::Bool(b) => Self::Bool(*b),
            J::Number(n) => Self::Number(n.as_f64().unwrap_or(f64::NAN)),
            J::String(s) => Self::text(s),
            J::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            J::Object(map) => Self::Object(map.iter().map(|(k, v)| (Arc::from(k.as_str()), Self::from(v))).collect()),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        AnyValue { once: false }.deserialize(d)
    }
}

/// A value whose objects name each member once, at any depth: reading anything else is an error that names the member.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Once(pub Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        AnyValue { once: true }.deserialize(d).map(Self)
    }
}

#[derive(Clone, Copy)]
struct AnyValue {
    /// Whether a member may be there only once; else the last one counts.
    once: bool,
}

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    #[allow(clippy::cast_precision_loss, reason = "rules see numbers as JavaScript does")]
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Number(n as f64))
    }
    #[allow(clippy::cast_precision_loss, reason = "rules see numbers as JavaScript does")]
    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(Value::Number(n as f64))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(Value::Number(n))
    }
    fn visit_str<E>(self, s: &str) -> Result<Value, E> {
        Ok(Value::text(s))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::List(items.into()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key::<Arc<str>>()? {
            let there = members.position(&name);
            if there.is_some() && self.once {
                return Err(A::Error::custom(format_args!("the member `{name}` is there twice")));
            }
            let value = map.next_value_seed(self)?;
            members.set(there, name, value);
        }
        Ok(members.finish())
    }
}

/// The members of an object while it is read. Beyond a few, names are found by an index, so that an
/// object of many members cannot cost quadratic time.
#[derive(Default)]
pub(crate) struct Members {
    list: Vec<(Arc<str>, Value)>,
    index: HashMap<Arc<str>, usize>,
}

impl Members {
    const SCANNED: usize = 16;

    /// Takes a member's value in the place of the one that it has.
    fn set(&mut self, place: Option<usize>, name: Arc<str>, value: Value) {
        match place.and_then(|at| self.list.get_mut(at)) {
            Some(member) => member.1 = value,
            None => self.push(name, value),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.list.len() <= Self::SCANNED {
            return self.list.iter().position(|(n, _)| &**n == name);
        }
        self.index.get(name).copied()
    }

    /// The object.
    pub(crate) fn finish(self) -> Value {
        Value::Object(self.list.into())
    }

    pub(crate) fn push(&mut self, name: Arc<str>, value: Value) {
        self.list.push((name, value));
        let indexed = if self.list.len() <= Self::SCANNED { self.list.len() } else { self.index.len() };
        for (at, (name, _)) in self.list.iter().enumerate().skip(indexed) {
            self.index.insert(name.clone(), at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_last_of_equal_names_wins() {
        assert_eq!(read(r#"{"a":1,"b":2,"a":3}"#), read(r#"{"a":3,"b":2}"#));
    }

    #[test]
    fn values_are_written_as_they_were_read() {
        let text = r#"{"b":[1,-2.5,-0.0,1e300,null,true,"x\"y"],"a":{"":[],"n":9007199254740993}}"#;
        let written = read(text).to_json(&|_| Json::Null).to_string();
        assert_eq!(written, text.replace("9007199254740993", "9007199254740992.0").replace("1e300", "1e+300"));
        let list = Value::List([Value::Number(f64::NAN), Value::Number(f64::INFINITY)].into());
        assert_eq!(list.to_json(&|number| number.to_string().into()).to_string(), r#"["NaN","inf"]"#);
    }

    #[test]
    fn each_member_once_if_that_is_wanted() {
        let once = |text: &str| serde_json::from_str::<Once>(text).map(|once| once.0);
        for text in [r#"{"a":{"a":[1,{"a":2}]},"b":1}"#, "[{},{}]", "7"] {
            assert_eq!(once(text).unwrap(), read(text), "{text}");
        }
        for text in [r#"{"x":1,"b":{"x":1},"x":2}"#, r#"[{"a":{"x":1,"\u0078":1}}]"#] {
            assert!(once(text).unwrap_err().to_string().contains("`x` is there twice"), "{text}");
        }
    }

    #[test]
    fn an_object_of_many_members_keeps_each_name_once() {
        let doubled: Vec<String> = (0..40).chain(0..40).map(|n| format!("\"k{}\":{n}", n % 40)).collect();
        let Value::Object(members) = read(&format!("{{{}}}", doubled.join(","))) else { panic!("an object") };
        assert_eq!(members.len(), 40);
        assert!(members.iter().enumerate().all(|(at, (name, _))| **name == format!("k{at}")));
    }

    #[test]
    fn same_texts_are_those_whose_bytes_are_the_same() {
        let (long, copy) = ("abcdefghijklmnopqrstuvwxyz", String::from("abcdefghijklmnopqrstuvwxyz"));
        for length in 0..=long.len() {
            let text = &long[..length];
            assert!(same_text(text, &copy[..length]));
            for changed in 0..length {
                let other = format!("{}#{}", &text[..changed], &text[changed + 1..]);
                assert!(!same_text(text, &other), "{text} {other}");
            }
            assert!(!same_text(text, &format!("{text}a")));
        }
    }

    #[test]
    fn paths_reach_into_objects_and_lists() {
        let value = read(r#"{"user":{"tags":["x","y"]},"a.b":1}"#);
        assert_eq!(value.path("user.tags.1"), Some(&Value::text("y")));
        assert_eq!(value.path("user.tags.2"), None);
        assert_eq!(value.path("user.tags.01"), None);
        assert_eq!(value.path("user.tags.+1"), None);
        assert_eq!(value.path("a.b"), None);
        assert_eq!(value.path(""), Some(&value));
    }
}
