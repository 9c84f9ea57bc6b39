//! Exchanges: how two nodes come to hold the same.
//!
//! An exchange with a peer begins with a comparison of roots. Where they differ it goes on with a
//! [walk](super::walk) down the tree of current versions, or with a [snapshot](super::snapshot) where this
//! node holds next to nothing; then the history is compared. One that ends whole has brought everything
//! that the peer held when it began.

use std::time::Duration;

use burgee_model::{NodeId, Stamp};
use burgee_store::digest::{Prefix, Realm, Sum};

use super::{Ask, Asked, Command, Core, Note, Turn, peer::Peer, walk::Walk};
use crate::message::{Answer, Check, Question};

/// The first pause after a failure, and the longest.
pub(super) const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// The pause after an exchange with a peer where one holds what the other leaves out, for it is of a newer release or
/// against the rules: they differ for as long as that stands, and each time it is sent in vain.
const UNLIKE_PAUSE: Duration = Duration::from_secs(10);

/// From so many exchanges in a row on in which a peer did not take all that it was offered, it is taken to be unable to.
const DECLINED_MAX: u32 = 3;

/// So many times in a row one exchange walks the tree of current versions, where what was named keeps
/// vanishing; then it fails, and the next one begins after a pause.
const PASSES_MAX: u32 = 8;

/// Whether to look at a peer's replica, and how far that is.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// One that begins from now on is wanted.
    wanted: bool,
    /// Not before.
    due: Duration,
    failures: u32,
    pub(super) run: Option<Run>,
}

/// One exchange.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) began: Duration,
    /// Whether the peer was ready then.
    pub(super) peer_was_ready: bool,
    /// Up to where the peer had collected then.
    pub(super) horizon: Stamp,
    /// From which day on the history is compared.
    history_since: u32,
    /// How many versions this node had written when it began; none where the peer may not get all that it lacks.
    pub(super) wrote: Option<u64>,
    /// The last change that this node had made then; none where it made an earlier one since, by its clock.
    pub(super) changed: Option<Stamp>,
    /// Walks of the tree of current versions so far.
    passes: u32,
    /// Whether something was left out of what came.
    left_out: bool,
    /// Whether the peer did not take all that it was offered.
    pub(super) declined: bool,
    pub(super) stage: Stage,
}

/// What an exchange is at.
#[derive(Debug)]
pub(super) enum Stage {
    /// The roots are asked for.
    Compare,
    /// A snapshot is pulled.
    Snapshot,
    /// A tree is walked; then those of these days.
    Walk(Box<Walk>, Vec<u32>),
    /// The days are asked for that differ.
    Days,
}

impl Stage {
    /// Whether the peer is offered what it lacks.
    pub(super) fn pushes(&self) -> bool {
        !matches!(self, Self::Walk(walk, _) if !walk.pushes)
    }
}

impl Exchange {
    /// Begins anew at once.
    pub(super) fn restart(&mut self, now: Duration) {
        *self = Self { wanted: true, due: now, ..Self::default() };
    }

    /// Something may be missing: an exchange that began before now does not count.
    pub(super) fn want(&mut self, now: Duration) {
        if !self.wanted {
            self.wanted = true;
            self.due = self.due.max(now);
        }
    }

    /// As [`want`](Self::want), but the store needs time first.
    pub(super) fn want_later(&mut self, now: Duration) {
        self.wanted = true;
        self.due = self.due.max(now + RETRY_MIN);
    }

    /// The run is given up for now: in favour of the peer's own, say.
    pub(super) fn give_way(&mut self, until: Duration) {
        self.run = None;
        self.wanted = true;
        self.due = until;
    }

    fn is_due(&self, now: Duration) -> bool {
        self.wanted && self.run.is_none() && now >= self.due
    }

    fn failed(&mut self, now: Duration) {
        let pause = RETRY_MIN.saturating_mul(1 << self.failures.min(8)).min(RETRY_MAX);
        self.failures = self.failures.saturating_add(1);
        self.run = None;
        self.wanted = true;
        self.due = now + pause;
    }
}

impl Core {
    /// Begins what is due.
    pub(super) fn begin_exchanges(&mut self, turn: &mut Turn<'_>) {
        // One that pulls a snapshot differs from everybody in nearly everything.
        if self.snapshot.is_some() {
            return;
        }
        let now = turn.now.mono;
        // Who is not ready yet gets in line with this node first: what it has beside comes after that.
        let mut due: Vec<_> = self.peers.values().filter(|peer| peer.live && peer.exchange.is_due(now)).collect();
        let knows_more = |peer: &Peer| peer.info.as_ref().is_some_and(|info| info.horizon > turn.table.horizon());
        due.retain(|peer| !peer.is_paging(now) && (!self.readiness.ready || peer.is_ready() || knows_more(peer)));
        // Who is outside gets in line with somebody ready, and takes nothing more from those that are not: that
        // may be what the cluster has collected.
        if self.is_outside() && self.peers.values().any(Peer::is_ready) {
            let mixes = self.peers.values().any(|peer| peer.exchange.run.is_some() && !peer.is_ready());
            due.retain(|peer| peer.is_ready() && !mixes);
        }
        // Whoever is ready has what this node lacks.
        due.sort_by_key(|peer| !peer.is_ready());
        let due: Vec<NodeId> = due.into_iter().map(|peer| peer.id.node).collect();
        for node in due {
            if self.admits(node) {
                self.begin_exchange(node, turn);
            }
        }
    }

    fn begin_exchange(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.exchange.wanted = false;
        peer.exchange.run = Some(Run {
            began: turn.now.mono,
            peer_was_ready: false,
            horizon: Stamp::ZERO,
            history_since: 0,
            wrote: Some(self.unacked.count()),
            changed: Some(self.changed),
            passes: 0,
            left_out: false,
            declined: false,
            stage: Stage::Compare,
        });
        let question = Question::Compare { history_since: turn.table.history_since() };
        self.ask(node, Asked::Compare, question, turn);
    }

    pub(super) fn fail_exchange(&mut self, node: NodeId, turn: &Turn<'_>) {
        self.asks.retain(|_, ask| ask.to != node || !ask.what.is_of_exchange());
        self.merges.retain(|_, merge| !merge.is_of_exchange(node));
        self.drop_snapshot_of(node);
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.exchange.failed(turn.now.mono);
        }
    }

    /// A peer begins a walk here. Where this node walks there too, one of the two is enough, since both
    /// nodes get what they lack from either; where it only compares yet, the peer's is ahead.
    pub(super) fn walked_by(&mut self, node: NodeId, turn: &Turn<'_>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        let gives_way = match peer.exchange.run.as_ref().map(|run| &run.stage) {
            Some(Stage::Compare) => true,
            Some(Stage::Walk(..)) => self.settings.own.node > node,
            _ => false,
        };
        if gives_way && self.readiness.ready && peer.is_ready() {
            peer.exchange.give_way(turn.now.mono + self.settings.periods.beat);
            self.asks.retain(|_, ask| ask.to != node || !ask.what.is_of_exchange());
            self.merges.retain(|_, merge| !merge.is_of_exchange(node));
        }
    }

    /// The roots came.
    pub(super) fn compared(&mut self, ask: &Ask, answer: &Answer, turn: &mut Turn<'_>) {
        let &Answer::Compared { seq, ready, wall, versions, root, horizon, history_since, history } = answer else {
            return self.fail_exchange(ask.to, turn);
        };
        let (is_passed_by, must_enter) = (self.is_passed_by(horizon, turn.table), self.must_enter(ask.to));
        let (is_first, least) = (self.is_first_source(ask.to), self.settings.snapshot_versions);
        let goes_by_less = self.goes_by_less(ask.to, turn.now.mono);
        let Some(peer) = self.peers.get_mut(&ask.to) else { return };
        peer.offset.measured(ask.at, wall, turn.now);
        if peer.sequence.snapshot(seq) == super::sequence::Arrival::Gap {
            peer.exchange.want(turn.now.mono);
        }
        let Some(run) = &mut peer.exchange.run else { return };
        (run.peer_was_ready, run.horizon, run.history_since) = (ready, horizon, history_since);
        if is_passed_by && peer.vetted < horizon {
            return self.ask_own_entry(ask.to, horizon, turn);
        }
        if must_enter {
            return self.enter(ask.to, turn);
        }
        if horizon < turn.table.horizon() && !(ready && goes_by_less) {
            // It may be an old disk that does not know so yet: it hears of the horizon first.
            peer.exchange.give_way(turn.now.mono + RETRY_MIN);
            return;
        }
        let own = turn.table.counts().versions as u64;
        if root == turn.table.root() {
            if history == turn.table.history_sum(history_since) {
                return self.complete_exchange(ask.to, turn);
            }
            return self.ask_days(ask.to, turn);
        }
        peer.behind_since.get_or_insert(turn.now.mono);
        if versions >= least && own < versions / 4 && (ready || is_first) && !peer.unlike {
            return self.begin_snapshot(ask.to, turn);
        }
        // Who holds next to nothing pulls a snapshot: pushing all to it would double that.
        let pushes = own < least || versions >= own / 4;
        let mut walk = Walk::new(Realm::Current, Prefix::ROOT, pushes);
        if ready && self.is_outside() {
            // Should no more come than part of it: this node knows whose that is before it has any.
            walk.want_again(&[turn.table.place_of(&super::member_register(ask.to))]);
        }
        self.walk(ask.to, walk, Vec::new(), turn);
    }

    /// Whether there is nobody better to take a snapshot from.
    fn is_first_source(&self, node: NodeId) -> bool {
        self.peers.values().all(|peer| peer.id.node == node || !peer.is_ready())
    }

    /// Goes on with a walk.
    pub(super) fn walk(&mut self, node: NodeId, walk: Walk, days: Vec<u32>, turn: &mut Turn<'_>) {
        if let Some(run) = self.run_mut(node) {
            run.stage = Stage::Walk(Box::new(walk), days);
            self.pump(node, turn);
        }
    }

    /// A tree is walked wholly: the next one.
    pub(super) fn walked(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let Some(run) = self.run_mut(node) else { return };
        let Stage::Walk(walk, days) = &mut run.stage else { return };
        let (realm, pushes) = (walk.realm, walk.pushes);
        if realm == Realm::Current && walk.vanished {
            run.passes += 1;
            if run.passes == PASSES_MAX {
                return self.fail_exchange(node, turn);
            }
            return self.walk(node, Walk::new(realm, Prefix::ROOT, pushes), Vec::new(), turn);
        }
        match (realm, days.pop()) {
            (_, Some(day)) => {
                let days = std::mem::take(days);
                self.walk(node, Walk::new(Realm::History(day), Prefix::ROOT, pushes), days, turn);
            }
            (Realm::Current, None) => self.ask_days(node, turn),
            (Realm::History(_), None) => self.complete_exchange(node, turn),
        }
    }

    pub(super) fn ask_days(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let Some(run) = self.run_mut(node) else { return };
        run.stage = Stage::Days;
        let since = run.history_since.max(turn.table.history_since());
        run.history_since = since;
        let sum: Sum = turn.table.history_sum(since);
        self.ask(node, Asked::Days, Question::Days { since, sum }, turn);
    }

    /// The days came that differ.
    pub(super) fn days(&mut self, ask: &Ask, answer: Answer, turn: &mut Turn<'_>) {
        let Answer::Days(theirs) = answer else { return self.fail_exchange(ask.to, turn) };
        let Some(run) = self.run_mut(ask.to) else { return };
        if theirs.is_empty() {
            return self.complete_exchange(ask.to, turn);
        }
        let since = run.history_since;
        let ours: std::collections::BTreeMap<u32, Check> =
            turn.table.history_days(since).into_iter().map(|(day, sum)| (day, sum.into())).collect();
        let mut differ: Vec<u32> =
            theirs.iter().filter(|(day, sum)| ours.get(day) != Some(sum)).map(|(day, _)| *day).collect();
        // Days of which the peer holds nothing at all: it is told what stands there.
        differ.extend(ours.keys().filter(|day| theirs.iter().all(|(theirs, _)| theirs != *day)));
        differ.retain(|day| *day >= since);
        match differ.pop() {
            Some(day) => self.walk(ask.to, Walk::new(Realm::History(day), Prefix::ROOT, true), differ, turn),
            None => self.complete_exchange(ask.to, turn),
        }
    }

    /// Versions were left out of what a peer sent: so many are of kinds that this release does not know, or such as no
    /// node that keeps the rules writes.
    pub(super) fn left_out(&mut self, node: NodeId, versions: u32) {
        let Some(peer) = self.peers.get_mut(&node).filter(|_| versions > 0) else { return };
        peer.unlike = true;
        if let Some(run) = &mut peer.exchange.run {
            run.left_out = true;
        }
    }

    /// Everything that the peer held when the exchange began is here, but for what this release does not know.
    pub(super) fn complete_exchange(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let outside = self.is_outside();
        let Some(peer) = self.peers.get_mut(&node) else { return };
        let Some(run) = peer.exchange.run.take() else { return };
        peer.exchange.failures = 0;
        if peer.exchanged.is_none() {
            let took = turn.now.mono.saturating_sub(run.began);
            turn.note(Note::Synchronised { peer: peer.id, took });
        }
        // Who is outside has more to do before an exchange with somebody ready counts.
        if !outside || !run.peer_was_ready {
            peer.exchanged = Some(run.peer_was_ready);
        }
        if !peer.exchange.wanted {
            peer.behind_since = None;
        }
        peer.has = peer.has.max(run.wrote.unwrap_or(0));
        let told = run.changed.filter(|up_to| run.wrote.is_some() && *up_to > peer.told);
        if let Some(up_to) = told {
            peer.told = up_to;
            turn.out.push(Command::Told { peer: node, up_to });
        }
        peer.declined = if run.declined { peer.declined.saturating_add(1) } else { 0 };
        if run.left_out || peer.declined >= DECLINED_MAX {
            peer.exchange.due = turn.now.mono + UNLIKE_PAUSE;
        }
        // A floor may be among what was left out: who has not heard of it must not say that it holds everything.
        if !run.left_out {
            self.swept(node, run.began);
        }
        if run.wrote.is_some() {
            self.handed_over(node, run.began, turn);
        }
        self.in_line_with(node, &run, turn);
    }

    pub(super) fn run_mut(&mut self, node: NodeId) -> Option<&mut Run> {
        self.peers.get_mut(&node)?.exchange.run.as_mut()
    }

    /// From time to time a peer taken by chance is compared with.
    pub(super) fn compare_with_one(&mut self, turn: &Turn<'_>) {
        let now = turn.now.mono;
        if now < self.compare_due {
            return;
        }
        self.compare_due = now + self.random.jitter(self.settings.periods.compare);
        let nodes: Vec<NodeId> = self.peers.values().filter(|peer| peer.live).map(|peer| peer.id.node).collect();
        let node = nodes.get(self.random.below(nodes.len()));
        if let Some(peer) = node.and_then(|node| self.peers.get_mut(node)).filter(|peer| peer.exchange.run.is_none()) {
            peer.exchange.want(now);
        }
    }

    /// Everybody is compared with: what this node missed it cannot know.
    pub(super) fn compare_with_all(&mut self, turn: &Turn<'_>) {
        self.peers.values_mut().filter(|peer| peer.live).for_each(|peer| peer.missing(turn.now.mono));
    }
}
