//! What a table makes of a version that it need not hold any more.

use std::sync::Arc;

use burgee_model::{Address, RegisterId, Scope, Stamp, stamp::millis_to_ntp64};
use burgee_store::{HistoryPolicy, Outcome, Table, Version, is_kept_for_good};

use super::Place;

/// Whether a table holds a version or something that supersedes it.
#[must_use]
pub fn accounts_for(table: &Table, version: &Arc<Version>) -> bool {
    let id = &version.register;
    let supersedes = |held: &Version| Place::of(held) >= Place::of(version);
    table.latest(id).is_some_and(|latest| supersedes(&latest)) || !would_take(table, version)
}

/// Whether a table holds what a version did. Of a kill, a later version is not enough: it must have seen it, or so many
/// must have come after it (`versions_max`) that it is forgotten.
pub(super) fn keeps_effect(table: &Table, version: &Arc<Version>, versions_max: usize) -> bool {
    if !version.register.address.keeps_heads() {
        return accounts_for(table, version) && !(is_collected(table, version) && is_undone(table, version));
    }
    let settles = |held: &Version| {
        let names = held.stamp == version.stamp || held.parents.contains(&version.stamp);
        names || held.floor_seen > version.floor_seen
    };
    let held = || table.history(&version.register);
    let is_forgotten = || held().filter(|held| Place::of(held) > Place::of(version)).count() >= versions_max;
    held().any(|held| settles(&held)) || is_forgotten() || !would_take(table, version)
}

/// Whether a table holds, alive, what a tombstone or a purge did away with: then it never had that.
fn is_undone(table: &Table, version: &Version) -> bool {
    let place = Place::of(version);
    let lives = |held: &Version| held.content.is_some() && !held.is_floor() && Place::of(held) < place;
    match &version.register.address {
        Address::Floor(scope) => table.page(None, usize::MAX).versions.iter().any(|held| {
            held.register.tenant == version.register.tenant && scope.covers(&held.register.address) && lives(held)
        }),
        _ => table.latest(&version.register).is_some_and(|held| lives(&held)),
    }
}

/// Whether all that a table holds of what superseded a version is a witness: an earlier one that had seen a floor which the
/// table has not. Once that goes, nothing speaks against the version any more.
pub(super) fn is_only_witnessed(table: &Table, version: &Version) -> bool {
    let Some(latest) = table.latest(&version.register) else { return false };
    let by_floor_alone = latest.stamp < version.stamp && latest.floor_seen > version.floor_seen;
    by_floor_alone && !floors_over(table, &version.register).any(|floor| Some(floor.stamp) >= latest.floor_seen)
}

/// Whether a table has collected a version, or would.
#[must_use]
pub fn is_collected(table: &Table, version: &Version) -> bool {
    may_go(version, table.horizon())
}

/// Whether a version may go once a horizon has passed it, and its deadline if it has one.
pub(super) fn may_go(version: &Version, horizon: Stamp) -> bool {
    let deadline = version.expires_at.map(|deadline| Stamp { time: millis_to_ntp64(deadline), ..Stamp::ZERO });
    let dead = version.content.is_none() || version.is_floor() || deadline.is_some();
    // A token that is to end by itself is forgotten then, revoked or not.
    let ends = deadline.is_some() && version.register.address.is_revocable();
    let stays = is_kept_for_good(&version.register.address) && !ends;
    dead && !stays && version.stamp.max(deadline.unwrap_or(Stamp::ZERO)) <= horizon
}

/// Whether a version would live in a table, as far as its floors and its horizon decide.
fn would_take(table: &Table, version: &Arc<Version>) -> bool {
    let id = &version.register;
    if is_collected(table, version) {
        return false;
    }
    let mut probe = crate::disk::table(HistoryPolicy::default());
    floors_over(table, id).for_each(|floor| drop(probe.merge(&floor)));
    if let Some(horizon) = table.latest(&RegisterId::system(Address::Horizon)) {
        probe.merge(&horizon);
    }
    matches!(probe.merge(version), Outcome::Applied(_))
}

/// The floors over a register that a table has.
pub(super) fn floors_over(table: &Table, id: &RegisterId) -> impl Iterator<Item = Arc<Version>> {
    let scopes = id.containers().chain(prefixes(&id.address));
    scopes.filter_map(|scope| table.floor(&id.tenant, &scope).cloned())
}

fn prefixes(address: &Address) -> impl Iterator<Item = Scope> + '_ {
    let entry = match address {
        Address::Config { environment, key } => Some((environment, key.as_str())),
        _ => None,
    };
    entry.into_iter().flat_map(|(environment, key)| {
        let ends = key.char_indices().map(|(at, _)| at).chain([key.len()]);
        ends.map(|end| Scope::Config { environment: environment.clone(), prefix: key[..end].into() })
    })
}
