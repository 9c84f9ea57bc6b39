//! Registers: the retained versions of one address, in order.

use std::{cmp::Ordering, collections::HashSet, sync::Arc};

use burgee_model::Stamp;

use crate::{
    digest::Sum,
    facts::{Facts, Role, ripe},
    version::Version,
};

/// How much history registers keep, newest first.
///
/// Kills keep exactly `max_versions`, whatever their age and size: all their heads count as current, so
/// which of them are known must not depend on the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryPolicy {
    /// Versions kept however old they are.
    pub min_versions: usize,
    /// Versions kept at most.
    pub max_versions: usize,
    /// Versions stamped from this time on are kept, up to the most.
    pub since: u64,
    /// Bytes ([`Version::weight`]) of versions beyond the fewest that end the history; the version that
    /// reaches them is the last.
    pub max_bytes: usize,
}

impl Default for HistoryPolicy {
    fn default() -> Self {
        Self { min_versions: 20, max_versions: 2_000, since: 0, max_bytes: 1024 * 1024 }
    }
}

/// What became of a version that was put into a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It is kept; `trimmed` says whether others went.
    New { trimmed: bool },
    /// It is there already.
    Known,
    /// It is too old to be kept.
    Superseded,
    /// Its author had not seen a floor that another version's author had.
    Dead,
}

/// The order of the versions of one register.
///
/// A version that has seen a later container floor proves that the floor exists, and those that have not
/// are dead by it, wherever the floor itself may still be on its way. So this comes before the stamp: only
/// versions that have seen the same floor ever stand together.
fn order(a: &Version, b: &Version) -> Ordering {
    (a.floor_seen, a.stamp).cmp(&(b.floor_seen, b.stamp)).then_with(|| a.encode().cmp(&b.encode()))
}

/// A version and its hash.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) version: Arc<Version>,
    pub(crate) hash: Sum,
}

/// A register that is not a config entry. Never empty.
#[derive(Clone, Debug)]
pub(crate) struct Register {
    current: Held,
    /// Newest first.
    older: Vec<Held>,
}

impl Register {
    pub(crate) fn new(held: Held) -> Self {
        Self { current: held, older: Vec::new() }
    }

    pub(crate) fn current(&self) -> &Arc<Version> {
        &self.current.version
    }

    /// All versions, newest first.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        self.held().map(|held| &held.version)
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        std::iter::once(&self.current).chain(&self.older)
    }

    fn keeps_heads(&self) -> bool {
        self.current.version.register.address.keeps_heads()
    }

    /// All versions, newest first, with what they are to the digests. The first that is dead at or below
    /// the horizon hides itself and all below it; kills are spared, since any of their heads may count.
    pub(crate) fn roles(&self, horizon: Stamp) -> impl Iterator<Item = (Role, &Held)> {
        let heads: Option<HashSet<*const Version>> =
            self.keeps_heads().then(|| self.heads().into_iter().map(Arc::as_ptr).collect());
        let mut hidden = false;
        self.held().enumerate().map(move |(rank, held)| {
            let version = &held.version;
            hidden |= heads.is_none() && ripe(version).is_some_and(|ripe| ripe <= horizon);
            let counts = heads.as_ref().map_or(rank == 0, |heads| heads.contains(&Arc::as_ptr(version)));
            let role = match (hidden, counts) {
                (true, _) => Role::Hidden,
                (false, true) => Role::Counts,
                (false, false) => Role::Past,
            };
            (role, held)
        })
    }

    /// Those that are not hidden, newest first.
    pub(crate) fn visible(&self, horizon: Stamp) -> impl Iterator<Item = &Arc<Version>> {
        let visible = self.roles(horizon).take_while(|(role, _)| *role != Role::Hidden);
        visible.map(|(_, held)| &held.version)
    }

    /// What the indexes hold of it.
    pub(crate) fn facts(&self, horizon: Stamp) -> Vec<Facts> {
        self.roles(horizon).map(|(role, held)| Facts::of(&held.version, held.hash, role)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        1 + self.older.len()
    }

    /// Takes a version in, and drops what it makes obsolete.
    pub(crate) fn insert(&mut self, held: &Held, policy: &HistoryPolicy, horizon: Stamp) -> Inserted {
        let version = &held.version;
        match version.floor_seen.cmp(&self.current().floor_seen) {
            Ordering::Less => return Inserted::Dead,
            Ordering::Greater => {
                *self = Self::new(held.clone());
                return Inserted::New { trimmed: true };
            }
            Ordering::Equal => {}
        }
        match order(version, self.current()) {
            Ordering::Equal => return Inserted::Known,
            Ordering::Greater => self.older.insert(0, std::mem::replace(&mut self.current, held.clone())),
            Ordering::Less => match self.older.binary_search_by(|other| order(version, &other.version)) {
                Ok(_) => return Inserted::Known,
                Err(at) => self.older.insert(at, held.clone()),
            },
        }
        let before = self.len();
        self.prune(policy);
        self.bury(horizon);
        let kept = self.versions().any(|v| Arc::ptr_eq(v, version));
        if kept { Inserted::New { trimmed: self.len() < before } } else { Inserted::Superseded }
    }

    /// Drops what lies below a version that hides it.
    fn bury(&mut self, horizon: Stamp) {
        if horizon > Stamp::ZERO {
            let visible = self.roles(horizon).take_while(|(role, _)| *role != Role::Hidden).count();
            self.older.truncate(visible);
        }
    }

    /// Drops what the policy does not keep.
    ///
    /// What is kept is a prefix of the order, and what it keeps is alone reason enough to drop all below it,
    /// now and with whatever comes later. So it makes no difference when a register is pruned, and what was
    /// dropped does not come back when a peer sends it again. (Hence the bytes of a version do not decide on
    /// itself: where a large one was dropped, a smaller one below it could come back.)
    fn prune(&mut self, policy: &HistoryPolicy) {
        let address = &self.current().register.address;
        let kept = if !address.keeps_history() {
            0
        } else if address.keeps_heads() {
            policy.max_versions.saturating_sub(1)
        } else {
            self.older_kept(policy)
        };
        self.older.truncate(kept);
    }

    /// How many versions the policy keeps beside the current one, where only the newest counts.
    ///
    /// Not for kills: what makes a head of a version is that no *retained* one names it. A rule that keeps
    /// heads for longer than what names them would make a head again of a kill that was long released. The
    /// price of keeping the newest alone is that a head is forgotten once `max_versions` newer ones stand.
    fn older_kept(&self, policy: &HistoryPolicy) -> usize {
        let mut bytes = 0usize;
        let older = self.older.iter().map(|held| &held.version);
        let kept = older.zip(1..).take_while(|(v, rank)| {
            if *rank < policy.min_versions {
                return true;
            }
            let full = bytes >= policy.max_bytes;
            bytes = bytes.saturating_add(v.weight());
            *rank < policy.max_versions && v.stamp.time >= policy.since && !full
        });
        kept.count()
    }

    /// Drops the versions of which a test is true. `None` where none is left.
    pub(crate) fn without(&self, dead: impl Fn(&Version) -> bool) -> Option<Self> {
        let mut kept = self.held().filter(|held| !dead(&held.version)).cloned();
        let current = kept.next()?;
        Some(Self { current, older: kept.collect() })
    }

    /// Whether one of its versions counts as current; of a kill every head does.
    pub(crate) fn counts(&self, version: &Arc<Version>) -> bool {
        let among_heads = || self.heads().iter().any(|head| Arc::ptr_eq(head, version));
        Arc::ptr_eq(self.current(), version) || (self.keeps_heads() && among_heads())
    }

    /// The part of it that is not dead at or below the horizon. `None` where nothing is left.
    pub(crate) fn above(&self, horizon: Stamp) -> Option<Self> {
        let mut kept = self.roles(horizon).take_while(|(role, _)| *role != Role::Hidden).map(|(_, held)| held.clone());
        let current = kept.next()?;
        Some(Self { current, older: kept.collect() })
    }

    fn named(&self) -> HashSet<Stamp> {
        self.versions().flat_map(|v| v.parents.iter().copied()).collect()
    }

    /// The versions that no other names as a parent, newest first.
    pub(crate) fn heads(&self) -> Vec<&Arc<Version>> {
        if self.older.is_empty() {
            return vec![self.current()];
        }
        let named = self.named();
        self.versions().filter(|v| !named.contains(&v.stamp)).collect()
    }
}
