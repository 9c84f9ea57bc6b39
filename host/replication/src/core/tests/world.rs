//! A small cluster: every message arrives at once and in order, unless its link is cut.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use burgee_model::{Address, Blob, FlagInField, Key, Media, Millis, NodeId, RegisterId, Scope, stamp::millis_to_ntp64};
use burgee_store::{Aside, Clock, Draft, DraftWrite, Request, Stamping, Table, Told, Version, WriteScope, stamp_draft};

use crate::{
    ClusterClock,
    core::{Command, Core, Event, Note, Now, Periods, Settings, Turn},
    message::{Answer, News, NodeInfo, PeerId, Question},
    status::Hold,
    wire::{Codec, Message, PROTOCOL},
};

pub(super) const START: Millis = 1_800_000_000_000;

pub(super) struct Node {
    pub(super) core: Core,
    pub(super) table: Table,
    pub(super) clock: Clock,
    pub(super) id: PeerId,
    /// How far its wall clock is off.
    pub(super) skew_ms: i64,
    pub(super) time: ClusterClock,
    pub(super) notes: Vec<Note>,
    /// To whom it closed its links.
    pub(super) hung_up: Vec<PeerId>,
    /// What it was told of its clock.
    pub(super) verdicts: Vec<Option<Millis>>,
    pub(super) ended: Option<Command>,
    pub(super) resynchronised: bool,
    pub(super) evicted: usize,
    pub(super) told: Told,
    pub(super) aside: Option<Aside>,
    /// Whether its disk takes nothing: what is flushed stays so.
    pub(super) full: bool,
    /// Whether its disk is slow: it takes what is written here, and what is merged is not flushed yet.
    pub(super) slow: bool,
    /// How long its disk takes.
    pub(super) lag: Duration,
}

pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    pub(super) mono: Duration,
    /// Links that are cut, lesser first.
    pub(super) cut: BTreeSet<(usize, usize)>,
    /// Bytes sent, by sender, receiver and kind.
    pub(super) bytes: BTreeMap<(usize, usize, &'static str), usize>,
    /// A node of an older release: it knows nothing of guests.
    pub(super) older: Option<usize>,
    /// Who dialled where.
    pub(super) dialled: BTreeSet<(usize, String)>,
    /// What was asked.
    pub(super) asked: Vec<Question>,
    /// These questions are lost.
    pub(super) lost: fn(&Question) -> bool,
    pub(super) events: VecDeque<(usize, Event)>,
    /// What was answered, by ticket.
    pub(super) answered: BTreeMap<u64, Answer>,
    /// Flushes under way: when they end, on which node.
    flushes: Vec<(Duration, usize, u64)>,
    /// Tickets: who asked, with which request.
    tickets: Vec<(usize, u64)>,
    codec: Codec,
}

pub(super) fn node_id(node: usize) -> NodeId {
    NodeId([u8::try_from(node + 1).unwrap(); 16])
}

pub(super) fn endpoint(node: usize) -> String {
    format!("test/{node}")
}

pub(super) fn settings(node: usize, seeds: &[usize]) -> Settings {
    Settings {
        own: PeerId { node: node_id(node), incarnation: 1 },
        name: format!("node-{node}"),
        endpoint: Some(endpoint(node)),
        protocol: PROTOCOL,
        seeds: seeds.iter().map(|seed| endpoint(*seed)).collect(),
        discovers: false,
        // What a world writes before its first event is of an earlier start.
        mark: millis_to_ntp64(START + 3_600_000),
        resync: false,
        aside: false,
        trusted: false,
        started_at: START + node as u64,
        random_seed: node as u64,
        max_skew_ms: 60_000,
        page_bytes: 256 * 1024,
        snapshot_versions: 5_000,
        peers: 64,
        periods: Periods { grace: Duration::from_secs(5), collect: Duration::from_secs(2), ..Periods::default() },
    }
}

pub(super) fn entry(key: &str) -> RegisterId {
    let [tenant, environment, key] = ["tenant", "production", key].map(|text| Key::new(text).unwrap());
    RegisterId::config(&tenant, &environment, &key)
}

pub(super) fn kill(flag: &str) -> RegisterId {
    let [tenant, environment, flag] = ["tenant", "production", flag].map(|text| Key::new(text).unwrap());
    RegisterId::flag_in(&tenant, &flag, &environment, FlagInField::Kill)
}

pub(super) fn text(value: &str) -> Blob {
    Blob { media: Media::Text, bytes: value.to_owned().into() }
}

impl Node {
    fn new(settings: Settings) -> Self {
        Self {
            id: settings.own,
            clock: Clock::new(settings.own.node, 60_000, 7),
            core: Core::new(settings),
            table: Table::default(),
            skew_ms: 0,
            time: ClusterClock::default(),
            notes: Vec::new(),
            hung_up: Vec::new(),
            verdicts: Vec::new(),
            ended: None,
            resynchronised: false,
            evicted: 0,
            told: Told::default(),
            aside: None,
            full: false,
            slow: false,
            lag: Duration::ZERO,
        }
    }
}

impl World {
    /// Nodes that all look for the first one.
    pub(super) fn new(count: usize) -> Self {
        let settings = (0..count).map(|node| settings(node, if node == 0 { &[] } else { &[0] }));
        Self::of(settings)
    }

    pub(super) fn of(settings: impl Iterator<Item = Settings>) -> Self {
        Self {
            nodes: settings.map(Node::new).collect(),
            mono: Duration::ZERO,
            cut: BTreeSet::new(),
            bytes: BTreeMap::new(),
            older: None,
            dialled: BTreeSet::new(),
            asked: Vec::new(),
            lost: |_| false,
            events: VecDeque::new(),
            answered: BTreeMap::new(),
            flushes: Vec::new(),
            tickets: Vec::new(),
            codec: Codec::new(usize::MAX),
        }
    }

    pub(super) fn now(&self, node: usize) -> Now {
        let passed = u64::try_from(self.mono.as_millis()).unwrap();
        let wall = (START + passed).saturating_add_signed(self.nodes[node].skew_ms);
        Now { mono: self.mono, wall, cluster: self.nodes[node].time.at(wall, self.mono) }
    }

    /// By how much cluster time is to be ahead of a node's wall clock, in milliseconds.
    pub(super) fn offset_ms(&self, node: usize) -> i64 {
        let Now { mono, wall, .. } = self.now(node);
        i64::try_from(self.nodes[node].time.aim(wall, mono)).unwrap() - i64::try_from(wall).unwrap()
    }

    /// One more node.
    pub(super) fn join(&mut self, settings: Settings) {
        self.nodes.push(Node::new(settings));
    }

    /// Time passes, and everything happens that is due.
    pub(super) fn run(&mut self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.mono += Duration::from_millis(100);
            for node in 0..self.nodes.len() {
                self.events.push_back((node, Event::Tick));
            }
            self.settle();
        }
    }

    /// Whatever is under way arrives.
    pub(super) fn settle(&mut self) {
        while let Some((node, event)) = self.events.pop_front() {
            let now = self.now(node);
            let Node { core, table, .. } = &mut self.nodes[node];
            for command in core.handle(event, table, now) {
                self.execute(node, command);
            }
            self.end_flushes();
        }
    }

    fn end_flushes(&mut self) {
        let takes = |node: &Node| !node.full && !node.slow;
        let ended = self.flushes.extract_if(.., |(at, node, _)| *at <= self.mono && takes(&self.nodes[*node]));
        self.events.extend(ended.map(|(_, node, flush)| (node, Event::Flushed { flush })));
    }

    pub(super) fn write(&mut self, node: usize, writes: Vec<DraftWrite>) -> Vec<Arc<Version>> {
        let request =
            Request { scope: WriteScope::Everything, actor: Arc::from("test"), note: None, stamping: Stamping::Local };
        self.stamp(node, &request, Draft::of(writes))
    }

    pub(super) fn put(&mut self, node: usize, key: &str, value: &str) {
        let written = self.write(node, vec![DraftWrite::put(entry(key), text(value))]);
        self.events.push_back((node, Event::Written(written)));
        self.settle();
    }

    pub(super) fn kill(&mut self, node: usize, flag: &str) {
        let written = self.write(node, vec![DraftWrite::put(kill(flag), text("{\"killed\":true}"))]);
        self.events.push_back((node, Event::Written(written)));
        self.settle();
    }

    pub(super) fn delete(&mut self, node: usize, key: &str) {
        let written = self.write(node, vec![DraftWrite::delete(entry(key))]);
        self.events.push_back((node, Event::Written(written)));
        self.settle();
    }

    /// Deletes all entries, and tells nobody.
    pub(super) fn purge(&mut self, node: usize) -> Vec<Arc<Version>> {
        let scope = Scope::Config { environment: Key::new("production").unwrap(), prefix: "".into() };
        let floors = vec![(Key::new("tenant").unwrap(), scope)];
        let request =
            Request { scope: WriteScope::Everything, actor: Arc::from("test"), note: None, stamping: Stamping::Local };
        self.stamp(node, &request, Draft { floors, ..Draft::default() })
    }

    /// A node gets a hint as if from a peer.
    pub(super) fn hint(&mut self, from: usize, to: usize, versions: Vec<Arc<Version>>) {
        let news = News::Hint { seq: 0, versions, unknown: 0 };
        self.events.push_back((to, Event::News { from: self.nodes[from].id, news }));
        self.settle();
    }

    /// What a node says about itself.
    pub(super) fn info(&self, node: usize) -> NodeInfo {
        let Node { core, table, .. } = &self.nodes[node];
        core.info(&Turn { table, now: self.now(node), out: Vec::new() })
    }

    /// Whom collection waits for, as a node sees it, and why.
    pub(super) fn held_by(&self, node: usize) -> Vec<(String, Hold)> {
        let status = self.nodes[node].core.status(&self.nodes[node].table, self.now(node));
        status.collection_held_by.into_iter().map(|holder| (holder.name, holder.why)).collect()
    }

    /// The deletions that a node remembers.
    pub(super) fn tombstones(&self, node: usize) -> usize {
        self.nodes[node].table.counts().tombstones
    }

    pub(super) fn get(&self, node: usize, key: &str) -> Option<Vec<u8>> {
        let version = self.nodes[node].table.current(&entry(key), self.now(node).cluster)?;
        version.content.as_ref().map(|blob| blob.bytes.to_vec())
    }

    fn stamp(&mut self, node: usize, request: &Request, draft: Draft) -> Vec<Arc<Version>> {
        let now = self.now(node).cluster;
        let Node { table, clock, told, .. } = &mut self.nodes[node];
        let written = stamp_draft(request, draft, table, clock, now).unwrap();
        for version in &written {
            told.changed(version.change);
            table.merge(version);
        }
        written
    }

    pub(super) fn cut(&mut self, a: usize, b: usize) {
        self.cut.insert((a.min(b), a.max(b)));
        for (node, other) in [(a, b), (b, a)] {
            self.events.push_back((node, Event::Down(self.nodes[other].id)));
        }
        self.settle();
    }

    pub(super) fn command(&mut self, node: usize, command: Command) {
        self.execute(node, command);
        self.settle();
    }

    /// A node that was told to takes a new identity.
    pub(super) fn return_as(&mut self, node: usize, own: PeerId, seed: usize) {
        assert!(matches!(self.nodes[node].ended, Some(Command::Reidentify(_))), "{:?}", self.nodes[node].ended);
        let aside = self.nodes[node].aside.is_some();
        self.nodes[node].told = Told::default();
        self.rename(node, own, |node| Settings { own, resync: true, aside, ..settings(node, &[seed]) });
    }

    /// A node starts anew, with what it holds.
    pub(super) fn rename(&mut self, node: usize, id: PeerId, settings: impl FnOnce(usize) -> Settings) {
        let old = std::mem::replace(&mut self.nodes[node].id, id);
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            self.events.push_back((other, Event::Down(old)));
        }
        self.nodes[node].clock.set_id(id.node);
        // The core's own time begins with it; a world's goes on.
        self.nodes[node].core = Core::new(settings(node));
        self.nodes[node].ended = None;
        self.flushes.retain(|(_, of, _)| *of != node);
        self.settle();
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
    }

    pub(super) fn roots_agree(&self) -> bool {
        self.nodes.iter().all(|node| node.table.root() == self.nodes[0].table.root())
    }

    fn find(&self, id: PeerId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }

    fn linked(&self, a: usize, b: usize) -> bool {
        !self.cut.contains(&(a.min(b), a.max(b)))
    }

    /// Through the codec, as the network would have it.
    fn carry(&mut self, from: usize, to: usize, message: &Message) -> Message {
        let frame = self.codec.encode(PROTOCOL, message);
        *self.bytes.entry((from, to, message.kind())).or_default() += frame.len();
        let mut carried = self.codec.decode(&frame).unwrap();
        assert_eq!(&carried, message);
        if self.older == Some(to) {
            leave_out_guests(&mut carried);
        }
        carried
    }

    pub(super) fn bytes_sent(&self) -> usize {
        self.bytes.values().sum()
    }

    fn execute(&mut self, node: usize, command: Command) {
        let from = self.nodes[node].id;
        match command {
            Command::Send { to, news } => {
                if let Some(to) = self.find(to).filter(|to| self.linked(node, *to)) {
                    let Message::News(news) = self.carry(node, to, &Message::News(news)) else { return };
                    self.events.push_back((to, Event::News { from, news }));
                }
            }
            Command::Ask { to, request, question, .. } => {
                self.asked.push(question.clone());
                let Some(to) = self.find(to).filter(|to| self.linked(node, *to)) else {
                    return self.events.push_back((node, Event::Answered { request, answer: None }));
                };
                if (self.lost)(&question) {
                    return;
                }
                let Message::Question(question) = self.carry(node, to, &Message::Question(question)) else { return };
                let ticket = self.tickets.len() as u64;
                self.tickets.push((node, request));
                self.events.push_back((to, Event::Asked { from, ticket, question }));
            }
            Command::Answer { ticket, answer } => self.answer(node, ticket, answer),
            Command::Merge { merge, versions, .. } => self.merge(node, merge, versions),
            Command::Evict(versions) => {
                for (id, stamp) in versions {
                    self.nodes[node].evicted += usize::from(self.nodes[node].table.evict(&id, stamp));
                }
            }
            Command::Write(_) if self.nodes[node].full => {}
            Command::Flush { flush } => self.flushes.push((self.mono + self.nodes[node].lag, node, flush)),
            Command::Write(write) => {
                let (request, draft) = write.request(from.node);
                let written = self.stamp(node, &request, draft);
                self.events.push_back((node, Event::Written(written)));
            }
            Command::Dial(endpoint) => self.dial(node, endpoint),
            Command::HangUp(peer) => self.nodes[node].hung_up.push(peer),
            Command::SetClockAhead(ahead) => self.nodes[node].verdicts.push(ahead),
            Command::SetReadiness(_) => {}
            Command::SetClusterTime { offset_ms, outright } => {
                let Now { mono, wall, .. } = self.now(node);
                self.nodes[node].time.set(offset_ms, outright, wall, mono);
            }
            Command::Resynchronised => self.nodes[node].resynchronised = true,
            Command::Told { peer, up_to } => {
                let Node { id, table, told, .. } = &mut self.nodes[node];
                told.raise(peer, up_to, table, id.node);
            }
            Command::Repeat => self.repeat(node),
            Command::Reidentify(missed) => {
                let now = self.now(node).cluster;
                let Node { table, told, .. } = &self.nodes[node];
                let aside = Aside::of(table, from.node, told, missed, now);
                self.nodes[node].aside = Some(aside).filter(|aside| !aside.is_empty());
                self.nodes[node].ended = Some(command);
            }
            Command::GiveUp(_) => self.nodes[node].ended = Some(command),
            Command::Note(note) => self.nodes[node].notes.push(note),
        }
    }

    fn merge(&mut self, node: usize, merge: u64, versions: Vec<Arc<Version>>) {
        let now = self.now(node).cluster;
        let Node { table, clock, .. } = &mut self.nodes[node];
        let (sane, insane): (Vec<_>, Vec<_>) = versions.into_iter().partition(|version| version.is_sane());
        for version in sane {
            table.merge(&version);
            clock.observe(version.stamp, now);
        }
        let refused = u32::try_from(insane.len()).unwrap();
        self.events.push_back((node, Event::Merged { merge, taken: true, refused }));
    }

    fn repeat(&mut self, node: usize) {
        let Some(aside) = self.nodes[node].aside.take() else { return };
        for part in aside.parts() {
            let writes = aside.writes(part, &self.nodes[node].table, self.now(node).cluster);
            let written = self.write(node, writes);
            self.events.push_back((node, Event::Written(written)));
        }
        self.events.push_back((node, Event::Repeated));
    }

    /// A node offers another one a version alone; answers the ticket.
    pub(super) fn offer(&mut self, from: usize, to: usize, version: Arc<Version>) -> u64 {
        let ticket = self.tickets.len() as u64;
        self.tickets.push((from, u64::MAX));
        let question = Question::Offer { versions: vec![version], unknown: 0 };
        self.events.push_back((to, Event::Asked { from: self.nodes[from].id, ticket, question }));
        self.settle();
        ticket
    }

    fn answer(&mut self, node: usize, ticket: u64, answer: Answer) {
        let (asker, request) = self.tickets[usize::try_from(ticket).unwrap()];
        let Message::Answer(answer) = self.carry(node, asker, &Message::Answer(answer)) else { return };
        self.answered.insert(ticket, answer.clone());
        self.events.push_back((asker, Event::Answered { request, answer: Some(answer) }));
    }

    fn dial(&mut self, node: usize, endpoint: String) {
        self.dialled.insert((node, endpoint.clone()));
        let there = (0..self.nodes.len()).find(|other| super::world::endpoint(*other) == endpoint);
        let there = there.filter(|there| *there == node || self.linked(node, *there));
        let peer = there.map(|there| self.nodes[there].id);
        if let Some(there) = there.filter(|there| *there != node) {
            for (node, other) in [(node, there), (there, node)] {
                self.events.push_back((node, Event::Up(self.nodes[other].id)));
            }
        }
        self.events.push_back((node, Event::Dialled { endpoint, peer }));
    }
}

/// What is left of a message where guests are of a kind that its reader does not know.
fn leave_out_guests(message: &mut Message) {
    if let Message::News(News::Hint { versions, unknown, .. })
    | Message::Question(Question::Offer { versions, unknown })
    | Message::Answer(Answer::Versions { versions, unknown, .. } | Answer::Page { versions, unknown, .. }) = message
    {
        let guests = versions.extract_if(.., |version| matches!(version.register.address, Address::Guest { .. }));
        *unknown = u32::try_from(guests.count()).unwrap();
    }
}
