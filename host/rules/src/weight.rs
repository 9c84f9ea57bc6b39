//! How large and how deep a value is that a rule has built.
//!
//! Lists share their items, so a rule can write down in a few steps what would fill any memory if it were written out,
//! and `reduce` can nest lists as often as its list has items. Whoever goes through the whole of a value weighs it first.

use burgee_model::Value;

use crate::{Budget, EvalError};

/// The most levels of lists and objects that a value may have which a rule builds: what goes through a value goes as deep
/// as it, and a thread's stack is bounded. (Contexts, entries and rules have far fewer.)
pub const VALUE_LEVELS_MAX: usize = 1_024;

/// The levels of a value, at most [`VALUE_LEVELS_MAX`] of them. Every item, and every text as in
/// [`Budget::look`], is charged wherever it stands.
///
/// # Errors
/// [`EvalError::TooCostly`] where it is deeper, or larger than what is left.
pub fn weigh(value: &Value, budget: &mut Budget) -> Result<usize, EvalError> {
    weigh_within(value, VALUE_LEVELS_MAX, budget)
}

fn weigh_within(value: &Value, levels_left: usize, budget: &mut Budget) -> Result<usize, EvalError> {
    let mut below = 0;
    let left = || levels_left.checked_sub(1).ok_or(EvalError::TooCostly);
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => return Ok(0),
        Value::Text(text) => return budget.look(text.len()).map(|()| 0),
        Value::List(items) => {
            let left = left()?;
            budget.step(items.len())?;
            for item in items.iter() {
                below = below.max(weigh_within(item, left, budget)?);
            }
        }
        Value::Object(members) => {
            let left = left()?;
            budget.step(members.len())?;
            for (name, member) in members.iter() {
                budget.look(name.len())?;
                below = below.max(weigh_within(member, left, budget)?);
            }
        }
    }
    Ok(below + 1)
}

/// The most levels of what a rule is given: constants, contexts, entries, answers of guests.
const GIVEN_LEVELS: usize = 256;

/// How deep the accumulator of a `reduce` may be by now. It is weighed only where its body may have made it too deep,
/// for that costs as much as it is large.
#[derive(Debug)]
pub(crate) struct Growth {
    /// Levels that the body may add.
    body: usize,
    levels: usize,
}

impl Growth {
    /// Of a body whose expressions have so many levels.
    pub(crate) fn of(body: usize) -> Self {
        Self { body, levels: GIVEN_LEVELS }
    }

    /// The body gave another accumulator.
    pub(crate) fn grown(&mut self, accumulator: &Value, budget: &mut Budget) -> Result<(), EvalError> {
        self.levels = self.levels.saturating_add(self.body);
        if self.levels > VALUE_LEVELS_MAX {
            self.levels = weigh(accumulator, budget)?.max(GIVEN_LEVELS);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, _| Value::List([inner].into()))
    }

    #[test]
    fn counts_levels_up_to_the_most() {
        let mut budget = Budget::new(&Limits::default());
        for levels in [0, 1, 2, VALUE_LEVELS_MAX] {
            assert_eq!(weigh(&nested(levels), &mut budget), Ok(levels));
        }
        assert_eq!(weigh(&nested(VALUE_LEVELS_MAX + 1), &mut budget), Err(EvalError::TooCostly));
    }

    #[test]
    fn what_is_shared_counts_wherever_it_stands() {
        let mut budget = Budget::new(&Limits { evaluation_steps: 14, ..Limits::default() });
        let doubled = |value: Value, _| Value::List([value.clone(), value].into());
        assert_eq!(weigh(&(0..3).fold(Value::Null, doubled), &mut budget), Ok(3));
        assert_eq!(weigh(&(0..60).fold(Value::Null, doubled), &mut budget), Err(EvalError::TooCostly));
    }
}
