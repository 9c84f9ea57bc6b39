//! What must always hold, and what must hold once everything is mended: one invariant a file.

pub mod bounds;
pub mod causality;
pub mod collection;
pub mod conflicts;
pub mod convergence;
pub mod deletion;
pub mod durability;
pub mod identity;
pub mod joining;
pub mod kill;
pub mod reach;
pub mod readiness;
pub mod revocation;
pub mod seen;
pub mod stamps;
pub mod time;
pub mod traffic;
pub mod ttl;

use std::{fmt, sync::Arc};

use burgee_store::Version;

use crate::world::World;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// What a check of a settled cluster answers.
pub type Verdict = Result<(), Violation>;

/// An invariant that does not hold.
///
/// # Errors
/// Always: that is the answer.
pub fn broken(invariant: &'static str, what: impl Into<String>) -> Verdict {
    Err(Violation { invariant, what: what.into() })
}

/// A node is about to write a version.
pub fn planned(world: &mut World, slot: usize, version: &Arc<Version>) {
    stamps::planned(world, slot, version);
    causality::planned(world, slot, version);
    collection::planned(world, slot, version);
    revocation::planned(world, slot, version);
}

/// Everything that must hold of a cluster that has settled.
///
/// # Errors
/// The first violation.
pub fn settled(world: &World) -> Verdict {
    identity::settled(world)?;
    convergence::settled(world)?;
    durability::settled(world)?;
    deletion::settled(world)?;
    kill::settled(world)?;
    revocation::settled(world)?;
    conflicts::settled(world)?;
    time::settled(world)
}
