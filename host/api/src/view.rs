//! What of an environment a caller sees.

use std::time::Duration;

use burgee_engine::{Audience, Seen, Snapshot};
use burgee_model::{Millis, TokenKind};
use burgee_store::Store;

use crate::access::Caller;

/// The longest that a step is waited for at once: cluster time may be set meanwhile.
const LOOK: Duration = Duration::from_secs(10);
/// The shortest: steps are whole seconds apart.
const LOOK_MIN: Duration = Duration::from_millis(10);

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

    /// What it sees of a snapshot.
    pub(crate) fn of_snapshot(self, snapshot: &Snapshot) -> Seen<'_> {
        snapshot.seen_by(match self {
            Self::All => Audience::All,
            Self::Clients => Audience::Clients,
        })
    }

    /// What makes its tags others than those of the same state and context.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Clients => "clients",
        }
    }

    /// Waits for the first step of a snapshot after an instant; gives that step. Never completes where none comes.
    pub(crate) async fn step(self, snapshot: &Snapshot, after: Millis, store: &Store) -> Millis {
        let Some(due) = self.of_snapshot(snapshot).next_step(after) else { return std::future::pending().await };
        loop {
            let now = store.now();
            if now >= due {
                return due;
            }
            tokio::time::sleep(Duration::from_millis(due - now).clamp(LOOK_MIN, LOOK)).await;
        }
    }
}
