//! The order of the versions of a register, by the rules alone.

use burgee_model::Stamp;
use burgee_store::Version;

/// A version's place among those of its register: the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The latest floor that its author had seen: what has not seen it is dead by it.
    pub floor_seen: Option<Stamp>,
    /// Whether it revokes a token: then it stands above any value, whatever their stamps.
    pub revokes: bool,
    /// Its stamp.
    pub stamp: Stamp,
}

impl Place {
    /// Of a version.
    #[must_use]
    pub fn of(version: &Version) -> Self {
        let revokes = version.content.is_none() && version.register.address.is_revocable();
        Self { floor_seen: version.floor_seen, revokes, stamp: version.stamp }
    }
}
