//! Flags that are marked for clients: applications that are handed out see no other.

use burgee_model::flag::FOR_CLIENTS;
use serde_json::Value as Json;

use crate::{evaluation::Evaluation, flag::PreparedFlag, snapshot::Snapshot};

impl PreparedFlag {
    /// Whether it is marked for clients.
    pub(crate) fn is_for_clients(&self) -> bool {
        self.source.metadata.get(FOR_CLIENTS) == Some(&Json::Bool(true))
    }
}

impl Snapshot {
    /// Whether a flag is marked for clients.
    #[must_use]
    pub fn is_for_clients(&self, flag: &str) -> bool {
        self.prepared(flag).is_some_and(|flag| flag.is_for_clients())
    }

    /// The answer for a flag that does not exist.
    #[must_use]
    pub fn no_such_flag(flag: &str) -> Evaluation<'_> {
        Evaluation::not_found(flag)
    }
}
