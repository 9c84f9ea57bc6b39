//! `in`: inline for an input in a small set of constants, else by the host.

use burgee_guest::abi::{HostFunction, Tag};
use burgee_model::Value;

use super::{
    code::Constant,
    expr::{Emitter, Use},
};
use crate::{SHORT_TEXT_BYTES, ir::Expr};

/// The most tests that membership emits inline. Texts that first appear in the set have consecutive ids, so
/// that even a large set is mostly one test.
const TESTS_MAX: usize = 32;

impl<'r> Emitter<'_, 'r> {
    /// Leaves whether the haystack holds the needle.
    pub(super) fn contains(&mut self, needle: &'r Expr, haystack: &'r Expr) {
        if let (Some(slot), Expr::Literal(Value::List(items))) = (self.slot_of(needle), haystack)
            && self.is_one_of(slot, items)
        {
            return;
        }
        self.code.flag_number();
        self.value(needle, Use::Operand);
        self.value(haystack, Use::Operand);
        self.code.host(match haystack {
            Expr::Literal(_) => HostFunction::ConstantContains,
            _ => HostFunction::Contains,
        });
    }

    /// Tests a cell against constants. False where there are too many kinds, or one that the host must look at;
    /// then nothing was written.
    fn is_one_of(&mut self, slot: u32, items: &[Value]) -> bool {
        if !items.iter().all(is_simple) {
            return false;
        }
        let numbers = distinct_numbers(items);
        let runs = self.text_runs(items);
        if numbers.len() + runs.len() > TESTS_MAX {
            return false;
        }
        self.code.i32(0);
        self.null_or_boolean(slot, items);
        if !runs.is_empty() {
            self.needs_text_id(slot);
        }
        for (first, last) in runs {
            self.code.text_id(slot);
            self.code.constant(Constant::I32(first));
            self.code.op().i32_sub();
            self.code.constant(Constant::I32(last - first));
            self.code.op().i32_le_u().i32_or();
        }
        self.numbers(slot, &numbers);
        true
    }

    /// Ids of the texts among the items, as runs of consecutive ones.
    fn text_runs(&mut self, items: &[Value]) -> Vec<(i32, i32)> {
        let texts = items.iter().filter_map(|item| if let Value::Text(text) = item { Some(text) } else { None });
        let mut ids: Vec<i32> = texts.map(|text| self.tables.text_id(text)).collect();
        ids.sort_unstable();
        let mut runs: Vec<(i32, i32)> = Vec::new();
        for id in ids {
            match runs.last_mut() {
                Some((_, last)) if id <= *last + 1 => *last = id,
                _ => runs.push((id, id)),
            }
        }
        runs
    }

    fn null_or_boolean(&mut self, slot: u32, items: &[Value]) {
        if items.contains(&Value::Null) {
            self.code.is_null(slot);
            self.code.op().i32_or();
        }
        for (value, tag) in [(false, Tag::False), (true, Tag::True)] {
            if items.contains(&Value::Bool(value)) {
                self.code.tag_is(slot, tag);
                self.code.op().i32_or();
            }
        }
    }

    fn numbers(&mut self, slot: u32, numbers: &[f64]) {
        if numbers.is_empty() {
            return;
        }
        self.code.tag_is(slot, Tag::Number);
        self.code.i32(0);
        for number in numbers {
            self.number_is(slot, *number);
            self.code.op().i32_or();
        }
        self.code.op().i32_and().i32_or();
    }
}

/// Whether an item can be told by a number or an id. Looking through a long text is charged, which the host does.
fn is_simple(item: &Value) -> bool {
    match item {
        Value::Text(text) => text.len() <= SHORT_TEXT_BYTES,
        Value::List(_) | Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

fn distinct_numbers(items: &[Value]) -> Vec<f64> {
    let mut numbers: Vec<f64> = Vec::new();
    for item in items {
        if let Value::Number(n) = item
            && !numbers.contains(n)
            && numbers.len() <= TESTS_MAX
        {
            numbers.push(*n);
        }
    }
    numbers
}
