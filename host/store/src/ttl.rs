//! Deadlines: which registers expire when.

use std::collections::BTreeSet;

use burgee_model::{Millis, RegisterId};

/// The deadlines of current versions that have not been announced as passed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines(BTreeSet<(Millis, RegisterId)>);

impl Deadlines {
    pub(crate) fn arm(&mut self, deadline: Millis, id: &RegisterId) {
        self.0.insert((deadline, id.clone()));
    }

    /// Says whether it was armed.
    pub(crate) fn disarm(&mut self, deadline: Millis, id: &RegisterId) -> bool {
        !self.0.is_empty() && self.0.remove(&(deadline, id.clone()))
    }

    pub(crate) fn is_armed(&self, deadline: Millis, id: &RegisterId) -> bool {
        !self.0.is_empty() && self.0.contains(&(deadline, id.clone()))
    }

    pub(crate) fn next(&self) -> Option<Millis> {
        self.0.first().map(|(deadline, _)| *deadline)
    }

    /// The first register whose deadline has passed.
    pub(crate) fn due(&self, now: Millis) -> Option<&RegisterId> {
        self.0.first().filter(|(deadline, _)| *deadline <= now).map(|(_, id)| id)
    }
}
