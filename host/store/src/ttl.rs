//! Deadlines: what expires when.

use std::collections::BTreeSet;

use burgee_model::Millis;

use crate::digest::Path;

/// The deadlines of newest versions that have not been announced as passed, each with the place of its
/// register. (Should two registers share both, only one of them is told.)
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines(BTreeSet<(Millis, Path)>);

impl Deadlines {
    pub(crate) fn arm(&mut self, deadline: Millis, path: Path) {
        self.0.insert((deadline, path));
    }

    /// Says whether it was armed.
    pub(crate) fn disarm(&mut self, deadline: Millis, path: Path) -> bool {
        self.0.remove(&(deadline, path))
    }

    pub(crate) fn is_armed(&self, deadline: Millis, path: Path) -> bool {
        self.0.contains(&(deadline, path))
    }

    pub(crate) fn next(&self) -> Option<Millis> {
        self.0.first().map(|(deadline, _)| *deadline)
    }

    /// The first deadline that has passed.
    pub(crate) fn due(&self, now: Millis) -> Option<(Millis, Path)> {
        self.0.first().copied().filter(|(deadline, _)| *deadline <= now)
    }
}
