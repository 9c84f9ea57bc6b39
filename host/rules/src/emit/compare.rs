//! Comparisons: inline where an input meets a constant of its type, else by the host.

use std::sync::Arc;

use burgee_guest::abi::{HostFunction, Tag};
use burgee_model::Value;
use wasm_encoder::ValType;

use super::{
    code::{Constant, I32},
    code_of,
    expr::{Emitter, Use, plain},
};
use crate::{
    SHORT_TEXT_BYTES,
    ir::{Comparison, Expr},
};

impl<'r> Emitter<'_, 'r> {
    /// Leaves whether a comparison holds.
    pub(super) fn compare(&mut self, op: Comparison, left: &'r Expr, right: &'r Expr) {
        let inline = match (plain(left), plain(right)) {
            (_, Expr::Literal(constant)) => self.with_constant(op, left, constant),
            (Expr::Literal(constant), _) => self.with_constant(mirrored(op), right, constant),
            _ => false,
        };
        if !inline {
            self.compare_by_host(op, left, right);
        }
    }

    fn compare_by_host(&mut self, op: Comparison, left: &'r Expr, right: &'r Expr) {
        self.code.flag_number();
        self.code.i32(code_of(op));
        self.on_both(left, right, HostFunction::Compare);
    }

    /// Compares an input with a constant inline. False where that is not possible; then nothing was written.
    fn with_constant(&mut self, op: Comparison, input: &Expr, constant: &Value) -> bool {
        let Some(slot) = self.slot_of(input) else { return false };
        let (equality, negated) = match op {
            Comparison::LooseEqual => (Some(false), false),
            Comparison::LooseNotEqual => (Some(false), true),
            Comparison::StrictEqual => (Some(true), false),
            Comparison::StrictNotEqual => (Some(true), true),
            _ => (None, false),
        };
        match (equality, constant) {
            (Some(strict), constant) => {
                if !self.equal(slot, constant, strict) {
                    return false;
                }
            }
            (None, Value::Number(n)) => self.relation(op, slot, *n),
            (None, _) => return false,
        }
        if negated {
            self.code.op().i32_eqz();
        }
        true
    }

    fn equal(&mut self, slot: u32, constant: &Value, strict: bool) -> bool {
        match (constant, strict) {
            // Looking through a long text is charged, which the host does.
            (Value::Text(text), _) if text.len() > SHORT_TEXT_BYTES => return false,
            (Value::Null, _) => self.code.is_null(slot),
            (Value::Bool(b), true) => self.code.tag_is(slot, if *b { Tag::True } else { Tag::False }),
            (Value::Bool(_), false) => self.equal_or_ask(slot, constant, |c| {
                c.code.tag(slot);
                c.code.i32(if constant == &Value::Bool(true) { Tag::True as i32 } else { Tag::False as i32 });
                c.code.op().i32_eq();
            }),
            (Value::Text(text), true) => self.is_text(slot, text),
            (Value::Text(text), false) => self.equal_or_ask(slot, constant, |c| c.is_text(slot, text)),
            (Value::Number(n), true) => {
                self.code.tag_is(slot, Tag::Number);
                self.number_is(slot, *n);
                self.code.op().i32_and();
            }
            (Value::Number(n), false) => self.equal_or_ask(slot, constant, |c| c.number_is(slot, *n)),
            (Value::List(_) | Value::Object(_), _) => return false,
        }
        true
    }

    /// Loose equality: inline where the input has the constant's type, else by the host.
    fn equal_or_ask(&mut self, slot: u32, constant: &Value, inline: impl Fn(&mut Self)) {
        match constant {
            Value::Number(_) => self.code.tag_is(slot, Tag::Number),
            Value::Text(_) => self.code.tag_is(slot, Tag::Text),
            _ => {
                self.code.tag(slot);
                self.code.i32(Tag::True as i32);
                self.code.op().i32_le_u();
            }
        }
        self.code.op().if_(I32);
        inline(self);
        self.code.op().else_();
        self.ask(Comparison::LooseEqual, slot, constant);
        self.code.op().end();
    }

    fn ask(&mut self, op: Comparison, slot: u32, constant: &Value) {
        self.code.flag_number();
        self.code.i32(code_of(op));
        self.code.i32(slot.cast_signed());
        match constant {
            Value::Null | Value::Bool(_) => self.code.i32(self.tables.literal(constant)),
            _ => self.literal(constant),
        }
        self.code.host(HostFunction::Compare);
    }

    /// Leaves whether a cell is this text. Cells of other types have no text id.
    pub(super) fn is_text(&mut self, slot: u32, text: &Arc<str>) {
        let id = self.tables.text_id(text);
        self.needs_text_id(slot);
        self.code.text_id(slot);
        self.code.constant(Constant::I32(id));
        self.code.op().i32_eq();
    }

    pub(super) fn needs_text_id(&mut self, slot: u32) {
        if let Some(input) = self.tables.input(slot) {
            input.needs_text_id = true;
        }
    }

    /// Leaves whether a cell's number is this one.
    pub(super) fn number_is(&mut self, slot: u32, number: f64) {
        self.code.number(slot);
        self.code.constant(Constant::F64(number));
        self.code.op().f64_eq();
    }

    fn relation(&mut self, op: Comparison, slot: u32, number: f64) {
        self.code.tag_is(slot, Tag::Number);
        self.code.op().if_(I32);
        self.code.number(slot);
        self.code.constant(Constant::F64(number));
        let mut sink = self.code.op();
        match op {
            Comparison::Less => sink.f64_lt(),
            Comparison::LessOrEqual => sink.f64_le(),
            Comparison::Greater => sink.f64_gt(),
            _ => sink.f64_ge(),
        };
        sink.else_();
        self.ask(op, slot, &Value::Number(number));
        self.code.op().end();
    }

    /// Leaves whether the middle lies between the two others.
    pub(super) fn between(&mut self, op: Comparison, operands: &'r [Expr; 3]) {
        let [low, middle, high] = operands;
        if self.slot_of(middle).is_some() {
            self.compare(op, low, middle);
            self.code.op().if_(I32);
            self.compare(op, middle, high);
        } else {
            let kept = self.code.local(ValType::I32);
            self.code.flag_number();
            self.code.i32(code_of(op));
            self.value(low, Use::Operand);
            self.value(middle, Use::Operand);
            self.code.tee(kept);
            self.code.host(HostFunction::Compare);
            self.code.op().if_(I32);
            self.code.flag_number();
            self.code.i32(code_of(op));
            self.code.get(kept);
            self.value(high, Use::Operand);
            self.code.host(HostFunction::Compare);
        }
        self.code.op().else_().i32_const(0).end();
    }
}

/// The comparison of the operands the other way round.
fn mirrored(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        equality => equality,
    }
}
