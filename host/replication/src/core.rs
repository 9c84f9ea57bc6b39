//! The protocol: `(state, event, table, now) -> commands`, without clock, randomness or network.
//!
//! One file for each subject:
//! - `mesh` dials, `beat` notes who comes and goes and what it says, `roster` knows who belongs here, `copies`
//!   tells copied nodes apart;
//! - `hints` makes changes fast; `exchange` with `walk`, `repair`, `snapshot` and `answers` makes them correct;
//! - `enrolment` and `brought` make sure of what is on the others' disks when a node joins;
//! - `readiness`, `outdated`, `collect` and `clock` draw the conclusions.

mod answers;
mod beat;
mod brought;
mod clock;
mod collect;
mod command;
mod copies;
mod enrolment;
mod event;
mod exchange;
mod hints;
mod mesh;
mod outdated;
mod peer;
mod random;
mod readiness;
mod repair;
mod roster;
mod sequence;
mod settings;
mod snapshot;
mod status;
mod system;
#[cfg(test)]
mod tests;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use burgee_model::{Address, Millis, NodeId, RegisterId, Stamp};
use burgee_store::{
    PageCursor, Table, Version,
    digest::{Path, Prefix},
};

use self::{
    brought::Brought,
    collect::Collect,
    enrolment::Entries,
    hints::{Hinted, Name},
    mesh::Mesh,
    outdated::InLine,
    peer::Peer,
    random::Random,
    roster::Roster,
    snapshot::Snapshot,
    status::Unacked,
    walk::Fetched,
};
pub use self::{
    command::{Command, Note, SystemWrite},
    event::{Event, Now},
    settings::{Periods, Settings},
};
use crate::{
    message::{Answer, News, PeerId, Question},
    status::Readiness,
};

/// A gap between two ticks from which on the node knows that it slept.
const SLEEP: Duration = Duration::from_secs(1);

/// Merges under way beyond which nothing more is taken that peers send unasked: hints and offers. (What was
/// asked for is at most one merge for each peer.)
pub const MERGES_MAX: usize = 512;

/// The state of the protocol.
#[derive(Debug)]
pub struct Core {
    settings: Settings,
    random: Random,
    peers: BTreeMap<NodeId, Peer>,
    mesh: Mesh,
    /// Processes that say that they are this node, by incarnation.
    claims: BTreeMap<u64, copies::Claim>,
    roster: Roster,
    clock: clock::Clock,
    brought: Brought,
    collect: Collect,
    snapshot: Option<Snapshot>,
    /// Where the last snapshot stopped that did not end.
    resume: Option<PageCursor>,
    readiness: Readiness,
    /// Whether it got in line with a ready peer that knew its entry before.
    lined: bool,
    /// Up to where that peer said by then that it holds everything, or had collected: a horizon up to there passes
    /// nobody by.
    joined_at: Option<Stamp>,
    /// Whether it is to serve as soon as its entry as a member is on disk.
    accepted: bool,
    /// Whether the node was ready once.
    served: bool,
    /// Whether the first event came.
    started: bool,
    /// Whether it was in the roster then, as one that had joined.
    came_entered: bool,
    /// Whether what it pulled when it joined need not all be on its disk: after a crash it would be part of it.
    partial: bool,
    /// The flush after which it is.
    pulled: Option<u64>,
    /// The live node that has this one's name, and since when.
    rival: Option<(NodeId, Duration)>,
    /// No stamp that this node gave, as far as it knows, has a greater time.
    written: u64,
    /// The last change that it made.
    changed: Stamp,
    /// Whether what was set aside is being written again.
    repeating: bool,
    unacked: Unacked,
    in_line: Option<InLine>,
    /// Whether anything was dropped because the cluster had collected it.
    evicted: bool,
    asks: BTreeMap<u64, Ask>,
    merges: BTreeMap<u64, Merging>,
    /// What of the hints among them is to be passed on.
    passing: BTreeSet<Name>,
    entries: Entries,
    /// When somebody ready was last there.
    ready_seen_at: Duration,
    /// Since when all who are ready have collected less than this node heard of.
    ahead_since: Option<Duration>,
    /// The last number given to a request, a merge or a flush.
    numbers: u64,
    ticked: Duration,
    beat_due: Duration,
    compare_due: Duration,
    enrol_due: Duration,
    /// Versions that repair brought, in both directions.
    repaired: u64,
    /// Nothing is done any more: the node is to start anew, or to end.
    halted: bool,
}

/// One event being handled.
struct Turn<'a> {
    table: &'a Table,
    now: Now,
    out: Vec<Command>,
}

impl Turn<'_> {
    fn note(&mut self, note: Note) {
        self.out.push(Command::Note(note));
    }
}

/// A question under way.
#[derive(Debug)]
struct Ask {
    to: NodeId,
    at: Duration,
    what: Asked,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Compare,
    Branches(Vec<Prefix>),
    Versions(Vec<Path>),
    /// This node's entry in the roster, before anything is exchanged with whose horizon passes it by.
    OwnEntry(Stamp),
    Days,
    Offer,
    Page,
    Endpoints,
    /// That a newcomer's entry in the roster is taken, before anything is pulled.
    Enrolment,
    /// How far a peer has collected.
    Confirm,
    /// That what this newcomer brought is on a peer's disk.
    Keeping,
}

impl Asked {
    /// Whether an exchange fails with it.
    fn is_of_exchange(&self) -> bool {
        !matches!(self, Self::Endpoints | Self::Confirm | Self::Keeping)
    }
}

/// What a merge under way is for.
#[derive(Debug)]
enum Merging {
    Hint(Hinted),
    Repair(Fetched),
    Page(NodeId),
    /// The answer's ticket, and whether all that was offered is among it.
    Offer(u64, bool),
    /// As an offer, but a node's own entry in the roster, and nothing else: answered once it is on disk.
    Entry {
        node: NodeId,
        stamp: Stamp,
        ticket: u64,
    },
}

impl Merging {
    fn is_of_exchange(&self, node: NodeId) -> bool {
        match self {
            Self::Repair(fetched) => fetched.from == node,
            Self::Page(from) => *from == node,
            Self::Hint(_) | Self::Offer(..) | Self::Entry { .. } => false,
        }
    }
}

impl Core {
    /// The state at the start of a process.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let waiting = if settings.resync { "resynchronising" } else { "no_peer" };
        Self {
            random: Random::new(settings.random_seed),
            written: settings.mark,
            changed: Stamp { time: settings.mark, id: NodeId([0xff; 16]) },
            repeating: false,
            readiness: Readiness::waiting(waiting),
            clock: clock::Clock::default(),
            settings,
            peers: BTreeMap::new(),
            mesh: Mesh::default(),
            claims: BTreeMap::new(),
            roster: Roster::default(),
            brought: Brought::default(),
            collect: Collect::default(),
            snapshot: None,
            resume: None,
            lined: false,
            joined_at: None,
            accepted: false,
            served: false,
            started: false,
            came_entered: false,
            partial: false,
            pulled: None,
            rival: None,
            unacked: Unacked::default(),
            in_line: None,
            evicted: false,
            asks: BTreeMap::new(),
            merges: BTreeMap::new(),
            passing: BTreeSet::new(),
            entries: Entries::new(),
            ready_seen_at: Duration::ZERO,
            ahead_since: None,
            numbers: 0,
            ticked: Duration::ZERO,
            beat_due: Duration::ZERO,
            compare_due: Duration::ZERO,
            enrol_due: Duration::ZERO,
            repaired: 0,
            halted: false,
        }
    }

    /// Takes an event; the commands are to be executed in their order. `table` is what this node holds
    /// at this moment: the core reads it and never changes it.
    pub fn handle(&mut self, event: Event, table: &Table, now: Now) -> Vec<Command> {
        let mut turn = Turn { table, now, out: Vec::new() };
        if self.halted {
            return turn.out;
        }
        self.begin(&mut turn);
        self.dispatch(event, &mut turn);
        self.conclude(&mut turn);
        turn.out
    }

    /// What only the first table tells.
    fn begin(&mut self, turn: &mut Turn<'_>) {
        if !self.started {
            self.forgive_nothing(turn);
            self.started = true;
            self.roster.look(turn.table);
            let own = self.roster.member(self.settings.own.node);
            self.came_entered = own.is_some_and(|member| !member.joining);
            self.partial = own.is_some_and(|member| member.partial);
            self.ticked = turn.now.mono;
        }
    }

    fn dispatch(&mut self, event: Event, turn: &mut Turn<'_>) {
        match event {
            Event::Up(id) => self.up(id, turn),
            Event::Down(id) => self.down(id, turn),
            Event::Dialled { endpoint, peer } => self.dialled(&endpoint, peer, turn),
            Event::News { from, news } => self.news(from, news, turn),
            Event::Asked { from, ticket, question } => self.asked(from, ticket, question, turn),
            Event::Answered { request, answer } => self.answered(request, answer, turn),
            Event::Merged { merge, taken, refused } => self.merged(merge, taken, refused, turn),
            Event::Flushed { flush } => {
                self.sweep_flushed(flush, turn);
                self.entry_flushed(flush, turn);
                self.in_line_flushed(flush, turn);
                self.pulled_flushed(flush, turn);
            }
            Event::Written(versions) => {
                self.written(versions, turn);
                self.answer_entries(turn);
            }
            Event::WrittenUnseen => self.written_unseen(turn),
            Event::Repeated => self.settings.aside = false,
            Event::Found(endpoints) => self.found(endpoints),
            Event::Tick => self.tick(turn),
        }
    }

    /// What follows from whatever happened.
    fn conclude(&mut self, turn: &mut Turn<'_>) {
        if self.halted {
            return;
        }
        self.keep_name(turn);
        self.decide_readiness(turn);
        self.served |= self.readiness.ready;
        self.enrol(turn);
        self.begin_exchanges(turn);
        self.beats(turn);
    }

    fn tick(&mut self, turn: &mut Turn<'_>) {
        let slept = turn.now.mono.saturating_sub(self.ticked) >= SLEEP;
        self.ticked = turn.now.mono;
        self.roster.look(turn.table);
        self.heed_roster(turn);
        self.watch_clock(turn);
        if slept {
            self.wake(turn);
        }
        self.drop_silent(turn);
        self.dial(turn);
        self.correct_clock(turn);
        self.look_for_ready(turn);
        self.look_for_horizon(turn);
        self.compare_with_one(turn);
        self.resume_snapshot(turn);
        self.pump_all(turn);
        self.decline_entries(turn);
        self.collect(turn);
        self.ask_to_keep(turn);
    }

    /// The silence of the peers while this node slept says nothing about them.
    fn wake(&mut self, turn: &Turn<'_>) {
        self.peers.values_mut().for_each(|peer| peer.silent_since = turn.now.mono);
        self.compare_with_all(turn);
    }

    fn news(&mut self, from: PeerId, news: News, turn: &mut Turn<'_>) {
        match news {
            News::Beat { seq, info, remembers, forgotten } => {
                self.beat(from, seq, info, turn);
                if self.peers.get(&from.node).is_some_and(|peer| peer.id == from) {
                    self.told(from.node, remembers, forgotten, turn);
                }
            }
            News::Hint { seq, versions, .. } => self.hinted(from, seq, versions, turn),
        }
    }

    fn ask(&mut self, to: NodeId, what: Asked, question: Question, turn: &mut Turn<'_>) {
        self.ask_within(to, what, question, self.settings.periods.request, turn);
    }

    fn ask_within(&mut self, to: NodeId, what: Asked, question: Question, timeout: Duration, turn: &mut Turn<'_>) {
        let Some(peer) = self.peers.get(&to) else { return };
        self.numbers += 1;
        self.asks.insert(self.numbers, Ask { to, at: turn.now.mono, what });
        turn.out.push(Command::Ask { to: peer.id, request: self.numbers, question, timeout });
    }

    fn answered(&mut self, request: u64, answer: Option<Answer>, turn: &mut Turn<'_>) {
        let Some(ask) = self.asks.remove(&request) else { return };
        if ask.what == Asked::Confirm {
            return self.confirmed(&ask, answer.as_ref(), turn);
        }
        let Some(answer) = answer else {
            if ask.what.is_of_exchange() {
                self.unanswered(&ask, turn);
            }
            return;
        };
        match &ask.what {
            Asked::Compare => self.compared(&ask, &answer, turn),
            Asked::Branches(_) => self.branches(&ask, answer, turn),
            Asked::Versions(_) => self.versions(&ask, answer, turn),
            Asked::OwnEntry(horizon) => self.own_entry(&ask, *horizon, answer, turn),
            Asked::Days => self.days(&ask, answer, turn),
            Asked::Offer => self.offered(&ask, &answer, turn),
            Asked::Page => self.page(&ask, answer, turn),
            Asked::Endpoints => self.endpoints(answer, turn),
            Asked::Enrolment => self.entered(&ask, &answer, turn),
            Asked::Keeping => self.kept(&ask, &answer),
            Asked::Confirm => {}
        }
    }

    fn merge(&mut self, versions: Vec<Arc<Version>>, from: NodeId, what: Merging, turn: &mut Turn<'_>) {
        self.numbers += 1;
        self.merges.insert(self.numbers, what);
        turn.out.push(Command::Merge { merge: self.numbers, versions, from });
    }

    /// Whether nothing more can be taken now that peers send unasked.
    fn is_full(&self) -> bool {
        self.merges.len() >= MERGES_MAX
    }

    /// What the store left out of what came keeps the two apart as what this release does not know does.
    fn merged(&mut self, merge: u64, taken: bool, refused: u32, turn: &mut Turn<'_>) {
        match self.merges.remove(&merge) {
            Some(Merging::Hint(hinted)) => self.hint_merged(hinted, taken, turn),
            Some(Merging::Repair(fetched)) => {
                self.left_out(fetched.from, refused);
                self.repaired(fetched, taken, turn);
            }
            Some(Merging::Page(from)) => {
                self.left_out(from, refused);
                self.page_merged(from, taken, turn);
            }
            Some(Merging::Entry { node, stamp, ticket }) if taken && refused == 0 => {
                self.entry_merged(node, stamp, ticket, turn);
            }
            Some(Merging::Entry { ticket, .. }) => {
                turn.out.push(Command::Answer { ticket, answer: Answer::Taken(false) });
            }
            Some(Merging::Offer(ticket, whole)) => {
                turn.out.push(Command::Answer { ticket, answer: Answer::Taken(taken && whole && refused == 0) });
            }
            None => {}
        }
    }

    fn flush(&mut self, turn: &mut Turn<'_>) -> u64 {
        self.numbers += 1;
        turn.out.push(Command::Flush { flush: self.numbers });
        self.numbers
    }

    /// What was asked of a peer's former link, or is being merged for an exchange over it, is void.
    fn forget_requests(&mut self, node: NodeId) {
        self.asks.retain(|_, ask| ask.to != node);
        self.merges.retain(|_, merge| !merge.is_of_exchange(node));
        self.forget_in_line(node);
    }

    /// Whether the node may serve.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// By how much the node's clock is ahead, in milliseconds, where at least two live peers agree that it
    /// is by more than the tolerated skew: then it takes no local writes.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<Millis> {
        self.clock.ahead
    }

    /// What a peer is called and where it is reached, once known.
    #[must_use]
    pub fn describe(&self, node: NodeId) -> (Option<String>, Option<String>) {
        let info = self.peers.get(&node).and_then(|peer| peer.info.as_ref());
        (info.map(|info| info.name.clone()), info.and_then(|info| info.endpoint.clone()))
    }
}

/// A node's entry in the roster.
fn member_register(node: NodeId) -> RegisterId {
    RegisterId::system(Address::Member { node })
}
