//! What an import changes, line by line: for people, and the same for programs.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::Write;
use crate::{Address, Key, State, flagd::DocumentFlag, materialise::variant_type};

/// One line of what an import changes in its environment. Shown as `+ flag a (boolean, on)`, `~ flag b: targeting` or
/// `- flag c`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// What becomes of it.
    pub op: Op,
    /// What it is.
    pub kind: Kind,
    /// Its key; of the document's own members none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Of what changes: which parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Of a new flag: the type of its variants, where it has some.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub variant_type: Option<String>,
    /// Of a new flag: whether it is evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// It was not there.
    Add,
    /// It is another than it was.
    Change,
    /// It is taken out of the environment.
    Remove,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A flag.
    Flag,
    /// A shared rule.
    Segment,
    /// The document's metadata and other members of its own.
    Document,
}

impl Difference {
    fn new(op: Op, kind: Kind, key: Option<&str>) -> Self {
        let key = key.map(str::to_owned);
        Self { op, kind, key, fields: Vec::new(), variant_type: None, state: None }
    }

    pub(super) fn new_flag(flag: &DocumentFlag) -> Self {
        let variant_type = flag.variants.values().next().map(|value| variant_type(value).to_owned());
        let state = Some(flag.state);
        Self { variant_type, state, ..Self::new(Op::Add, Kind::Flag, Some(flag.key.as_str())) }
    }

    pub(super) fn changed_flag(key: &Key, writes: &[Write]) -> Self {
        let mut fields: Vec<String> = Vec::new();
        for name in writes.iter().filter_map(field) {
            if !fields.iter().any(|known| known == name) {
                fields.push(name.to_owned());
            }
        }
        Self { fields, ..Self::new(Op::Change, Kind::Flag, Some(key.as_str())) }
    }

    pub(super) fn pruned_flag(key: &Key) -> Self {
        Self::new(Op::Remove, Kind::Flag, Some(key.as_str()))
    }

    pub(super) fn pruned_segment(key: &Key) -> Self {
        Self::new(Op::Remove, Kind::Segment, Some(key.as_str()))
    }

    pub(super) fn segment(name: &str, is_new: bool) -> Self {
        Self::new(if is_new { Op::Add } else { Op::Change }, Kind::Segment, Some(name))
    }

    /// None where the document's own members are as they were.
    pub(super) fn of_set(before: &Map<String, Json>, after: &Map<String, Json>) -> Option<Self> {
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        let other = after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name);
        let fields: Vec<String> = gone.chain(other).cloned().collect();
        (!fields.is_empty()).then(|| Self { fields, ..Self::new(Op::Change, Kind::Document, None) })
    }
}

fn field(write: &Write) -> Option<&'static str> {
    match &write.register.address {
        Address::Flag { field, .. } => field.name(),
        Address::FlagIn { field, .. } => Some(field.name()),
        _ => None,
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.op {
            Op::Add => '+',
            Op::Change => '~',
            Op::Remove => '-',
        };
        let kind = match self.kind {
            Kind::Flag => "flag",
            Kind::Segment => "segment",
            Kind::Document => "document",
        };
        write!(f, "{sign} {kind}")?;
        // a key may hold what would break the line, or be taken for more than a key
        self.key.iter().try_for_each(|key| write!(f, " {}", key.escape_debug()))?;
        if let Some(state) = self.state {
            let state = if state == State::Enabled { "on" } else { "off" };
            match &self.variant_type {
                Some(variant_type) => write!(f, " ({variant_type}, {state})")?,
                None => write!(f, " ({state})")?,
            }
        }
        if self.fields.is_empty() { Ok(()) } else { write!(f, ": {}", self.fields.join(", ")) }
    }
}
