//! Whom to dial: seeds, whom discovery finds, members of the roster, and whoever peers name; until there is a link to
//! each.
//!
//! Where discovery found somebody and does so no longer, nobody is dialled, unless a live peer says that it reaches the
//! node which is said to be there. The node stays a member all the same, and a link to it stays: who belongs to the
//! cluster is not for discovery to say.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use burgee_model::NodeId;

use super::{Asked, Command, Core, Turn, random::Random};
use crate::message::{Answer, ENDPOINTS_MAX, PeerId, Question};

/// The first pause after a dial that failed, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The pause after a dial that reached this node itself: a name may lead elsewhere later.
const PAUSE_OWN: Duration = Duration::from_secs(30);
/// Dials under way at once.
const DIALS: usize = 16;
/// How long a dial may be under way before it counts as failed.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// For how long a node is dialled that this one has not met and nobody reaches any more.
const NAMED_KEPT: Duration = Duration::from_secs(600);
/// Between two questions to one peer for endpoints.
const ENDPOINTS_PAUSE: Duration = Duration::from_secs(1);

/// The endpoints that lead to other nodes.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    targets: BTreeMap<String, Target>,
    /// Where discovery finds nodes now.
    found: BTreeSet<String>,
    /// Where it found some and does so no longer.
    gone: BTreeSet<String>,
    /// Endpoints that peers told of nodes which this one has not met.
    pub(super) named: BTreeMap<NodeId, Named>,
}

/// A node that this one has not met.
#[derive(Debug)]
pub(super) struct Named {
    endpoint: String,
    /// When a live peer last reached it.
    reached_at: Duration,
}

#[derive(Debug, Default)]
struct Target {
    /// Who was there.
    node: Option<NodeId>,
    /// Not before.
    due: Duration,
    failures: u32,
    /// Since when a dial is under way.
    dialled_at: Option<Duration>,
}

impl Target {
    fn failed(&mut self, now: Duration, random: &mut Random) {
        let pause = PAUSE_MIN.saturating_mul(1 << self.failures.min(8)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        self.dialled_at = None;
        self.due = now + random.jitter(pause);
    }
}

impl Mesh {
    /// A node is no longer reached: it is dialled again soon, but not by all at the same moment.
    pub(super) fn lost(&mut self, node: NodeId, now: Duration) {
        for target in self.targets.values_mut().filter(|target| target.node == Some(node)) {
            target.failures = 0;
            target.due = now + PAUSE_MIN;
        }
    }
}

impl Core {
    /// Dials whom there is no link to.
    pub(super) fn dial(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now.mono;
        self.drop_named(now);
        self.gather_targets();
        let live: BTreeSet<NodeId> = self.peers.values().filter(|peer| peer.live).map(|peer| peer.id.node).collect();
        let (random, targets) = (&mut self.random, &mut self.mesh.targets);
        let lapsed = |target: &Target| target.dialled_at.is_some_and(|at| now.saturating_sub(at) > DIAL_TIMEOUT);
        targets.values_mut().filter(|target| lapsed(target)).for_each(|target| target.failed(now, random));
        let mut under_way = targets.values().filter(|target| target.dialled_at.is_some()).count();
        for (endpoint, target) in targets {
            let linked = target.node.is_some_and(|node| live.contains(&node));
            if under_way < DIALS && !linked && target.dialled_at.is_none() && now >= target.due {
                under_way += 1;
                target.dialled_at = Some(now);
                turn.out.push(Command::Dial(endpoint.clone()));
            }
        }
    }

    /// Forgets where nodes were that nobody reaches any more: they take the room of others. (Where members are, the
    /// roster tells.)
    fn drop_named(&mut self, now: Duration) {
        if self.mesh.named.is_empty() {
            return;
        }
        let reached = self.reached_by_anybody();
        self.mesh.named.retain(|node, named| {
            if reached.contains(node) {
                named.reached_at = now;
            }
            now.saturating_sub(named.reached_at) < NAMED_KEPT
        });
    }

    /// What discovery finds now.
    pub(super) fn found(&mut self, mut endpoints: BTreeSet<String>) {
        while endpoints.len() > self.settings.peers {
            endpoints.pop_last();
        }
        let before = std::mem::replace(&mut self.mesh.found, endpoints);
        let gone = before.into_iter().chain(std::mem::take(&mut self.mesh.gone));
        let gone = gone.filter(|endpoint| !self.mesh.found.contains(endpoint)).take(self.settings.peers);
        self.mesh.gone = gone.collect();
    }

    /// The endpoints worth dialling now; what is known of those that stay is kept.
    fn gather_targets(&mut self) {
        let own = self.settings.own.node;
        let reached = if self.mesh.gone.is_empty() { BTreeSet::new() } else { self.reached_by_anybody() };
        let mut wanted: BTreeMap<&str, Option<NodeId>> = BTreeMap::new();
        let named = self.mesh.named.iter().map(|(node, named)| (*node, Some(named.endpoint.as_str())));
        let members = self.roster.members().map(|(node, member)| (node, member.endpoint.as_deref()));
        let peers =
            self.peers.iter().map(|(node, peer)| (*node, peer.info.as_ref().and_then(|info| info.endpoint.as_deref())));
        // Where its own entry has this node elsewhere than where it listens, a process may be there whose data directory
        // this one's is a copy of.
        let others = named.chain(peers).filter(|(node, _)| *node != own);
        for (node, endpoint) in members.chain(others) {
            let wants = !self.roster.is_forgotten(node);
            let is_there = |endpoint: &&str| !self.mesh.gone.contains(*endpoint) || reached.contains(&node);
            if let Some(endpoint) = endpoint.filter(|_| wants).filter(is_there) {
                wanted.insert(endpoint, Some(node));
            }
        }
        for endpoint in self.settings.seeds.iter().chain(&self.mesh.found) {
            wanted.entry(endpoint).or_insert(None);
        }
        if let Some(endpoint) = &self.settings.endpoint {
            wanted.remove(endpoint.as_str());
        }
        let bound = self.settings.peers + self.settings.seeds.len() + self.mesh.found.len();
        let mut before = std::mem::take(&mut self.mesh.targets);
        let kept = wanted.into_iter().take(bound).map(|(endpoint, node)| {
            let (endpoint, mut target) =
                before.remove_entry(endpoint).unwrap_or_else(|| (endpoint.to_owned(), Target::default()));
            target.node = node.or(target.node);
            (endpoint, target)
        });
        self.mesh.targets = kept.collect();
    }

    /// A dial ended.
    pub(super) fn dialled(&mut self, endpoint: &str, peer: Option<PeerId>, turn: &Turn<'_>) {
        let Some(target) = self.mesh.targets.get_mut(endpoint) else { return };
        let now = turn.now.mono;
        match peer {
            None => target.failed(now, &mut self.random),
            Some(peer) if peer.node == self.settings.own.node => {
                *target = Target { due: now + PAUSE_OWN, ..Target::default() };
            }
            Some(peer) => {
                *target = Target { node: Some(peer.node), due: now + PAUSE_MIN, ..Target::default() };
            }
        }
    }

    /// A peer said whom it reaches: of strangers it is asked where they are.
    pub(super) fn named(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let strangers = self.strangers(node);
        let Some(peer) = self.peers.get_mut(&node) else { return };
        let asked_lately = peer.asked_endpoints_at.is_some_and(|at| turn.now.mono < at + ENDPOINTS_PAUSE);
        if !strangers.is_empty() && !asked_lately {
            peer.asked_endpoints_at = Some(turn.now.mono);
            self.ask(node, Asked::Endpoints, Question::Endpoints { nodes: strangers }, turn);
        }
    }

    fn strangers(&self, node: NodeId) -> Vec<NodeId> {
        let reached = self.peers.get(&node).and_then(|peer| peer.info.as_ref()?.reaches.as_ref());
        let known = |node: &NodeId| {
            *node == self.settings.own.node
                || self.peers.contains_key(node)
                || self.mesh.named.contains_key(node)
                || self.roster.is_forgotten(*node)
        };
        reached.into_iter().flatten().filter(|node| !known(node)).copied().take(ENDPOINTS_MAX).collect()
    }

    /// Endpoints of strangers came.
    pub(super) fn endpoints(&mut self, answer: Answer, turn: &Turn<'_>) {
        let Answer::Endpoints(endpoints) = answer else { return };
        for (node, endpoint) in endpoints.into_iter().take(ENDPOINTS_MAX) {
            if self.mesh.named.len() < self.settings.peers {
                self.mesh.named.insert(node, Named { endpoint, reached_at: turn.now.mono });
            }
        }
        let met = &self.peers;
        self.mesh.named.retain(|node, _| !met.contains_key(node));
    }
}
