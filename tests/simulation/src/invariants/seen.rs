//! The current value is the greatest that the node ever held: it never goes back, also not after collection.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burgee_model::{Address, Millis, RegisterId, Stamp, stamp::millis_to_ntp64};
use burgee_replication::message::PeerId;
use burgee_store::{Outcome, Table, Version};

use super::{reach::Reach, revocation::Revoked};
use crate::{
    node::{MAX_SKEW_MS, Slot},
    oracle::{Place, Taken},
    world::World,
};

/// What was seen of one process.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    greatest: BTreeMap<RegisterId, Place>,
    /// Up to where floors emptied registers.
    dead: BTreeMap<RegisterId, Stamp>,
    observed: Option<Stamp>,
    /// Versions that came, and were dead by then.
    refused: BTreeSet<(RegisterId, Stamp)>,
    /// Expiries fed: a register that a floor emptied may bear the same stamp again.
    pub lapsed: BTreeSet<(RegisterId, Place)>,
    /// Deadlines of what is current, by register: each is to be told when it passes.
    pub awaited: BTreeMap<RegisterId, (Place, Millis)>,
    /// When it last looked for what had expired, by cluster time.
    pub looked: Millis,
    /// What it took in since.
    pub fresh: BTreeSet<RegisterId>,
    /// What ready peers held when it started.
    pub baseline: Vec<(usize, Vec<Arc<Version>>)>,
    /// What it could know of others until it was ready.
    pub reach: Reach,
    /// What it took in of registers that have a history.
    pub taken: Taken,
    /// Tokens of whose revocation it heard.
    pub revoked: Revoked,
    /// Of which versions it told whom.
    pub told: BTreeSet<(PeerId, RegisterId, Option<Stamp>, Stamp)>,
}

impl Seen {
    /// Of a process that starts with a table, at some cluster time. (What had expired by then is told to nobody.)
    #[must_use]
    pub fn of(table: &Table, at: Millis) -> Self {
        let mut seen = Self { revoked: Revoked::of(table), ..Self::default() };
        for version in table.page(None, usize::MAX).versions {
            seen.note(&version.register, Place::of(&version));
            seen.await_deadline(&version, at);
            table.history(&version.register).for_each(|version| seen.taken.take(&version));
        }
        seen
    }

    /// A version is current. (One that comes when it has expired nobody ever saw alive.)
    fn await_deadline(&mut self, version: &Version, at: Millis) {
        // That a token would have ended is told of none that was revoked.
        let deadline = version.expires_at.filter(|deadline| *deadline > at && version.content.is_some());
        match deadline {
            Some(deadline) => self.awaited.insert(version.register.clone(), (Place::of(version), deadline)),
            None => self.awaited.remove(&version.register),
        };
    }

    fn note(&mut self, register: &RegisterId, place: Place) {
        let greatest = self.greatest.entry(register.clone()).or_insert(place);
        *greatest = place.max(*greatest);
    }

    /// A stamp was merged.
    pub fn observed(&mut self, stamp: Stamp, cluster: Millis) {
        if stamp.time <= millis_to_ntp64(cluster + MAX_SKEW_MS) {
            self.observed = self.observed.max(Some(stamp));
        }
    }

    /// The greatest stamp merged of those that were not too far ahead.
    #[must_use]
    pub fn greatest_observed(&self) -> Option<Stamp> {
        self.observed
    }

    /// Whether a version came, and was dead by then.
    #[must_use]
    pub fn refused(&self, version: &Version) -> bool {
        self.refused.contains(&(version.register.clone(), version.stamp))
    }

    /// A floor emptied a register: what it held no longer proves which floors there are.
    fn died(&mut self, register: &RegisterId, floor: Stamp) {
        self.greatest.remove(register);
        self.awaited.remove(register);
        let dead = self.dead.entry(register.clone()).or_insert(floor);
        *dead = floor.max(*dead);
    }

    /// A container's floor kills the purges below it that had not seen it, also those that were collected: what they had
    /// emptied may live.
    fn overruled(&mut self, floor: &Version) {
        let Address::Floor(scope) = &floor.register.address else { return };
        let is_below = |id: &RegisterId| id.tenant == floor.register.tenant && id.containers().any(|of| of == *scope);
        self.dead.retain(|register, _| !is_below(register));
    }

    /// All that expires up to a horizon is told.
    pub fn tell_all(&mut self, table: &mut Table, until: Millis) {
        let lapsed = std::iter::from_fn(|| table.lapse(until));
        self.lapsed.extend(lapsed.map(|version| (version.register.clone(), Place::of(&version))));
    }

    /// The node dropped a version that the cluster had collected: it may be any older one now.
    pub fn evicted(&mut self, register: &RegisterId) {
        self.greatest.remove(register);
        self.dead.remove(register);
        self.awaited.remove(register);
    }
}

/// A version came into a node's table.
pub fn merged(world: &mut World, slot: usize, version: &Arc<Version>, outcome: &Outcome) {
    let now = world.now;
    let Slot { wall, process: Some(process), disk, .. } = &mut world.slots[slot] else { return };
    // What it set aside it writes again before it serves.
    let gets_in_line = process.resync || disk.as_ref().is_some_and(|disk| disk.aside.is_some());
    let cluster = process.time(*wall, now).cluster;
    let register = &version.register;
    process.seen.fresh.insert(register.clone());
    process.seen.taken.take(version);
    if matches!(outcome, Outcome::Dead) {
        process.seen.refused.insert((register.clone(), version.stamp));
    }
    if let (Outcome::Applied(applied), true) = (outcome, version.is_floor()) {
        process.seen.overruled(version);
        applied.died.iter().for_each(|register| process.seen.died(register, version.stamp));
    }
    let Some(latest) = process.table.latest(register) else { return };
    let before = process.seen.greatest.get(register).copied();
    process.seen.note(register, Place::of(&latest));
    if matches!(outcome, Outcome::Applied(_)) {
        // What was collected here and comes once more, from a node that has not, is put once more, and expires so.
        process.seen.lapsed.remove(&(register.clone(), Place::of(version)));
        process.seen.await_deadline(&latest, cluster);
    }
    let dead = process.seen.dead.get(register).is_some_and(|floor| latest.stamp <= *floor);
    // One that must get in line drops what it wrote and nobody took, also by collecting it.
    let dropped = |at: Place| gets_in_line && at.stamp <= process.table.horizon();
    let apart = |at: Place| world.oracle.was_collected_apart(register, at.stamp);
    let excused =
        before.is_some_and(|before| dropped(before) || apart(before) || has_forgotten(&process.table, before, &latest));
    let went_back = !excused && (dead || before.is_some_and(|before| Place::of(&latest) < before));
    if went_back {
        let what = format!("n{slot} merged {version:?} ({outcome:?}), and {register:?} went back to {latest:?}");
        let invariant = if matches!(register.address, Address::Floor(_)) { "floors" } else { "greatest stamp" };
        world.violate(invariant, format!("{what}; it had been {before:?}"));
    }
}

/// Whether a later version stands where an earlier one did that had seen a later floor: the floor itself never
/// came here, and the earlier version was collected. (The floor was known only to a node that was forgotten:
/// else nothing would be collected before it came.)
fn has_forgotten(table: &Table, before: Place, latest: &Version) -> bool {
    let id = &latest.register;
    let holds = |scope| table.floor(&id.tenant, &scope).is_some_and(|held| Some(held.stamp) >= before.floor_seen);
    latest.stamp > before.stamp && before.stamp <= table.horizon() && !id.containers().any(holds)
}
