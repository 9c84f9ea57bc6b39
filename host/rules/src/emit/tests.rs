//! Golden text for the emitter, and what holds of every module. `BLESS=1` rewrites the golden files.

use std::{fmt::Write, fs, path::PathBuf};

use burgee_guest::abi;
use burgee_model::{Key, Limits};
use proptest::prelude::*;
use serde_json::{Map, Value as Json};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use crate::{
    emit::{self, Emitted},
    generators::{self, Language},
    ir::Rule,
    parse,
};

const IR: &str = ";; IR\n";

fn compile(key: &str, targeting: &Json, segments: &Map<String, Json>) -> Rule {
    let (segments, limits) = (parse::shared_rules(|name| segments.get(name).cloned()), Limits::default());
    let compiled = parse::rule(&Key::new(key).unwrap(), targeting, &parse::Setting::new(&segments, &limits));
    compiled.rule.unwrap_or_else(|| panic!("{key}: {:?}", compiled.faults))
}

fn member(document: &Json, name: &str) -> Map<String, Json> {
    document.get(name).and_then(Json::as_object).cloned().unwrap_or_default()
}

/// What follows the rules in a golden file.
fn describe(document: &Json) -> String {
    let segments = member(document, "segments");
    let rules: Vec<(String, Rule)> =
        member(document, "rules").iter().map(|(key, json)| (key.clone(), compile(key, json, &segments))).collect();
    let emitted = emit::module(&rules.iter().map(|(_, rule)| rule).collect::<Vec<_>>());
    let mut text = IR.to_owned();
    for (key, rule) in &rules {
        writeln!(text, "{key} = {:?}", rule.root).unwrap();
    }
    text.push_str(";; tables\n");
    for (slot, input) in emitted.inputs.iter().enumerate() {
        writeln!(text, "slot {slot}: {input:?}").unwrap();
    }
    for (at, literal) in emitted.literals.iter().enumerate() {
        writeln!(text, "literal {}: {literal:?}", -1 - i64::try_from(at).unwrap()).unwrap();
    }
    for (at, known) in emitted.texts.iter().enumerate() {
        writeln!(text, "text {}: {known:?}", at + 1).unwrap();
    }
    for (at, function) in emitted.functions.iter().enumerate() {
        writeln!(text, "function {at}: {function:?}").unwrap();
    }
    for (at, expression) in emitted.expressions.iter().enumerate() {
        writeln!(text, "expression {at}: {expression:?}").unwrap();
    }
    for ((key, rule), flag) in rules.iter().zip(&emitted.flags) {
        writeln!(text, "flag {key}: {flag:?}, results {:?}", emit::results(rule)).unwrap();
    }
    writeln!(text, ";; WAT\n{}", wasmprinter::print_bytes(&emitted.wasm).unwrap().trim_end()).unwrap();
    text
}

#[test]
fn golden() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let bless = std::env::var_os("BLESS").is_some();
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let (input, expected) = text.find(IR).map_or((text.as_str(), ""), |at| text.split_at(at));
        let found = describe(&serde_json::from_str(input).unwrap());
        if bless {
            fs::write(&path, format!("{}\n\n{found}", input.trim_end())).unwrap();
        } else {
            let differing = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
            assert!(found == expected, "{}: {differing:?}\nBLESS=1 rewrites it", path.display());
        }
    }
}

/// The module is valid, needs no more than WebAssembly's first version with sign extension, and imports
/// nothing but what the ABI lists.
fn check(emitted: &Emitted) {
    Validator::new_with_features(WasmFeatures::WASM1).validate_all(&emitted.wasm).unwrap();
    let mut imported = Vec::new();
    for payload in Parser::new(0).parse_all(&emitted.wasm) {
        if let Payload::ImportSection(imports) = payload.unwrap() {
            for import in imports.into_imports() {
                let import = import.unwrap();
                assert_eq!(import.module, abi::MODULE);
                imported.push(import.name.to_owned());
            }
        }
    }
    let allowed = std::iter::once(abi::MEMORY).chain(abi::HostFunction::ALL.map(abi::HostFunction::name));
    assert!(imported.iter().map(String::as_str).eq(allowed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_module_is_valid_and_always_the_same(
        rules in proptest::collection::vec(generators::targeting(Language::Burgee), 1..24),
        segments in generators::segments(),
    ) {
        let module = || {
            let rules: Vec<Rule> = rules.iter().map(|json| compile("flag", json, &segments)).collect();
            let fitting: Vec<&Rule> = rules.iter().filter(|rule| emit::fits(rule)).collect();
            emit::module(&fitting)
        };
        let emitted = module();
        check(&emitted);
        prop_assert_eq!(emitted, module());
    }
}

#[test]
fn the_largest_module_keeps_to_its_regions() {
    let segments = Map::new();
    let wide = |flag: u32| {
        let vars: Vec<Json> =
            (0..abi::INPUTS_PER_FLAG_MAX).map(|n| serde_json::json!({"var": format!("f{flag}a{n}")})).collect();
        compile("flag", &serde_json::json!({"or": vars}), &segments)
    };
    let rules: Vec<Rule> = (0..abi::FLAGS_MAX).map(wide).collect();
    assert!(rules.iter().all(emit::fits));
    let emitted = emit::module(&rules.iter().collect::<Vec<_>>());
    check(&emitted);
    assert_eq!(emitted.inputs.len(), abi::SLOTS_MAX as usize);
}

#[test]
fn what_is_too_large_does_not_fit() {
    let segments = Map::new();
    let fits = |json: &Json| emit::fits(&compile("flag", json, &segments));
    let many = |count: usize| serde_json::json!({"or": (0..count).map(|n| serde_json::json!({"==": [{"var": "a"}, n]})).collect::<Vec<_>>()});
    assert!(fits(&many(emit::NODES_MAX / 3 - 1)));
    assert!(!fits(&many(emit::NODES_MAX / 3 + 1)));
    let wide = |count: u32| serde_json::json!({"or": (0..count).map(|n| serde_json::json!({"var": format!("a{n}")})).collect::<Vec<_>>()});
    assert!(!fits(&wide(abi::INPUTS_PER_FLAG_MAX + 1)));
}
