//! Running a rule directly: tier 0, and the oracle of every emitted module.
//!
//! Values are borrowed from the rule and the context as long as possible; only texts and lists that a rule
//! builds are allocated. The recursion is as deep as the rule, which the parser has bounded, and values are no deeper
//! than [`VALUE_LEVELS_MAX`](crate::VALUE_LEVELS_MAX) and what one more `reduce` adds.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use burgee_model::{Context, Limits, Value};

use crate::{
    Budget, EvalError, GUEST_STEPS,
    function::Function,
    ir::{Body, Comparison, Expr, Fractional, Rule, Share},
    ops::{self, Each, fractional},
    weight::{Growth, weigh},
};

/// All that a rule may read.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The key of the flag.
    pub flag_key: &'a str,
    /// What the application tells.
    pub context: &'a Context,
    /// The time, in whole seconds since the Unix epoch.
    pub timestamp_seconds: u64,
    /// What else it may ask for.
    pub outside: &'a dyn Outside,
    /// What an evaluation may cost.
    pub limits: &'a Limits,
}

/// What a rule may ask for beside its context. A function of a key stands for config entries alone.
pub trait Outside {
    /// The value of a config entry; null where it is absent.
    fn config(&self, key: &str) -> Value;

    /// The variant that another flag gives the same context; null where it gives none.
    fn flag(&self, _key: &str, _budget: &mut Budget) -> Result<Value, EvalError> {
        Ok(Value::Null)
    }

    /// What a guest gives for such arguments; null where there is no such guest.
    fn guest(&self, _name: &str, _arguments: &[Value]) -> Result<Value, EvalError> {
        Ok(Value::Null)
    }
}

impl<F: Fn(&str) -> Value> Outside for F {
    fn config(&self, key: &str) -> Value {
        self(key)
    }
}

type Evaluated<'a> = Result<Cow<'a, Value>, EvalError>;

/// The value of a rule: borrowed from the rule or the context where it stands there.
pub fn evaluate<'a>(rule: &'a Rule, inputs: &Inputs<'a>) -> Result<Cow<'a, Value>, EvalError> {
    expression(&rule.root, inputs, &mut Budget::new(inputs.limits))
}

/// The value of an expression, at the cost of a budget.
pub fn expression<'a>(expr: &'a Expr, inputs: &Inputs<'a>, budget: &mut Budget) -> Result<Cow<'a, Value>, EvalError> {
    Evaluation { inputs: *inputs, budget, item: Value::Null }.value(expr)
}

struct Evaluation<'a, 'b> {
    inputs: Inputs<'a>,
    budget: &'b mut Budget,
    /// Within a body: the item.
    item: Value,
}

/// What is absent.
static NULL: Value = Value::Null;

/// The most shares of a `fractional` whose weights need no allocation.
const INLINE_SHARES: usize = 16;

impl<'a> Evaluation<'a, '_> {
    fn value(&mut self, expr: &'a Expr) -> Evaluated<'a> {
        match expr {
            Expr::Literal(value) => Ok(Cow::Borrowed(value)),
            Expr::Var { path, default } => self.var(path, default.as_deref()),
            Expr::If { arms, otherwise } => self.branch(arms, otherwise),
            Expr::And(operands) => self.first_where(operands, false),
            Expr::Or(operands) => self.first_where(operands, true),
            Expr::Not(_) | Expr::Truthy(_) | Expr::Compare { .. } | Expr::Between { .. } | Expr::In { .. } => {
                self.holds(expr).map(boolean)
            }
            Expr::StartsWith(text, prefix) => self.on_both(text, prefix, ops::starts_with),
            Expr::EndsWith(text, suffix) => self.on_both(text, suffix, ops::ends_with),
            Expr::SemVer { left, op, right } => {
                self.on_both(left, right, |a, b, budget| ops::sem_ver::sem_ver(a, *op, b, budget))
            }
            Expr::Fractional(fractional) => self.fractional(fractional),
            Expr::Shared(shared) => self.value(shared),
            Expr::Timestamp => Ok(Cow::Owned(self.timestamp())),
            Expr::Flagd => Ok(Cow::Owned(self.flagd())),
            Expr::FlagKey => Ok(Cow::Owned(Value::text(self.inputs.flag_key))),
            Expr::Config { key, default } => self.config(key, default.as_deref()),
            Expr::Guest { name, arguments } => self.guest(name, arguments),
            Expr::Flag { key } => self.inputs.outside.flag(key, self.budget).map(Cow::Owned),
            Expr::List(items) => self.list(items),
            Expr::Cat(parts) => self.cat(parts),
            Expr::Call { function, operands } => self.call(function, operands),
            Expr::Each { each, list, body } => self.each(*each, list, body),
            Expr::Reduce { list, body, initial } => self.reduce(list, body, initial),
            Expr::Item { path, default } => self.of_item(path, default.as_deref()),
        }
    }

    /// The truth of an expression, without making a value of what is a boolean anyway.
    fn holds(&mut self, expr: &'a Expr) -> Result<bool, EvalError> {
        match expr {
            Expr::And(operands) => self.any(operands, false).map(|found| !found),
            Expr::Or(operands) => self.any(operands, true),
            Expr::Not(operand) => self.holds(operand).map(|holds| !holds),
            Expr::Truthy(operand) => self.holds(operand),
            Expr::Compare { op, left, right } => self.compare(*op, left, right),
            Expr::Between { op, operands } => self.between(*op, operands),
            Expr::In { needle, haystack } => self.contains(needle, haystack),
            Expr::Shared(shared) => self.holds(shared),
            _ => self.operand(expr).map(|value| ops::truthy(&value)),
        }
    }

    /// The value of an operand that stands in the rule or the context, which most do: quicker than [`Self::value`].
    #[inline]
    fn standing(&self, expr: &'a Expr) -> Option<&'a Value> {
        match expr {
            Expr::Literal(value) => Some(value),
            Expr::Var { path, default: None } => Some(self.attribute(path).unwrap_or(&NULL)),
            _ => None,
        }
    }

    #[inline]
    fn operand(&mut self, expr: &'a Expr) -> Evaluated<'a> {
        match self.standing(expr) {
            Some(value) => Ok(Cow::Borrowed(value)),
            None => self.value(expr),
        }
    }

    #[inline]
    fn attribute(&self, path: &str) -> Option<&'a Value> {
        self.inputs.context.attribute(path)
    }

    fn var(&mut self, path: &str, default: Option<&'a Expr>) -> Evaluated<'a> {
        match self.attribute(path) {
            None | Some(Value::Null) => self.default(default),
            Some(value) => Ok(Cow::Borrowed(value)),
        }
    }

    fn default(&mut self, default: Option<&'a Expr>) -> Evaluated<'a> {
        default.map_or(Ok(null()), |default| self.value(default))
    }

    fn branch(&mut self, arms: &'a [(Expr, Expr)], otherwise: &'a Expr) -> Evaluated<'a> {
        for (condition, value) in arms {
            if self.holds(condition)? {
                return self.value(value);
            }
        }
        self.value(otherwise)
    }

    /// The first operand of this truth, else the last.
    fn first_where(&mut self, operands: &'a [Expr], truth: bool) -> Evaluated<'a> {
        let mut last = null();
        for operand in operands {
            last = self.value(operand)?;
            if ops::truthy(&last) == truth {
                break;
            }
        }
        Ok(last)
    }

    /// Whether any operand is of this truth.
    fn any(&mut self, operands: &'a [Expr], truth: bool) -> Result<bool, EvalError> {
        for operand in operands {
            if self.holds(operand)? == truth {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn compare(&mut self, op: Comparison, left: &'a Expr, right: &'a Expr) -> Result<bool, EvalError> {
        if let (Some(left), Some(right)) = (self.standing(left), self.standing(right)) {
            return ops::compare(op, left, right, self.budget);
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        ops::compare(op, &left, &right, self.budget)
    }

    fn between(&mut self, op: Comparison, [low, middle, high]: &'a [Expr; 3]) -> Result<bool, EvalError> {
        let (low, middle) = (self.value(low)?, self.value(middle)?);
        if !ops::compare(op, &low, &middle, self.budget)? {
            return Ok(false);
        }
        let high = self.value(high)?;
        ops::compare(op, &middle, &high, self.budget)
    }

    fn contains(&mut self, needle: &'a Expr, haystack: &'a Expr) -> Result<bool, EvalError> {
        let needle = self.operand(needle)?;
        match haystack {
            Expr::Literal(haystack) => ops::constant_contains(&needle, haystack, self.budget),
            _ => ops::contains(&needle, &*self.value(haystack)?, self.budget),
        }
    }

    fn on_both(
        &mut self,
        left: &'a Expr,
        right: &'a Expr,
        op: impl Fn(&Value, &Value, &mut Budget) -> Result<Value, EvalError>,
    ) -> Evaluated<'a> {
        if let (Some(left), Some(right)) = (self.standing(left), self.standing(right)) {
            return op(left, right, self.budget).map(Cow::Owned);
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        op(&left, &right, self.budget).map(Cow::Owned)
    }

    fn fractional(&mut self, Fractional { bucket_by, shares }: &'a Fractional) -> Evaluated<'a> {
        let Some(hash) = self.bucket_hash(bucket_by.as_deref())? else { return Ok(null()) };
        let mut inline = [0u32; INLINE_SHARES];
        let mut heap = Vec::new();
        let weights = match inline.get_mut(..shares.len()) {
            Some(inline) => inline,
            None => {
                heap.resize(shares.len(), 0);
                heap.as_mut_slice()
            }
        };
        let Some(mut variants) = self.shares(shares, weights)? else { return Ok(null()) };
        Ok(match fractional::choose(hash, weights.iter().copied()) {
            Some(chosen) => match variants.iter().position(|(at, _)| *at == chosen) {
                Some(at) => variants.swap_remove(at).1,
                None => shares.get(chosen).map_or_else(null, constant_variant),
            },
            None => null(),
        })
    }

    fn bucket_hash(&mut self, bucket_by: Option<&'a Expr>) -> Result<Option<u32>, EvalError> {
        let Inputs { flag_key, context, .. } = self.inputs;
        match bucket_by {
            None => fractional::default_hash(flag_key, context, self.budget),
            Some(expr) => fractional::hash(&*self.operand(expr)?, flag_key, context, self.budget),
        }
    }

    /// Fills in all weights, and gives the variants that are not constant by their position. `None` where a
    /// share makes the whole null.
    #[allow(clippy::type_complexity, reason = "used once")]
    fn shares(
        &mut self,
        shares: &'a [Share],
        weights: &mut [u32],
    ) -> Result<Option<Vec<(usize, Cow<'a, Value>)>>, EvalError> {
        let mut variants = Vec::new();
        for (at, (share, slot)) in shares.iter().zip(weights).enumerate() {
            if !matches!(share.variant, Expr::Literal(_)) {
                let variant = self.value(&share.variant)?;
                if !fractional::is_variant(&variant) {
                    return Ok(None);
                }
                variants.push((at, variant));
            }
            let Some(weight) = fractional::weight(&*self.operand(&share.weight)?) else { return Ok(None) };
            *slot = weight;
        }
        Ok(Some(variants))
    }

    #[allow(clippy::cast_precision_loss, reason = "exact until the year 285,000,000")]
    fn timestamp(&self) -> Value {
        Value::Number(self.inputs.timestamp_seconds as f64)
    }

    fn flagd(&self) -> Value {
        let members = [("flagKey", Value::text(self.inputs.flag_key)), ("timestamp", self.timestamp())];
        Value::Object(members.into_iter().map(|(name, value)| (Arc::from(name), value)).collect())
    }

    fn config(&mut self, key: &str, default: Option<&'a Expr>) -> Evaluated<'a> {
        match self.inputs.outside.config(key) {
            Value::Null => self.default(default),
            value => Ok(Cow::Owned(value)),
        }
    }

    fn list(&mut self, items: &'a [Expr]) -> Evaluated<'a> {
        let values: Result<Arc<[Value]>, EvalError> =
            items.iter().map(|item| self.value(item).map(Cow::into_owned)).collect();
        values.map(|values| Cow::Owned(Value::List(values)))
    }

    fn call(&mut self, function: &Function, operands: &'a [Expr]) -> Evaluated<'a> {
        let operands: Result<Vec<_>, EvalError> = operands.iter().map(|operand| self.operand(operand)).collect();
        ops::call(function, &operands?, self.budget).map(Cow::Owned)
    }

    fn guest(&mut self, name: &str, arguments: &'a [Expr]) -> Evaluated<'a> {
        let values: Result<Vec<Value>, EvalError> =
            arguments.iter().map(|argument| self.value(argument).map(Cow::into_owned)).collect();
        let values = values?;
        self.budget.step(GUEST_STEPS)?;
        // They are written out for it.
        values.iter().try_for_each(|value| weigh(value, self.budget).map(drop))?;
        self.inputs.outside.guest(name, &values).map(Cow::Owned)
    }

    fn each(&mut self, each: Each, list: &'a Expr, body: &'a Body) -> Evaluated<'a> {
        let items = self.items(list)?;
        let (mut kept, mut settled) = (Vec::new(), false);
        for item in items.iter() {
            let result = self.of_body(body, item.clone())?;
            settled = each.take(item, result, &mut kept);
            if settled {
                break;
            }
        }
        Ok(Cow::Owned(each.finish(kept, items.is_empty(), settled)))
    }

    fn reduce(&mut self, list: &'a Expr, body: &'a Body, initial: &'a Expr) -> Evaluated<'a> {
        static NAMES: LazyLock<[Arc<str>; 2]> = LazyLock::new(|| ["current", "accumulator"].map(Arc::from));
        let items = self.items(list)?;
        let mut accumulator = self.value(initial)?.into_owned();
        let mut growth = Growth::of(body.levels as usize);
        for item in items.iter() {
            let [current, before] = NAMES.clone();
            let members = Value::Object([(current, item.clone()), (before, accumulator)].into());
            accumulator = self.of_body(body, members)?;
            growth.grown(&accumulator, self.budget)?;
        }
        Ok(Cow::Owned(accumulator))
    }

    /// The items of a list; of anything else, none.
    fn items(&mut self, list: &'a Expr) -> Result<Arc<[Value]>, EvalError> {
        match self.value(list)?.into_owned() {
            Value::List(items) => Ok(items),
            _ => Ok([].into()),
        }
    }

    fn of_body(&mut self, body: &'a Body, item: Value) -> Result<Value, EvalError> {
        self.budget.step(body.steps as usize)?;
        let around = std::mem::replace(&mut self.item, item);
        let value = self.value(&body.expr).map(Cow::into_owned);
        self.item = around;
        value
    }

    fn of_item(&mut self, path: &str, default: Option<&'a Expr>) -> Evaluated<'a> {
        match self.item.path(path) {
            None | Some(Value::Null) => self.default(default),
            Some(value) => Ok(Cow::Owned(value.clone())),
        }
    }

    fn cat(&mut self, parts: &'a [Expr]) -> Evaluated<'a> {
        let mut cat = ops::Cat::default();
        for part in parts {
            let value = self.value(part)?;
            cat.push(&value, self.budget)?;
        }
        Ok(Cow::Owned(cat.finish()))
    }
}

fn null<'a>() -> Cow<'a, Value> {
    Cow::Borrowed(&NULL)
}

fn boolean<'a>(holds: bool) -> Cow<'a, Value> {
    Cow::Owned(Value::Bool(holds))
}

fn constant_variant(share: &Share) -> Cow<'_, Value> {
    match &share.variant {
        Expr::Literal(value) => Cow::Borrowed(value),
        _ => null(),
    }
}

#[cfg(test)]
mod tests;
