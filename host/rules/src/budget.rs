//! What one evaluation may cost: deterministic counters, the same in the interpreter and in the host
//! functions of the emitted module, so that both tiers give up at the same point.
//!
//! A rule's own size is bounded when it is parsed. Only work that grows with what its operators work on is
//! counted here: looking through lists that are not constants of the rule and through long texts (steps),
//! and building text (bytes).

use burgee_model::Limits;

/// Texts of up to so many bytes cost nothing to look through, for the number of a rule's operators is bounded;
/// of longer ones, so many bytes cost one step. Emitted code may look at short texts without asking the host.
pub const SHORT_TEXT_BYTES: usize = 64;

/// The steps that a call of a guest costs: what bounds how many an evaluation makes.
pub const GUEST_STEPS: usize = 10_000;

/// What is left to an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    steps: u64,
    bytes: usize,
}

/// Why an evaluation gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// It took more steps, or built more text, than allowed.
    #[error("the rule is too costly for this context")]
    TooCostly,
    /// A guest gave no value; the text is the kind of its fault.
    #[error("the guest failed: {0}")]
    Guest(&'static str),
}

impl Budget {
    /// What the limits allow to one evaluation of one flag.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { steps: limits.evaluation_steps, bytes: limits.evaluation_bytes }
    }

    /// The steps that are left.
    #[must_use]
    pub fn steps_left(&self) -> u64 {
        self.steps
    }

    /// Takes steps.
    pub fn step(&mut self, steps: usize) -> Result<(), EvalError> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(EvalError::TooCostly)?;
        Ok(())
    }

    /// Takes the steps of looking through so many bytes of text, as they are read, compared, searched or hashed.
    pub fn look(&mut self, bytes: usize) -> Result<(), EvalError> {
        if bytes > SHORT_TEXT_BYTES { self.step(bytes / SHORT_TEXT_BYTES) } else { Ok(()) }
    }

    /// Takes bytes of text that is about to be built.
    pub fn text(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(EvalError::TooCostly)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_exactly_what_is_allowed() {
        let mut budget = Budget::new(&Limits { evaluation_steps: 3, evaluation_bytes: 2, ..Limits::default() });
        assert_eq!(budget.step(3), Ok(()));
        assert_eq!(budget.step(1), Err(EvalError::TooCostly));
        assert_eq!(budget.text(2), Ok(()));
        assert_eq!(budget.text(1), Err(EvalError::TooCostly));
    }

    #[test]
    fn long_texts_cost_steps() {
        let mut budget = Budget::new(&Limits { evaluation_steps: 3, ..Limits::default() });
        (0..10).for_each(|_| assert_eq!(budget.look(64), Ok(())));
        assert_eq!(budget.look(65), Ok(()));
        assert_eq!(budget.look(192), Err(EvalError::TooCostly));
        assert_eq!(budget.look(191), Ok(()));
        assert_eq!(budget.look(65), Err(EvalError::TooCostly));
        assert_eq!(budget.look(64), Ok(()));
    }
}
