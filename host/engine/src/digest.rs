//! Content digests: pure functions of the converged state, so that a tag made on one node is valid on another.

use burgee_model::{Context, Value};
use serde_json::{Map, Value as Json};
use xxhash_rust::xxh3::Xxh3Default;

use crate::source::FlagSource;

/// A running digest. Each part is framed, so that no two sequences of parts collide by concatenation.
#[derive(Clone)]
pub(crate) struct Digester(Xxh3Default);

impl Digester {
    pub(crate) fn new(domain: &str) -> Self {
        let mut digester = Self(Xxh3Default::new());
        digester.text(domain);
        digester
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.update(&[byte]);
    }

    pub(crate) fn word(&mut self, word: u128) {
        self.0.update(&word.to_le_bytes());
    }

    /// JSON as it stands: members in their order, for that order is replicated too.
    pub(crate) fn json(&mut self, json: &Json) {
        self.text(&json.to_string());
    }

    pub(crate) fn members(&mut self, map: &Map<String, Json>) {
        self.word(map.len() as u128);
        for (name, value) in map {
            self.text(name);
            self.json(value);
        }
    }

    /// A rule value; the order of an object's members does not count.
    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(0),
            Value::Bool(b) => self.byte(1 + u8::from(*b)),
            Value::Number(n) => {
                self.byte(3);
                self.0.update(&n.to_bits().to_le_bytes());
            }
            Value::Text(text) => {
                self.byte(4);
                self.text(text);
            }
            Value::List(items) => {
                self.byte(5);
                self.word(items.len() as u128);
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(members) => self.object(members),
        }
    }

    fn object(&mut self, members: &[(std::sync::Arc<str>, Value)]) {
        self.byte(6);
        self.word(members.len() as u128);
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, value) in sorted {
            self.text(name);
            self.value(value);
        }
    }

    pub(crate) fn finish(&self) -> u128 {
        self.0.digest128()
    }
}

/// The digest of what a flag answers here, its rule aside.
pub(crate) fn flag(key: &str, flag: &FlagSource) -> u128 {
    let mut d = Digester::new("flag");
    d.text(key);
    d.byte(u8::from(flag.on));
    d.text(flag.default_variant.as_deref().unwrap_or_default());
    d.byte(u8::from(flag.default_variant.is_some()));
    d.word(flag.variants.len() as u128);
    for (name, value) in &flag.variants {
        d.text(name);
        d.text(value);
    }
    d.members(&flag.metadata);
    d.finish()
}

/// An entity tag (with its quotes) for what a principal reads of an environment in a context.
///
/// `content` is [`crate::Snapshot::digest`], `scope` names what the principal may see. Where the snapshot
/// [varies](crate::Snapshot::varies), `body` is the evaluated body.
#[must_use]
pub fn etag(content: u128, context: &Context, scope: &str, body: Option<&[u8]>) -> String {
    let mut d = Digester::new("etag");
    d.word(content);
    d.value(context.root());
    d.text(scope);
    if let Some(body) = body {
        d.bytes(body);
    }
    format!("\"{:032x}\"", d.finish())
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    fn tag(context: &str, scope: &str) -> String {
        let root = serde_json::from_str(context).unwrap();
        etag(7, &Context::new(root, &Limits::default()).unwrap(), scope, None)
    }

    #[test]
    fn a_tag_depends_on_context_and_scope_but_not_on_the_order_of_members() {
        assert_eq!(tag(r#"{"a":1,"b":{"c":2,"d":3}}"#, "s"), tag(r#"{"b":{"d":3,"c":2},"a":1}"#, "s"));
        assert_ne!(tag(r#"{"a":1}"#, "s"), tag(r#"{"a":2}"#, "s"));
        assert_ne!(tag(r#"{"a":1}"#, "s"), tag(r#"{"a":1}"#, "t"));
        assert_ne!(tag(r#"{"a":["b","c"]}"#, ""), tag(r#"{"a":["bc"]}"#, ""));
    }
}
