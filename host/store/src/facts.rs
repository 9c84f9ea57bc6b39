//! What the indexes of a table know of a version: what it adds to counts, deadlines and digests.

use burgee_model::{Address, Millis, Scope, Stamp, stamp::millis_to_ntp64};

use crate::{Version, digest::Sum, version::Header};

/// What a retained version is to the digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is among the current ones.
    Counts,
    /// It is history.
    Past,
    /// It is dead at or below the horizon, or lies below one that is: it is kept only until the next horizon
    /// comes, and as if it were not there.
    Hidden,
}

/// A retained version, to the indexes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) stamp: Stamp,
    pub(crate) expires_at: Option<Millis>,
    pub(crate) tombstone: bool,
    pub(crate) hash: Sum,
    pub(crate) role: Role,
    /// From which horizon on it is dead; none where it never will be.
    pub(crate) ripe: Option<Stamp>,
}

impl Facts {
    pub(crate) fn of(version: &Version, hash: Sum, role: Role) -> Self {
        let (stamp, expires_at) = (version.stamp, version.expires_at);
        Self { stamp, expires_at, tombstone: version.content.is_none(), hash, role, ripe: ripe(version) }
    }

    pub(crate) fn of_entry(header: &Header, hash: Sum, horizon: Stamp) -> Self {
        Self::of_only(header, hash, header.ripe(), horizon)
    }

    /// Of a version that stands alone; `ripe` says from which horizon on it is dead.
    pub(crate) fn of_only(header: &Header, hash: Sum, ripe: Option<Stamp>, horizon: Stamp) -> Self {
        let role = if ripe.is_some_and(|ripe| ripe <= horizon) { Role::Hidden } else { Role::Counts };
        let (stamp, expires_at) = (header.stamp, header.expires_at);
        Self { stamp, expires_at, tombstone: header.is_tombstone(), hash, role, ripe }
    }

    /// The deadline to be told, if there is one. (What comes when it is collected already is told anew: where this
    /// node's time is behind, its readers see it until then.)
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.expires_at.filter(|_| !self.tombstone)
    }
}

impl Header {
    /// From which horizon on the version is dead.
    pub(crate) fn ripe(&self) -> Option<Stamp> {
        ripe_at(self.stamp, self.is_tombstone(), self.expires_at)
    }

    /// The same of a token: a revocation goes when what it revoked has come to its end anyway, for both bear one
    /// deadline.
    pub(crate) fn ripe_by_deadline(&self) -> Option<Stamp> {
        ripe_at(self.stamp, false, self.expires_at)
    }
}

/// Whether the versions of a register are never collected, whatever they say. Floors of containers are kept (a
/// version that had seen one stands above all that had not, so who forgot it would write in vain against who
/// had been away since), and so is everything of a kill: which of its versions count is told by all of them.
/// Tokens and their revocations are kept until their deadline, which for most is for good.
#[must_use]
pub fn is_kept_for_good(address: &Address) -> bool {
    match address {
        Address::Floor(scope) => matches!(scope, Scope::Tenant | Scope::Environment { .. } | Scope::Flag { .. }),
        address => address.keeps_heads() || address.is_revocable(),
    }
}

/// From which horizon on a version can be dropped: a tombstone from its stamp on, and one that expires once
/// the horizon has passed its deadline too.
pub(crate) fn ripe(version: &Version) -> Option<Stamp> {
    match &version.register.address {
        address if address.is_revocable() => ripe_at(version.stamp, false, version.expires_at),
        address if is_kept_for_good(address) => None,
        Address::Floor(_) => Some(version.stamp),
        _ => ripe_at(version.stamp, version.content.is_none(), version.expires_at),
    }
}

fn ripe_at(stamp: Stamp, tombstone: bool, expires_at: Option<Millis>) -> Option<Stamp> {
    let deadline = expires_at.map(|deadline| Stamp { time: millis_to_ntp64(deadline), ..Stamp::ZERO });
    if tombstone { Some(stamp) } else { deadline.map(|deadline| deadline.max(stamp)) }
}
