//! Contexts straight from the bytes of a request: only the attributes that somebody reads become values. The
//! others are checked and counted all the same, but nothing of them is kept.

use std::{fmt, sync::Arc};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Context, ContextError, count};
use crate::{
    Limits,
    value::{Members, Once},
};

/// Names of one object that are compared, which takes time quadratic in them. One of more is read whole.
const NAMES_MAX: usize = 1_024;

/// Which members of the root are kept: gives the name to keep one under, so that it need not be copied.
pub type Keep<'a> = &'a dyn Fn(&str) -> Option<Arc<str>>;

/// Why the body of a request gives no context.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is no JSON object; says line and column.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
    /// Its context is refused.
    #[error(transparent)]
    Refused(#[from] ContextError),
}

impl Context {
    /// Reads the member `context` of a JSON object, the body of a request; where it is missing or null, the
    /// context is empty. Attributes that are not kept are as if they were not there.
    ///
    /// The length of the text, which bounds the work, is for the caller to check ([`Context::check_bytes`]).
    pub fn from_request(text: &[u8], keep: Keep<'_>, limits: &Limits) -> Result<Self, WireError> {
        let mut seen = Seen { left: Some(limits.context_attributes), doubled: false };
        let mut reader = serde_json::Deserializer::from_slice(text);
        let found = reader.deserialize_map(Envelope(Root { keep, seen: &mut seen }))?;
        reader.end()?;
        if seen.doubled || seen.left.is_none() {
            // what is wrong, if anything is, a reader that keeps all names can tell
            return Self::whole(text, limits);
        }
        match found {
            Found::Members(members) => Ok(Self::of_object(members.finish())),
            Found::Nothing => Ok(Self::default()),
            Found::Other => Err(ContextError::NotAnObject.into()),
        }
    }

    /// As [`Self::from_request`], with all attributes.
    fn whole(text: &[u8], limits: &Limits) -> Result<Self, WireError> {
        #[derive(serde::Deserialize)]
        struct Request {
            #[serde(default)]
            context: Once,
        }
        let request: Request = serde_json::from_slice(text)?;
        Ok(Self::new(request.context.0, limits)?)
    }
}

/// What stands where the context should.
enum Found {
    Nothing,
    Members(Members),
    Other,
}

/// The request around the context.
struct Envelope<'a>(Root<'a>);

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a context")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let (mut root, mut found) = (Some(self.0), Found::Nothing);
        while let Some(is_context) = map.next_key_seed(Name(|name: &str| name == "context"))? {
            if is_context {
                found = map.next_value_seed(root.take().ok_or_else(|| A::Error::duplicate_field("context"))?)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// The name of a member, as what a function makes of it.
struct Name<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Name<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        d.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Name<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<T, E> {
        Ok((self.0)(name))
    }
}

/// What was seen so far.
struct Seen {
    /// What is left of the allowance of attributes; none once it is exceeded.
    left: Option<usize>,
    /// Whether an object may have a member twice.
    doubled: bool,
}

impl Seen {
    /// One more member of an object.
    fn member(&mut self, is_new: bool) {
        self.left = self.left.and_then(|left| left.checked_sub(1));
        self.doubled |= !is_new;
    }
}

/// The names of one object, as their hashes: two that are alike raise a doubt, no more.
#[derive(Default)]
struct Names {
    first: [u64; Self::FIRST],
    count: usize,
    rest: Vec<u64>,
}

impl Names {
    const FIRST: usize = 16;

    /// Whether an object has had no such name for certain.
    fn is_new(&mut self, name: &str) -> bool {
        if self.rest.len() >= NAMES_MAX {
            return false;
        }
        let hash = hash(name.as_bytes());
        let first = self.first.get(..self.count).unwrap_or(&self.first);
        let is_new = !first.contains(&hash) && !self.rest.contains(&hash);
        match self.first.get_mut(self.count) {
            Some(place) => (*place, self.count) = (hash, self.count + 1),
            None => self.rest.push(hash),
        }
        is_new
    }
}

/// A hash that takes eight bytes at a time. Who makes names collide has a request read whole, no more.
fn hash(name: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let (words, rest) = name.as_chunks::<8>();
    let hash = words.iter().fold(name.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    mix(hash, rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
}

/// The root of the context.
struct Root<'a> {
    keep: Keep<'a>,
    seen: &'a mut Seen,
}

impl<'de> DeserializeSeed<'de> for Root<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Found, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Root<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a context")
    }
    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Nothing)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found::Other)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(Found::Other)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
        Ok(Found::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(Found::Other)
    }
    fn visit_str<E>(self, _: &str) -> Result<Found, E> {
        Ok(Found::Other)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Found, A::Error> {
        Skip(self.seen).visit_seq(seq).map(|()| Found::Other)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let (mut members, mut names) = (Members::default(), Names::default());
        while let Some((is_new, kept)) =
            map.next_key_seed(Name(|name: &str| (names.is_new(name), (self.keep)(name))))?
        {
            self.seen.member(is_new);
            match kept {
                Some(name) => {
                    let Once(value) = map.next_value()?;
                    self.seen.left = self.seen.left.and_then(|left| count(&value, left));
                    members.push(name, value);
                }
                None => map.next_value_seed(Skip(self.seen))?,
            }
        }
        Ok(Found::Members(members))
    }
}

/// A value that is not kept: all of it is read as closely as if it were, and its members are counted.
struct Skip<'a>(&'a mut Seen);

impl<'de> DeserializeSeed<'de> for Skip<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Skip(self.0))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Names::default();
        while let Some(is_new) = map.next_key_seed(Name(|name: &str| names.is_new(name)))? {
            self.0.member(is_new);
            map.next_value_seed(Skip(self.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    const NAMES: [&str; 3] = ["plan", "age", "user"];

    fn keep(name: &str) -> Option<Arc<str>> {
        NAMES.contains(&name).then(|| name.into())
    }

    /// The way by a tree of everything, of which afterwards only what is kept is left.
    fn by_tree(text: &str, limits: &Limits) -> Result<Value, String> {
        // a derived reader takes a list as the members in their order
        if text.starts_with('[') {
            return Err("syntax".into());
        }
        let whole = Context::whole(text.as_bytes(), limits).map_err(|error| kind(&error))?;
        let Value::Object(members) = whole.root() else { return Err("no object".into()) };
        Ok(Value::Object(members.iter().filter(|(name, _)| keep(name).is_some()).cloned().collect()))
    }

    fn sparingly(text: &str, limits: &Limits) -> Result<Value, String> {
        let read = Context::from_request(text.as_bytes(), &keep, limits).map_err(|error| kind(&error))?;
        let Value::Object(members) = read.root() else { return Err("no object".into()) };
        // what had to be read whole has more, which changes no answer
        Ok(Value::Object(members.iter().filter(|(name, _)| keep(name).is_some()).cloned().collect()))
    }

    fn kind(error: &WireError) -> String {
        match error {
            WireError::Syntax(_) => "syntax".into(),
            WireError::Refused(refused) => refused.to_string(),
        }
    }

    #[test]
    fn reading_sparingly_agrees_with_reading_everything() {
        let limits = Limits { context_attributes: 3, ..Limits::default() };
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let contexts = [
            "null",
            "{}",
            "7",
            "true",
            "-1",
            "1.5",
            r#""text""#,
            "[]",
            "[1,{\"a\":2}]",
            "[1,",
            r#"{"plan":"pro","other":[1,{"x":null}],"age":1e3}"#,
            r#"{"plan":1,"plan":2}"#,
            r#"{"a":1,"a":2,"b":3,"c":4}"#,
            r#"{"a":1,"b":2,"c":3,"d":4}"#,
            r#"{"a":1,"plan":{"x":{"y":1}}}"#,
            r#"{"a":1,"plan":{"x":{"y":1},"z":2}}"#,
            r#"{"plan":{"x":1,"x":2,"x":3,"x":4},"plan":{"y":1}}"#,
            r#"{"a":{"x":1,"x":2,"x":3,"x":4}}"#,
            r#"{"pl\u0061n":"\u00e9","\u0061ge":2}"#,
            r#"{"plan":"\ud800"}"#,
            r#"{"other":"\ud800"}"#,
            r#"{"\udc00":1}"#,
            r#"{"other":1e999}"#,
            r#"{"plan":1e999}"#,
            r#"{"other":01}"#,
            r#"{"":1,"a.b":2}"#,
            r#"{"a":1} x"#,
            r#"{"a":tru}"#,
            "{\"other\":\"a\u{1}\"}",
            &format!(r#"{{"plan":{}}}"#, deep(125)),
            &format!(r#"{{"plan":{}}}"#, deep(126)),
            &format!(r#"{{"other":{}}}"#, deep(125)),
            &format!(r#"{{"other":{}}}"#, deep(126)),
        ];
        for context in contexts {
            for text in [
                format!(r#"{{"context":{context}}}"#),
                format!(r#"{{"a":[],"context":{context},"b":{{"c":1}}}}"#),
                format!(r#"{{"context":{context},"context":{{}}}}"#),
                context.to_owned(),
            ] {
                assert_eq!(sparingly(&text, &limits), by_tree(&text, &limits), "{text}");
            }
        }
    }

    #[test]
    fn a_name_that_is_there_twice_is_found_among_thousands() {
        let limits = Limits { context_attributes: 10_000, ..Limits::default() };
        let many = |last: &str| {
            let names = (0..5_000).map(|n| format!("\"a{n}\":1,")).collect::<String>();
            format!("{{\"context\":{{{names}\"{last}\":2}}}}")
        };
        for (last, good) in [("b", true), ("a4999", false), ("a0", false)] {
            let read = Context::from_request(many(last).as_bytes(), &keep, &limits);
            assert_eq!(read.is_ok(), good, "{last}");
        }
    }

    #[test]
    fn what_is_not_kept_is_not_there() {
        let text = br#"{"context":{"country":"DE","plan":"pro"}}"#;
        let context = Context::from_request(text, &keep, &Limits::default()).unwrap();
        assert_eq!(context.attribute("country"), None);
        assert_eq!(context.attribute("plan"), Some(&Value::text("pro")));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        for text in [&b"{\"context\":{\"other\":\"\xff\"}}"[..], b"{\"context\":{\"\xff\":1}}"] {
            let read = Context::from_request(text, &keep, &Limits::default());
            assert!(matches!(read, Err(WireError::Syntax(_))));
        }
    }
}
