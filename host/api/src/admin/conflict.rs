//! Conflicts: writes that a concurrent one overwrote, and that nobody settled yet.

use std::sync::Arc;

use burgee_model::{Address, Blob, Key, Kill, Millis, RegisterId, Stamp};
use burgee_store::{Draft, DraftWrite, PARENTS_MAX, Table, Version};
use serde_json::{Value as Json, json};

use super::{Preconditions, Refusal, address::Register, history, tenant, writes};

/// A register in which versions stand beside the current one.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The register.
    pub register: RegisterId,
    /// The current version.
    pub winner: Arc<Version>,
    /// Those that it overwrote unseen, newest first.
    pub losers: Vec<Arc<Version>>,
}

impl Conflict {
    /// As lists show it.
    #[must_use]
    pub fn document(&self) -> Json {
        let losers: Vec<Json> = self.losers.iter().map(|loser| Json::Object(history::document(loser))).collect();
        json!({
            "register": Register::new(&self.register),
            "winner": history::document(&self.winner),
            "losers": losers,
        })
    }
}

/// A tenant's conflicts after a register, in the order of registers.
pub fn list<'a>(
    table: &'a Table,
    now: Millis,
    tenant: &'a Key,
    after: Option<&'a Address>,
) -> Result<impl Iterator<Item = Conflict> + use<'a>, Refusal> {
    tenant::read(table, now, tenant)?;
    let conflicts = table.all_conflicts(tenant).filter(move |(id, _)| after.is_none_or(|after| id.address > *after));
    Ok(conflicts.filter_map(|(register, losers)| {
        let winner = table.latest(&register)?;
        Some(Conflict { register, winner, losers })
    }))
}

/// Plans to settle a conflict in favour of what stands: its value is written again, and names the losers.
pub fn dismiss(table: &Table, id: &RegisterId, conditions: &Preconditions) -> Result<Draft, Refusal> {
    let current = history::latest(table, id)?;
    conditions.check(Some(&current.stamp.to_string()))?;
    let losers = table.conflicts(id);
    if losers.is_empty() {
        return Err(Refusal::NoConflict);
    }
    Ok(settling(table, id, &current, &losers))
}

/// Plans to settle what a version could not name. Nothing where another one has come since, or nothing is left.
#[must_use]
pub fn settle_rest(table: &Table, id: &RegisterId, written: Stamp) -> Draft {
    let losers = table.conflicts(id);
    match table.latest(id) {
        Some(current) if current.stamp == written && !losers.is_empty() => settling(table, id, &current, &losers),
        _ => Draft::default(),
    }
}

fn settling(table: &Table, id: &RegisterId, current: &Version, losers: &[Arc<Version>]) -> Draft {
    // the writer names the current version by itself
    let settles = losers.iter().map(|loser| loser.stamp).take(PARENTS_MAX - 1).collect();
    let content = standing(table, id, current);
    writes(vec![DraftWrite { register: id.clone(), content, expires_at: current.expires_at, settles }])
}

/// What the register amounts to. Of concurrent versions of a kill switch *killed* wins, whatever their order,
/// and settling them must not release it.
fn standing(table: &Table, id: &RegisterId, current: &Version) -> Option<Blob> {
    let killed = |blob: &Blob| blob.read::<Kill>().is_some_and(|kill| kill.killed);
    let kill = table.heads(id).into_iter().filter(|_| id.address.keeps_heads());
    kill.filter_map(|head| head.content.clone()).find(killed).or_else(|| current.content.clone())
}
