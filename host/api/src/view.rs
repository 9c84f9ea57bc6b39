//! What of an environment a caller sees.

use burgee_engine::Snapshot;
use burgee_model::TokenKind;

use crate::access::Caller;

/// Which flags there are for whoever asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    All,
    /// Those that are marked for clients; others do not exist.
    Clients,
}

impl View {
    pub(crate) fn of(caller: &Caller) -> Self {
        if caller.principal.kind == TokenKind::Client { Self::Clients } else { Self::All }
    }

    pub(crate) fn shows(self, snapshot: &Snapshot, flag: &str) -> bool {
        self == Self::All || snapshot.is_for_clients(flag)
    }

    /// What makes its tags others than those of the same state and context.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Clients => "clients",
        }
    }
}
