//! Expressions as code: as an operand, or as a truth.

use burgee_guest::abi::{self, HostFunction};
use burgee_model::Value;

use super::{
    InputSource,
    code::{Code, Constant, I32},
    module::SharedRules,
    reach,
    tables::Tables,
};
use crate::{function::Function, ir::Expr, ops};

/// Writes one function.
pub(super) struct Emitter<'m, 'r> {
    pub(super) code: Code,
    pub(super) tables: &'m mut Tables,
    pub(super) shared: &'m mut SharedRules<'r>,
    /// The results that the flag's rule can give as they stand.
    pub(super) results: &'m [Value],
}

/// What becomes of an operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It goes into another operation.
    Operand,
    /// It is the rule's result.
    Result,
}

/// The input that an expression reads itself.
pub(super) fn input_of(expr: &Expr) -> Option<InputSource> {
    match expr {
        Expr::Var { path, .. } => Some(InputSource::Attribute(path.clone())),
        Expr::Config { key, .. } => Some(InputSource::Config(key.clone())),
        Expr::Timestamp => Some(InputSource::Timestamp),
        _ => None,
    }
}

/// Without the marks of shared rules around it.
pub(super) fn plain(mut expr: &Expr) -> &Expr {
    while let Expr::Shared(shared) = expr {
        expr = shared;
    }
    expr
}

impl<'r> Emitter<'_, 'r> {
    /// Leaves the operand of an expression.
    pub(super) fn value(&mut self, expr: &'r Expr, used: Use) {
        match expr {
            Expr::Literal(value) => self.constant(value, used),
            Expr::Var { default, .. } | Expr::Config { default, .. } => self.input(expr, default.as_deref(), used),
            Expr::Timestamp => self.input(expr, None, used),
            Expr::If { arms, otherwise } => self.branch(arms, otherwise, used),
            Expr::And(operands) => self.first_where(operands, false, used),
            Expr::Or(operands) => self.first_where(operands, true, used),
            Expr::List(items) => self.gather(items, HostFunction::List),
            Expr::Cat(parts) => self.gather(parts, HostFunction::Cat),
            Expr::StartsWith(text, prefix) => self.affix(text, prefix, HostFunction::StartsWith),
            Expr::EndsWith(text, suffix) => self.affix(text, suffix, HostFunction::EndsWith),
            Expr::SemVer { left, op, right } => self.sem_ver(left, *op, right),
            Expr::Fractional(fractional) => self.fractional(fractional, used),
            Expr::Shared(shared) => self.value(shared, used),
            Expr::Not(_) | Expr::Truthy(_) | Expr::Compare { .. } | Expr::Between { .. } | Expr::In { .. } => {
                self.boolean(expr);
            }
            Expr::Call { function, operands } => self.call(function, operands),
            Expr::Each { .. } | Expr::Reduce { .. } | Expr::FlagKey => self.interpret(expr),
            // Rules that have them do not fit, or have them in bodies only: none comes here.
            Expr::Flagd | Expr::Flag { .. } | Expr::Guest { .. } | Expr::Item { .. } => self.code.i32(abi::NULL),
        }
    }

    /// Leaves 1 where an expression is true, else 0.
    pub(super) fn holds(&mut self, expr: &'r Expr) {
        match expr {
            Expr::Literal(value) => self.code.i32(i32::from(ops::truthy(value))),
            Expr::Var { .. } | Expr::Config { .. } | Expr::Timestamp => self.input_holds(expr),
            Expr::If { arms, otherwise } => self.branch_holds(arms, otherwise),
            Expr::And(operands) => self.all(operands),
            Expr::Or(operands) => self.any(operands),
            Expr::Not(operand) => {
                self.holds(operand);
                self.code.op().i32_eqz();
            }
            Expr::Truthy(operand) => self.holds(operand),
            Expr::Compare { op, left, right } => self.compare(*op, left, right),
            Expr::Between { op, operands } => self.between(*op, operands),
            Expr::In { needle, haystack } => self.contains(needle, haystack),
            Expr::StartsWith(..) | Expr::EndsWith(..) | Expr::SemVer { .. } => {
                self.value(expr, Use::Operand);
                self.code.i32(abi::TRUE);
                self.code.op().i32_eq();
            }
            Expr::Shared(shared) => self.shared_holds(shared),
            Expr::List(_)
            | Expr::Cat(_)
            | Expr::Fractional(_)
            | Expr::Flagd
            | Expr::FlagKey
            | Expr::Flag { .. }
            | Expr::Guest { .. }
            | Expr::Call { .. }
            | Expr::Each { .. }
            | Expr::Reduce { .. }
            | Expr::Item { .. } => {
                self.value(expr, Use::Operand);
                self.code.host(HostFunction::Truthy);
            }
        }
    }

    fn constant(&mut self, value: &Value, used: Use) {
        let ordinal = if used == Use::Result { reach::ordinal(self.results, value) } else { None };
        match (value, ordinal) {
            (Value::Null | Value::Bool(_), _) => self.code.i32(self.tables.literal(value)),
            (_, Some(ordinal)) => self.code.i32(abi::RESULT_BASE + ordinal),
            (_, None) => self.literal(value),
        }
    }

    /// Leaves the operand of a literal.
    pub(super) fn literal(&mut self, value: &Value) {
        let operand = self.tables.literal(value);
        self.code.constant(Constant::I32(operand));
    }

    /// The slot of an expression that only reads an input.
    pub(super) fn slot_of(&mut self, expr: &Expr) -> Option<u32> {
        let expr = plain(expr);
        match expr {
            Expr::Var { default: None, .. } | Expr::Config { default: None, .. } | Expr::Timestamp => self.slot(expr),
            _ => None,
        }
    }

    fn slot(&mut self, expr: &Expr) -> Option<u32> {
        let slot = self.tables.slot(input_of(expr)?);
        self.code.slots.insert(slot);
        Some(slot)
    }

    fn input(&mut self, expr: &Expr, default: Option<&'r Expr>, used: Use) {
        let Some(slot) = self.slot(expr) else { return self.code.i32(abi::NULL) };
        match default {
            None => self.code.i32(slot.cast_signed()),
            Some(default) => {
                self.code.is_null(slot);
                self.code.op().if_(I32);
                self.value(default, used);
                self.code.op().else_();
                self.code.i32(slot.cast_signed());
                self.code.op().end();
            }
        }
    }

    fn input_holds(&mut self, expr: &'r Expr) {
        let Some(slot) = self.slot(expr) else { return self.code.i32(0) };
        match expr {
            Expr::Var { default: Some(default), .. } | Expr::Config { default: Some(default), .. } => {
                self.code.is_null(slot);
                self.code.op().if_(I32);
                self.holds(default);
                self.code.op().else_();
                self.code.truthy(slot);
                self.code.op().end();
            }
            _ => self.code.truthy(slot),
        }
    }

    /// The operand of a boolean: false is the one below null, true the one below false.
    fn boolean(&mut self, expr: &'r Expr) {
        self.code.i32(abi::FALSE);
        self.holds(expr);
        self.code.op().i32_sub();
    }

    fn affix(&mut self, text: &'r Expr, part: &'r Expr, function: HostFunction) {
        self.code.flag_number();
        self.on_both(text, part, function);
    }

    pub(super) fn on_both(&mut self, left: &'r Expr, right: &'r Expr, function: HostFunction) {
        self.value(left, Use::Operand);
        self.value(right, Use::Operand);
        self.code.host(function);
    }

    fn gather(&mut self, items: &'r [Expr], function: HostFunction) {
        for item in items {
            self.push(item);
        }
        self.code.flag_number();
        self.code.i32(i32::try_from(items.len()).unwrap_or(i32::MAX));
        self.code.host(function);
    }

    fn call(&mut self, function: &Function, operands: &'r [Expr]) {
        for operand in operands {
            self.push(operand);
        }
        self.code.flag_number();
        let number = self.tables.function(function);
        self.code.constant(Constant::I32(number));
        self.code.i32(i32::try_from(operands.len()).unwrap_or(i32::MAX));
        self.code.host(HostFunction::Call);
    }

    /// What goes through lists is left to the host's interpreter: the way there and back for each item would cost
    /// more than it saves.
    fn interpret(&mut self, expr: &Expr) {
        self.code.flag_number();
        let number = self.tables.expression(expr);
        self.code.constant(Constant::I32(number));
        self.code.host(HostFunction::Interpret);
    }

    pub(super) fn push(&mut self, expr: &'r Expr) {
        self.value(expr, Use::Operand);
        self.code.host(HostFunction::Push);
    }
}
