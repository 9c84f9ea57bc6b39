//! A revoked token stays revoked: a node that has heard of it honours the token no more, and in the end none does, be
//! the revocation stamped below what it revokes. And a token is written once: its id is never used again.
//!
//! (Who revokes a token without having it, and without having heard of the end of the tenant after which it was made,
//! revokes what that tenant had before: the token stands.)

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::{Address, RegisterId, Stamp};
use burgee_store::{Table, Version};

use super::{Verdict, broken};
use crate::{node::Slot, world::World};

/// Tokens, and up to which floor the authors of their revocations had seen.
#[derive(Clone, Debug, Default)]
pub struct Revoked(BTreeMap<RegisterId, Option<Stamp>>);

impl Revoked {
    /// What a table has revoked.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let mut revoked = Self::default();
        table.all_tokens().for_each(|(_, _, version)| revoked.hear(&version));
        revoked
    }

    fn hear(&mut self, version: &Version) {
        if revokes(version) {
            let seen = self.0.entry(version.register.clone()).or_default();
            *seen = version.floor_seen.max(*seen);
        }
    }

    fn covers(&self, version: &Version) -> bool {
        self.0.get(&version.register).is_some_and(|seen| version.floor_seen <= *seen)
    }
}

fn is_token(register: &RegisterId) -> bool {
    matches!(register.address, Address::Token { .. })
}

fn revokes(version: &Version) -> bool {
    version.content.is_none() && is_token(&version.register)
}

/// A node is about to write a version.
pub fn planned(world: &mut World, slot: usize, version: &Arc<Version>) {
    if !is_token(&version.register) || revokes(version) {
        return;
    }
    let earlier = world.oracle.versions_of(&version.register).find(|other| !revokes(other) && *other != version);
    if let Some(earlier) = earlier.cloned() {
        world.violate("revocation", format!("n{slot} writes {version:?}, and the token was {earlier:?} before"));
    }
}

/// Somebody was told that a change is written.
pub fn acknowledged(world: &mut World, versions: &[Arc<Version>]) {
    world.counts.revoked += versions.iter().filter(|version| revokes(version)).count() as u64;
}

/// A version came into a node's table.
pub fn merged(world: &mut World, slot: usize, version: &Arc<Version>) {
    let (now, token) = (world.now, &version.register);
    let Slot { wall, process: Some(process), .. } = &mut world.slots[slot] else { return };
    if !is_token(token) {
        return;
    }
    process.seen.revoked.hear(version);
    let cluster = process.time(*wall, now).cluster;
    let honoured = process.table.current(token, cluster).filter(|honoured| process.seen.revoked.covers(honoured));
    if let Some(honoured) = honoured {
        world.violate("revocation", format!("n{slot} honours {honoured:?}, of whose revocation it has heard"));
    }
}

/// Looks at a settled cluster.
///
/// # Errors
/// Where a node honours a token that was revoked.
pub fn settled(world: &World) -> Verdict {
    world.processes().try_for_each(|(slot, process)| {
        let mut revoked = Revoked::default();
        let required = world.oracle.all().filter(|written| written.is_required(process.table.horizon()));
        required.for_each(|written| revoked.hear(&written.version));
        let cluster = process.time(world.slots[slot].wall, world.now).cluster;
        let mut honoured = process.table.all_tokens().filter(|(_, _, version)| version.live(cluster).is_some());
        match honoured.find(|(_, _, version)| revoked.covers(version)) {
            Some((_, _, version)) => broken("revocation", format!("n{slot} honours {version:?}, which was revoked")),
            None => Ok(()),
        }
    })
}
