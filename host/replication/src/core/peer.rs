//! What a node knows of one peer.

use std::time::Duration;

use super::{
    Moment, PeerView,
    pull::{Pull, Timing},
    sequence::Sequence,
};
use crate::message::{NodeInfo, PeerId};

/// For how long after the network lost a peer its messages may be stragglers that do not mean that it is
/// back. If it is, the network says so, or its later heartbeats do.
const STRAGGLERS: Duration = Duration::from_secs(1);
/// So many failed requests in a row, without a word, are no accident.
const MUTE_FAILURES: u32 = 3;

/// What a node knows of one start of one peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: PeerId,
    /// Whether it is reached.
    pub(super) live: bool,
    /// Whether the network shows it.
    pub(super) announced: bool,
    /// Whether the network was entered anew because of its present silence.
    pub(super) renewed: bool,
    /// What it last said about itself.
    pub(super) info: Option<NodeInfo>,
    /// When it last said anything.
    pub(super) heard_at: Option<Moment>,
    pub(super) sequence: Sequence,
    pub(super) pull: Pull,
    /// Whether its whole snapshot was merged since it was last reached anew, and whether it was ready
    /// when that began.
    pub(super) snapshot: Option<bool>,
    /// Since when its silence counts.
    silent_since: Moment,
    /// Whether it was heard since it was last reached anew.
    heard_since_up: bool,
    /// When the network lost it.
    lost_at: Option<Moment>,
}

impl Peer {
    pub(super) fn new(id: PeerId, timing: Timing, now: Moment) -> Self {
        Self {
            id,
            live: false,
            announced: false,
            renewed: false,
            info: None,
            heard_at: None,
            sequence: Sequence::default(),
            pull: Pull::new(timing),
            snapshot: None,
            silent_since: now,
            heard_since_up: false,
            lost_at: None,
        }
    }

    /// The peer is reached, perhaps again: what it wrote meanwhile is pulled.
    pub(super) fn up(&mut self, now: Moment) {
        self.live = true;
        self.lost_at = None;
        self.snapshot = None;
        self.silent_since = now;
        self.heard_since_up = false;
        self.pull.restart(now);
    }

    /// The network lost it.
    pub(super) fn lost(&mut self, now: Moment) {
        self.lost_at = Some(now);
        self.announced = false;
        self.down();
    }

    fn down(&mut self) {
        self.live = false;
        self.snapshot = None;
        self.pull.cancel();
    }

    pub(super) fn heard(&mut self, info: NodeInfo, now: Moment) {
        self.info = Some(info);
        self.heard_at = Some(now);
        self.heard_since_up = true;
        self.renewed = false;
        self.silent_since = now;
    }

    /// Whether a message shows that the peer is reached although the network did not say so.
    pub(super) fn is_revived(&self, now: Moment) -> bool {
        !self.live && self.lost_at.is_none_or(|at| now.saturating_sub(at) > STRAGGLERS)
    }

    pub(super) fn synchronised(&mut self, peer_was_ready: bool) {
        self.snapshot = Some(peer_was_ready);
    }

    pub(super) fn tick(&mut self, now: Moment, silence: Duration) {
        if self.live && now.saturating_sub(self.silent_since) > silence {
            self.down();
        }
    }

    /// Whether the network shows it without its being heard: for a while, or, on waking, without its
    /// answering either.
    pub(super) fn is_unheard(&self, now: Moment, stale: Duration, waking: bool) -> bool {
        let mute = waking && !self.heard_since_up && self.pull.failures() >= MUTE_FAILURES;
        self.announced && !self.renewed && (mute || now.saturating_sub(self.silent_since) >= stale)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.ready)
    }

    /// Whether the peer is known to hold nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.info.as_ref().is_some_and(|info| !info.holds_data)
    }

    /// Whether the peer became ready after its snapshot was pulled.
    pub(super) fn became_ready_since(&self) -> bool {
        self.is_ready() && self.snapshot == Some(false) && self.pull.is_idle()
    }

    pub(super) fn view(&self) -> PeerView<'_> {
        PeerView {
            id: self.id,
            info: self.info.as_ref(),
            live: self.live,
            synchronised: self.snapshot.is_some(),
            heard_at: self.heard_at,
        }
    }
}
