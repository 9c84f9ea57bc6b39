//! What can be told of a rule without emitting it: whether it fits, and which constants it can give.

use std::collections::HashSet;

use burgee_guest::abi;
use burgee_model::Value;

use super::{InputSource, expr::input_of};
use crate::{
    ir::{Expr, Rule},
    walk,
};

/// The most expressions of a compiled rule, shared rules counted wherever they are referred to. A greater
/// rule is interpreted for good: the compiler's time grows faster than a function's size.
pub const NODES_MAX: usize = 4_000;
/// The most levels of nesting of a compiled rule.
pub const DEPTH_MAX: usize = 128;

/// Whether a rule can be emitted.
#[must_use]
pub fn fits(rule: &Rule) -> bool {
    let mut measure = Measure::default();
    measure.expr(&rule.root, 1);
    !measure.is_beyond
}

/// How large a rule is, as far as it can be emitted. Of a shared rule it is taken once.
#[derive(Debug, Default)]
pub struct Measure {
    nodes: usize,
    levels: usize,
    inputs: HashSet<InputSource>,
    is_beyond: bool,
}

impl Measure {
    /// Goes no further than to where it cannot be emitted.
    fn expr(&mut self, expr: &Expr, depth: usize) {
        self.nodes += 1;
        self.levels = self.levels.max(depth);
        self.inputs.extend(input_of(expr));
        self.is_beyond |= matches!(expr, Expr::Flagd | Expr::Flag { .. } | Expr::Guest { .. });
        if let Expr::Shared(shared) = expr {
            self.add(shared.measure(Self::of), depth);
        }
        self.is_beyond |=
            self.levels > DEPTH_MAX || self.nodes > NODES_MAX || self.inputs.len() > abi::INPUTS_PER_FLAG_MAX as usize;
        if self.is_beyond || matches!(expr, Expr::Shared(_)) {
            return;
        }
        walk::children(expr, &mut |child| {
            if !self.is_beyond {
                self.expr(child, depth + 1);
            }
        });
    }

    fn of(expr: &Expr) -> Self {
        let mut measure = Self::default();
        measure.expr(expr, 1);
        measure
    }

    /// Adds a shared rule that is named at this level.
    fn add(&mut self, shared: &Self, depth: usize) {
        self.nodes += shared.nodes;
        self.levels = self.levels.max(depth + shared.levels);
        self.is_beyond |= shared.is_beyond;
        if !self.is_beyond {
            self.inputs.extend(shared.inputs.iter().cloned());
        }
    }
}

/// The constants that a rule can give as they stand, beginning with null, false and true: what the operands
/// from [`abi::RESULT_BASE`] on mean. Each scalar once, in order of first appearance.
#[must_use]
pub fn results(rule: &Rule) -> Vec<Value> {
    let mut results = vec![Value::Null, Value::Bool(false), Value::Bool(true)];
    if fits(rule) {
        collect(&rule.root, &mut results);
    }
    results
}

fn collect(expr: &Expr, results: &mut Vec<Value>) {
    match expr {
        Expr::Literal(value) if ordinal(results, value).is_none() => results.push(value.clone()),
        Expr::Var { default, .. } | Expr::Config { default, .. } => {
            default.iter().for_each(|default| collect(default, results));
        }
        Expr::If { arms, otherwise } => {
            arms.iter().for_each(|(_, value)| collect(value, results));
            collect(otherwise, results);
        }
        Expr::And(operands) | Expr::Or(operands) => operands.last().iter().for_each(|last| collect(last, results)),
        Expr::Fractional(fractional) => fractional.shares.iter().for_each(|share| collect(&share.variant, results)),
        Expr::Shared(shared) => {
            let own = shared.results(|expr| {
                let mut own = Vec::new();
                collect(expr, &mut own);
                own
            });
            let new: Vec<&Value> = own.iter().filter(|value| ordinal(results, value).is_none()).collect();
            results.extend(new.into_iter().cloned());
        }
        _ => {}
    }
}

/// The position of a constant among a rule's results.
pub(super) fn ordinal(results: &[Value], value: &Value) -> Option<i32> {
    results.iter().position(|known| known == value).and_then(|at| i32::try_from(at).ok())
}
