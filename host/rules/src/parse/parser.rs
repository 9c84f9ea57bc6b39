//! The parser: values, lists, operations, references, and the problems that it notes.

use std::{collections::HashSet, sync::Arc};

use burgee_model::{Bucketing, Key, Limits, Place, Problem, Value};
use serde_json::{Map, Value as Json};

use super::{Compiled, Making, PROBLEMS_MAX, Setting, args::Args, names, shared::Reading, size};
use crate::{
    SHORT_TEXT_BYTES,
    facts::SharedExpr,
    function::Function,
    ir::{Comparison, Expr, Rule},
    ops::Each,
};

/// So many constants of a list cost as much as one expression.
const CONSTANTS_A_STEP: u64 = 16;

pub(super) struct Parser<'s> {
    /// The key of the flag; none in a shared rule, which serves many.
    pub(super) flag: Option<Arc<str>>,
    setting: Setting<'s>,
    pub(super) bucketing: Bucketing,
    pub(super) making: Making<'s>,
    /// The shared rules named so far, within a body or not.
    named: HashSet<(String, bool)>,
    /// Of a shared rule: the flags that it asks for, and where.
    asks: Vec<(Key, String)>,
    /// Whether what is read is evaluated for each item of a list: `var` is the item's then.
    pub(super) in_body: bool,
    /// The patterns that were compiled, each of which takes time and memory.
    pub(super) patterns: usize,
    /// The most steps that the rule may take, apart from work that grows with data.
    pub(super) cost: u64,
    done: Compiled,
}

impl<'s> Parser<'s> {
    pub(super) fn new(flag: &Key, setting: &Setting<'s>, making: Making<'s>) -> Self {
        Self { flag: Some(Arc::from(flag.as_str())), ..Self::of_shared(false, setting, making) }
    }

    /// For a shared rule.
    pub(super) fn of_shared(in_body: bool, setting: &Setting<'s>, making: Making<'s>) -> Self {
        let (setting, bucketing) = (*setting, setting.bucketing);
        let (named, asks, done) = (HashSet::new(), Vec::new(), Compiled::default());
        Self { flag: None, setting, bucketing, making, named, asks, in_body, patterns: 0, cost: 0, done }
    }

    /// Reads a whole rule.
    pub(super) fn rule(mut self, targeting: &Json) -> Compiled {
        let root = self.expr(targeting, &Place::ROOT);
        if self.cost > self.setting.limits.evaluation_steps {
            let message = format!(
                "the rule may take {} steps with its shared rules, {} are allowed",
                self.cost, self.setting.limits.evaluation_steps
            );
            self.fault(&Place::ROOT, "too_costly", message);
        }
        if self.done.faults.is_empty() {
            let steps = usize::try_from(self.cost).unwrap_or(usize::MAX);
            self.done.rule = Some(Rule { root, steps });
        }
        self.done
    }

    /// Reads any value. Where it has a fault, null stands in for it.
    pub(super) fn expr(&mut self, json: &Json, place: &Place<'_>) -> Expr {
        self.cost = self.cost.saturating_add(1);
        match json {
            Json::Array(items) => self.list(items, place),
            Json::Object(members) => self.object(members, json, place),
            scalar => Expr::Literal(Value::from(scalar)),
        }
    }

    pub(super) fn limits(&self) -> &'s Limits {
        self.setting.limits
    }

    /// Notes that a text of the rule is looked through whenever its expression is evaluated.
    pub(super) fn looks_through(&mut self, text: &str) {
        let steps = u64::try_from(text.len() / SHORT_TEXT_BYTES).unwrap_or(u64::MAX);
        self.cost = self.cost.saturating_add(steps);
    }

    /// A list of constants is a constant.
    fn list(&mut self, items: &[Json], place: &Place<'_>) -> Expr {
        let before = self.cost;
        let items: Vec<Expr> = items.iter().enumerate().map(|(at, item)| self.expr(item, &place.item(at))).collect();
        let constants: Option<Vec<Value>> = items.iter().map(|item| constant(item).cloned()).collect();
        match constants {
            Some(values) => {
                self.cost = before.saturating_add((self.cost - before) / CONSTANTS_A_STEP);
                Expr::Literal(Value::List(values.into()))
            }
            None => Expr::List(items),
        }
    }

    /// An object with one member is an operation, any other a value.
    fn object(&mut self, members: &Map<String, Json>, json: &Json, place: &Place<'_>) -> Expr {
        let mut rest = members.iter();
        if let (Some((name, operands)), None) = (rest.next(), rest.next()) {
            return self.operation(&Args::new(name, operands, place.member(name)));
        }
        let message = match members.len() {
            0 => "an empty object is a value, not an operation".to_owned(),
            n => format!("an object with {n} members is a value, not an operation"),
        };
        self.warn(
            Problem::new(place.pointer(), "not_an_operation", message).hint("an operation has exactly one member"),
        );
        Expr::Literal(Value::from(json))
    }

    fn operation(&mut self, args: &Args<'_>) -> Expr {
        match args.name {
            "var" => self.var(args),
            "config" => self.config(args),
            "$ref" => self.reference(args),
            "segment" => self.segment(args),
            "flag" => self.flag_variant(args),
            "guest" => self.guest(args),
            "if" | "?:" => self.branch(args),
            "and" => self.junction(args, Expr::And),
            "or" => self.junction(args, Expr::Or),
            "!" => self.unary(args, |operand| Expr::Not(operand.into())),
            "!!" => self.unary(args, |operand| Expr::Truthy(operand.into())),
            "==" => self.comparison(args, Comparison::LooseEqual),
            "!=" => self.comparison(args, Comparison::LooseNotEqual),
            "===" => self.comparison(args, Comparison::StrictEqual),
            "!==" => self.comparison(args, Comparison::StrictNotEqual),
            "<" => self.range(args, Comparison::Less),
            "<=" => self.range(args, Comparison::LessOrEqual),
            ">" => self.comparison(args, Comparison::Greater),
            ">=" => self.comparison(args, Comparison::GreaterOrEqual),
            "in" => self.contains(args),
            "cat" => self.cat(args),
            "starts_with" => self.affix(args, Expr::StartsWith),
            "ends_with" => self.affix(args, Expr::EndsWith),
            "sem_ver" => self.sem_ver(args),
            "fractional" => self.fractional(args),
            "+" => self.call(args, 0, Function::Add),
            "-" => self.call(args, 1, Function::Subtract),
            "*" => self.call(args, 0, Function::Multiply),
            "/" => self.call(args, 2, Function::Divide),
            "%" => self.call(args, 2, Function::Remainder),
            "min" => self.call(args, 1, Function::Min),
            "max" => self.call(args, 1, Function::Max),
            "merge" => self.call(args, 0, Function::Merge),
            "substr" => self.substr(args),
            "missing" => self.missing(args),
            "missing_some" => self.missing_some(args),
            "map" => self.each(args, Each::Map),
            "filter" => self.each(args, Each::Filter),
            "all" => self.each(args, Each::All),
            "some" => self.each(args, Each::Some),
            "none" => self.each(args, Each::None),
            "reduce" => self.reduce(args),
            "matches" => self.matches(args),
            "in_network" => self.in_network(args),
            "date" => self.date(args),
            "date_part" => self.date_part(args),
            "ramp" => self.ramp(args),
            "percentage" => self.percentage(args),
            name => self.unknown(name, args),
        }
    }

    fn unknown(&mut self, name: &str, args: &Args<'_>) -> Expr {
        let mut problem =
            Problem::new(args.place.pointer(), "unknown_operator", format!("there is no operator `{name}`"));
        if let Some(meant) = names::meant(name) {
            problem = problem.hint(format!("did you mean `{meant}`?"));
        }
        self.add_fault(problem)
    }

    /// `$ref`: each shared rule is read once, and its problems are told where it is first named.
    fn reference(&mut self, args: &Args<'_>) -> Expr {
        let [Json::String(name)] = args.items else {
            return self.fault(&args.place, "wrong_arguments", "`$ref` takes the name of a shared rule, a text");
        };
        if self.flag.is_none() {
            let message = format!("a shared rule cannot refer to another one (`{name}`)");
            return self.fault(&args.place, "nested_segment", message);
        }
        let shared = self.known_shared(name, args);
        shared
            .unwrap_or_else(|| self.fault(&args.place, "unknown_segment", format!("there is no shared rule `{name}`")))
    }

    /// `segment`: whether a shared rule holds for the whole context, wherever it is asked; one that does not exist
    /// does not hold.
    fn segment(&mut self, args: &Args<'_>) -> Expr {
        let [Json::String(name)] = args.items else {
            return self.fault(&args.place, "wrong_arguments", "`segment` takes the name of a segment, a text");
        };
        if self.flag.is_none() {
            let message = format!("a shared rule cannot refer to another one (`{name}`)");
            return self.fault(&args.place, "nested_segment", message);
        }
        let in_body = std::mem::replace(&mut self.in_body, false);
        let shared = self.known_shared(name, args);
        self.in_body = in_body;
        match shared {
            Some(shared) => Expr::Truthy(shared.into()),
            None => Expr::Literal(Value::Bool(false)),
        }
    }

    /// Reads a shared rule.
    pub(super) fn shared(mut self, document: &Json) -> Reading {
        let read = match size::check(document, self.limits()) {
            Ok(()) => self.expr(document, &Place::ROOT),
            Err(fault) => self.add_fault(fault),
        };
        let expr = match read {
            literal @ Expr::Literal(_) => literal,
            shared => Expr::Shared(SharedExpr::new(shared)),
        };
        let Compiled { faults, warnings, .. } = self.done;
        let (cost, patterns) = (self.cost, self.patterns);
        let [faults, warnings] = [faults, warnings].map(Vec::into_boxed_slice);
        Reading { expr, cost, patterns, flags: self.asks.into(), faults, warnings }
    }

    /// A shared rule that is named; none where there is none. What is wrong with it is told where it is first named.
    fn known_shared(&mut self, name: &str, args: &Args<'_>) -> Option<Expr> {
        let shared = (self.setting.segments)(name)?;
        if self.cost > self.limits().evaluation_steps {
            // The rule is refused already; what it still names need not be read.
            return Some(null());
        }
        let reading = shared.reading(self.in_body, &self.setting, self.making);
        self.cost = self.cost.saturating_add(reading.cost);
        if self.named.insert((name.to_owned(), self.in_body)) {
            self.tell(name, reading, args);
        }
        Some(reading.expr.clone())
    }

    fn tell(&mut self, name: &str, reading: &Reading, args: &Args<'_>) {
        let pointer = args.place.pointer();
        let placed = |problem: &Problem| within(name, &pointer, problem.clone());
        reading.warnings.iter().for_each(|problem| self.warn(placed(problem)));
        reading.faults.iter().for_each(|problem| drop(self.add_fault(placed(problem))));
        let own = reading.flags.iter().filter(|(key, _)| self.flag.as_deref() == Some(key.as_str()));
        let cycles: Vec<Problem> = own.map(|(_, at)| within(name, &pointer, asks_for_itself(at.clone()))).collect();
        cycles.into_iter().for_each(|problem| drop(self.add_fault(problem)));
        self.count_patterns(reading.patterns, &args.place);
    }

    /// Counts patterns; false where there are too many.
    pub(super) fn count_patterns(&mut self, more: usize, place: &Place<'_>) -> bool {
        let most = self.limits().patterns_per_rule;
        self.patterns = self.patterns.saturating_add(more);
        let fits = more == 0 || self.patterns <= most;
        if !fits {
            let message = format!("a rule may have {most} patterns with its shared rules");
            self.fault(place, "too_many_patterns", message);
        }
        fits
    }

    /// Notes that a shared rule asks for a flag.
    pub(super) fn note_asked(&mut self, flag: Key, place: &Place<'_>) {
        self.asks.push((flag, place.pointer()));
    }

    /// Notes why the rule does not compile.
    pub(super) fn fault(&mut self, place: &Place<'_>, code: &str, message: impl Into<String>) -> Expr {
        self.add_fault(Problem::new(place.pointer(), code, message))
    }

    /// The same with the problem as a whole.
    pub(super) fn add_fault(&mut self, problem: Problem) -> Expr {
        if self.done.faults.len() < PROBLEMS_MAX {
            self.done.faults.push(problem);
        }
        null()
    }

    /// Notes what compiles but cannot be meant.
    pub(super) fn warn(&mut self, problem: Problem) {
        if self.done.warnings.len() < PROBLEMS_MAX {
            self.done.warnings.push(problem);
        }
    }
}

/// A problem of a shared rule, told at the place that names it.
fn within(name: &str, pointer: &str, mut problem: Problem) -> Problem {
    let at = std::mem::replace(&mut problem.path, pointer.to_owned());
    let at = if at.is_empty() { String::new() } else { format!(", at {at}") };
    problem.message = format!("in the shared rule `{name}`{at}: {}", problem.message);
    problem
}

/// That a flag asks for itself.
pub(super) fn asks_for_itself(path: String) -> Problem {
    Problem::new(path, "prerequisite_cycle", "a flag cannot ask for itself")
}

/// The value of a constant expression.
pub(super) fn constant(expr: &Expr) -> Option<&Value> {
    match expr {
        Expr::Literal(value) => Some(value),
        _ => None,
    }
}

/// The constant null.
pub(super) const fn null() -> Expr {
    Expr::Literal(Value::Null)
}
