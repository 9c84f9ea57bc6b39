//! What a node knows of one peer.

use std::time::Duration;

use burgee_model::Stamp;

use super::{brought::Handed, clock::Offset, copies::Double, exchange::Exchange, sequence::Sequence};
use crate::message::{NodeInfo, PeerId};

/// For how long after it asked for a page a peer counts as one that pulls a snapshot.
const PAGING: Duration = Duration::from_secs(1);

/// What a node knows of one start of one peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: PeerId,
    /// Whether there is a link to it and it is heard.
    pub(super) live: bool,
    /// What it last said about itself.
    pub(super) info: Option<NodeInfo>,
    /// Whether it said who it is since it came up.
    pub(super) heard_since_up: bool,
    /// How many beats of it were heard.
    pub(super) beats: u64,
    /// Since when its silence counts.
    pub(super) silent_since: Duration,
    /// When it was last reached.
    pub(super) left_at: Duration,
    /// Which of its hints arrived.
    pub(super) sequence: Sequence,
    /// How many hints there were for it.
    pub(super) sent: u64,
    /// The time of the greatest stamp of its author known when it came up.
    pub(super) remembered: u64,
    /// How many of the versions that this node wrote since its start it has for certain: a hint may be lost while
    /// a later one arrives, so only a whole exchange tells.
    pub(super) has: u64,
    /// Up to which change of this node it has everything, as far as that was noted.
    pub(super) told: Stamp,
    /// Since when it remembers stamps of this node that this node does not.
    pub(super) doubted_since: Option<Duration>,
    pub(super) exchange: Exchange,
    /// Whether it sent versions that this node left out, so that the two will not be alike.
    pub(super) unlike: bool,
    /// Exchanges in a row in which it did not take all that it was offered.
    pub(super) declined: u32,
    /// The horizon of it that is known to pass this node by rightly.
    pub(super) vetted: Stamp,
    /// Whether it has this node's entry in the roster on disk, as far as this newcomer needs to know.
    pub(super) knows_entry: bool,
    /// Up to which of the entries in the roster that it offered of itself this node's disk has them, and all that was
    /// merged before.
    pub(super) entry_kept: Stamp,
    /// Since when it has all that this newcomer brought, in memory at least; none where it may not.
    pub(super) handed: Option<Handed>,
    /// Whether a whole exchange ended since it came up, and whether it was ready when that began.
    pub(super) exchanged: Option<bool>,
    /// Since when something of it may be missing here.
    pub(super) behind_since: Option<Duration>,
    pub(super) offset: Offset,
    /// Another start of it that was heard since this one came up.
    pub(super) double: Option<Double>,
    /// When it last asked for a page of a snapshot.
    pub(super) paged_at: Option<Duration>,
    /// When it was last asked where others are reached.
    pub(super) asked_endpoints_at: Option<Duration>,
}

impl Peer {
    pub(super) fn new(id: PeerId, now: Duration) -> Self {
        Self {
            id,
            live: false,
            info: None,
            heard_since_up: false,
            beats: 0,
            silent_since: now,
            left_at: now,
            sequence: Sequence::default(),
            sent: 0,
            remembered: 0,
            has: 0,
            told: Stamp::ZERO,
            doubted_since: None,
            exchange: Exchange::default(),
            unlike: false,
            declined: 0,
            vetted: Stamp::ZERO,
            knows_entry: false,
            entry_kept: Stamp::ZERO,
            handed: None,
            exchanged: None,
            behind_since: None,
            offset: Offset::default(),
            double: None,
            paged_at: None,
            asked_endpoints_at: None,
        }
    }

    /// It is reached, perhaps again: what it wrote meanwhile is looked for at once.
    pub(super) fn up(&mut self, remembered: u64, now: Duration) {
        self.live = true;
        self.heard_since_up = false;
        self.silent_since = now;
        self.remembered = self.remembered.max(remembered);
        self.exchanged = None;
        self.vetted = Stamp::ZERO;
        self.knows_entry = false;
        self.behind_since = Some(now);
        self.exchange.restart(now);
    }

    /// It is not reached any more.
    pub(super) fn down(&mut self, now: Duration) {
        self.live = false;
        self.left_at = now;
        self.info = self.info.take().map(|info| NodeInfo { ready: false, ..info });
        self.exchanged = None;
        self.exchange = Exchange::default();
    }

    pub(super) fn is_ready(&self) -> bool {
        self.live && self.info.as_ref().is_some_and(|info| info.ready)
    }

    /// Whether it is pulling a snapshot from this node: what it lacks then says nothing.
    pub(super) fn is_paging(&self, now: Duration) -> bool {
        self.paged_at.is_some_and(|at| now.saturating_sub(at) < PAGING)
    }

    /// Something of it may be missing here: look for it soon.
    pub(super) fn missing(&mut self, now: Duration) {
        self.behind_since.get_or_insert(now);
        self.exchange.want(now);
    }
}
