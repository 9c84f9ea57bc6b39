//! Planning an import: which registers a flagd document writes into one environment.
//!
//! An import never changes what another environment answers: variants that the flag does not have are
//! added to it; a variant, a piece of metadata or a segment that differs becomes this environment's own
//! override, and so does one that a rule of another environment waits for. It never touches a kill switch.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    Address, Blob, FlagField, FlagInField, Key, RegisterId,
    flagd::{Document, DocumentFlag},
    materialise::variant_type,
};

/// One register to write: a value, or a tombstone.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Which register.
    pub register: RegisterId,
    /// Its new value; none deletes.
    pub value: Option<Blob>,
}

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The registers whose value changes, and nothing else.
    pub writes: Vec<Write>,
    /// The same for people.
    pub summary: Summary,
}

/// The keys of the flags that an import touches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Flags that the tenant did not have.
    pub created: Vec<Key>,
    /// Flags of which something changes.
    pub changed: Vec<Key>,
    /// Flags that are as the document has them.
    pub unchanged: usize,
    /// Flags that prune takes out of the environment.
    pub pruned: Vec<Key>,
}

/// What the planner sees of the store.
pub struct View<'a> {
    /// The current value of a register.
    pub current: &'a dyn Fn(&RegisterId) -> Option<Blob>,
    /// The flags that are configured in the environment.
    pub configured: &'a [Key],
    /// Whether another environment may answer otherwise once all of them have a variant of a flag.
    pub waits_for_variant: &'a dyn Fn(&Key, &str) -> bool,
    /// Whether a rule of another environment may ask for a shared rule.
    pub waits_for_segment: &'a dyn Fn(&str) -> bool,
    /// Whether what the tenant's environments share is left as it is where it exists. An import at start
    /// is stamped below everything that people wrote, so what it wrote there would be lost in part.
    pub beside: bool,
}

/// Plans the import of a document into an environment. With `prune`, flags that are configured there but
/// not in the document are taken out of the environment (the tenant keeps them).
#[must_use]
pub fn plan(document: &Document, tenant: &Key, environment: &Key, prune: bool, view: &View<'_>) -> Plan {
    let mut planner = Planner { tenant, environment, view, plan: Plan::default() };
    planner.set(document);
    for (name, rule) in &document.evaluators {
        planner.segment(name, rule);
    }
    for flag in &document.flags {
        planner.flag(flag);
    }
    if prune {
        planner.prune(document);
    }
    planner.plan
}

struct Planner<'a> {
    tenant: &'a Key,
    environment: &'a Key,
    view: &'a View<'a>,
    plan: Plan,
}

impl Planner<'_> {
    fn json(&self, register: &RegisterId) -> Option<Json> {
        (self.view.current)(register).and_then(|blob| blob.read())
    }

    /// Writes a value unless the register holds it already; null is not written where nothing is.
    fn write(&mut self, register: RegisterId, value: &Json) {
        let blob = Blob::json(value);
        let unchanged = match (self.view.current)(&register) {
            Some(current) => current == blob,
            None => value.is_null(),
        };
        if !unchanged {
            self.plan.writes.push(Write { register, value: Some(blob) });
        }
    }

    fn set(&mut self, document: &Document) {
        let register = RegisterId::new(self.tenant, Address::FlagSet { environment: self.environment.clone() });
        let set = if document.set.is_empty() { Json::Null } else { Json::Object(document.set.clone()) };
        self.write(register, &set);
    }

    fn segment(&mut self, name: &str, rule: &Json) {
        let Ok(segment) = Key::new(name) else { return };
        let shared = RegisterId::new(self.tenant, Address::Segment { segment: segment.clone() });
        let environment = self.environment.clone();
        let own = RegisterId::new(self.tenant, Address::SegmentIn { segment, environment });
        match self.json(&shared) {
            None if (self.view.waits_for_segment)(name) => self.write(own, rule),
            None => self.write(shared, rule),
            Some(same) if same == *rule => self.write(own, &Json::Null),
            Some(_) => self.write(own, rule),
        }
    }

    fn flag(&mut self, flag: &DocumentFlag) {
        let before = self.plan.writes.len();
        let exists = (self.view.current)(&RegisterId::flag(self.tenant, &flag.key, FlagField::Exists)).is_some();
        if exists {
            self.merge_shared(flag);
        } else {
            self.create(flag);
        }
        let state = json!(flag.state);
        let extra = if flag.extra.is_empty() { Json::Null } else { Json::Object(flag.extra.clone()) };
        self.write_in(flag, FlagInField::State, &state);
        self.write_in(flag, FlagInField::DefaultVariant, &json!(flag.default_variant));
        self.write_in(flag, FlagInField::Targeting, &json!(flag.targeting));
        self.write_in(flag, FlagInField::Extra, &extra);
        match (exists, self.plan.writes.len() > before) {
            (false, _) => self.plan.summary.created.push(flag.key.clone()),
            (true, true) => self.plan.summary.changed.push(flag.key.clone()),
            (true, false) => self.plan.summary.unchanged += 1,
        }
    }

    fn write_in(&mut self, flag: &DocumentFlag, field: FlagInField, value: &Json) {
        self.write(RegisterId::flag_in(self.tenant, &flag.key, self.environment, field), value);
    }

    fn create(&mut self, flag: &DocumentFlag) {
        for field in FlagField::ALL {
            let value = match field {
                FlagField::Exists => json!({}),
                FlagField::Variants => Json::Object(flag.variants.clone()),
                FlagField::Metadata if !flag.metadata.is_empty() => Json::Object(flag.metadata.clone()),
                _ => Json::Null,
            };
            let register = RegisterId::flag(self.tenant, &flag.key, field);
            self.plan.writes.push(Write { register, value: Some(Blob::json(&value)) });
        }
    }

    fn merge_shared(&mut self, flag: &DocumentFlag) {
        let variants = RegisterId::flag(self.tenant, &flag.key, FlagField::Variants);
        let mut shared: Map<String, Json> = self.json(&variants).and_then(into_map).unwrap_or_default();
        let stays = |name: &str| self.view.beside || (self.view.waits_for_variant)(&flag.key, name);
        let overrides = split_variants(&mut shared, &flag.variants, &stays);
        self.write(variants, &Json::Object(shared));
        self.write_in(flag, FlagInField::Variants, &overrides);
        let metadata = RegisterId::flag(self.tenant, &flag.key, FlagField::Metadata);
        let known = self.json(&metadata).and_then(into_map).unwrap_or_default();
        let own: Map<String, Json> = flag
            .metadata
            .iter()
            .filter(|(k, v)| known.get(*k) != Some(v))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        self.write_in(flag, FlagInField::Metadata, &non_empty(own));
    }

    fn prune(&mut self, document: &Document) {
        let kept: std::collections::HashSet<&Key> = document.flags.iter().map(|f| &f.key).collect();
        for flag in self.view.configured.iter().filter(|key| !kept.contains(key)) {
            for field in FlagInField::ALL.into_iter().filter(|f| *f != FlagInField::Kill) {
                let register = RegisterId::flag_in(self.tenant, flag, self.environment, field);
                if (self.view.current)(&register).is_some() {
                    self.plan.writes.push(Write { register, value: None });
                }
            }
            self.plan.summary.pruned.push(flag.clone());
        }
    }
}

fn into_map(json: Json) -> Option<Map<String, Json>> {
    match json {
        Json::Object(map) => Some(map),
        _ => None,
    }
}

fn non_empty(map: Map<String, Json>) -> Json {
    if map.is_empty() { Json::Null } else { Json::Object(map) }
}

/// Adds to the shared variants those that they lack; gives back those that must stay this environment's
/// own: of another value, of another type, which would spoil the flag elsewhere, or those that are to stay.
fn split_variants(shared: &mut Map<String, Json>, wanted: &Map<String, Json>, stays: &dyn Fn(&str) -> bool) -> Json {
    let shared_type = shared.values().next().map(variant_type);
    let mut own = Map::new();
    for (name, value) in wanted {
        match shared.get(name) {
            Some(same) if same == value => {}
            None if shared_type.is_none_or(|t| t == variant_type(value)) && !stays(name) => {
                shared.insert(name.clone(), value.clone());
            }
            _ => {
                own.insert(name.clone(), value.clone());
            }
        }
    }
    non_empty(own)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::flagd;

    /// A store that only remembers, and whether imports go beside what is shared.
    #[derive(Default)]
    struct Memory(HashMap<RegisterId, Blob>, bool);

    impl Memory {
        fn import(&mut self, environment: &str, text: &str, prune: bool) -> Plan {
            let document = flagd::parse(text.as_bytes(), 64).unwrap();
            let (tenant, environment) = (Key::new("t").unwrap(), Key::new(environment).unwrap());
            let state = RegisterId::flag_in(&tenant, &Key::new("f").unwrap(), &environment, FlagInField::State);
            let configured: Vec<Key> = self.0.get(&state).map(|_| Key::new("f").unwrap()).into_iter().collect();
            let current = |id: &RegisterId| self.0.get(id).cloned();
            let plan = plan(
                &document,
                &tenant,
                &environment,
                prune,
                &View {
                    current: &current,
                    configured: &configured,
                    waits_for_variant: &|_, name| name == "awaited",
                    waits_for_segment: &|name| name == "awaited",
                    beside: self.1,
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
    fn another_value_of_a_variant_stays_in_its_environment() {
        let mut store = Memory::default();
        store.import("dev", &document(r#"{"on":1}"#), false);
        store.import("prod", &document(r#"{"on":2,"more":3}"#), false);
        assert_eq!(store.shared(FlagField::Variants), json!({"on": 1, "more": 3}));
        assert_eq!(store.own("prod", FlagInField::Variants), Some(json!({"on": 2})));
        assert_eq!(store.own("dev", FlagInField::Variants), None);
    }

    #[test]
    fn what_another_environment_waits_for_stays_in_its_environment() {
        let mut store = Memory::default();
        store.import("dev", &document(r#"{"on":1}"#), false);
        store.import("prod", &document(r#"{"on":1,"awaited":2,"more":3}"#), false);
        assert_eq!(store.shared(FlagField::Variants), json!({"on": 1, "more": 3}));
        assert_eq!(store.own("prod", FlagInField::Variants), Some(json!({"awaited": 2})));
        let plan = store.import("dev", r#"{"flags":{},"$evaluators":{"awaited":true,"more":true}}"#, false);
        let own = |write: &Write| matches!(write.register.address, Address::SegmentIn { .. });
        assert_eq!(plan.writes.iter().map(own).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn variants_of_another_type_stay_in_their_environment() {
        let mut store = Memory::default();
        store.import("dev", &document(r#"{"on":true}"#), false);
        store.import("prod", &document(r#"{"red":"r"}"#), false);
        assert_eq!(store.shared(FlagField::Variants), json!({"on": true}));
        assert_eq!(store.own("prod", FlagInField::Variants), Some(json!({"red": "r"})));
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
}
