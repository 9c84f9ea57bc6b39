//! flagd's flag definition document: reading it, and writing a flag back into it.
//!
//! Like flagd, reading is tolerant: a bad rule does not refuse the document, nor do variants of several types. What does:
//! text that is not such a document, a default variant that names no variant, and what could not be written again: null
//! for a variant, for a member of a flag's metadata or for a shared rule, and a shared rule's name that is no key.

use serde_json::{Map, Value as Json, json};

use crate::{
    Flag, Format, Key, Limits, Problem, State,
    json::{self, Bounds, JsonError},
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

/// What a document may be.
#[must_use]
pub fn bounds(limits: &Limits) -> Bounds {
    Bounds { depth: limits.rule_depth.saturating_mul(DEPTH_FACTOR), values: limits.import_values }
}

/// Reads a document of either format, as deep and as large as an import may be.
pub fn read(text: &[u8], format: Format, limits: &Limits) -> Result<Document, DocumentError> {
    let root = match format {
        Format::Json => json::document(text, bounds(limits))?,
        Format::Yaml => yaml::document(text, bounds(limits), limits.import_bytes)?,
    };
    of(root).map_err(DocumentError::Invalid)
}

/// Takes what was read as a document; otherwise all its faults.
pub fn of(root: Json) -> Result<Document, Vec<Problem>> {
    let mut faults = Faults::default();
    let document = faults.document(root);
    match document {
        Some(document) if faults.0.is_empty() => Ok(document),
        _ => Err(faults.0),
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
    if !here.metadata.is_empty() {
        out.insert("metadata".into(), Json::Object(here.metadata.clone()));
    }
    Some(Json::Object(out))
}

/// The members of metadata that answers bear: texts, numbers and booleans. A document keeps the others too.
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

/// The beginning of a value.
fn shown(value: &Json) -> String {
    const CHARACTERS: usize = 40;
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).chars().take(CHARACTERS).collect()
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
        let evaluators = self.evaluators(set.shift_remove("$evaluators"));
        if let Some(metadata) = set.get("metadata").filter(|m| !m.is_object()) {
            let found = crate::materialise::variant_type(metadata);
            self.add("/metadata", "not_an_object", format!("metadata is an object, this is of the type {found}"));
        }
        Some(Document { flags: self.flags(flags), evaluators, set })
    }

    fn evaluators(&mut self, evaluators: Option<Json>) -> Map<String, Json> {
        let rules = self.object(evaluators, "/$evaluators");
        for (name, rule) in &rules {
            let path = pointer("/$evaluators", name);
            if let Err(error) = Key::new(name) {
                self.add(&path, "invalid_key", format!("the name of a shared rule is a key: {error}"));
            }
            if rule.is_null() {
                self.add(&path, "not_an_object", "a shared rule is not null");
            }
        }
        rules
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
        let state = self.state(path, &key, members.shift_remove("state").as_ref());
        let variants = self.object(members.shift_remove("variants"), &pointer(path, "variants"));
        self.nulls(&variants, &pointer(path, "variants"), "invalid_variant_type", "variant");
        let default_variant = self.default_variant(path, members.shift_remove("defaultVariant"), &variants);
        let targeting = members.shift_remove("targeting").filter(|t| !t.is_null() && *t != json!({}));
        let metadata = self.object(members.shift_remove("metadata"), &pointer(path, "metadata"));
        self.nulls(&metadata, &pointer(path, "metadata"), "invalid_metadata", "metadata");
        Some(DocumentFlag { key, state: state?, variants, default_variant, targeting, metadata, extra: members })
    }

    fn state(&mut self, path: &str, flag: &Key, state: Option<&Json>) -> Option<State> {
        let known = state.and_then(Json::as_str).and_then(state_of);
        if known.is_none() {
            let found = state.map_or_else(|| "no `state`".to_owned(), |state| format!("the state `{}`", shown(state)));
            let message = format!("flag `{flag}` has {found}: every flag has one, \"ENABLED\" or \"DISABLED\"");
            self.add(&pointer(path, "state"), "invalid_state", message);
        }
        known
    }

    /// Null stands for what an environment takes away of what is shared, so that it cannot be kept as a value.
    fn nulls(&mut self, members: &Map<String, Json>, path: &str, code: &str, what: &str) {
        for (name, _) in members.iter().filter(|(_, value)| value.is_null()) {
            self.add(&pointer(path, name), code, format!("{what} `{name}` is null: leave it out, or give it a value"));
        }
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

    fn parse(text: &[u8], values: usize) -> Result<Document, DocumentError> {
        read(text, Format::Json, &Limits { import_values: values, ..Limits::default() })
    }

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
        let text = r#"{
            "$evaluators": {"..": {"==": [1, 1]}, "x": null},
            "flags": {
                "a/b": {"state": "enabled", "variants": []},
                "c": {"state": "ENABLED", "variants": {"y": null}, "defaultVariant": "x", "metadata": {"m": null}},
                "d": {"variants": {}}
            }
        }"#;
        let expected = [
            ("/$evaluators/..", "invalid_key"),
            ("/$evaluators/x", "not_an_object"),
            ("/flags/a~1b/state", "invalid_state"),
            ("/flags/a~1b/variants", "not_an_object"),
            ("/flags/c/variants/y", "invalid_variant_type"),
            ("/flags/c/defaultVariant", "default_variant_unknown"),
            ("/flags/c/metadata/m", "invalid_metadata"),
            ("/flags/d/state", "invalid_state"),
        ];
        assert_eq!(faults(text), expected.map(|(p, c)| (p.to_owned(), c.to_owned())));
        assert_eq!(faults("[]")[0].1, "not_an_object");
        assert_eq!(faults("{}")[0].1, "flags_missing");
    }
}
