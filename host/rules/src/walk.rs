//! Going through all expressions of a rule.

use crate::ir::{Expr, Rule};

impl Rule {
    /// The levels of the rule's expressions.
    #[must_use]
    pub fn levels(&self) -> usize {
        levels(&self.root)
    }
}

fn levels(expr: &Expr) -> usize {
    let mut below = 0;
    children(expr, &mut |child| below = below.max(levels(child)));
    below + 1
}

/// The levels by which what an expression gives may be deeper than what it is given: no bound where it has a `reduce`.
#[must_use]
pub fn levels_added(expr: &Expr) -> usize {
    let mut reduces = false;
    visit(expr, &mut |expr| reduces |= matches!(expr, Expr::Reduce { .. }));
    if reduces { usize::MAX } else { levels(expr) }
}

/// Whether an expression reads a config entry.
#[must_use]
pub fn reads_config(expr: &Expr) -> bool {
    let mut reads = false;
    visit(expr, &mut |expr| reads |= matches!(expr, Expr::Config { .. }));
    reads
}

/// Calls back for an expression and all within it, operands after their operator, in order. A shared rule is
/// visited wherever it is referred to.
pub fn visit<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    each(expr);
    children(expr, &mut |child| visit(child, each));
}

/// Calls back for the operands of an expression, in order.
pub fn children<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    match expr {
        Expr::Literal(_) | Expr::Timestamp | Expr::Flagd | Expr::FlagKey | Expr::Flag { .. } => {}
        Expr::Var { default, .. } | Expr::Config { default, .. } | Expr::Item { default, .. } => {
            default.iter().for_each(|d| each(d));
        }
        Expr::If { arms, otherwise } => {
            for (condition, value) in arms {
                each(condition);
                each(value);
            }
            each(otherwise);
        }
        Expr::And(operands) | Expr::Or(operands) | Expr::List(operands) | Expr::Cat(operands) => {
            operands.iter().for_each(each);
        }
        Expr::Guest { arguments: operands, .. } | Expr::Call { operands, .. } => operands.iter().for_each(each),
        Expr::Each { list, body, .. } => pair(list, &body.expr, each),
        Expr::Reduce { list, body, initial } => {
            pair(list, &body.expr, each);
            each(initial);
        }
        Expr::Not(operand) | Expr::Truthy(operand) => each(operand),
        Expr::Compare { left, right, .. } | Expr::SemVer { left, right, .. } => pair(left, right, each),
        Expr::In { needle, haystack } => pair(needle, haystack, each),
        Expr::StartsWith(left, right) | Expr::EndsWith(left, right) => pair(left, right, each),
        Expr::Between { operands, .. } => operands.iter().for_each(each),
        Expr::Fractional(fractional) => {
            fractional.bucket_by.iter().for_each(|e| each(e));
            for share in &fractional.shares {
                each(&share.variant);
                each(&share.weight);
            }
        }
        Expr::Shared(shared) => each(shared),
    }
}

fn pair<'a>(left: &'a Expr, right: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    each(left);
    each(right);
}
