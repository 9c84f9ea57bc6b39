//! What happened.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use burgee_model::Millis;
use burgee_store::Version;

use crate::message::{Answer, News, PeerId, Question};

/// The time at which something happened, as this node has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the core was made, by a clock that never jumps.
    pub mono: Duration,
    /// The machine's own wall clock, uncorrected: milliseconds since the Unix epoch.
    pub wall: Millis,
    /// Cluster time: milliseconds since the Unix epoch; what the store, deadlines and stamps go by.
    pub cluster: Millis,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// There is a link to a peer: the first one to this start of it.
    Up(PeerId),
    /// The last link to a peer is gone.
    Down(PeerId),
    /// A [`Dial`](super::Command::Dial) ended; none where nobody was reached.
    Dialled {
        /// What was dialled.
        endpoint: String,
        /// Who is there. It may be this node itself.
        peer: Option<PeerId>,
    },
    /// News of a peer.
    News {
        /// Who sent it.
        from: PeerId,
        /// What it says.
        news: News,
    },
    /// A peer asks; the answer bears the ticket. A question that is not answered fails at the peer in time.
    Asked {
        /// Who asks.
        from: PeerId,
        /// Names the question in the answer.
        ticket: u64,
        /// What is wanted.
        question: Question,
    },
    /// A question of this node was answered; none where it failed or took too long.
    Answered {
        /// The number of the [`Ask`](super::Command::Ask).
        request: u64,
        /// The answer.
        answer: Option<Answer>,
    },
    /// A [`Merge`](super::Command::Merge) was executed: what it brought is in the table.
    Merged {
        /// The number of the merge.
        merge: u64,
        /// Whether the store took it; if not, its versions are as good as lost.
        taken: bool,
        /// How many of its versions the store left out, because no node that keeps the rules writes such.
        refused: u32,
    },
    /// Everything that was merged, evicted or written before a [`Flush`](super::Command::Flush) is on disk.
    Flushed {
        /// The number of the flush.
        flush: u64,
    },
    /// Versions were written here: durable, and in the table.
    Written(Vec<Arc<Version>>),
    /// Some versions were written here that nobody will name: the reader of the feed was too slow.
    WrittenUnseen,
    /// These are the endpoints at which discovery finds nodes now; those that it found before and that are not among
    /// them are gone.
    Found(BTreeSet<String>),
    /// Time passed. Ticks come about ten times a second.
    Tick,
    /// What was set aside is written again.
    Repeated,
}
