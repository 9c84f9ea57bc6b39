//! What imports write, and what they leave.

use std::collections::HashMap;

use super::*;
use crate::flagd;

/// A store that only remembers, and whether imports go beside what is shared.
#[derive(Default)]
struct Memory(HashMap<RegisterId, Blob>, bool);

impl Memory {
    fn import(&mut self, environment: &str, text: &str, prune: bool) -> Plan {
        let document = flagd::read(text.as_bytes(), crate::Format::Json, &crate::Limits::default()).unwrap();
        let (tenant, environment) = (Key::new("t").unwrap(), Key::new(environment).unwrap());
        let state = RegisterId::flag_in(&tenant, &Key::new("f").unwrap(), &environment, FlagInField::State);
        let configured: Vec<Key> = self.0.get(&state).map(|_| Key::new("f").unwrap()).into_iter().collect();
        let current = |id: &RegisterId| self.0.get(id).cloned();
        let elsewhere = |id: &RegisterId| match &id.address {
            crate::Address::FlagIn { environment: e, field: FlagInField::State, .. } => *e != environment,
            _ => false,
        };
        let names = |id: &RegisterId| match &id.address {
            Address::Segment { segment } => Some(segment.clone()),
            Address::SegmentIn { segment, environment: e } if *e == environment => Some(segment.clone()),
            _ => None,
        };
        let segments = || self.0.keys().filter_map(names).collect::<std::collections::BTreeSet<_>>();
        let segments = || segments().into_iter().collect();
        let is_shared = |_: &Key| self.1 || self.0.keys().any(elsewhere);
        let plan = plan(
            &document,
            &tenant,
            &environment,
            prune,
            &View {
                current: &current,
                configured: &configured,
                segments: &segments,
                is_shared: &is_shared,
                is_alone: !self.1,
            },
        );
        for write in &plan.writes {
            match &write.value {
                Some(value) => self.0.insert(write.register.clone(), value.clone()),
                None => self.0.remove(&write.register),
            };
        }
        plan
    }

    fn shared(&self, field: FlagField) -> Json {
        self.0[&RegisterId::flag(&Key::new("t").unwrap(), &Key::new("f").unwrap(), field)].read().unwrap()
    }

    fn own(&self, environment: &str, field: FlagInField) -> Option<Json> {
        let key = |t| Key::new(t).unwrap();
        self.0.get(&RegisterId::flag_in(&key("t"), &key("f"), &key(environment), field)).and_then(Blob::read)
    }
}

fn document(variants: &str) -> String {
    format!(r#"{{"flags":{{"f":{{"state":"ENABLED","variants":{variants}}}}}}}"#)
}

#[test]
fn the_same_document_again_writes_nothing() {
    let mut store = Memory::default();
    assert_eq!(store.import("dev", &document(r#"{"on":true}"#), false).summary.created.len(), 1);
    let again = store.import("dev", &document(r#"{"on":true}"#), false);
    assert_eq!((again.writes, again.summary.unchanged), (vec![], 1));
}

#[test]
fn what_differs_from_another_environment_stays_in_its_own() {
    let mut store = Memory::default();
    store.import("dev", &document(r#"{"on":1,"off":0}"#), false);
    store.import("prod", &document(r#"{"on":2,"more":3}"#), false);
    assert_eq!(store.shared(FlagField::Variants), json!({"on": 1, "off": 0}));
    assert_eq!(store.own("prod", FlagInField::Variants), Some(json!({"on": 2, "more": 3, "off": null})));
    assert_eq!(store.own("dev", FlagInField::Variants), None);
}

#[test]
fn a_rule_that_is_new_is_shared_where_no_other_environment_could_ask_for_it() {
    let has = |store: &Memory, address| store.0.contains_key(&RegisterId::new(&Key::new("t").unwrap(), address));
    let segment = || Key::new("s").unwrap();
    let own = || Address::SegmentIn { segment: segment(), environment: Key::new("e").unwrap() };
    for beside in [false, true] {
        let mut store = Memory(HashMap::new(), beside);
        store.import("e", r#"{"flags":{},"$evaluators":{"s":{"==":[1,1]}}}"#, false);
        assert_eq!(has(&store, own()), beside);
        assert_eq!(has(&store, Address::Segment { segment: segment() }), !beside);
    }
}

#[test]
fn what_no_other_environment_answers_by_becomes_as_it_is_here() {
    let mut store = Memory::default();
    store.import("dev", &document(r#"{"on":1,"off":0},"metadata":{"a":1,"b":2}"#), false);
    store.import("dev", &document(r#"{"on":2,"more":3},"metadata":{"b":2}"#), false);
    assert_eq!(store.shared(FlagField::Variants), json!({"on": 2, "more": 3}));
    assert_eq!(store.shared(FlagField::Metadata), json!({"b": 2}));
    assert_eq!(store.own("dev", FlagInField::Variants), None);
}

#[test]
fn variants_of_another_type_stay_in_their_environment() {
    let mut store = Memory::default();
    store.import("dev", &document(r#"{"on":true}"#), false);
    store.import("prod", &document(r#"{"red":"r"}"#), false);
    assert_eq!(store.shared(FlagField::Variants), json!({"on": true}));
    assert_eq!(store.own("prod", FlagInField::Variants), Some(json!({"red": "r", "on": null})));
}

#[test]
fn an_import_beside_what_people_wrote_keeps_all_that_is_new_to_itself() {
    let mut store = Memory::default();
    store.import("dev", &document(r#"{"on":1}"#), false);
    store.1 = true;
    store.import("prod", &document(r#"{"on":1,"more":3}"#), false);
    assert_eq!(store.shared(FlagField::Variants), json!({"on": 1}));
    assert_eq!(store.own("prod", FlagInField::Variants), Some(json!({"more": 3})));
}

/// What is exported of a killed flag says DISABLED; imported again, it is no more than killed.
#[test]
fn a_killed_flag_keeps_its_state() {
    let mut store = Memory::default();
    let state = |word: &str| document(r#"{"on":true}"#).replace("ENABLED", word);
    store.import("e", &state("ENABLED"), false);
    let key = |name: &str| Key::new(name).unwrap();
    let kill = RegisterId::flag_in(&key("t"), &key("f"), &key("e"), FlagInField::Kill);
    store.0.insert(kill.clone(), Blob::json(&json!({ "killed": true })));
    store.import("e", &state("DISABLED"), false);
    assert_eq!(store.own("e", FlagInField::State), Some(json!("ENABLED")));
    store.0.remove(&kill);
    store.import("e", &state("DISABLED"), false);
    assert_eq!(store.own("e", FlagInField::State), Some(json!("DISABLED")));
}

#[test]
fn prune_takes_the_environments_own_rules_and_names_those_that_stay() {
    let with = r#"{"flags":{},"$evaluators":{"own":{"==":[1,1]},"kept":{"==":[1,2]}}}"#;
    let mut store = Memory(HashMap::new(), true);
    store.import("dev", with, false);
    store.import("prod", with, false);
    let pruned = store.import("dev", r#"{"flags":{},"$evaluators":{"kept":{"==":[1,2]}}}"#, true);
    assert_eq!((lines(&pruned), pruned.writes.len()), (vec!["- segment own".to_owned()], 1));
    assert_eq!(pruned.summary.kept, []);
    assert_eq!(store.import("prod", with, true).writes, [], "what is another environment's is left");

    let mut shared = Memory::default();
    shared.import("dev", with, false);
    let pruned = shared.import("dev", r#"{"flags":{}}"#, true);
    assert_eq!((pruned.writes, pruned.diff), (vec![], vec![]));
    assert_eq!(pruned.summary.kept.iter().map(Key::as_str).collect::<Vec<_>>(), ["kept", "own"]);
}

#[test]
fn prune_takes_flags_out_of_the_environment_only() {
    let mut store = Memory::default();
    store.import("dev", &document(r#"{"on":true}"#), false);
    store.import("prod", &document(r#"{"on":true}"#), false);
    let plan = store.import("prod", r#"{"flags":{}}"#, true);
    assert_eq!(plan.summary.pruned.len(), 1);
    assert_eq!(store.own("prod", FlagInField::State), None);
    assert_eq!(store.own("dev", FlagInField::State), Some(json!("ENABLED")));
}

/// The lines of a plan.
fn lines(plan: &Plan) -> Vec<String> {
    plan.diff.iter().map(ToString::to_string).collect()
}

#[test]
fn what_changes_is_said_line_by_line() {
    let mut store = Memory::default();
    let segment =
        |rule: &str| format!(r#"{{"flags":{{}},"$evaluators":{{"pro":{rule}}},"metadata":{{"version":{rule}}}}}"#);
    assert_eq!(lines(&store.import("dev", &segment("1"), false)), ["~ document: metadata", "+ segment pro"]);
    assert_eq!(lines(&store.import("dev", &segment("2"), false)), ["~ document: metadata", "~ segment pro"]);
    assert_eq!(
        lines(&store.import("dev", &document(r#"{"on":true}"#), false)),
        ["~ document: metadata", "+ flag f (boolean, on)"]
    );
    assert_eq!(lines(&store.import("dev", &document(r#"{"on":true}"#), false)), [""; 0]);
    let other = document(r#"{"on":true,"off":false},"defaultVariant":"on","targeting":{"x":1},"own":1"#);
    assert_eq!(lines(&store.import("dev", &other, false)), ["~ flag f: variants, defaultVariant, targeting, extra"]);
    assert_eq!(lines(&store.import("prod", &document("{}").replace("ENABLED", "DISABLED"), false)), ["+ flag f (off)"]);
    let pruned = store.import("dev", r#"{"flags":{}}"#, true);
    assert_eq!(lines(&pruned), ["- flag f", "- segment pro"]);
    let told = serde_json::to_value(&pruned.diff).unwrap();
    let line = |kind: &str, key: &str| json!({ "op": "remove", "kind": kind, "key": key });
    assert_eq!(told, json!([line("flag", "f"), line("segment", "pro")]));
    assert_eq!(serde_json::from_value::<Vec<Difference>>(told).unwrap(), pruned.diff);
}
