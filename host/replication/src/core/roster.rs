//! The roster: who belongs to the cluster, whether reached or not; and who bears which name.

use std::collections::{BTreeMap, BTreeSet};

use burgee_model::{MemberMeta, NodeId, Stamp};
use burgee_store::Table;

use super::{Command, Core, Note, SystemWrite, Turn};
use crate::message::PeerId;

/// The roster as the table has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster {
    /// How often the table had changed when it was read.
    changes: Option<u64>,
    members: BTreeMap<NodeId, Member>,
    forgotten: BTreeMap<NodeId, String>,
    /// Those of them that were forgotten last.
    shown: Vec<NodeId>,
}

/// Forgotten nodes that the view of the cluster shows, the latest. (All are remembered, for good: whoever returns must be
/// known. One takes about a hundred bytes, and an operator, or a node of its name, made it so.)
pub(super) const FORGOTTEN_SHOWN: usize = 64;

/// A member that is not forgotten.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) endpoint: Option<String>,
    pub(super) acked: Option<Stamp>,
    /// What it writes later is stamped above this.
    pub(super) promise: Stamp,
    /// It only begins to join.
    pub(super) joining: bool,
    /// Up to where nothing that was collected passes it by.
    pub(super) joined: Option<Stamp>,
    /// What it pulled when it joined need not all be on its disk.
    pub(super) partial: bool,
    /// The newest version of the protocol that it speaks.
    pub(super) protocol: Option<u8>,
}

impl Roster {
    fn of(table: &Table) -> Self {
        let mut latest: Vec<(Stamp, NodeId)> = table.forgotten().map(|(node, _, stamp)| (stamp, node)).collect();
        latest.sort_unstable_by(|a, b| b.cmp(a));
        let shown = latest.into_iter().take(FORGOTTEN_SHOWN).map(|(_, node)| node).collect();
        let forgotten: BTreeMap<_, _> = table.forgotten().map(|(node, meta, _)| (node, meta.name)).collect();
        let members = table.members().filter(|(node, ..)| !forgotten.contains_key(node));
        let members = members.map(|(node, meta, promise)| {
            let MemberMeta { name, endpoint, acked, joining, joined, partial, protocol } = meta;
            (node, Member { name, endpoint, acked, promise, joining, joined, partial, protocol })
        });
        Self { changes: Some(table.system_changes()), members: members.collect(), forgotten, shown }
    }

    /// Reads it again where the table's has changed.
    pub(super) fn look(&mut self, table: &Table) {
        if self.changes != Some(table.system_changes()) {
            *self = Self::of(table);
        }
    }

    /// Those that are not forgotten.
    pub(super) fn members(&self) -> impl Iterator<Item = (NodeId, &Member)> {
        self.members.iter().map(|(node, member)| (*node, member))
    }

    pub(super) fn member(&self, node: NodeId) -> Option<&Member> {
        self.members.get(&node)
    }

    /// Those that were forgotten last, at most [`FORGOTTEN_SHOWN`].
    pub(super) fn forgotten_lately(&self) -> impl Iterator<Item = NodeId> {
        self.shown.iter().copied()
    }

    pub(super) fn is_forgotten(&self, node: NodeId) -> bool {
        self.forgotten.contains_key(&node)
    }

    /// The name of a node that is forgotten.
    pub(super) fn forgotten_name(&self, node: NodeId) -> Option<&str> {
        self.forgotten.get(&node).map(String::as_str)
    }
}

/// Who has a name where two claim it: who is ready, then who started first.
type Claim = (bool, u64, NodeId);

impl Core {
    /// Whether versions of a peer are taken: it said who it is, belongs to the cluster, and is in line.
    pub(super) fn admits(&self, node: NodeId) -> bool {
        let Some(peer) = self.peers.get(&node) else { return false };
        let Some(info) = peer.info.as_ref().filter(|_| peer.live && peer.heard_since_up) else { return false };
        let outdated = info.written < peer.remembered;
        !info.resync && !outdated && !self.roster.is_forgotten(node) && !self.is_outdone(node)
    }

    /// As [`admits`](Self::admits), for one start of a peer.
    pub(super) fn admits_start(&self, id: PeerId) -> bool {
        self.peers.get(&id.node).is_some_and(|peer| peer.id == id) && self.admits(id.node)
    }

    fn claim(&self, node: NodeId) -> Option<(&str, Claim)> {
        if node == self.settings.own.node {
            let claim = (!self.readiness.ready, self.settings.started_at, node);
            return Some((&self.settings.name, claim));
        }
        let info = self.peers.get(&node).filter(|peer| peer.live)?.info.as_ref()?;
        Some((&info.name, (!info.ready, info.started_at, node)))
    }

    fn is_outdone(&self, node: NodeId) -> bool {
        self.outdone_by(node).is_some()
    }

    /// The live node that has the name of another one, which is the newcomer.
    pub(super) fn outdone_by(&self, node: NodeId) -> Option<NodeId> {
        let (name, claim) = self.claim(node)?;
        let others = self.peers.keys().copied().chain([self.settings.own.node]).filter(|other| *other != node);
        others.into_iter().find(|other| {
            let other = self.claim(*other).filter(|_| !self.roster.is_forgotten(*other));
            other.is_some_and(|(other_name, other)| other_name == name && other < claim)
        })
    }

    /// Sees to this node's own name: while a live node has it, this one is not ready, and in the end gives up.
    pub(super) fn keep_name(&mut self, turn: &mut Turn<'_>) {
        let rival = self.outdone_by(self.settings.own.node);
        let Some(rival) = rival else {
            self.rival = None;
            return;
        };
        let since = match self.rival {
            Some((known, since)) if known == rival => since,
            _ => {
                turn.note(Note::NameInUse(rival));
                self.rival = Some((rival, turn.now.mono));
                turn.now.mono
            }
        };
        if turn.now.mono.saturating_sub(since) >= self.settings.periods.ready_timeout {
            let name = &self.settings.name;
            let mut text = format!("node-name: `{name}` is the name of a live node of the cluster ({rival})");
            if self.settings.aside {
                text += "; this one's disk holds writes that only it acknowledged: start it once under another name to \
                         bring them back";
            }
            turn.out.push(Command::GiveUp(text));
            self.halted = true;
        }
    }

    /// Enters this node into the roster, and has it replace its namesakes that are gone.
    pub(super) fn enrol(&mut self, turn: &mut Turn<'_>) {
        let own = self.settings.own.node;
        if turn.now.mono < self.enrol_due || !self.may_enrol() {
            return;
        }
        let current = self.roster.member(own);
        let is_entered = current.is_some_and(|member| {
            let placed = member.name == self.settings.name && member.endpoint == self.settings.endpoint;
            let speaks = member.protocol == Some(self.settings.protocol);
            placed && speaks && member.joining == self.is_joining() && member.partial == self.partial
        });
        let reached = self.reached_by_anybody();
        let namesakes = self
            .roster
            .members()
            .filter(|(node, member)| *node != own && member.name == self.settings.name && !reached.contains(node));
        let namesakes: Vec<NodeId> = namesakes.map(|(node, _)| node).collect();
        self.enrol_due = turn.now.mono + self.settings.periods.beat;
        if !is_entered {
            self.write_member(turn);
        }
        for node in namesakes.into_iter().filter(|_| self.readiness.ready) {
            turn.out.push(Command::Write(SystemWrite::Forgotten { node, name: self.settings.name.clone() }));
        }
    }

    /// All whom this node or a live peer of it reaches.
    pub(super) fn reached_by_anybody(&self) -> BTreeSet<NodeId> {
        let live = || self.peers.values().filter(|peer| peer.live);
        let told = live().filter_map(|peer| peer.info.as_ref()?.reaches.as_ref()).flatten().copied();
        live().map(|peer| peer.id.node).chain(told).collect()
    }

    pub(super) fn write_member(&mut self, turn: &mut Turn<'_>) {
        let known = self.roster.member(self.settings.own.node);
        turn.out.push(Command::Write(SystemWrite::Member(MemberMeta {
            name: self.settings.name.clone(),
            endpoint: self.settings.endpoint.clone(),
            acked: self.collect.acked.max(known.and_then(|member| member.acked)),
            joining: self.is_joining(),
            joined: self.joined_at.max(known.and_then(|member| member.joined)),
            partial: self.partial,
            protocol: Some(self.settings.protocol),
        })));
    }
}
