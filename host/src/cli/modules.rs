//! The modules that a document's rules become.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use burgee_engine::{EnvironmentSource, FlagSource, Module};
use burgee_model::{
    Bucketing, FlagIn, Key, State,
    flagd::{Document, DocumentFlag},
};

use serde_json::{Map, Value as Json};

use super::Failure;

/// Keys that a summary names.
const NAMED: usize = 5;

/// The document of one flag that has this rule.
pub(super) fn document(key: Key, rule: &Json) -> Document {
    let flag = DocumentFlag {
        key,
        state: State::Enabled,
        variants: Map::new(),
        default_variant: None,
        targeting: Some(rule.clone()),
        metadata: Map::new(),
        extra: Map::new(),
    };
    Document { flags: vec![flag], ..Document::default() }
}

/// The environment that a document would make.
pub(super) fn source(document: &Document, tenant: Key, environment: Key, bucketing: Bucketing) -> EnvironmentSource {
    let rule = |(name, rule): (&String, &Json)| Some((Key::new(name).ok()?, Arc::new(rule.clone())));
    EnvironmentSource {
        tenant,
        environment,
        flags: document
            .flags
            .iter()
            .map(|flag| (flag.key.clone(), Arc::new(FlagSource::from(&flag_in(flag)))))
            .collect(),
        segments: document.evaluators.iter().filter_map(rule).collect(),
        bucketing,
        guests: BTreeMap::new(),
        set: document.set.clone(),
    }
}

fn flag_in(flag: &DocumentFlag) -> FlagIn {
    FlagIn {
        state: flag.state,
        variants: flag.variants.clone(),
        targeting: flag.targeting.clone(),
        ..FlagIn::default()
    }
}

/// Where a module goes: the first to the path itself, the others beside it.
pub(super) fn path(out: &Path, at: usize) -> PathBuf {
    match (at, out.extension()) {
        (0, _) => out.to_owned(),
        (at, Some(extension)) => out.with_extension(format!("{at}.{}", extension.display())),
        (at, None) => out.with_extension(at.to_string()),
    }
}

/// A module's text.
pub(super) fn text(wasm: &[u8]) -> Result<String, Failure> {
    let text = wasmprinter::print_bytes(wasm);
    text.map(|text| text.trim_end().to_owned()).map_err(|error| Failure::Refused(format!("burgee: {error}")))
}

/// One line about a module.
pub(super) fn summary(out: &Path, module: &Module) -> String {
    let names: Vec<&str> = module.flags.iter().take(NAMED).map(Key::as_str).collect();
    let more = if module.flags.len() > NAMED { ", …" } else { "" };
    let (bytes, flags) = (module.wasm.len(), module.flags.len());
    let rules = if flags == 1 { "rule" } else { "rules" };
    format!("{}: {bytes} bytes, {flags} {rules}: {}{more}", out.display(), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_modules_go_beside_the_first() {
        let paths = |out: &str| [0, 1, 12].map(|at| path(Path::new(out), at).display().to_string());
        assert_eq!(paths("a/b.wasm"), ["a/b.wasm", "a/b.1.wasm", "a/b.12.wasm"]);
        assert_eq!(paths("b"), ["b", "b.1", "b.12"]);
    }

    #[test]
    fn modules_are_valid_and_have_a_text() {
        let rule = serde_json::json!({"if": [{"fractional": [["on", 1], ["off", 1]]}, {"var": "x"}]});
        for bucketing in [Bucketing::V2, Bucketing::V3] {
            let key = |text| Key::new(text).unwrap();
            let source = source(&document(key("f"), &rule), key("t"), key("e"), bucketing);
            let [module] = &burgee_engine::modules(source, &burgee_model::Limits::default())[..] else { panic!("one") };
            assert_eq!(module.flags, [key("f")]);
            wasmparser::Validator::new().validate_all(&module.wasm).unwrap();
            assert!(text(&module.wasm).unwrap().starts_with("(module"));
        }
    }
}
