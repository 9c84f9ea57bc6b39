//! The operators of JsonLogic that compute: arithmetic, texts, lists.

use std::borrow::Cow;

use burgee_model::Value;
use serde_json::Value as Json;

use super::{
    args::Args,
    parser::{Parser, constant, null},
};
use crate::{
    Budget,
    function::Function,
    ir::{Body, Expr},
    ops::{self, Each},
    walk,
};

impl Parser<'_> {
    /// A function of all operands, of which there are at least so many.
    pub(super) fn call(&mut self, args: &Args<'_>, least: usize, function: Function) -> Expr {
        if !self.at_least(args, least) {
            return null();
        }
        let operands = self.operands(args);
        self.function(function, operands)
    }

    /// A function; of constants, its result where that is one which equals itself.
    pub(super) fn function(&self, function: Function, operands: Vec<Expr>) -> Expr {
        let constants: Option<Vec<_>> = operands.iter().map(|o| constant(o).map(Cow::Borrowed)).collect();
        let call = |values: Vec<_>| ops::call(&function, &values, &mut Budget::new(self.limits())).ok();
        match constants.and_then(call) {
            None | Some(Value::List(_) | Value::Object(_)) => Expr::Call { function, operands: operands.into() },
            Some(Value::Number(number)) if number.is_nan() => Expr::Call { function, operands: operands.into() },
            Some(value) => Expr::Literal(value),
        }
    }

    /// Whether there are enough operands; fewer are a fault.
    pub(super) fn at_least(&mut self, args: &Args<'_>, least: usize) -> bool {
        let enough = args.items.len() >= least;
        if !enough {
            let operands = if least == 1 { "operand" } else { "operands" };
            let message = format!("`{}` takes at least {least} {operands}, here are {}", args.name, args.items.len());
            self.fault(&args.place, "wrong_arguments", message);
        }
        enough
    }

    /// `substr`: a text, a start, perhaps a length.
    pub(super) fn substr(&mut self, args: &Args<'_>) -> Expr {
        if !self.at_least(args, 2) {
            return null();
        }
        self.at_most(args, 3);
        let operands = self.operands(args).into_iter().take(3).collect();
        self.function(Function::Substr, operands)
    }

    /// `missing`.
    pub(super) fn missing(&mut self, args: &Args<'_>) -> Expr {
        let operands = self.operands(args);
        self.of_root(Function::Missing, operands)
    }

    /// `missing_some`: how many, and the names.
    pub(super) fn missing_some(&mut self, args: &Args<'_>) -> Expr {
        match self.exactly(args) {
            Some([need, names]) => self.of_root(Function::MissingSome, vec![need, names]),
            None => null(),
        }
    }

    /// `map`, `filter`, `all`, `some`, `none`: a list, and what is evaluated for each item.
    pub(super) fn each(&mut self, args: &Args<'_>, each: Each) -> Expr {
        self.at_most(args, 2);
        let [list, body, ..] = args.items else {
            self.at_least(args, 2);
            return null();
        };
        let list = self.expr(list, &args.place_of(0)).into();
        Expr::Each { each, list, body: self.body(body, args) }
    }

    /// `reduce`: a list, what is evaluated for each item, perhaps the first value.
    pub(super) fn reduce(&mut self, args: &Args<'_>) -> Expr {
        self.at_most(args, 3);
        let [list, body, ..] = args.items else {
            self.at_least(args, 2);
            return null();
        };
        let list = self.expr(list, &args.place_of(0)).into();
        let body = self.body(body, args);
        let initial = self.optional(args, 2).unwrap_or(null()).into();
        Expr::Reduce { list, body, initial }
    }

    /// The second operand, in which `var` is an item's.
    fn body(&mut self, json: &Json, args: &Args<'_>) -> Body {
        let before = self.cost;
        let around = std::mem::replace(&mut self.in_body, true);
        let expr: Box<Expr> = self.expr(json, &args.place_of(1)).into();
        self.in_body = around;
        let steps = u32::try_from(self.cost - before).unwrap_or(u32::MAX);
        let levels = u32::try_from(walk::levels_added(&expr)).unwrap_or(u32::MAX);
        Body { expr, steps, levels }
    }
}
