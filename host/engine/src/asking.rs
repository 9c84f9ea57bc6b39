//! What the rules of one evaluation ask for beside the context: config entries, other flags, guests.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::{Duration, Instant},
};

use burgee_model::Value;
use burgee_rules::{
    Budget, EvalError, GUEST_STEPS,
    interpret::{self, Inputs, Outside},
};

use crate::{
    flag::{Choice, Fixed, Plan, PreparedFlag},
    guest::GuestCall,
    input::World,
    snapshot::Snapshot,
};

/// How long guests may still take for one request: what bounds a bulk evaluation whose flags all call some.
pub(crate) struct Patience {
    left: Cell<Duration>,
    waited: Cell<Duration>,
    /// Guests that were asked for, there or not.
    asked: Cell<u64>,
}

impl Patience {
    pub(crate) fn new(allowed: Duration) -> Self {
        Self { left: Cell::new(allowed), waited: Cell::default(), asked: Cell::default() }
    }

    /// How long was waited.
    pub(crate) fn waited(&self) -> Duration {
        self.waited.get()
    }

    /// The steps that guests were charged with so far: they bound how many an evaluation calls, and are no work of its own.
    pub(crate) fn guest_steps(&self) -> u64 {
        self.asked.get().saturating_mul(GUEST_STEPS as u64)
    }

    /// Waits for something, if there is any patience left.
    fn wait<T>(&self, wait: impl FnOnce() -> T) -> Option<T> {
        let left = self.left.get();
        if left.is_zero() {
            return None;
        }
        let start = Instant::now();
        let done = wait();
        let waited = start.elapsed();
        self.left.set(left.saturating_sub(waited));
        self.waited.set(self.waited.get().saturating_add(waited));
        Some(done)
    }
}

/// One evaluation of one flag, with the answers of the flags that it has asked for so far: each is found once,
/// whichever ways lead to it.
pub(crate) struct Asking<'s, 'w> {
    snapshot: &'s Snapshot,
    world: &'s World<'w>,
    patience: &'s Patience,
    /// By the flags' places.
    answers: RefCell<BTreeMap<u32, Value>>,
}

impl<'s, 'w> Asking<'s, 'w> {
    pub(crate) fn new(snapshot: &'s Snapshot, world: &'s World<'w>, patience: &'s Patience) -> Self {
        Self { snapshot, world, patience, answers: RefCell::default() }
    }

    /// What the rule of a flag may ask for.
    pub(crate) fn of<'a>(&'a self, flag: &'a str) -> Others<'a, 's, 'w> {
        Others { asking: self, flag }
    }

    /// What a flag's rule decides, at the cost of a budget; the text says why it decided nothing.
    pub(crate) fn chosen(&self, flag: &PreparedFlag, budget: &mut Budget) -> Result<Result<Choice, String>, EvalError> {
        let Some(rule) = flag.targeting.as_ref().and_then(|targeting| targeting.rule.as_ref()) else {
            return Ok(Ok(Choice::Default));
        };
        let inputs = Inputs {
            flag_key: flag.key.as_str(),
            context: self.world.context,
            timestamp_seconds: self.world.timestamp_seconds(),
            outside: &self.of(flag.key.as_str()),
            limits: &self.snapshot.runtime.config.limits,
        };
        let result = interpret::expression(&rule.root, &inputs, budget)?;
        Ok(flag.choose(&result))
    }

    /// The variant that a flag gives to another one's rule; null where it gives none. To ask again costs nothing more.
    fn variant(&self, key: &str, budget: &mut Budget) -> Result<Value, EvalError> {
        let Some(at) = self.snapshot.index.get(key).copied() else { return Ok(Value::Null) };
        if let Some(known) = self.answers.borrow().get(&at) {
            return Ok(known.clone());
        }
        let answer = self.answer(at, budget)?;
        self.answers.borrow_mut().insert(at, answer.clone());
        Ok(answer)
    }

    fn answer(&self, at: u32, budget: &mut Budget) -> Result<Value, EvalError> {
        let at = at as usize;
        let flag = self.snapshot.flags.get(at).filter(|_| self.snapshot.trouble(at).is_none());
        let Some(flag) = flag else { return Ok(Value::Null) };
        let choice = match flag.plan {
            Plan::Fixed(Fixed::Default) => Some(Choice::Default),
            Plan::Fixed(Fixed::Disabled | Fixed::Broken) => None,
            Plan::Rule => {
                let rule = flag.targeting.as_ref().and_then(|targeting| targeting.rule.as_ref());
                budget.step(rule.map_or(0, |rule| rule.steps))?;
                match self.chosen(flag, budget) {
                    Ok(decided) => decided.ok(),
                    // the other flag is in error, as it is where its result names no variant: that is no error of this one
                    Err(EvalError::Guest(_)) => None,
                    Err(error) => return Err(error),
                }
            }
        };
        let name = choice.and_then(|choice| flag.variant(choice));
        Ok(name.map_or(Value::Null, |name| Value::Text(name.clone())))
    }
}

/// What the rule of one flag may ask for.
pub(crate) struct Others<'a, 's, 'w> {
    asking: &'a Asking<'s, 'w>,
    flag: &'a str,
}

impl Outside for Others<'_, '_, '_> {
    fn config(&self, key: &str) -> Value {
        self.asking.world.config_value(key).clone()
    }

    fn flag(&self, key: &str, budget: &mut Budget) -> Result<Value, EvalError> {
        self.asking.variant(key, budget)
    }

    fn guest(&self, name: &str, arguments: &[Value]) -> Result<Value, EvalError> {
        let Snapshot { runtime, guests, source, .. } = self.asking.snapshot;
        let asked = &self.asking.patience.asked;
        asked.set(asked.get().saturating_add(1));
        let (Some(running), Some(digest)) = (&runtime.guests, guests.get(name)) else { return Ok(Value::Null) };
        let world = self.asking.world;
        let call = GuestCall {
            tenant: &source.tenant,
            guest: name,
            digest: digest.0,
            flag: self.flag,
            timestamp_seconds: world.timestamp_seconds(),
            context: world.context,
            arguments,
            config: &|key| running.config(&source.tenant, &source.environment, key),
        };
        let answer = self.asking.patience.wait(|| running.call(&call));
        answer.unwrap_or_else(|| Err(running.refuse())).map_err(|fault| EvalError::Guest(fault.kind()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_waited_too_long_waits_no_more() {
        let patience = Patience::new(Duration::from_millis(1));
        assert_eq!(patience.wait(|| 7), Some(7));
        assert!(patience.wait(|| std::thread::sleep(Duration::from_millis(2))).is_some());
        assert_eq!(patience.wait(|| 7), None);
    }
}
