//! The operators of JsonLogic that choose and compare, and `config`.

use std::sync::Arc;

use burgee_model::{Key, Place, Problem};
use serde_json::Value as Json;

use super::{
    args::Args,
    parser::{Parser, null},
};
use crate::{
    function::Function,
    ir::{Comparison, Expr},
    ops::number::number_text,
};

/// The path of a `var`, as a text; none where it is computed.
fn path(args: &Args<'_>) -> Option<String> {
    match args.items.first() {
        None | Some(Json::Null) => Some(String::new()),
        Some(Json::String(path)) => Some(path.clone()),
        Some(Json::Bool(path)) => Some(path.to_string()),
        Some(Json::Number(path)) => Some(number_text(path.as_f64().unwrap_or(f64::NAN))),
        Some(Json::Array(_) | Json::Object(_)) => None,
    }
}

impl Parser<'_> {
    /// `var`: a path, and perhaps a default. What `$flagd` holds does not come from the context.
    pub(super) fn var(&mut self, args: &Args<'_>) -> Expr {
        self.at_most(args, 2);
        let Some(path) = path(args) else { return self.computed_var(args) };
        let default = self.optional(args, 1);
        if self.in_body {
            self.looks_through(&path);
            return Expr::Item { path: path.into(), default: default.map(Box::new) };
        }
        match path.strip_prefix("$flagd") {
            Some("") => Expr::Flagd,
            Some(".flagKey") => self.flag_key(),
            Some(".timestamp") => Expr::Timestamp,
            Some(rest) if rest.starts_with('.') => self.unknown_property(&path, default, args),
            _ => {
                self.looks_through(&path);
                Expr::Var { path: (self.making.name)(&path), default: default.map(Box::new) }
            }
        }
    }

    fn unknown_property(&mut self, path: &str, default: Option<Expr>, args: &Args<'_>) -> Expr {
        let message = format!("there is no `{path}`");
        let problem = Problem::new(args.place_of(0).pointer(), "unknown_property", message);
        self.warn(problem.hint("there are `$flagd.flagKey` and `$flagd.timestamp`"));
        default.unwrap_or(null())
    }

    /// `var` whose path another operation gives.
    fn computed_var(&mut self, args: &Args<'_>) -> Expr {
        let operands: Vec<Expr> = self.operands(args).into_iter().take(2).collect();
        self.of_root(Function::Get, operands)
    }

    /// A function of what `var` reads from (the context, or within a body the item), and of operands that name parts of
    /// it.
    pub(super) fn of_root(&self, function: Function, operands: Vec<Expr>) -> Expr {
        let (path, default) = (Arc::from(""), None);
        let root = if self.in_body { Expr::Item { path, default } } else { Expr::Var { path, default } };
        Expr::Call { function, operands: std::iter::once(root).chain(operands).collect() }
    }

    /// `config`: an entry's key, and perhaps a default.
    pub(super) fn config(&mut self, args: &Args<'_>) -> Expr {
        self.at_most(args, 2);
        let default = self.optional(args, 1).map(Box::new);
        let Some(Json::String(key)) = args.items.first() else {
            return self.fault(&args.place, "wrong_arguments", "`config` takes the key of an entry, a text");
        };
        match Key::new(key) {
            Ok(_) => Expr::Config { key: key.as_str().into(), default },
            Err(error) => self.fault(&args.place_of(0), "invalid_key", error.to_string()),
        }
    }

    /// `if`: conditions and values by turns, and perhaps a last value.
    pub(super) fn branch(&mut self, args: &Args<'_>) -> Expr {
        let mut operands = self.operands(args).into_iter();
        let mut arms = Vec::with_capacity(args.items.len() / 2);
        let otherwise = loop {
            match (operands.next(), operands.next()) {
                (Some(condition), Some(value)) => arms.push((condition, value)),
                (last, _) => break last.unwrap_or(null()),
            }
        };
        match (args.items.len(), arms.is_empty()) {
            (0, _) => self.always_null(args, "`if` without operands"),
            (_, true) => otherwise,
            _ => Expr::If { arms, otherwise: otherwise.into() },
        }
    }

    /// `and` and `or`.
    pub(super) fn junction(&mut self, args: &Args<'_>, make: fn(Vec<Expr>) -> Expr) -> Expr {
        let operands = self.operands(args);
        match <[Expr; 1]>::try_from(operands) {
            Ok([only]) => only,
            Err(none) if none.is_empty() => self.always_null(args, &format!("`{}` without operands", args.name)),
            Err(operands) => make(operands),
        }
    }

    /// `!` and `!!`.
    pub(super) fn unary(&mut self, args: &Args<'_>, make: fn(Expr) -> Expr) -> Expr {
        match self.exactly(args) {
            Some([operand]) => make(operand),
            None => null(),
        }
    }

    /// A comparison of two.
    pub(super) fn comparison(&mut self, args: &Args<'_>, op: Comparison) -> Expr {
        match self.exactly(args) {
            Some([left, right]) => Expr::Compare { op, left: left.into(), right: right.into() },
            None => null(),
        }
    }

    /// `<` and `<=`, which take a third operand for a range.
    pub(super) fn range(&mut self, args: &Args<'_>, op: Comparison) -> Expr {
        if args.items.len() < 3 {
            return self.comparison(args, op);
        }
        match self.exactly(args) {
            Some(operands) => Expr::Between { op, operands: operands.into() },
            None => null(),
        }
    }

    /// `in`.
    pub(super) fn contains(&mut self, args: &Args<'_>) -> Expr {
        match self.exactly(args) {
            Some([needle, haystack]) => Expr::In { needle: needle.into(), haystack: haystack.into() },
            None => null(),
        }
    }

    /// `cat`.
    pub(super) fn cat(&mut self, args: &Args<'_>) -> Expr {
        Expr::Cat(self.operands(args))
    }

    /// All operands.
    pub(super) fn operands(&mut self, args: &Args<'_>) -> Vec<Expr> {
        args.items.iter().enumerate().map(|(at, item)| self.expr(item, &args.place_of(at))).collect()
    }

    /// An operand that may be missing; one that is null is as good as missing.
    pub(super) fn optional(&mut self, args: &Args<'_>, at: usize) -> Option<Expr> {
        let operand = self.expr(args.items.get(at)?, &args.place_of(at));
        Some(operand).filter(|operand| *operand != null())
    }

    /// The first `N` operands. Fewer are a fault, and JsonLogic ignores further ones.
    pub(super) fn exactly<const N: usize>(&mut self, args: &Args<'_>) -> Option<[Expr; N]> {
        if args.items.len() < N {
            let operands = if N == 1 { "operand" } else { "operands" };
            let message = format!("`{}` takes {N} {operands}, here are {}", args.name, args.items.len());
            self.fault(&args.place, "wrong_arguments", message);
        }
        self.at_most(args, N);
        let mut operands = self.operands(args);
        operands.truncate(N);
        operands.try_into().ok()
    }

    /// Warns of operands beyond the first so many.
    pub(super) fn at_most(&mut self, args: &Args<'_>, most: usize) {
        if args.items.len() > most {
            let message = format!("`{}` ignores all operands after the first {most}", args.name);
            self.warn(Problem::new(args.place_of(most).pointer(), "wrong_arguments", message));
        }
    }

    /// Warns that an operation gives null whatever the context.
    pub(super) fn always_null(&mut self, args: &Args<'_>, why: &str) -> Expr {
        self.always_null_at(&args.place, "wrong_arguments", why)
    }

    /// The same, with place and code.
    pub(super) fn always_null_at(&mut self, place: &Place<'_>, code: &str, why: &str) -> Expr {
        self.warn(Problem::new(place.pointer(), code, format!("{why}: this always gives null")));
        null()
    }
}
