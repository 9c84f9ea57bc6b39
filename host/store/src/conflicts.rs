//! Which conflicts are to be announced, and when.

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::{Millis, RegisterId, Stamp};

/// How long a conflict stands before it is announced: one that a peer settles at once is nobody's news.
const STANDING_MS: Millis = 2_000;

/// The conflicts that stand, each since when it does and whether it was announced.
#[derive(Debug, Default)]
pub(crate) struct Standing(BTreeMap<RegisterId, Conflict>);

#[derive(Debug)]
struct Conflict {
    losers: Arc<[Stamp]>,
    since: Millis,
    told: bool,
}

impl Standing {
    /// What stands at the start is nobody's news: readers of an earlier start list again.
    pub(crate) fn told<'a>(standing: impl Iterator<Item = (&'a RegisterId, &'a Arc<[Stamp]>)>) -> Self {
        let told = |losers: &Arc<[Stamp]>| Conflict { losers: losers.clone(), since: 0, told: true };
        Self(standing.map(|(id, losers)| (id.clone(), told(losers))).collect())
    }

    /// Takes note of all conflicts that stand now, in the order of their registers, and forgets those that
    /// ended. Answers the registers whose conflict is to be announced: each set of losers once.
    pub(crate) fn due<'a>(
        &mut self,
        standing: impl Iterator<Item = (&'a RegisterId, &'a Arc<[Stamp]>)>,
        now: Millis,
    ) -> Vec<RegisterId> {
        let mut before = std::mem::take(&mut self.0);
        let mut due = Vec::new();
        for (id, losers) in standing {
            let known = before.remove(id).filter(|conflict| conflict.losers == *losers);
            let mut conflict = known.unwrap_or_else(|| Conflict { losers: losers.clone(), since: now, told: false });
            if !conflict.told && conflict.since.saturating_add(STANDING_MS) <= now {
                conflict.told = true;
                due.push(id.clone());
            }
            self.0.insert(id.clone(), conflict);
        }
        due
    }
}
