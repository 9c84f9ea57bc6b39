//! Going through all expressions of a rule.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    function::Function,
    ir::{Expr, Rule},
};

impl Rule {
    /// The members of the context's root that the rule may read, but the targeting key; none where it may read the
    /// context as a whole.
    #[must_use]
    pub fn attributes(&self) -> Option<BTreeSet<&str>> {
        let (mut names, mut whole) = (BTreeSet::new(), false);
        visit(&self.root, &mut |expr| match expr {
            Expr::Var { path, .. } if !path.is_empty() => {
                names.extend(path.split('.').next());
            }
            Expr::Var { .. } | Expr::Guest { .. } => whole = true,
            _ => {}
        });
        (!whole).then_some(names)
    }

    /// The config entries that the rule may read.
    #[must_use]
    pub fn config_keys(&self) -> BTreeSet<Arc<str>> {
        let mut keys = BTreeSet::new();
        visit(&self.root, &mut |expr| {
            if let Expr::Config { key, .. } = expr {
                keys.insert(key.clone());
            }
        });
        keys
    }

    /// The other flags that the rule may ask for.
    #[must_use]
    pub fn flags(&self) -> BTreeSet<Arc<str>> {
        let mut keys = BTreeSet::new();
        visit(&self.root, &mut |expr| {
            if let Expr::Flag { key } = expr {
                keys.insert(key.clone());
            }
        });
        keys
    }

    /// The levels of the rule's expressions.
    #[must_use]
    pub fn levels(&self) -> usize {
        levels(&self.root)
    }

    /// The guests that the rule may call.
    #[must_use]
    pub fn guests(&self) -> BTreeSet<Arc<str>> {
        let mut names = BTreeSet::new();
        visit(&self.root, &mut |expr| {
            if let Expr::Guest { name, .. } = expr {
                names.insert(name.clone());
            }
        });
        names
    }

    /// Whether the rule goes through lists or searches for patterns, so that its work grows with what it is given beyond
    /// what its own size says.
    #[must_use]
    pub fn loops(&self) -> bool {
        let mut loops = false;
        visit(&self.root, &mut |expr| {
            let matches = matches!(expr, Expr::Call { function: Function::Matches(_), .. });
            loops |= matches || matches!(expr, Expr::Each { .. } | Expr::Reduce { .. });
        });
        loops
    }

    /// Whether the rule may read the time.
    #[must_use]
    pub fn reads_time(&self) -> bool {
        let mut reads = false;
        visit(&self.root, &mut |expr| reads |= matches!(expr, Expr::Timestamp | Expr::Flagd));
        reads
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
