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
    let mut measure = Measure { nodes: 0, inputs: HashSet::new() };
    measure.expr(&rule.root, 1)
}

struct Measure {
    nodes: usize,
    inputs: HashSet<InputSource>,
}

impl Measure {
    fn expr(&mut self, expr: &Expr, depth: usize) -> bool {
        self.nodes += 1;
        if depth > DEPTH_MAX
            || self.nodes > NODES_MAX
            || matches!(expr, Expr::Flagd | Expr::Flag { .. } | Expr::Guest { .. })
        {
            return false;
        }
        self.inputs.extend(input_of(expr));
        let mut fits = self.inputs.len() <= abi::INPUTS_PER_FLAG_MAX as usize;
        walk::children(expr, &mut |child| fits = fits && self.expr(child, depth + 1));
        fits
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
        Expr::Shared(shared) => collect(shared, results),
        _ => {}
    }
}

/// The position of a constant among a rule's results.
pub(super) fn ordinal(results: &[Value], value: &Value) -> Option<i32> {
    results.iter().position(|known| known == value).and_then(|at| i32::try_from(at).ok())
}
