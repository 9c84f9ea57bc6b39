//! What to do.

use std::{sync::Arc, time::Duration};

use burgee_model::{MemberMeta, Millis, NodeId, RegisterId, Stamp};
use burgee_store::{Missed, Version};

use crate::{
    message::{Answer, News, PeerId, Question},
    status::Readiness,
};

/// What to do. Commands are executed in their order; none of them waits for the network or the disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send to one peer; dropped where its queue is full.
    Send {
        /// Whom.
        to: PeerId,
        /// What.
        news: News,
    },
    /// Ask one peer and report the answer as [`Event::Answered`](super::Event::Answered).
    Ask {
        /// Whom.
        to: PeerId,
        /// Names the answer; never used twice.
        request: u64,
        /// What.
        question: Question,
        /// How long the answer may take.
        timeout: Duration,
    },
    /// Answer a question.
    Answer {
        /// Which.
        ticket: u64,
        /// With what.
        answer: Answer,
    },
    /// Merge into the store, and report as [`Event::Merged`](super::Event::Merged).
    Merge {
        /// Names the report.
        merge: u64,
        /// What.
        versions: Vec<Arc<Version>>,
        /// Whose.
        from: NodeId,
    },
    /// Drop versions that the cluster has collected while this node was away: from memory at once, from
    /// disk behind.
    Evict(Vec<(RegisterId, Stamp)>),
    /// Report [`Event::Flushed`](super::Event::Flushed) once everything up to here is on disk.
    Flush {
        /// Names the report.
        flush: u64,
    },
    /// Write a register of the cluster's own; it comes back as [`Event::Written`](super::Event::Written).
    Write(SystemWrite),
    /// Look for a node at an endpoint, and report as [`Event::Dialled`](super::Event::Dialled).
    Dial(String),
    /// Close all links to a peer.
    HangUp(PeerId),
    /// Cluster time is to be the wall clock plus this many milliseconds.
    SetClusterTime {
        /// The correction.
        offset_ms: i64,
        /// Jump to it; otherwise go there without running backwards.
        outright: bool,
    },
    /// The readiness changed.
    SetReadiness(Readiness),
    /// The verdict on this node's clock changed; see [`Core::clock_ahead`](super::Core::clock_ahead).
    SetClockAhead(Option<Millis>),
    /// Take a new id, durably, with the note that the node must resynchronise, and set aside what it may have to write
    /// again; then start replication anew under it. Nothing after this command is executed.
    Reidentify(Missed),
    /// The node is in line with the cluster again: forget, durably, that it had to be.
    Resynchronised,
    /// Write again what was set aside and the others lack, and report [`Event::Repeated`](super::Event::Repeated) once
    /// nothing is set aside any more.
    Repeat,
    /// Note, on disk soon, that a peer has all that this node wrote up to a change.
    Told {
        /// Who.
        peer: NodeId,
        /// Up to where.
        up_to: Stamp,
    },
    /// The node cannot take part: the process ends with exit code 1. The text names the option that is at fault, and
    /// why: `node-name: …`.
    GiveUp(String),
    /// Something that an operator should read about, or that counts.
    Note(Note),
}

/// A register of the cluster's own tenant that the core wants written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemWrite {
    /// This node's entry in the roster; its stamp is the node's promise.
    Member(MemberMeta),
    /// The horizon: the version's stamp is the horizon itself.
    Horizon(Stamp),
    /// A member is forgotten.
    Forgotten {
        /// Its id.
        node: NodeId,
        /// Its label.
        name: String,
    },
}

/// What an operator should read about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A peer is reached.
    Joined(PeerId),
    /// A peer is no longer reached.
    Left(PeerId),
    /// The replica was brought in line with a peer's.
    Synchronised {
        /// With whom.
        peer: PeerId,
        /// How long that took.
        took: Duration,
    },
    /// Two processes bear one node's identity: its data directory was copied. Names the one that gives way, or
    /// the other one where it is this node that sees it.
    IdentityInUse(PeerId),
    /// Somebody says that it is a node that it is not, or no longer is: this very one, or a former start of a peer. It is
    /// counted.
    IdentityClaimed(PeerId),
    /// A live node has this node's name.
    NameInUse(NodeId),
    /// Cluster time was set outright, by so many milliseconds.
    ClusterTimeSet(i64),
    /// This node was forgotten, or restored from a backup.
    Outdated,
}
