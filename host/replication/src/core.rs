//! The protocol: `(state, event, now) -> commands`, without clock, randomness or network.
//!
//! The state is what this node knows of its peers. Time is a [`Moment`], given with each event. The
//! caller executes the commands in their order and reports what came of them as events.
//!
//! Rules:
//! - A peer that appears, or appears again, is pulled from: its whole snapshot, page by page.
//! - A skipped sequence number starts a pull from that peer at once; heartbeats carry the number too, so
//!   that a lost last hint does not wait for the next write.
//! - A node that notices that it slept pulls from every peer: it cannot know what it missed.
//! - At most one pull runs against a peer; a page that does not come is asked for again.
//! - A peer that is not heard for [`Settings::silence`] is not live, whatever the network says.
//! - A network that shows a peer which is not heard is not to be trusted: it is entered anew. After a
//!   sleep, in which others dial who does not answer, a few failed requests are proof enough.

mod peer;
mod pull;
mod readiness;
mod sequence;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use burgee_model::NodeId;
use burgee_store::Version;

pub use self::pull::PullId;
use self::{
    peer::Peer,
    pull::{Merged, Timing},
    sequence::Arrival,
};
use crate::{
    message::{Hint, NodeInfo, Page, PageRequest, PeerId},
    status::Readiness,
};

/// Time since the core was made.
pub type Moment = Duration;

/// What is fixed when a node starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which start of which node this is.
    pub own: PeerId,
    /// The node's label.
    pub name: String,
    /// Where peers reach it.
    pub endpoint: Option<String>,
    /// Whether it looks for other nodes; without seeds it is ready at once.
    pub has_seeds: bool,
    /// Whether it holds versions already.
    pub holds_data: bool,
    /// How long it looks for a ready peer.
    pub ready_timeout: Duration,
    /// Between heartbeats.
    pub beat_period: Duration,
    /// For how long a live peer may be silent.
    pub silence: Duration,
    /// A gap between two ticks from which on the node knows that it slept.
    pub sleep: Duration,
    /// From which length on a sleep has cost the node its links: the others took it for dead.
    pub dead: Duration,
    /// How long the network may show a peer that is not heard, before it is entered anew.
    pub stale: Duration,
    /// How long a page may take.
    pub request_timeout: Duration,
    /// How many peers are remembered.
    pub peers: usize,
}

impl Settings {
    /// The usual periods.
    #[must_use]
    pub fn new(own: PeerId, name: String) -> Self {
        Self {
            own,
            name,
            endpoint: None,
            has_seeds: false,
            holds_data: false,
            ready_timeout: Duration::from_secs(10),
            beat_period: Duration::from_secs(1),
            silence: Duration::from_millis(3500),
            sleep: Duration::from_secs(1),
            dead: Duration::from_millis(1500),
            stale: Duration::from_secs(4),
            request_timeout: Duration::from_secs(2),
            peers: 256,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The network reaches a node, for the first time or again.
    PeerUp(PeerId),
    /// The network lost a node.
    PeerDown(PeerId),
    /// News of a peer.
    Hint {
        /// Who sent it.
        from: PeerId,
        /// What it says.
        hint: Hint,
    },
    /// A peer wants a page.
    PageAsked {
        /// Names the question in the answer.
        ticket: u64,
        /// What is wanted.
        request: PageRequest,
    },
    /// A page came, or will not come.
    Page {
        /// Which pull asked for it.
        pull: PullId,
        /// The page; none where the request failed.
        page: Option<Page>,
    },
    /// A [`Command::Merge`] was executed.
    Merged {
        /// Whose versions.
        from: NodeId,
        /// For which pull; none for a hint.
        pull: Option<PullId>,
        /// Whether the store took them.
        taken: bool,
    },
    /// Versions were written here and are durable.
    LocalChange(Vec<Arc<Version>>),
    /// Some local changes were not seen: they were written but nobody will hint at them.
    LocalChangesMissed,
    /// Time passed. Ticks come several times a second.
    Tick,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send to everybody, without waiting for anybody.
    Publish(Hint),
    /// Ask a peer for a page and report it as [`Event::Page`].
    RequestPage {
        /// Whom.
        peer: PeerId,
        /// Names the answer.
        pull: PullId,
        /// What.
        request: PageRequest,
    },
    /// Answer a question with a page of the store, read after this moment.
    AnswerPage {
        /// Which question.
        ticket: u64,
        /// What was asked.
        request: PageRequest,
        /// About this node.
        info: NodeInfo,
        /// The sequence number to put into the page.
        seq: u64,
    },
    /// Merge into the store and report as [`Event::Merged`].
    Merge {
        /// What.
        versions: Vec<Arc<Version>>,
        /// Whose.
        from: NodeId,
        /// For which pull; none for a hint.
        pull: Option<PullId>,
    },
    /// Leave the network and enter it anew: its links are not to be trusted.
    Renew,
    /// The readiness changed.
    SetReadiness(Readiness),
    /// Something that an operator should read about.
    Note(Note),
}

/// What an operator should read about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The node slept (was stopped, or starved) and pulls from everybody.
    Slept(Duration),
    /// A peer's whole snapshot was merged.
    Synchronised {
        /// With whom.
        peer: PeerId,
        /// From the first request to the last page.
        took: Duration,
    },
    /// The network shows a peer that is not heard.
    Unheard {
        /// Which.
        peer: PeerId,
    },
    /// Hints of a peer went missing: its snapshot is pulled.
    Gap {
        /// Whose.
        peer: PeerId,
    },
    /// Another process uses this node's identity: its data directory was copied.
    IdentityInUse(PeerId),
    /// No room to remember another peer.
    TooManyPeers,
}

/// The state of the protocol.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    seq: u64,
    holds_data: bool,
    peers: BTreeMap<NodeId, Peer>,
    readiness: Readiness,
    beat_due: Moment,
    ticked: Moment,
    /// No renewal for an unheard peer before.
    renewal_due: Moment,
    /// Until when links may be broken by the last sleep.
    waking_until: Moment,
    pulls: u64,
}

/// The shortest time between two renewals for unheard peers.
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);
/// For how long after a sleep the links are watched more closely.
const WAKING: Duration = Duration::from_secs(5);

/// One peer, as the core sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerView<'a> {
    /// Which start of which node.
    pub id: PeerId,
    /// What it last said about itself.
    pub info: Option<&'a NodeInfo>,
    /// Whether it is reached.
    pub live: bool,
    /// Whether its whole snapshot was merged since it was last reached anew.
    pub synchronised: bool,
    /// When it last said anything.
    pub heard_at: Option<Moment>,
}

impl Core {
    /// The state at moment zero.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let readiness = if settings.has_seeds { Readiness::waiting("no_peer") } else { Readiness::ready() };
        Self {
            seq: 0,
            holds_data: settings.holds_data,
            peers: BTreeMap::new(),
            readiness,
            beat_due: Moment::ZERO,
            ticked: Moment::ZERO,
            renewal_due: Moment::ZERO,
            waking_until: Moment::ZERO,
            pulls: 0,
            settings,
        }
    }

    /// Whether the node may serve.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// All peers remembered, by id.
    pub fn peers(&self) -> impl Iterator<Item = PeerView<'_>> {
        self.peers.values().map(Peer::view)
    }

    /// Takes an event; the commands are to be executed in their order.
    pub fn handle(&mut self, event: Event, now: Moment) -> Vec<Command> {
        let mut commands = Vec::new();
        self.dispatch(event, now, &mut commands);
        self.decide_readiness(now, &mut commands);
        self.start_pulls(now, &mut commands);
        self.beat(now, &mut commands);
        commands
    }

    fn dispatch(&mut self, event: Event, now: Moment, out: &mut Vec<Command>) {
        match event {
            Event::PeerUp(id) => self.peer_up(id, now, out),
            Event::PeerDown(id) => self.peer_down(id, now),
            Event::Hint { from, hint } => self.hint(from, hint, now, out),
            Event::PageAsked { ticket, request } => {
                out.push(Command::AnswerPage { ticket, request, info: self.info(), seq: self.seq });
            }
            Event::Page { pull, page } => self.page(pull, page, now, out),
            Event::Merged { from, pull, taken } => self.merged(from, pull, taken, now, out),
            Event::LocalChange(versions) => self.local_change(versions, out),
            Event::LocalChangesMissed => self.local_changes_missed(now),
            Event::Tick => self.tick(now, out),
        }
    }

    fn peer_up(&mut self, id: PeerId, now: Moment, out: &mut Vec<Command>) {
        if let Some(peer) = self.meet(id, now, out) {
            peer.announced = true;
            peer.up(now);
            // The newcomer learns at once who is here.
            self.beat_due = now;
        }
    }

    fn peer_down(&mut self, id: PeerId, now: Moment) {
        if let Some(peer) = self.peers.get_mut(&id.node).filter(|peer| peer.id == id) {
            peer.lost(now);
        }
    }

    /// The peer of a message: remembered anew where it is a new one, or a new start of a known one.
    fn meet(&mut self, id: PeerId, now: Moment, out: &mut Vec<Command>) -> Option<&mut Peer> {
        if id.node == self.settings.own.node {
            if id != self.settings.own {
                out.push(Command::Note(Note::IdentityInUse(id)));
            }
            return None;
        }
        if !self.peers.contains_key(&id.node) && !self.make_room() {
            out.push(Command::Note(Note::TooManyPeers));
            return None;
        }
        let timing = Timing { request_timeout: self.settings.request_timeout };
        let peer = self.peers.entry(id.node).or_insert_with(|| Peer::new(id, timing, now));
        if peer.id != id {
            *peer = Peer::new(id, timing, now);
        }
        Some(peer)
    }

    fn make_room(&mut self) -> bool {
        if self.peers.len() < self.settings.peers {
            return true;
        }
        let gone = self.peers.values().filter(|peer| !peer.live).min_by_key(|peer| peer.heard_at).map(|peer| peer.id);
        gone.is_some_and(|id| self.peers.remove(&id.node).is_some())
    }

    fn hint(&mut self, from: PeerId, hint: Hint, now: Moment, out: &mut Vec<Command>) {
        let Some(peer) = self.meet(from, now, out) else { return };
        if peer.is_revived(now) {
            peer.up(now);
        }
        let arrival = peer.sequence.arrive(hint.seq, !hint.versions.is_empty());
        peer.heard(hint.info, now);
        if arrival == Arrival::Gap {
            peer.pull.want(now);
            out.push(Command::Note(Note::Gap { peer: from }));
        }
        self.merge(hint.versions, from.node, None, out);
    }

    fn merge(&mut self, versions: Vec<Arc<Version>>, from: NodeId, pull: Option<PullId>, out: &mut Vec<Command>) {
        self.holds_data |= !versions.is_empty();
        if !versions.is_empty() || pull.is_some() {
            out.push(Command::Merge { versions, from, pull });
        }
    }

    fn page(&mut self, pull: PullId, page: Option<Page>, now: Moment, out: &mut Vec<Command>) {
        let Some(peer) = self.peers.get_mut(&pull.peer.node).filter(|peer| peer.pull.awaits(pull)) else { return };
        let Some(page) = page else { return peer.pull.failed(now) };
        if peer.pull.began(pull, page.info.ready) && peer.sequence.snapshot(page.seq) == Arrival::Gap {
            peer.pull.want(now);
        }
        peer.heard(page.info, now);
        peer.pull.merging(page.next);
        self.merge(page.versions, pull.peer.node, Some(pull), out);
    }

    fn merged(&mut self, from: NodeId, pull: Option<PullId>, taken: bool, now: Moment, out: &mut Vec<Command>) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        let Some(pull) = pull else {
            if !taken {
                peer.pull.want_later(now);
            }
            return;
        };
        if let Merged::Complete { peer_was_ready, took } = peer.pull.merged(pull, taken, now) {
            peer.synchronised(peer_was_ready);
            out.push(Command::Note(Note::Synchronised { peer: peer.id, took }));
        }
    }

    fn local_change(&mut self, versions: Vec<Arc<Version>>, out: &mut Vec<Command>) {
        self.seq += 1;
        self.holds_data = true;
        out.push(Command::Publish(Hint { info: self.info(), seq: self.seq, versions }));
    }

    /// The number skipped tells every peer to pull.
    fn local_changes_missed(&mut self, now: Moment) {
        self.seq += 1;
        self.holds_data = true;
        self.beat_due = now;
    }

    fn tick(&mut self, now: Moment, out: &mut Vec<Command>) {
        let gap = now.saturating_sub(self.ticked);
        self.ticked = now;
        if gap >= self.settings.sleep {
            out.push(Command::Note(Note::Slept(gap)));
            self.peers.values_mut().filter(|peer| peer.live).for_each(|peer| peer.up(now));
        }
        if gap >= self.settings.dead {
            self.waking_until = now + WAKING;
        }
        for peer in self.peers.values_mut() {
            peer.tick(now, self.settings.silence);
        }
        self.renew_for_the_unheard(now, out);
    }

    /// Once for each silence of each peer: who speaks another protocol stays unheard for good.
    fn renew_for_the_unheard(&mut self, now: Moment, out: &mut Vec<Command>) {
        let (stale, waking) = (self.settings.stale, now < self.waking_until);
        let unheard = self.peers.values_mut().find(|peer| peer.is_unheard(now, stale, waking));
        let Some(peer) = unheard.filter(|_| now >= self.renewal_due) else { return };
        peer.renewed = true;
        out.push(Command::Note(Note::Unheard { peer: peer.id }));
        self.renewal_due = now + RENEWAL_PAUSE;
        out.push(Command::Renew);
    }

    fn decide_readiness(&mut self, now: Moment, out: &mut Vec<Command>) {
        let next = readiness::decide(&self.readiness, &self.settings, &self.peers, now);
        if next != self.readiness {
            self.readiness = next.clone();
            self.beat_due = now;
            out.push(Command::SetReadiness(next));
        }
    }

    fn start_pulls(&mut self, now: Moment, out: &mut Vec<Command>) {
        for peer in self.peers.values_mut().filter(|peer| peer.live) {
            if !self.readiness.ready && peer.became_ready_since() {
                peer.pull.want(now);
            }
            if let Some((pull, cursor)) = peer.pull.poll(peer.id, now, &mut self.pulls) {
                out.push(Command::RequestPage { peer: peer.id, pull, request: PageRequest { cursor } });
            }
        }
    }

    fn beat(&mut self, now: Moment, out: &mut Vec<Command>) {
        if now >= self.beat_due {
            self.beat_due = now + self.settings.beat_period;
            out.push(Command::Publish(Hint { info: self.info(), seq: self.seq, versions: Vec::new() }));
        }
    }

    fn info(&self) -> NodeInfo {
        NodeInfo {
            name: self.settings.name.clone(),
            endpoint: self.settings.endpoint.clone(),
            ready: self.readiness.ready,
            holds_data: self.holds_data,
        }
    }
}
