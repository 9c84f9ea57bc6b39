//! The host functions: what emitted code calls where it cannot go on alone.
//!
//! They take operands and read the values themselves, from the request and the module's literals; the
//! operators are those of the interpreter, with the same budget.

use std::{borrow::Cow, sync::Arc, time::Instant};

use burgee_guest::abi::{self, HostFunction};
use burgee_model::{Context, Limits, Millis, Value};
use burgee_rules::{
    Budget, EvalError, emit,
    interpret::{self, Inputs},
    ops::{self, fractional, sem_ver},
};
use wasmtime::{AsContextMut, Caller, Func, Store};

use crate::{allowance::STEPS_A_LOOK, chunk::Artefact, input::World, snapshot::ConfigTable};

/// Bytes of text that one call may leave for its results. Beyond, the call is broken off and resumed, so
/// that a range of flags needs no more memory than a single one.
const TEMPORARY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a worker's store holds beside the code.
pub(crate) struct Host {
    limits: Limits,
    request: Request,
    /// Values that host functions made, by operand.
    temporaries: Vec<Value>,
    temporary_bytes: usize,
    /// Operands laid aside for the next function.
    pushed: Vec<i32>,
    /// What is left to the flag that is evaluated.
    budget: Budget,
    budget_of: i32,
    spent: Spent,
}

/// What the flags of one call took, and may take together.
#[derive(Default)]
struct Spent {
    /// The steps of each flag that called the host, by number.
    steps: Vec<u64>,
    sum: u64,
    /// Beyond these steps, or this instant, flags are not begun.
    max: u64,
    until: Option<Instant>,
    late: bool,
    unseen: u64,
}

impl Spent {
    fn add(&mut self, flag: usize, steps: u64) {
        if self.steps.len() <= flag {
            self.steps.resize(flag + 1, 0);
        }
        self.steps.get_mut(flag).into_iter().for_each(|known| *known = known.saturating_add(steps));
        self.sum = self.sum.saturating_add(steps);
        self.unseen = self.unseen.saturating_add(steps);
    }

    fn has_left(&mut self) -> bool {
        if self.unseen >= STEPS_A_LOOK {
            self.unseen = 0;
            self.late |= self.until.is_some_and(|until| Instant::now() >= until);
        }
        self.sum < self.max && !self.late
    }
}

/// The call in progress, as far as host functions need it.
struct Request {
    artefact: Option<Arc<Artefact>>,
    context: Option<Context>,
    config: Option<Arc<ConfigTable>>,
    now: Millis,
    /// What stands in where nothing is kept.
    empty: (Context, Arc<ConfigTable>),
}

impl Host {
    pub(crate) fn new(limits: &Limits) -> Self {
        let empty = (Context::default(), Arc::default());
        Self {
            limits: limits.clone(),
            request: Request { artefact: None, context: None, config: None, now: 0, empty },
            temporaries: Vec::new(),
            temporary_bytes: 0,
            pushed: Vec::new(),
            budget: Budget::new(limits),
            budget_of: -1,
            spent: Spent::default(),
        }
    }

    /// Prepares for a call that may call the host. A call before may have panicked and never come to its end.
    pub(crate) fn begin(&mut self, artefact: &Arc<Artefact>, world: &World<'_>) {
        self.clear();
        self.spent = Spent { steps: std::mem::take(&mut self.spent.steps), max: u64::MAX, ..Spent::default() };
        self.spent.steps.clear();
        let request = &mut self.request;
        if !request.artefact.as_ref().is_some_and(|known| Arc::ptr_eq(known, artefact)) {
            request.artefact = Some(artefact.clone());
        }
        request.context = Some(world.context.clone());
        request.now = world.now;
        request.config = artefact.reads_config.then(|| world.config.clone());
    }

    /// Lets no flag begin once those before it took so many steps, or after an instant.
    pub(crate) fn bound(&mut self, steps: u64, until: Option<Instant>) {
        (self.spent.max, self.spent.until) = (steps, until);
    }

    /// Gives the steps that each flag took in the call that has ended, also where it was broken off.
    pub(crate) fn give_steps(&mut self, steps: &mut Vec<u64>) {
        std::mem::swap(&mut self.spent.steps, steps);
    }

    /// Notes what the flag took that was evaluated last.
    fn settle(&mut self) {
        if let Some(flag) = index(self.budget_of) {
            self.spent.add(flag, self.limits.evaluation_steps.saturating_sub(self.budget.steps_left()));
        }
        self.budget_of = -1;
    }

    /// Forgets the request.
    pub(crate) fn end(&mut self) {
        self.request.context = None;
        self.request.config = None;
        self.clear();
    }

    /// Forgets what the call has made so far.
    pub(crate) fn clear(&mut self) {
        self.temporaries.clear();
        self.temporary_bytes = 0;
        self.pushed.clear();
        self.settle();
    }

    /// Leaves what a call would that was never ended: values, operands and a budget that is used up.
    #[cfg(test)]
    pub(crate) fn leave(&mut self, values: &[Value]) {
        self.temporaries = values.to_vec();
        self.temporary_bytes = TEMPORARY_BYTES_MAX;
        self.pushed = vec![abi::TRUE; 3];
        self.budget = Budget::new(&Limits { evaluation_steps: 0, evaluation_bytes: 0, ..Limits::default() });
        self.budget_of = 0;
    }

    /// The values that host functions made in this call.
    pub(crate) fn temporaries(&self) -> &[Value] {
        &self.temporaries
    }

    fn value(&self, operand: i32) -> Cow<'_, Value> {
        self.request.value(operand, &self.temporaries)
    }

    /// The budget of a flag: a fresh one where another was evaluated before; an error where nothing is left to the request.
    fn select(&mut self, flag: i32) -> std::result::Result<(), EvalError> {
        if self.budget_of != flag {
            self.settle();
            if !self.spent.has_left() {
                return Err(EvalError::TooCostly);
            }
            self.budget = Budget::new(&self.limits);
            self.budget_of = flag;
        }
        Ok(())
    }

    fn keep(&mut self, value: Value) -> std::result::Result<i32, EvalError> {
        self.temporary_bytes += match &value {
            Value::Text(text) => text.len(),
            Value::List(items) => size_of_val(&**items),
            _ => 0,
        };
        self.temporaries.push(value);
        let operand = i32::try_from(self.temporaries.len()).map(|count| abi::TEMP_BASE + count - 1);
        match operand {
            Ok(operand) if operand < abi::RESULT_BASE && self.temporary_bytes <= TEMPORARY_BYTES_MAX => Ok(operand),
            _ => Err(EvalError::TooCostly),
        }
    }

    /// The last operands that were pushed.
    fn popped(&mut self, count: i32) -> Vec<i32> {
        let count = usize::try_from(count).unwrap_or(0);
        self.pushed.split_off(self.pushed.len().saturating_sub(count))
    }
}

/// The value of an operand; null for one that means nothing.
pub(crate) fn value<'a>(
    operand: i32,
    artefact: &'a Artefact,
    world: &World<'a>,
    temporaries: &'a [Value],
) -> Cow<'a, Value> {
    let found = match operand {
        ..0 => index(-1 - operand).and_then(|at| artefact.literals.get(at)).map(Cow::Borrowed),
        0..abi::TEMP_BASE => {
            let input = index(operand).and_then(|at| artefact.inputs.get(at));
            input.and_then(|input| world.read(&input.source))
        }
        _ => index(operand - abi::TEMP_BASE).and_then(|at| temporaries.get(at)).map(Cow::Borrowed),
    };
    found.unwrap_or(Cow::Borrowed(&Value::Null))
}

fn index(at: i32) -> Option<usize> {
    usize::try_from(at).ok()
}

impl Request {
    fn value<'a>(&'a self, operand: i32, temporaries: &'a [Value]) -> Cow<'a, Value> {
        match &self.artefact {
            Some(artefact) => value(operand, artefact, &self.world(), temporaries),
            None => Cow::Borrowed(&Value::Null),
        }
    }

    fn world(&self) -> World<'_> {
        let config = self.config.as_ref().unwrap_or(&self.empty.1);
        World { context: self.context(), config, now: self.now }
    }

    fn context(&self) -> &Context {
        self.context.as_ref().unwrap_or(&self.empty.0)
    }

    fn key(&self, flag: i32) -> &str {
        let keys = self.artefact.as_ref().map_or(&[][..], |artefact| &artefact.keys);
        index(flag).and_then(|at| keys.get(at)).map_or("", |key| key.as_str())
    }
}

fn operand(value: &Value) -> i32 {
    match value {
        Value::Bool(b) => abi::boolean(*b),
        _ => abi::NULL,
    }
}

type Result<T> = std::result::Result<T, wasmtime::Error>;

/// A module calls with a number that means nothing: it was not emitted by this release.
fn foreign() -> wasmtime::Error {
    wasmtime::Error::msg("the module does not follow the slots ABI")
}

/// The functions in the order of [`HostFunction::ALL`].
pub(crate) fn functions(store: &mut Store<Host>) -> Vec<Func> {
    HostFunction::ALL.into_iter().map(|function| wrap(function, store.as_context_mut())).collect()
}

fn wrap(function: HostFunction, store: impl AsContextMut<Data = Host>) -> Func {
    match function {
        HostFunction::Truthy => Func::wrap(store, |caller: Caller<'_, Host>, value| truthy(caller.data(), value)),
        HostFunction::Compare => Func::wrap(store, |mut caller: Caller<'_, Host>, flag, op, left, right| {
            compare(caller.data_mut(), flag, op, left, right)
        }),
        HostFunction::Contains => Func::wrap(store, |mut caller: Caller<'_, Host>, flag, needle, haystack| {
            contains(caller.data_mut(), flag, needle, haystack, ops::contains)
        }),
        HostFunction::ConstantContains => Func::wrap(store, |mut caller: Caller<'_, Host>, flag, needle, haystack| {
            contains(caller.data_mut(), flag, needle, haystack, ops::constant_contains)
        }),
        HostFunction::StartsWith => {
            let op = ops::starts_with;
            Func::wrap(store, move |mut caller: Caller<'_, Host>, flag, a, b| {
                on_both(caller.data_mut(), flag, a, b, op)
            })
        }
        HostFunction::EndsWith => {
            let op = ops::ends_with;
            Func::wrap(store, move |mut caller: Caller<'_, Host>, flag, a, b| {
                on_both(caller.data_mut(), flag, a, b, op)
            })
        }
        HostFunction::SemVer => {
            Func::wrap(store, |mut caller: Caller<'_, Host>, flag, op, a, b| sem_ver(caller.data_mut(), flag, op, a, b))
        }
        HostFunction::Push => {
            Func::wrap(store, |mut caller: Caller<'_, Host>, operand: i32| caller.data_mut().pushed.push(operand))
        }
        HostFunction::List => {
            Func::wrap(store, |mut caller: Caller<'_, Host>, _flag: i32, count| list(caller.data_mut(), count))
        }
        HostFunction::Cat => {
            Func::wrap(store, |mut caller: Caller<'_, Host>, flag, count| cat(caller.data_mut(), flag, count))
        }
        HostFunction::Bucket => Func::wrap(store, |mut caller: Caller<'_, Host>, flag, by, total| {
            bucket(caller.data_mut(), flag, by, total)
        }),
        HostFunction::Call => Func::wrap(store, |mut caller: Caller<'_, Host>, flag, function, count| {
            call(caller.data_mut(), flag, function, count)
        }),
        HostFunction::Interpret => Func::wrap(store, |mut caller: Caller<'_, Host>, flag, expression| {
            interpret(caller.data_mut(), flag, expression)
        }),
        HostFunction::Fractional => {
            Func::wrap(store, |mut caller: Caller<'_, Host>, flag, shares| choose(caller.data_mut(), flag, shares))
        }
    }
}

fn truthy(host: &Host, value: i32) -> i32 {
    i32::from(ops::truthy(&host.value(value)))
}

fn compare(host: &mut Host, flag: i32, op: i32, left: i32, right: i32) -> Result<i32> {
    host.select(flag)?;
    let op = emit::comparison(op).ok_or_else(foreign)?;
    let Host { request, temporaries, budget, .. } = host;
    let (left, right) = (request.value(left, temporaries), request.value(right, temporaries));
    Ok(i32::from(ops::compare(op, &left, &right, budget)?))
}

fn contains(
    host: &mut Host,
    flag: i32,
    needle: i32,
    haystack: i32,
    op: impl Fn(&Value, &Value, &mut Budget) -> std::result::Result<bool, EvalError>,
) -> Result<i32> {
    host.select(flag)?;
    let Host { request, temporaries, budget, .. } = host;
    let (needle, haystack) = (request.value(needle, temporaries), request.value(haystack, temporaries));
    Ok(i32::from(op(&needle, &haystack, budget)?))
}

fn on_both(
    host: &mut Host,
    flag: i32,
    left: i32,
    right: i32,
    op: impl Fn(&Value, &Value, &mut Budget) -> std::result::Result<Value, EvalError>,
) -> Result<i32> {
    host.select(flag)?;
    let Host { request, temporaries, budget, .. } = host;
    let (left, right) = (request.value(left, temporaries), request.value(right, temporaries));
    Ok(operand(&op(&left, &right, budget)?))
}

fn sem_ver(host: &mut Host, flag: i32, op: i32, left: i32, right: i32) -> Result<i32> {
    let op = emit::version_op(op).ok_or_else(foreign)?;
    on_both(host, flag, left, right, |left, right, budget| sem_ver::sem_ver(left, op, right, budget))
}

fn list(host: &mut Host, count: i32) -> Result<i32> {
    let items: Arc<[Value]> = host.popped(count).into_iter().map(|item| host.value(item).into_owned()).collect();
    Ok(host.keep(Value::List(items))?)
}

fn cat(host: &mut Host, flag: i32, count: i32) -> Result<i32> {
    host.select(flag)?;
    let parts = host.popped(count);
    let mut cat = ops::Cat::default();
    let Host { request, temporaries, budget, .. } = &mut *host;
    for part in parts {
        cat.push(&request.value(part, temporaries), budget)?;
    }
    Ok(host.keep(cat.finish())?)
}

fn call(host: &mut Host, flag: i32, function: i32, count: i32) -> Result<i32> {
    host.select(flag)?;
    let operands = host.popped(count);
    let Host { request, temporaries, budget, .. } = &mut *host;
    let artefact = request.artefact.as_ref().ok_or_else(foreign)?;
    let function = index(function).and_then(|at| artefact.functions.get(at)).ok_or_else(foreign)?;
    let operands: Vec<_> = operands.into_iter().map(|operand| request.value(operand, temporaries)).collect();
    let result = ops::call(function, &operands, budget)?;
    made(host, result)
}

fn interpret(host: &mut Host, flag: i32, expression: i32) -> Result<i32> {
    host.select(flag)?;
    let Host { request, budget, limits, .. } = &mut *host;
    let artefact = request.artefact.as_ref().ok_or_else(foreign)?;
    let expression = index(expression).and_then(|at| artefact.expressions.get(at)).ok_or_else(foreign)?;
    let world = request.world();
    let inputs = Inputs {
        flag_key: request.key(flag),
        context: world.context,
        timestamp_seconds: world.timestamp_seconds(),
        outside: &|key: &str| world.config_value(key).clone(),
        limits,
    };
    let result = interpret::expression(expression, &inputs, budget)?.into_owned();
    made(host, result)
}

/// The operand of a value that was made.
fn made(host: &mut Host, value: Value) -> Result<i32> {
    Ok(match value {
        Value::Null | Value::Bool(_) => operand(&value),
        value => host.keep(value)?,
    })
}

fn hash(host: &mut Host, flag: i32, by: i32) -> Result<Option<u32>> {
    host.select(flag)?;
    let Host { request, temporaries, budget, .. } = host;
    Ok(fractional::hash(&request.value(by, temporaries), request.key(flag), request.context(), budget)?)
}

fn bucket(host: &mut Host, flag: i32, by: i32, total: i32) -> Result<i32> {
    let total = u32::try_from(total).map_err(|_| foreign())?;
    Ok(hash(host, flag, by)?.map_or(-1, |hash| fractional::bucket(hash, total).cast_signed()))
}

/// Gives the operand of the chosen variant: that of the share itself, so nothing is copied.
fn choose(host: &mut Host, flag: i32, shares: i32) -> Result<i32> {
    let pushed = host.popped(shares.saturating_mul(2).saturating_add(1));
    let Some((by, shares)) = pushed.split_first() else { return Ok(abi::NULL) };
    let hash = hash(host, flag, *by)?;
    Ok(hash.and_then(|hash| chosen(host, hash, shares)).unwrap_or(abi::NULL))
}

fn chosen(host: &Host, hash: u32, shares: &[i32]) -> Option<i32> {
    let (shares, _) = shares.as_chunks::<2>();
    let weights: Option<Vec<u32>> = shares.iter().map(|[variant, weight]| share(host, *variant, *weight)).collect();
    let at = fractional::choose(hash, weights?.iter().copied())?;
    shares.get(at).map(|[variant, _]| *variant)
}

fn share(host: &Host, variant: i32, weight: i32) -> Option<u32> {
    fractional::weight(&host.value(weight)).filter(|_| fractional::is_variant(&host.value(variant)))
}
