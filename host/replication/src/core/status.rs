//! The cluster as a node sees it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use burgee_model::{Millis, NodeId, Stamp};
use burgee_store::Table;

use super::{Core, Now, Turn, peer::Peer};
use crate::{
    message::PeerId,
    status::{NodeState, NodeView, Status},
};

/// Stamps of this node that may be remembered as not known to all.
const UNACKED_MAX: usize = 4_096;

/// The latest stamps that this node gave, in the order in which it did.
#[derive(Debug, Default)]
pub(super) struct Unacked {
    latest: VecDeque<Stamp>,
    /// How many there were before them.
    dropped: u64,
}

impl Unacked {
    pub(super) fn push(&mut self, stamp: Stamp) {
        if self.latest.len() >= UNACKED_MAX {
            self.latest.pop_front();
            self.dropped += 1;
        }
        self.latest.push_back(stamp);
    }

    /// How many there were in all.
    pub(super) fn count(&self) -> u64 {
        self.dropped + self.latest.len() as u64
    }

    /// The first one after so many.
    fn after(&self, count: u64) -> Option<Stamp> {
        let at = usize::try_from(count.saturating_sub(self.dropped)).ok()?;
        self.latest.get(at).copied()
    }
}

impl Core {
    /// The peers that are reached.
    pub fn live_peers(&self) -> impl Iterator<Item = PeerId> {
        self.peers.values().filter(|peer| peer.live).map(|peer| peer.id)
    }

    /// The cluster as this node sees it.
    #[must_use]
    pub fn status(&self, table: &Table, now: Now) -> Status {
        let turn = Turn { table, now, out: Vec::new() };
        let reached = self.reached_by_anybody();
        let view = |node| NodeView { reached: reached.contains(&node), ..self.view(node, &turn) };
        let mut nodes: Vec<NodeView> = self.known().into_iter().map(view).collect();
        nodes.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Status {
            own: self.settings.own.node,
            leader: self.leader(),
            nodes,
            collection_held_by: self.collection_held_by(&turn),
            horizon: Some(table.horizon()).filter(|horizon| *horizon != Stamp::ZERO),
            frames_refused: BTreeMap::new(),
            versions_unknown: 0,
            versions_invalid: 0,
            clock_sets: self.clock.sets,
            versions_repaired: self.repaired,
            traffic: BTreeMap::new(),
        }
    }

    fn known(&self) -> BTreeSet<NodeId> {
        let members = self.roster.members().map(|(node, _)| node);
        let forgotten = self.roster.forgotten_lately();
        // who never became a member, such as a joiner that was refused, is nobody once it is gone
        let live = self.peers.values().filter(|peer| peer.live).map(|peer| peer.id.node);
        members.chain(forgotten).chain(live).chain([self.settings.own.node]).collect()
    }

    fn leader(&self) -> Option<NodeId> {
        let live = self.peers.values().filter(|peer| peer.live);
        let live = live.filter_map(|peer| Some((peer.info.as_ref()?.started_at, peer.id.node)));
        let own = (self.settings.started_at, self.settings.own.node);
        live.chain([own]).min().map(|(_, node)| node)
    }

    fn view(&self, node: NodeId, turn: &Turn<'_>) -> NodeView {
        if node == self.settings.own.node {
            return self.own_view(turn);
        }
        let peer = self.peers.get(&node);
        let live = peer.filter(|peer| peer.live);
        let info = peer.and_then(|peer| peer.info.as_ref());
        let member = self.roster.member(node);
        let forgotten = self.roster.forgotten_name(node);
        let name = info.map(|info| info.name.as_str()).or(member.map(|member| member.name.as_str())).or(forgotten);
        let endpoint = info.and_then(|info| info.endpoint.as_ref()).or(member.and_then(|m| m.endpoint.as_ref()));
        NodeView {
            id: node,
            name: name.map(ToOwned::to_owned),
            endpoint: endpoint.cloned(),
            state: match (forgotten, live) {
                (Some(_), _) => NodeState::Forgotten,
                (None, Some(_)) => NodeState::Live,
                (None, None) => NodeState::Gone,
            },
            reached: live.is_some(),
            ready: live.is_some_and(Peer::is_ready),
            joining: member.is_some_and(|member| member.joining),
            started_at: info.map(|info| info.started_at),
            lag_ms: live.map(|peer| lag_ms(peer, turn.now.mono)),
            beats: peer.map_or(0, |peer| peer.beats),
            skew_ms: live.and_then(|peer| peer.offset.ahead_ms(turn.now.mono)),
            root: info.map(|info| info.root.to_string()),
            oldest_unacked: self.unacked.after(peer.map_or(0, |peer| peer.has)),
        }
    }

    fn own_view(&self, turn: &Turn<'_>) -> NodeView {
        NodeView {
            id: self.settings.own.node,
            name: Some(self.settings.name.clone()),
            endpoint: self.settings.endpoint.clone(),
            state: NodeState::Live,
            reached: true,
            ready: self.readiness.ready,
            joining: self.is_joining(),
            started_at: Some(self.settings.started_at),
            lag_ms: Some(0),
            beats: 0,
            skew_ms: Some(0),
            root: Some(turn.table.root().to_string()),
            oldest_unacked: None,
        }
    }
}

fn lag_ms(peer: &Peer, now: Duration) -> Millis {
    let behind = peer.behind_since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
    Millis::try_from(behind.as_millis()).unwrap_or(Millis::MAX)
}
