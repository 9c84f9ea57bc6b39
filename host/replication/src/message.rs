//! What nodes say to each other, as plain data.

use std::sync::Arc;

use burgee_model::{Millis, NodeId, Stamp};
use burgee_store::{
    PageCursor, Version,
    digest::{Path, Prefix, Realm, Sum},
};
use serde::{Deserialize, Serialize};

/// The most nodes that a [`NodeInfo`] names as reached; who reaches more names none.
pub const REACHES_MAX: usize = 256;

/// The most prefixes that one question may name.
pub const PREFIXES_MAX: usize = 64;

/// The most paths that one question may name.
pub const PATHS_MAX: usize = 1024;

/// The most nodes whose endpoints one question may ask for.
pub const ENDPOINTS_MAX: usize = 32;

/// The most tokens whose last use one message may ask for, or tell.
pub const USES_MAX: usize = 1_000;

/// One start of one node. The incarnation is another one at each start, so that a node that returns is told from
/// what is left of its former self; it is the greater the later the machine's clock said that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeerId {
    /// The node.
    pub node: NodeId,
    /// Which start of it.
    pub incarnation: u64,
}

/// What a node says about itself, once a second.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeInfo {
    /// Its label.
    pub name: String,
    /// Where peers reach it.
    pub endpoint: Option<String>,
    /// Whether it may serve.
    pub ready: bool,
    /// Whether it was forgotten or restored and is not in line with the cluster yet: nobody takes
    /// versions from it.
    pub resync: bool,
    /// How many versions it holds beside the cluster's own registers.
    pub versions: u64,
    /// No stamp that it gave, as far as it knows, has a greater time.
    pub written: u64,
    /// The digest of all current versions.
    pub root: Sum,
    /// Up to where it has collected.
    pub horizon: Stamp,
    /// Cluster time of its start.
    pub started_at: Millis,
    /// Whom it reaches; none where it does not tell (it speaks an older protocol, or reaches too many).
    pub reaches: Option<Vec<NodeId>>,
}

/// In place of what is remembered of the receiver: another process has its identity, and started earlier.
pub const HEARD_TWICE: u64 = u64::MAX;

/// News for one peer; whether it arrives is not known.
///
/// `seq` counts the hints that the sender had for this peer since its start, this one included: whoever
/// sees a number skipped has missed versions.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The sender is alive.
    Beat {
        /// As of the last hint.
        seq: u64,
        /// About the sender.
        info: NodeInfo,
        /// The time of the greatest stamp of the receiver that the sender knows.
        remembers: u64,
        /// Whether the receiver was forgotten by the cluster.
        forgotten: bool,
    },
    /// Versions that the sender wrote, or passes on: durable at their author.
    Hint {
        /// With this one.
        seq: u64,
        /// The versions.
        versions: Vec<Arc<Version>>,
        /// How many more there were, of kinds that this release does not know. Never sent.
        unknown: u32,
    },
}

/// What one peer asks another.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// How do we compare?
    Compare {
        /// The first day whose history the asker holds wholly.
        history_since: u32,
    },
    /// What lies below these prefixes (at most [`PREFIXES_MAX`])?
    Branches {
        /// In which realm.
        realm: Realm,
        /// The prefixes.
        prefixes: Vec<Prefix>,
    },
    /// Which days differ?
    Days {
        /// From this day on.
        since: u32,
        /// The asker's digest of the history of all these days.
        sum: Sum,
    },
    /// The versions at these paths (at most [`PATHS_MAX`]), please.
    Versions {
        /// In which realm.
        realm: Realm,
        /// The paths.
        paths: Vec<Path>,
    },
    /// A page of a snapshot, please.
    Page {
        /// Where to go on; `None` begins.
        cursor: Option<PageCursor>,
    },
    /// Take these versions, which you lack.
    Offer {
        /// The versions.
        versions: Vec<Arc<Version>>,
        /// How many more there were, of kinds that this release does not know. Never sent.
        unknown: u32,
    },
    /// Where are these nodes reached (at most [`ENDPOINTS_MAX`])?
    Endpoints {
        /// The nodes.
        nodes: Vec<NodeId>,
    },
}

/// What it answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Question::Compare`].
    Compared {
        /// All hints up to this one are in the digests.
        seq: u64,
        /// Whether the answerer may serve.
        ready: bool,
        /// Its wall clock, uncorrected.
        wall: Millis,
        /// How many versions it holds.
        versions: u64,
        /// Its digest of all current versions.
        root: Sum,
        /// Up to where it has collected.
        horizon: Stamp,
        /// The first day whose history both hold wholly.
        history_since: u32,
        /// Its digest of the history from that day on.
        history: Sum,
    },
    /// To [`Question::Branches`]: one for each prefix, in their order.
    Branches(Vec<Twigs>),
    /// To [`Question::Days`]: nothing where the digests are equal.
    Days(Vec<(u32, Check)>),
    /// To [`Question::Versions`].
    Versions {
        /// So many of the paths are answered: the others did not fit.
        paths: u32,
        /// What stands there.
        versions: Vec<Arc<Version>>,
        /// How many more there were, of kinds that this release does not know. Never sent.
        unknown: u32,
    },
    /// To [`Question::Page`].
    Page {
        /// The versions.
        versions: Vec<Arc<Version>>,
        /// How many more there were, of kinds that this release does not know. Never sent.
        unknown: u32,
        /// Where to go on; `None` where the snapshot ends.
        next: Option<PageCursor>,
    },
    /// To [`Question::Offer`]: whether all of them are merged.
    Taken(bool),
    /// To [`Question::Endpoints`]: of those that are known.
    Endpoints(Vec<(NodeId, String)>),
}

/// What lies below a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Twigs {
    /// Prefixes that cover everything below.
    Inner(Vec<(Prefix, Check)>),
    /// All places.
    Leaf(Vec<(Path, Check)>),
}

/// The lower half of a [`Sum`]: enough to tell branches apart, and half as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Check(pub u64);

impl From<Sum> for Check {
    fn from(sum: Sum) -> Self {
        // The lower half is meant.
        Self((sum.0 & u128::from(u64::MAX)) as u64)
    }
}
