//! The operands of an operation.

use std::slice;

use burgee_model::Place;
use serde_json::Value as Json;

/// The operands of an operation: the items of its list, or the one value that stands there without a list.
pub(super) struct Args<'a> {
    /// The operator's name.
    pub(super) name: &'a str,
    /// Where the operands stand.
    pub(super) place: Place<'a>,
    /// The operands.
    pub(super) items: &'a [Json],
    listed: bool,
}

impl<'a> Args<'a> {
    pub(super) fn new(name: &'a str, operands: &'a Json, place: Place<'a>) -> Self {
        match operands {
            Json::Array(items) => Self { name, place, items, listed: true },
            single => Self { name, place, items: slice::from_ref(single), listed: false },
        }
    }

    /// Where an operand stands.
    pub(super) fn place_of(&self, index: usize) -> Place<'_> {
        if self.listed { self.place.item(index) } else { self.place }
    }
}
