//! Planning an import: which registers a flagd document writes into one environment.
//!
//! An import never changes what another environment answers: where the flag is configured in another one, a
//! variant or a piece of metadata that differs (or is missing) becomes this environment's own override, and so does a
//! segment. It never touches a kill switch.

mod difference;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    Address, Blob, FlagField, FlagInField, Key, Kill, RegisterId, State,
    flagd::{Document, DocumentFlag},
};

pub use difference::{Difference, Kind, Op};

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
    /// The same line by line, in the document's order.
    pub diff: Vec<Difference>,
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
    /// Shared rules that prune leaves: the document lacks them, but they are the tenant's.
    #[serde(skip)]
    pub kept: Vec<Key>,
}

/// What the planner sees of the store.
pub struct View<'a> {
    /// The current value of a register.
    pub current: &'a dyn Fn(&RegisterId) -> Option<Blob>,
    /// The flags that are configured in the environment.
    pub configured: &'a [Key],
    /// The names of the shared rules that hold in the environment, its own and the tenant's.
    pub segments: &'a dyn Fn() -> Vec<Key>,
    /// Whether what a flag's environments share is left as it is: another one answers by it, or it is newer than
    /// what is imported.
    pub is_shared: &'a dyn Fn(&Key) -> bool,
    /// Whether the tenant has no other environment: what is new is shared by all that will come.
    pub is_alone: bool,
}

/// Plans the import of a document into an environment. With `prune`, flags that are configured there but
/// not in the document are taken out of the environment (the tenant keeps them), and so are its own shared rules.
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
        planner.prune_segments(document);
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
        let before = self.json(&register).and_then(into_map).unwrap_or_default();
        self.plan.diff.extend(Difference::of_set(&before, &document.set));
        self.write(register, &non_empty(document.set.clone()));
    }

    fn segment(&mut self, name: &str, rule: &Json) {
        let Ok(segment) = Key::new(name) else { return };
        let shared = RegisterId::new(self.tenant, Address::Segment { segment: segment.clone() });
        let environment = self.environment.clone();
        let own = RegisterId::new(self.tenant, Address::SegmentIn { segment, environment });
        let (before, inherited) = (self.plan.writes.len(), self.json(&shared));
        let is_new = inherited.is_none();
        match inherited {
            None if self.view.is_alone => self.write(shared, rule),
            None => self.write(own, rule),
            Some(same) if same == *rule => self.write(own, &Json::Null),
            Some(_) => self.write(own, rule),
        }
        if self.plan.writes.len() > before {
            self.plan.diff.push(Difference::segment(name, is_new));
        }
    }

    fn flag(&mut self, flag: &DocumentFlag) {
        let before = self.plan.writes.len();
        let exists = (self.view.current)(&RegisterId::flag(self.tenant, &flag.key, FlagField::Exists)).is_some();
        let state = RegisterId::flag_in(self.tenant, &flag.key, self.environment, FlagInField::State);
        let is_new = !exists || (self.view.current)(&state).is_none();
        if exists {
            self.merge_shared(flag);
        } else {
            self.create(flag);
        }
        // A killed flag is DISABLED in what is exported: that is not what it is once it is released.
        let has_state = (self.view.current)(&state).is_some();
        if !(has_state && flag.state == State::Disabled && self.is_killed(&flag.key)) {
            self.write(state, &json!(flag.state));
        }
        self.write_in(flag, FlagInField::DefaultVariant, &json!(flag.default_variant));
        self.write_in(flag, FlagInField::Targeting, &json!(flag.targeting));
        self.write_in(flag, FlagInField::Extra, &non_empty(flag.extra.clone()));
        let written = &self.plan.writes[before..];
        match (exists, written.is_empty()) {
            (false, _) => self.plan.summary.created.push(flag.key.clone()),
            (true, false) => self.plan.summary.changed.push(flag.key.clone()),
            (true, true) => self.plan.summary.unchanged += 1,
        }
        if is_new {
            self.plan.diff.push(Difference::new_flag(flag));
        } else if !written.is_empty() {
            self.plan.diff.push(Difference::changed_flag(&flag.key, written));
        }
    }

    fn is_killed(&self, flag: &Key) -> bool {
        let kill = RegisterId::flag_in(self.tenant, flag, self.environment, FlagInField::Kill);
        (self.view.current)(&kill).and_then(|blob| blob.read::<Kill>()).is_some_and(|kill| kill.killed)
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
        let fields = [
            (FlagField::Variants, FlagInField::Variants, &flag.variants),
            (FlagField::Metadata, FlagInField::Metadata, &flag.metadata),
        ];
        let is_shared = (self.view.is_shared)(&flag.key);
        for (shared, own, wanted) in fields {
            let register = RegisterId::flag(self.tenant, &flag.key, shared);
            let known = self.json(&register).and_then(into_map).unwrap_or_default();
            if is_shared {
                self.write_in(flag, own, &non_empty(overrides(&known, wanted)));
            } else {
                if known != *wanted {
                    self.write(register, &Json::Object(wanted.clone()));
                }
                self.write_in(flag, own, &Json::Null);
            }
        }
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
            self.plan.diff.push(Difference::pruned_flag(flag));
            self.plan.summary.pruned.push(flag.clone());
        }
    }

    /// The environment's own rules go; those that others share stay, and are named.
    fn prune_segments(&mut self, document: &Document) {
        let lacks = |segment: &Key| !document.evaluators.contains_key(segment.as_str());
        for segment in (self.view.segments)().into_iter().filter(lacks) {
            let environment = self.environment.clone();
            let own = RegisterId::new(self.tenant, Address::SegmentIn { segment: segment.clone(), environment });
            if self.json(&own).is_some_and(|rule| !rule.is_null()) {
                self.plan.writes.push(Write { register: own, value: None });
                self.plan.diff.push(Difference::pruned_segment(&segment));
            }
            if self.json(&RegisterId::new(self.tenant, Address::Segment { segment: segment.clone() })).is_some() {
                self.plan.summary.kept.push(segment);
            }
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

/// What an environment must have of its own so that, over what is shared, it has what is wanted. Null takes away.
fn overrides(shared: &Map<String, Json>, wanted: &Map<String, Json>) -> Map<String, Json> {
    let differing = wanted.iter().filter(|(name, value)| shared.get(*name) != Some(value));
    let missing = shared.keys().filter(|name| !wanted.contains_key(*name)).map(|name| (name.clone(), Json::Null));
    differing.map(|(name, value)| (name.clone(), value.clone())).chain(missing).collect()
}
