//! Registers: the retained versions of one address, in order.

use std::{cmp::Ordering, collections::HashSet, iter, sync::Arc};

use burgee_model::{Millis, RegisterId, Stamp};

use crate::{
    digest::Sum,
    facts::{Facts, Role, ripe},
    version::{Body, Header, Version, decode_body, decode_header, encode_body},
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
///
/// Of a token, a tombstone stands above any value: what was revoked must not come back by a clock that was wrong.
fn order(a: &Version, b: &Version) -> Ordering {
    let place = |v: &Version| rank(v.register.address.is_revocable(), v.content.is_none(), v.stamp);
    (a.floor_seen, place(a)).cmp(&(b.floor_seen, place(b))).then_with(|| encode_body(a).cmp(&encode_body(b)))
}

/// The place of a version among those that have seen the same floor.
fn rank(revocable: bool, deleted: bool, stamp: Stamp) -> (bool, Stamp) {
    (revocable && deleted, stamp)
}

/// A version and its hash.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) version: Arc<Version>,
    pub(crate) hash: Sum,
}

/// A register that is not a config entry. Never empty.
///
/// Most have one version alone, so the current one lies packed: a fifth of what it takes as a [`Version`]. What gives
/// versions out asks for the register's id, which whoever holds the register keeps.
#[derive(Clone, Debug)]
pub(crate) struct Register {
    /// The hash of the current version.
    hash: Sum,
    /// What follows the register in its bytes.
    body: Box<[u8]>,
    older: Option<Box<Older>>,
    keeps_heads: bool,
    keeps_history: bool,
    /// Whether a tombstone stands above any value.
    revocable: bool,
}

/// Newest first, and never empty: few registers have any, so this lies elsewhere.
#[derive(Clone, Debug)]
struct Older(Vec<Held>);

impl Register {
    pub(crate) fn new(held: &Held) -> Self {
        let address = &held.version.register.address;
        Self {
            hash: held.hash,
            body: encode_body(&held.version).into(),
            older: None,
            keeps_heads: address.keeps_heads(),
            keeps_history: address.keeps_history(),
            revocable: address.is_revocable(),
        }
    }

    /// A register of versions, newest first; none where there are none.
    fn of(mut versions: impl Iterator<Item = Held>) -> Option<Self> {
        let mut register = Self::new(&versions.next()?);
        register.older_mut().extend(versions);
        register.keep_older(usize::MAX);
        Some(register)
    }

    /// The beginning of the current version. What was written can be read.
    fn header(&self) -> Header {
        decode_header(&self.body).unwrap_or_default()
    }

    /// The stamp of the current version.
    pub(crate) fn stamp(&self) -> Stamp {
        self.header().stamp
    }

    /// Whether the current version is a tombstone.
    pub(crate) fn is_deleted(&self) -> bool {
        self.header().is_tombstone()
    }

    /// The bytes of the current value; none where it is deleted or has expired.
    pub(crate) fn live(&self, now: Millis) -> Option<&[u8]> {
        Body::read(&self.body).ok()?.live(now)
    }

    fn current(&self, id: &RegisterId) -> Option<Held> {
        let version = decode_body(id.clone(), &self.body).ok()?;
        Some(Held { version: Arc::new(version), hash: self.hash })
    }

    fn older(&self) -> &[Held] {
        self.older.as_ref().map_or(&[], |older| &older.0)
    }

    fn older_mut(&mut self) -> &mut Vec<Held> {
        &mut self.older.get_or_insert_with(|| Box::new(Older(Vec::new()))).0
    }

    /// Keeps so many of the older versions.
    fn keep_older(&mut self, most: usize) {
        let kept = most.min(self.older().len());
        match &mut self.older {
            Some(older) if kept > 0 => older.0.truncate(kept),
            _ => self.older = None,
        }
    }

    /// All versions, newest first.
    pub(crate) fn versions(&self, id: &RegisterId) -> impl Iterator<Item = Arc<Version>> + use<'_> {
        self.held(id).map(|held| held.version)
    }

    fn held(&self, id: &RegisterId) -> impl Iterator<Item = Held> + use<'_> {
        self.current(id).into_iter().chain(self.older().iter().cloned())
    }

    /// All versions, newest first, with what they are to the digests. The first that is dead at or below
    /// the horizon hides itself and all below it; kills are spared, since any of their heads may count.
    pub(crate) fn roles(&self, id: &RegisterId, horizon: Stamp) -> impl Iterator<Item = (Role, Held)> + use<'_> {
        let named = self.keeps_heads.then(|| self.named());
        let mut hidden = false;
        self.held(id).enumerate().map(move |(rank, held)| {
            hidden |= named.is_none() && ripe(&held.version).is_some_and(|ripe| ripe <= horizon);
            let counts = named.as_ref().map_or(rank == 0, |named| !named.contains(&held.version.stamp));
            let role = match (hidden, counts) {
                (true, _) => Role::Hidden,
                (false, true) => Role::Counts,
                (false, false) => Role::Past,
            };
            (role, held)
        })
    }

    fn visible_held(&self, id: &RegisterId, horizon: Stamp) -> impl Iterator<Item = Held> + use<'_> {
        self.roles(id, horizon).take_while(|(role, _)| *role != Role::Hidden).map(|(_, held)| held)
    }

    /// Those that are not hidden, newest first.
    pub(crate) fn visible(&self, id: &RegisterId, horizon: Stamp) -> impl Iterator<Item = Arc<Version>> + use<'_> {
        self.visible_held(id, horizon).map(|held| held.version)
    }

    /// What the indexes hold of it.
    pub(crate) fn facts(&self, id: &RegisterId, horizon: Stamp) -> Vec<Facts> {
        if self.older.is_none() {
            let header = self.header();
            let ripe = if self.revocable { header.ripe_by_deadline() } else { header.ripe() };
            let ripe = ripe.filter(|_| !self.keeps_heads);
            return vec![Facts::of_only(&header, self.hash, ripe, horizon)];
        }
        self.roles(id, horizon).map(|(role, held)| Facts::of(&held.version, held.hash, role)).collect()
    }

    fn len(&self) -> usize {
        1 + self.older().len()
    }

    /// Takes a version in, and drops what it makes obsolete.
    pub(crate) fn insert(&mut self, held: &Held, policy: &HistoryPolicy, horizon: Stamp) -> Inserted {
        let (version, current) = (&held.version, self.header());
        match version.floor_seen.cmp(&current.floor_seen) {
            Ordering::Less => return Inserted::Dead,
            Ordering::Greater => {
                *self = Self::new(held);
                return Inserted::New { trimmed: true };
            }
            Ordering::Equal => {}
        }
        let body = encode_body(version);
        let place = |deleted, stamp| rank(self.revocable, deleted, stamp);
        let (new, held_now) =
            (place(version.content.is_none(), version.stamp), place(current.is_tombstone(), current.stamp));
        let newness = new.cmp(&held_now).then_with(|| body.as_slice().cmp(&self.body));
        match newness {
            Ordering::Equal => return Inserted::Known,
            Ordering::Greater => self.replace_current(held, body),
            Ordering::Less => match self.older().binary_search_by(|other| order(version, &other.version)) {
                Ok(_) => return Inserted::Known,
                Err(at) => self.older_mut().insert(at, held.clone()),
            },
        }
        let before = self.len();
        self.prune(policy);
        self.bury(&version.register, horizon);
        let kept = newness.is_gt() || self.older().iter().any(|held| Arc::ptr_eq(&held.version, version));
        if kept { Inserted::New { trimmed: self.len() < before } } else { Inserted::Superseded }
    }

    fn replace_current(&mut self, held: &Held, body: Vec<u8>) {
        if let Some(before) = self.current(&held.version.register) {
            self.older_mut().insert(0, before);
        }
        (self.hash, self.body) = (held.hash, body.into());
    }

    /// Drops what lies below a version that hides it.
    fn bury(&mut self, id: &RegisterId, horizon: Stamp) {
        if horizon > Stamp::ZERO && self.older.is_some() {
            let visible = self.visible_held(id, horizon).count();
            self.keep_older(visible);
        }
    }

    /// Drops what the policy does not keep.
    ///
    /// What is kept is a prefix of the order, and what it keeps is alone reason enough to drop all below it,
    /// now and with whatever comes later. So it makes no difference when a register is pruned, and what was
    /// dropped does not come back when a peer sends it again. (Hence the bytes of a version do not decide on
    /// itself: where a large one was dropped, a smaller one below it could come back.)
    fn prune(&mut self, policy: &HistoryPolicy) {
        let kept = if !self.keeps_history {
            0
        } else if self.keeps_heads {
            policy.max_versions.saturating_sub(1)
        } else {
            self.older_kept(policy)
        };
        self.keep_older(kept);
    }

    /// How many versions the policy keeps beside the current one, where only the newest counts.
    ///
    /// Not for kills: what makes a head of a version is that no *retained* one names it. A rule that keeps
    /// heads for longer than what names them would make a head again of a kill that was long released. The
    /// price of keeping the newest alone is that a head is forgotten once `max_versions` newer ones stand.
    fn older_kept(&self, policy: &HistoryPolicy) -> usize {
        let mut bytes = 0usize;
        let older = self.older().iter().map(|held| &held.version);
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
    pub(crate) fn without(&self, id: &RegisterId, dead: impl Fn(&Version) -> bool) -> Option<Self> {
        Self::of(self.held(id).filter(|held| !dead(&held.version)))
    }

    /// Whether one of its versions counts as current; of a kill every head does.
    pub(crate) fn counts(&self, held: &Held) -> bool {
        let here = || self.older().iter().any(|older| Arc::ptr_eq(&older.version, &held.version));
        self.hash == held.hash || (self.keeps_heads && here() && !self.named().contains(&held.version.stamp))
    }

    /// The part of it that is not dead at or below the horizon. `None` where nothing is left.
    pub(crate) fn above(&self, id: &RegisterId, horizon: Stamp) -> Option<Self> {
        Self::of(self.visible_held(id, horizon))
    }

    /// The stamps that any version names as a parent.
    pub(crate) fn named(&self) -> HashSet<Stamp> {
        let current = Body::read(&self.body).map(|body| body.parents).unwrap_or_default();
        self.older().iter().flat_map(|held| &held.version.parents).chain(&current).copied().collect()
    }

    /// The versions that no other names as a parent, newest first.
    pub(crate) fn heads(&self, id: &RegisterId) -> Vec<Arc<Version>> {
        let named = self.named();
        self.versions(id).filter(|version| !named.contains(&version.stamp)).collect()
    }

    /// Stamps and values of the [heads](Self::heads); no value where it is deleted or has expired.
    pub(crate) fn values_of_heads(&self, now: Millis) -> Vec<(Stamp, Option<&[u8]>)> {
        let named = self.named();
        let older = self.older().iter().map(|Held { version, .. }| {
            let value = version.live(now).map(|blob| blob.bytes.as_ref());
            (version.stamp, value)
        });
        let all = iter::once((self.stamp(), self.live(now))).chain(older);
        all.filter(|(stamp, _)| !named.contains(stamp)).collect()
    }
}
