//! What a node sets aside when it finds that the cluster has gone on without it, and what of it it writes again.
//!
//! Getting in line with the others makes it forget what they have collected: its tombstones at or below their horizon
//! go, and what they have nothing of. But some of that they never had. A deletion they never had where they hold an
//! older value than it killed: it is repeated, as a new deletion of that value. A value they never had where no member
//! was told of it (see [`Told`]), and nothing of its register is there: it is written again. All else was deleted and
//! collected, or is superseded. What is written again is a new write: nothing that anybody deleted later loses to the
//! old one.

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::{Address, Millis, NodeId, RegisterId, Scope};

use crate::{DraftWrite, Table, Told, Version, is_kept_for_good};

/// Registers that are written again in one change.
const WRITES_AT_ONCE: usize = 1_000;

/// Bytes of values beyond which no more are written in one change.
const BYTES_AT_ONCE: usize = 8 * 1024 * 1024;

/// What a node had before it got in line.
#[derive(Clone, Debug, PartialEq)]
pub struct Aside {
    /// Who it was.
    pub own: NodeId,
    /// What others had of what it wrote.
    pub told: Told,
    /// Its deletions, and what it wrote that not all others had.
    pub versions: Vec<Arc<Version>>,
}

/// Why the cluster went on without a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// It was forgotten, or nobody ever knew it: the others may lack what it wrote last.
    Forgotten,
    /// Its disk is an old one: the others heard more of it than it knows itself, so they had all that is on it.
    Restored,
}

impl Aside {
    /// Of a node's table, before anything is merged that the cluster collected without it.
    /// `now` is cluster time.
    #[must_use]
    pub fn of(table: &Table, own: NodeId, told: &Told, missed: Missed, now: Millis) -> Self {
        let by_all = told.by_all(table, own);
        let is_untold =
            |version: &Version| missed == Missed::Forgotten && version.stamp.id == own && version.change.0 > by_all;
        let kills = |version: &Version| version.live(now).is_none() || version.is_floor();
        let counts = |version: &Arc<Version>| {
            let is_ours = !version.register.address.is_system() && !is_kept_for_good(&version.register.address);
            is_ours && (kills(version) || is_untold(version))
        };
        Self { own, told: told.clone(), versions: table.each_latest().filter(counts).collect() }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Its versions in parts, each of one author's changes with one note.
    pub fn parts(&self) -> impl Iterator<Item = &[Arc<Version>]> {
        let same = |a: &Arc<Version>, b: &Arc<Version>| (&a.actor, &a.note) == (&b.actor, &b.note);
        self.versions.chunk_by(same).flat_map(|versions| versions.chunks(WRITES_AT_ONCE))
    }

    /// What of a part has to be written again, as much as goes into one change; nothing once all of it is. `now` is
    /// cluster time.
    #[must_use]
    pub fn writes(&self, part: &[Arc<Version>], table: &Table, now: Millis) -> Vec<DraftWrite> {
        let told = self.told.by_any(table);
        let mut writes = BTreeMap::new();
        for version in part {
            match &version.register.address {
                Address::Floor(scope) => purge(version, scope, table, now, &mut writes),
                _ => {
                    let untold = version.stamp.id == self.own && version.change.0 > told;
                    let write = again(version, untold, table, now);
                    writes.extend(write.map(|write| (write.register.clone(), write)));
                }
            }
        }
        let mut bytes = 0;
        let fits = |write: &DraftWrite| {
            let begun = bytes;
            bytes += write.content.as_ref().map_or(0, |content| content.bytes.len());
            begun < BYTES_AT_ONCE
        };
        writes.into_values().take(WRITES_AT_ONCE).take_while(fits).collect()
    }
}

fn again(version: &Version, untold: bool, table: &Table, now: Millis) -> Option<DraftWrite> {
    let id = &version.register;
    let latest = table.latest(id);
    let place = |version: &Version| (version.floor_seen, version.stamp);
    // What nobody was told of is written under the new identity though it is still there: the next time that the
    // cluster goes on without the node, it is to be known as its own.
    let is_same = |latest: &Version| untold && latest.stamp == version.stamp;
    // What it wrote itself by now is later too, and need not have seen a floor that only it had.
    let is_later = |latest: &Version| latest.stamp > version.stamp || place(latest) >= place(version);
    let is_over = |latest: &Version| is_later(latest) && !is_same(latest);
    let is_over = latest.as_ref().is_some_and(|latest| is_over(latest));
    if is_over || table.over(id).kills(version.stamp, version.floor_seen) {
        return None;
    }
    match (version.live(now), latest) {
        (None, latest) => latest.filter(|latest| latest.live(now).is_some()).map(|_| DraftWrite::delete(id.clone())),
        (Some(_), None) if !untold => None,
        (Some(content), _) => {
            Some(DraftWrite { expires_at: version.expires_at, ..DraftWrite::put(id.clone(), content.clone()) })
        }
    }
}

/// Deletes what a floor had killed, entry by entry: a new floor would also kill what was written since.
fn purge(floor: &Version, scope: &Scope, table: &Table, now: Millis, writes: &mut BTreeMap<RegisterId, DraftWrite>) {
    let Address::Floor(Scope::Config { .. }) = &floor.register.address else { return };
    let killed = |entry: &Arc<Version>| entry.stamp <= floor.stamp && entry.live(now).is_some();
    for entry in table.entries_in(&floor.register.tenant, scope).filter(killed) {
        if writes.len() >= WRITES_AT_ONCE {
            return;
        }
        writes.entry(entry.register.clone()).or_insert_with_key(|id| DraftWrite::delete(id.clone()));
    }
}

#[cfg(test)]
mod tests;
