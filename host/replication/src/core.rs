//! The protocol: `(state, event, table, now) -> commands`, without clock, randomness or network.

mod command;
mod event;
mod settings;

use burgee_model::Millis;
use burgee_store::Table;

pub use self::{
    command::{Command, Note, SystemWrite},
    event::{Event, Now},
    settings::{Periods, Settings},
};
use crate::status::{Readiness, Status};

/// The state of the protocol.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    readiness: Readiness,
}

impl Core {
    /// The state at the start of a process.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, readiness: Readiness::ready() }
    }

    /// Takes an event; the commands are to be executed in their order. `table` is what this node holds
    /// at this moment: the core reads it and never changes it.
    pub fn handle(&mut self, _event: Event, _table: &Table, _now: Now) -> Vec<Command> {
        Vec::new()
    }

    /// Whether the node may serve.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// The cluster as this node sees it.
    #[must_use]
    pub fn status(&self, _table: &Table, _now: Now) -> Status {
        Status::of(&self.settings)
    }

    /// By how much the node's clock is ahead, in milliseconds, where at least two live peers agree that it
    /// is by more than the tolerated skew: then it takes no local writes.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<Millis> {
        None
    }
}
