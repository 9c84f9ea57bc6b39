//! flagd's flag definition document: reading it, and writing a flag back into it.
//!
//! Like flagd, reading is tolerant: a bad rule does not refuse the document. What does: text that is not
//! such a document, and a default variant that names no variant.

use serde_json::{Map, Value as Json, json};

use crate::{
    Flag, Format, Key, Limits, Problem, State,
    json::{self, JsonError},
    materialise::state_of,
    problem::pointer,
    yaml::{self, YamlError},
};

/// A flagd document, read and checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The flags, in the document's order, each key once.
    pub flags: Vec<DocumentFlag>,
    /// The shared rules (`$evaluators`), by name.
    pub evaluators: Map<String, Json>,
    /// The set's metadata and every top-level member that Burgee does not know.
    pub set: Map<String, Json>,
}

/// One flag of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentFlag {
    /// Its key.
    pub key: Key,
    /// Whether it is evaluated.
    pub state: State,
    /// Variant name to value.
    pub variants: Map<String, Json>,
    /// A name among `variants`, or none.
    pub default_variant: Option<String>,
    /// The rule as it stands there, unchecked; none where absent, null or `{}`.
    pub targeting: Option<Json>,
    /// Metadata, empty where absent.
    pub metadata: Map<String, Json>,
    /// Members that Burgee does not know.
    pub extra: Map<String, Json>,
}

/// Why a document was refused whole.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, or nested too deeply.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Not YAML, nested too deeply, or too much.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// JSON or YAML, but no flagd document; each fault has its place.
    #[error("not a flagd document: {}", .0.first().map_or("", |p| p.message.as_str()))]
    Invalid(Vec<Problem>),
}

/// How much deeper than a rule a document may be nested: the rule stands within its flag within the flags,
/// and variants and metadata are not rules. The rule's own limit is checked with the rule.
pub const DEPTH_FACTOR: usize = 4;

/// The most faults that are listed for one document.
pub const PROBLEMS_MAX: usize = 100;

/// Reads a document of either format, as deep and as large as an import may be.
pub fn read(text: &[u8], format: Format, limits: &Limits) -> Result<Document, DocumentError> {
    let max_depth = limits.rule_depth.saturating_mul(DEPTH_FACTOR);
    match format {
        Format::Json => parse(text, max_depth),
        Format::Yaml => of(yaml::document(text, max_depth, limits.import_bytes)?),
    }
}

/// Reads a document of JSON. `max_depth` bounds the levels of nesting.
pub fn parse(text: &[u8], max_depth: usize) -> Result<Document, DocumentError> {
    of(json::document(text, max_depth)?)
}

fn of(root: Json) -> Result<Document, DocumentError> {
    let mut faults = Faults::default();
    let document = faults.document(root);
    match document {
        Some(document) if faults.0.is_empty() => Ok(document),
        _ => Err(DocumentError::Invalid(faults.0)),
    }
}

/// A flag as a flagd document holds it, in one environment. `None` where the flag was never configured there.
#[must_use]
pub fn flag_to_json(flag: &Flag, environment: &Key) -> Option<Json> {
    let here = flag.environments.get(environment)?;
    let mut out = here.extra.clone();
    out.insert("state".into(), json!(here.state));
    out.insert("variants".into(), Json::Object(here.variants.clone()));
    if let Some(name) = &here.default_variant {
        out.insert("defaultVariant".into(), json!(name));
    }
    if let Some(rule) = &here.targeting {
        out.insert("targeting".into(), rule.clone());
    }
    let metadata = plain_metadata(&here.metadata);
    if !metadata.is_empty() {
        out.insert("metadata".into(), Json::Object(metadata));
    }
    Some(Json::Object(out))
}

/// The members of metadata that the format and OFREP know: texts, numbers and booleans.
#[must_use]
pub fn plain_metadata(metadata: &Map<String, Json>) -> Map<String, Json> {
    metadata.iter().filter(|(_, value)| is_plain(value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The members of metadata that [`plain_metadata`] leaves out, with their places below `path`.
#[must_use]
pub fn metadata_problems(metadata: &Map<String, Json>, path: &str) -> Vec<Problem> {
    let faulty = metadata.iter().filter(|(_, value)| !is_plain(value));
    let problem = |(name, _): (&String, &Json)| {
        let message = format!("`{name}` is left out of answers: metadata are texts, numbers and booleans");
        Problem::new(pointer(path, name), "invalid_metadata", message)
    };
    faulty.map(problem).collect()
}

fn is_plain(value: &Json) -> bool {
    value.is_string() || value.is_number() || value.is_boolean()
}

#[derive(Default)]
struct Faults(Vec<Problem>);

impl Faults {
    fn add(&mut self, path: &str, code: &str, message: impl Into<String>) {
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(Problem::new(path, code, message));
        }
    }

    fn document(&mut self, root: Json) -> Option<Document> {
        let Json::Object(mut set) = root else {
            self.add("", "not_an_object", "a flagd document is an object");
            return None;
        };
        let Some(flags) = set.shift_remove("flags") else {
            self.add("", "flags_missing", "a flagd document has a member `flags`");
            return None;
        };
        let evaluators = self.object(set.shift_remove("$evaluators"), "/$evaluators");
        if let Some(metadata) = set.get("metadata").filter(|m| !m.is_object()) {
            let found = crate::materialise::variant_type(metadata);
            self.add("/metadata", "not_an_object", format!("metadata is an object, this is a {found}"));
        }
        Some(Document { flags: self.flags(flags), evaluators, set })
    }

    fn flags(&mut self, flags: Json) -> Vec<DocumentFlag> {
        match flags {
            Json::Object(map) => {
                map.into_iter().filter_map(|(key, flag)| self.flag(&pointer("/flags", &key), &key, flag)).collect()
            }
            Json::Array(list) => self.flag_list(list),
            _ => {
                self.add("/flags", "not_an_object", "`flags` is an object, or a list of flags with a `key`");
                Vec::new()
            }
        }
    }

    fn flag_list(&mut self, list: Vec<Json>) -> Vec<DocumentFlag> {
        let mut seen = std::collections::HashSet::new();
        let mut flags = Vec::new();
        for (at, mut flag) in list.into_iter().enumerate() {
            let path = pointer("/flags", at);
            let key = flag.as_object_mut().and_then(|f| f.shift_remove("key"));
            match key {
                Some(Json::String(key)) if seen.insert(key.clone()) => flags.extend(self.flag(&path, &key, flag)),
                Some(Json::String(key)) => self.add(&path, "already_exists", format!("the key `{key}` stands twice")),
                _ => self.add(&path, "key_missing", "each flag of a list has a `key`, a text"),
            }
        }
        flags
    }

    fn flag(&mut self, path: &str, key: &str, flag: Json) -> Option<DocumentFlag> {
        let key = Key::new(key).map_err(|e| self.add(path, "invalid_key", e.to_string())).ok()?;
        let Json::Object(mut members) = flag else {
            self.add(path, "not_an_object", "a flag is an object");
            return None;
        };
        let state = self.state(path, members.shift_remove("state").as_ref());
        let variants = self.object(members.shift_remove("variants"), &pointer(path, "variants"));
        let default_variant = self.default_variant(path, members.shift_remove("defaultVariant"), &variants);
        let targeting = members.shift_remove("targeting").filter(|t| !t.is_null() && *t != json!({}));
        let metadata = self.object(members.shift_remove("metadata"), &pointer(path, "metadata"));
        Some(DocumentFlag { key, state: state?, variants, default_variant, targeting, metadata, extra: members })
    }

    fn state(&mut self, path: &str, state: Option<&Json>) -> Option<State> {
        let known = state.and_then(Json::as_str).and_then(state_of);
        if known.is_none() {
            self.add(&pointer(path, "state"), "invalid_state", "`state` is \"ENABLED\" or \"DISABLED\"");
        }
        known
    }

    fn default_variant(&mut self, path: &str, name: Option<Json>, variants: &Map<String, Json>) -> Option<String> {
        let path = pointer(path, "defaultVariant");
        match name {
            None | Some(Json::Null) => None,
            Some(Json::String(name)) if variants.contains_key(&name) => Some(name),
            Some(Json::String(name)) => {
                self.add(&path, "default_variant_unknown", format!("`{name}` is none of the flag's variants"));
                None
            }
            Some(_) => {
                self.add(&path, "not_a_text", "`defaultVariant` is the name of a variant");
                None
            }
        }
    }

    fn object(&mut self, json: Option<Json>, path: &str) -> Map<String, Json> {
        match json {
            None | Some(Json::Null) => Map::new(),
            Some(Json::Object(map)) => map,
            Some(_) => {
                self.add(path, "not_an_object", "this is an object");
                Map::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, String)> {
        match parse(text.as_bytes(), 64) {
            Err(DocumentError::Invalid(list)) => list.into_iter().map(|p| (p.path, p.code)).collect(),
            other => panic!("expected faults, got {other:?}"),
        }
    }

    #[test]
    fn reads_both_forms_alike() {
        let object = r#"{"flags":{"f":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on","x":1}},"y":2}"#;
        let list =
            r#"{"flags":[{"key":"f","state":"ENABLED","variants":{"on":true},"defaultVariant":"on","x":1}],"y":2}"#;
        let read = parse(object.as_bytes(), 64).unwrap();
        assert_eq!(read, parse(list.as_bytes(), 64).unwrap());
        assert_eq!((read.set["y"].clone(), read.flags[0].extra["x"].clone()), (json!(2), json!(1)));
    }

    #[test]
    fn metadata_that_no_answer_may_carry_is_left_out_and_named() {
        let Json::Object(metadata) = json!({"a": 1, "b": {}, "c/d": null, "e": "x"}) else { panic!("an object") };
        assert_eq!(Json::Object(plain_metadata(&metadata)), json!({"a": 1, "e": "x"}));
        let places: Vec<String> = metadata_problems(&metadata, "/metadata").into_iter().map(|p| p.path).collect();
        assert_eq!(places, ["/metadata/b", "/metadata/c~1d"]);
    }

    #[test]
    fn keeps_rules_that_it_does_not_understand() {
        let text = r#"{"flags":{"f":{"state":"ENABLED","variants":{"on":true},"targeting":{"zap":[]}}}}"#;
        assert_eq!(parse(text.as_bytes(), 64).unwrap().flags[0].targeting, Some(json!({"zap": []})));
    }

    #[test]
    fn names_the_place_of_every_fault() {
        let text = r#"{"flags":{"a/b":{"state":"on","variants":[]},"c":{"state":"ENABLED","variants":{},"defaultVariant":"x"}}}"#;
        let expected = [
            ("/flags/a~1b/state", "invalid_state"),
            ("/flags/a~1b/variants", "not_an_object"),
            ("/flags/c/defaultVariant", "default_variant_unknown"),
        ];
        assert_eq!(faults(text), expected.map(|(p, c)| (p.to_owned(), c.to_owned())));
        assert_eq!(faults("[]")[0].1, "not_an_object");
        assert_eq!(faults("{}")[0].1, "flags_missing");
    }
}
