//! What a caller asks the writer to do, and what it gets back.

use std::{fmt, sync::Arc};

use burgee_model::{Blob, Key, Millis, NodeId, RegisterId, Scope, Stamp};

use crate::{ChangeId, Position, Version};

/// A local write, before it is planned.
#[derive(Clone, Debug)]
pub struct Request {
    /// The most that it may write. Requests of one commit never overlap, so each plan sees everything
    /// that was written within its scope before it.
    pub scope: WriteScope,
    /// Who writes.
    pub actor: Arc<str>,
    /// Why, in the author's words.
    pub note: Option<Box<str>>,
    /// Which stamps its versions get.
    pub stamping: Stamping,
}

/// Which registers a request may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteScope {
    /// All.
    Everything,
    /// Those of a tenant.
    Tenant(Key),
    /// Those of a flag: tenant, flag.
    Flag(Key, Key),
    /// One config entry and its rollout: tenant, environment, key.
    Config(Key, Key, Key),
}

/// Which stamps the versions of a request get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamping {
    /// Above the clock, above every retained stamp of the register and above every floor covering it.
    Local,
    /// The same stamp for each: data that several nodes are started with, so that they write identical
    /// versions, which lose against any real write. They name no parents and no floor.
    Genesis {
        /// The stamp's time; small, from 1.
        time: u64,
        /// The stamp's id: a hash of the data.
        id: NodeId,
    },
    /// Exactly this stamp, for the cluster's horizon: two nodes that write the same one write identical
    /// versions. They name no parents and no floor.
    At(Stamp),
}

impl Stamping {
    /// The stamp that is given in advance.
    pub(crate) fn fixed(self) -> Option<Stamp> {
        match self {
            Self::Local => None,
            Self::Genesis { time, id } => Some(Stamp { time, id }),
            Self::At(stamp) => Some(stamp),
        }
    }
}

/// What a plan wants written, as one change. Floors come first: the writes stand above them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The registers to write; each at most once.
    pub writes: Vec<DraftWrite>,
    /// The floors to write: a tenant and what the floor covers in it.
    pub floors: Vec<(Key, Scope)>,
    /// What is written after them, where it tells of them.
    pub last: Option<Last>,
}

/// A register of the same change that is made from the versions before it, once their stamps are given.
#[derive(Clone)]
pub struct Last(Arc<Make>);

/// Makes a write of a change's versions, floors first.
type Make = dyn Fn(&[Arc<Version>]) -> Option<DraftWrite> + Send + Sync;

impl Last {
    /// Made by a function of the change's versions, floors first; it runs once, under the writer's lock.
    pub fn new(make: impl Fn(&[Arc<Version>]) -> Option<DraftWrite> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(crate) fn make(&self, versions: &[Arc<Version>]) -> Option<DraftWrite> {
        (self.0)(versions)
    }
}

impl fmt::Debug for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Last")
    }
}

impl PartialEq for Last {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Draft {
    /// A change of registers alone.
    #[must_use]
    pub fn of(writes: Vec<DraftWrite>) -> Self {
        Self { writes, ..Self::default() }
    }
}

/// A register to write.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftWrite {
    /// Which; never a floor.
    pub register: RegisterId,
    /// Its value; none deletes.
    pub content: Option<Blob>,
    /// From when on it counts as absent.
    pub expires_at: Option<Millis>,
    /// Stamps of conflicting versions that this one settles.
    pub settles: Vec<Stamp>,
}

impl DraftWrite {
    /// A value without a deadline.
    #[must_use]
    pub fn put(register: RegisterId, content: Blob) -> Self {
        Self { register, content: Some(content), expires_at: None, settles: Vec::new() }
    }

    /// A tombstone.
    #[must_use]
    pub fn delete(register: RegisterId) -> Self {
        Self { register, content: None, expires_at: None, settles: Vec::new() }
    }
}

impl From<burgee_model::import::Write> for DraftWrite {
    fn from(write: burgee_model::import::Write) -> Self {
        Self { register: write.register, content: write.value, expires_at: None, settles: Vec::new() }
    }
}

/// An acknowledged write.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The change.
    pub change: ChangeId,
    /// What was written: floors, the writes in the draft's order, what comes last. Empty for an empty draft.
    pub versions: Vec<Arc<Version>>,
    /// The feed's position after the change.
    pub position: Position,
}
