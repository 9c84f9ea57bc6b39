//! Flags that are marked for clients: applications that are handed out see no other.

use burgee_model::flag::FOR_CLIENTS;
use serde_json::Value as Json;

use crate::{evaluation::Evaluation, snapshot::Snapshot};

impl Snapshot {
    /// Whether a flag is marked for clients.
    #[must_use]
    pub fn is_for_clients(&self, flag: &str) -> bool {
        let prepared = self.index.get(flag).and_then(|at| self.flags.get(*at as usize));
        prepared.is_some_and(|flag| flag.source.metadata.get(FOR_CLIENTS) == Some(&Json::Bool(true)))
    }

    /// The answer for a flag that does not exist.
    #[must_use]
    pub fn no_such_flag(flag: &str) -> Evaluation<'_> {
        Evaluation::not_found(flag)
    }
}
