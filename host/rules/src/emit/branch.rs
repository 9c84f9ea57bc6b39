//! `if`, `and`, `or`: long chains nest no deeper than short ones.

use std::sync::Arc;

use burgee_guest::abi::{self, HostFunction};
use wasm_encoder::{BlockType, ValType};

use super::{
    code::I32,
    expr::{Emitter, Use, plain},
};
use crate::{facts::SharedExpr, ir::Expr, ops};

impl<'r> Emitter<'_, 'r> {
    pub(super) fn branch(&mut self, arms: &'r [(Expr, Expr)], otherwise: &'r Expr, used: Use) {
        self.arms(arms, |emitter, value| emitter.value(value, used), otherwise);
    }

    pub(super) fn branch_holds(&mut self, arms: &'r [(Expr, Expr)], otherwise: &'r Expr) {
        self.arms(arms, Self::holds, otherwise);
    }

    /// One block around all arms; each arm that holds leaves it with its value.
    fn arms(&mut self, arms: &'r [(Expr, Expr)], leave: impl Fn(&mut Self, &'r Expr), otherwise: &'r Expr) {
        self.code.op().block(I32);
        for (condition, value) in arms {
            self.holds(condition);
            self.code.op().if_(BlockType::Empty);
            leave(self, value);
            self.code.op().br(1).end();
        }
        leave(self, otherwise);
        self.code.op().end();
    }

    pub(super) fn all(&mut self, operands: &'r [Expr]) {
        self.search(operands, false);
    }

    pub(super) fn any(&mut self, operands: &'r [Expr]) {
        self.search(operands, true);
    }

    /// Leaves this truth where an operand has it, else the other; stops at the first.
    fn search(&mut self, operands: &'r [Expr], truth: bool) {
        let Some((last, others)) = operands.split_last() else { return self.code.i32(i32::from(!truth)) };
        if others.is_empty() {
            return self.holds(last);
        }
        self.code.op().block(I32);
        for operand in others {
            self.code.i32(i32::from(truth));
            self.holds(operand);
            self.br_where(truth);
            self.code.op().drop();
        }
        self.holds(last);
        self.code.op().end();
    }

    /// Leaves the block where the truth on the stack is this one.
    fn br_where(&mut self, truth: bool) {
        if !truth {
            self.code.op().i32_eqz();
        }
        self.code.op().br_if(0);
    }

    /// Leaves the first operand of this truth, else the last.
    pub(super) fn first_where(&mut self, operands: &'r [Expr], truth: bool, used: Use) {
        let Some((last, others)) = operands.split_last() else { return self.code.i32(abi::NULL) };
        self.code.op().block(I32);
        for operand in others {
            self.value_and_truth(operand);
            self.br_where(truth);
            self.code.op().drop();
        }
        self.value(last, used);
        self.code.op().end();
    }

    /// Leaves an operand and its truth.
    fn value_and_truth(&mut self, expr: &'r Expr) {
        self.value(expr, Use::Operand);
        if let Some(slot) = self.slot_of(expr) {
            return self.code.truthy(slot);
        }
        if let Expr::Literal(value) = plain(expr) {
            return self.code.i32(i32::from(ops::truthy(value)));
        }
        let kept = self.code.local(ValType::I32);
        self.code.tee(kept);
        self.code.get(kept);
        match plain(expr) {
            Expr::Not(_) | Expr::Truthy(_) | Expr::Compare { .. } | Expr::Between { .. } | Expr::In { .. } => {
                self.code.i32(abi::TRUE);
                self.code.op().i32_eq();
            }
            _ => self.code.host(HostFunction::Truthy),
        }
    }

    /// Leaves the truth of a shared rule, by a function that all rules of the module share.
    pub(super) fn shared_holds(&mut self, shared: &'r Arc<SharedExpr>) {
        if is_small(shared) {
            return self.holds(shared);
        }
        let function = self.shared.function(shared, self.tables);
        self.code.flag_number();
        self.code.op().call(function.index);
        self.code.slots.extend(function.slots.iter());
        self.code.calls_host |= function.calls_host;
    }
}

/// Whether a shared rule is no longer than a call of it.
fn is_small(expr: &Expr) -> bool {
    !matches!(plain(expr), Expr::And(_) | Expr::Or(_) | Expr::If { .. } | Expr::In { .. } | Expr::Fractional(_))
}
