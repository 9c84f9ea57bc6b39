//! Conflicts: writes that a concurrent one overwrote, and that nobody settled yet.

use std::sync::Arc;

use burgee_model::{Address, Key, Kill, Millis, RegisterId, Stamp};
use burgee_store::{Draft, DraftWrite, PARENTS_MAX, Table, Version};
use serde_json::{Value as Json, json};

use super::{Preconditions, Refusal, address::Register, history, tenant, writes};

/// A register in which versions stand beside the one that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The register.
    pub register: RegisterId,
    /// The version that counts.
    pub winner: Arc<Version>,
    /// Those that count no more, though nobody who saw them wrote over them; newest first.
    pub losers: Vec<Arc<Version>>,
}

impl Conflict {
    /// Of the newest version of a register and those that it overwrote unseen, newest first. The newest counts,
    /// but that of concurrent versions of a kill switch *killed* does, whatever their order.
    #[must_use]
    pub fn new(register: RegisterId, newest: Arc<Version>, overwritten: Vec<Arc<Version>>) -> Self {
        let mut sides = overwritten;
        sides.insert(0, newest);
        let killed = |version: &Arc<Version>| {
            let kill: Option<Kill> = version.content.as_ref().and_then(|blob| blob.read());
            kill.is_some_and(|kill| kill.killed)
        };
        let keeps_heads = register.address.keeps_heads();
        let at = if keeps_heads { sides.iter().position(killed).unwrap_or_default() } else { 0 };
        Self { register, winner: sides.remove(at), losers: sides }
    }

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
    Ok(conflicts.filter_map(|(register, overwritten)| {
        let newest = table.latest(&register)?;
        Some(Conflict::new(register, newest, overwritten))
    }))
}

/// Checks the conditions of a write over a register's newest version. What a list shows as the winner of a
/// conflict is as good as the newest.
pub fn check(table: &Table, newest: &Arc<Version>, conditions: &Preconditions) -> Result<(), Refusal> {
    let found = of(table, newest);
    let checked = conditions.check(Some(&newest.stamp.to_string()));
    checked.or_else(|stale| conditions.check(Some(&found.winner.stamp.to_string())).map_err(|_| stale))
}

fn of(table: &Table, newest: &Arc<Version>) -> Conflict {
    Conflict::new(newest.register.clone(), newest.clone(), table.conflicts(&newest.register))
}

/// Plans to settle a conflict in favour of what counts: its value is written again, and names the losers.
pub fn dismiss(table: &Table, now: Millis, id: &RegisterId, conditions: &Preconditions) -> Result<Draft, Refusal> {
    let newest = history::latest(table, now, id)?;
    check(table, &newest, conditions)?;
    let conflict = of(table, &newest);
    if conflict.losers.is_empty() {
        return Err(Refusal::NoConflict);
    }
    Ok(settling(&conflict))
}

/// Plans to settle what a version could not name. Nothing where another one has come since, or nothing is left.
#[must_use]
pub fn settle_rest(table: &Table, id: &RegisterId, written: Stamp) -> Draft {
    let newest = table.latest(id).filter(|newest| newest.stamp == written);
    match newest.map(|newest| of(table, &newest)) {
        Some(conflict) if !conflict.losers.is_empty() => settling(&conflict),
        _ => Draft::default(),
    }
}

/// Writes the winner's value again. The writer names the newest version by itself, and all heads of a kill switch.
fn settling(conflict: &Conflict) -> Draft {
    let Conflict { register, winner, losers } = conflict;
    let settles = losers.iter().map(|loser| loser.stamp).take(PARENTS_MAX - 1).collect();
    let (content, expires_at) = (winner.content.clone(), winner.expires_at);
    writes(vec![DraftWrite { register: register.clone(), content, expires_at, settles }])
}
