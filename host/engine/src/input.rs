//! Inputs of compiled rules: from the context, the config entries and the time to cells.

use std::{borrow::Cow, sync::Arc};

use burgee_guest::abi::{self, Tag};
use burgee_model::{Context, Millis, Value};
use burgee_rules::{
    SHORT_TEXT_BYTES,
    emit::{self, InputSource},
    ops::{self, sem_ver::Version},
};

use crate::{chunk::Artefact, snapshot::ConfigTable};

/// What a cell holds, prepared for filling it.
pub(crate) struct Input {
    pub(crate) source: Source,
    needs_text_id: bool,
    needs_version: bool,
}

/// Where the value comes from.
pub(crate) enum Source {
    /// A dotted path into the context, or the whole.
    Attribute(Arc<str>),
    Config(Arc<str>),
    Timestamp,
}

pub(crate) fn inputs(emitted: Vec<emit::Input>) -> Box<[Input]> {
    emitted.into_iter().map(Input::new).collect()
}

impl Input {
    fn new(emit::Input { source, needs_text_id, needs_version }: emit::Input) -> Self {
        let source = match source {
            InputSource::Attribute(path) => Source::Attribute(path),
            InputSource::Config(key) => Source::Config(key),
            InputSource::Timestamp => Source::Timestamp,
        };
        Self { source, needs_text_id, needs_version }
    }
}

/// All that an evaluation reads beside the rules.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) context: &'a Context,
    pub(crate) config: &'a Arc<ConfigTable>,
    pub(crate) now: Millis,
}

impl<'a> World<'a> {
    /// The value of an input; none where it is absent.
    pub(crate) fn read(&self, source: &Source) -> Option<Cow<'a, Value>> {
        match source {
            Source::Attribute(path) => self.context.attribute(path).map(Cow::Borrowed),
            Source::Config(key) => Some(Cow::Borrowed(self.config_value(key))),
            Source::Timestamp => Some(Cow::Owned(Value::Number(self.timestamp()))),
        }
    }

    /// The value of a config entry; null where it is absent or has expired.
    pub(crate) fn config_value(&self, key: &str) -> &'a Value {
        let entry = self.config.get(key).and_then(Option::as_ref);
        entry.map_or(&Value::Null, |entry| entry.at(self.now))
    }

    pub(crate) fn timestamp_seconds(&self) -> u64 {
        self.now / 1000
    }

    #[allow(clippy::cast_precision_loss, reason = "exact until the year 285,000,000")]
    fn timestamp(&self) -> f64 {
        self.timestamp_seconds() as f64
    }
}

/// The bytes of a cell.
pub(crate) type Cell = [u8; abi::CELL_BYTES as usize];

/// Writes the cell of a slot, whatever stood there before.
pub(crate) fn write_cell(memory: &mut [u8], artefact: &Artefact, slot: u32, world: &World<'_>) {
    let Some(input) = artefact.inputs.get(slot as usize) else { return };
    let start = (abi::SLOTS_AT + slot * abi::CELL_BYTES) as usize;
    if let Some(place) = memory.get_mut(start..start + abi::CELL_BYTES as usize) {
        place.copy_from_slice(&match world.read(&input.source) {
            Some(value) => cell(&value, input, artefact),
            None => filled(Tag::Absent, false),
        });
    }
}

fn cell(value: &Value, input: &Input, artefact: &Artefact) -> Cell {
    match value {
        Value::Null => filled(Tag::Null, false),
        Value::Bool(false) => filled(Tag::False, false),
        Value::Bool(true) => filled(Tag::True, true),
        Value::Number(n) => {
            let mut cell = filled(Tag::Number, ops::truthy(value));
            put(&mut cell, abi::CELL_NUMBER, &n.to_le_bytes());
            cell
        }
        Value::Text(text) => text_cell(text, input, artefact),
        Value::List(_) => filled(Tag::List, ops::truthy(value)),
        Value::Object(_) => filled(Tag::Object, ops::truthy(value)),
    }
}

fn text_cell(text: &str, input: &Input, artefact: &Artefact) -> Cell {
    let mut cell = filled(Tag::Text, !text.is_empty());
    // Looking through a long text is charged: emitted code knows none by id or version, and asks the host.
    if text.len() > SHORT_TEXT_BYTES {
        return cell;
    }
    if input.needs_text_id {
        let id = artefact.text_ids.get(text).copied().unwrap_or(0);
        put(&mut cell, abi::CELL_TEXT_ID, &id.to_le_bytes());
    }
    if input.needs_version
        && let Some(packed) = Version::parse(text).as_ref().and_then(emit::pack_version)
    {
        put(&mut cell, abi::CELL_VERSION, &packed.to_le_bytes());
    }
    cell
}

fn filled(tag: Tag, truthy: bool) -> Cell {
    let mut cell = [0; abi::CELL_BYTES as usize];
    cell[abi::CELL_TAG as usize] = tag as u8;
    cell[abi::CELL_TRUTHY as usize] = u8::from(truthy);
    put(&mut cell, abi::CELL_VERSION, &abi::VERSION_UNKNOWN.to_le_bytes());
    cell
}

fn put(cell: &mut Cell, at: u32, bytes: &[u8]) {
    let at = at as usize;
    cell[at..at + bytes.len()].copy_from_slice(bytes);
}
