//! Beats: what a node says about itself to each peer, once a second; and peers that come and go.

use burgee_model::NodeId;

use super::{Command, Core, Note, Turn, peer::Peer, sequence::Arrival};
use crate::message::{News, NodeInfo, PeerId, REACHES_MAX};

impl Core {
    /// There is a link to a peer.
    pub(super) fn up(&mut self, id: PeerId, turn: &mut Turn<'_>) {
        if self.is_own(id, turn) {
            return;
        }
        if !self.peers.contains_key(&id.node) && !self.make_room() {
            return turn.out.push(Command::HangUp(id));
        }
        let is_former = |peer: &Peer| peer.live && peer.id.incarnation > id.incarnation;
        if self.peers.get(&id.node).is_some_and(is_former) {
            // What is left of its former self takes the place of nobody; nor does who says its words again.
            return turn.note(Note::IdentityClaimed(id));
        }
        let (now, remembered) = (turn.now.mono, self.remembered(id.node, turn.table));
        let peer = self.peers.entry(id.node).or_insert_with(|| Peer::new(id, now));
        if peer.id != id {
            // What is left of its former self says nothing about the new one.
            let old = std::mem::replace(peer, Peer::new(id, now));
            peer.info = old.info.map(|info| NodeInfo { ready: false, ..info });
            peer.beats = old.beats;
        }
        peer.up(remembered, now);
        self.forget_requests(id.node);
        self.drop_snapshot_of(id.node);
        self.beat_to(id.node, turn);
    }

    /// The last link to a peer is gone.
    pub(super) fn down(&mut self, id: PeerId, turn: &mut Turn<'_>) {
        self.claim_ended(id);
        let Some(peer) = self.peers.get_mut(&id.node).filter(|peer| peer.id == id && peer.live) else { return };
        if peer.heard_since_up {
            turn.note(Note::Left(id));
        }
        peer.down(turn.now.mono);
        self.forget_requests(id.node);
        self.drop_snapshot_of(id.node);
        self.mesh.lost(id.node, turn.now.mono);
    }

    fn make_room(&mut self) -> bool {
        if self.peers.len() < self.settings.peers {
            return true;
        }
        let gone =
            self.peers.values().filter(|peer| !peer.live).min_by_key(|peer| peer.left_at).map(|peer| peer.id.node);
        gone.is_some_and(|node| self.peers.remove(&node).is_some())
    }

    /// A peer's beat came.
    pub(super) fn beat(&mut self, from: PeerId, seq: u64, info: NodeInfo, turn: &mut Turn<'_>) {
        let now = turn.now.mono;
        if from.node == self.settings.own.node {
            return self.heard_claim(from, turn);
        }
        if self.peers.get(&from.node).is_some_and(|peer| !peer.live && peer.id != from) {
            // It came up while another start of it seemed to be there; that one is gone, and this one speaks.
            self.up(from, turn);
        }
        let Some(peer) = self.peers.get_mut(&from.node).filter(|peer| peer.id == from && peer.live) else {
            return self.heard_double(from, turn);
        };
        peer.silent_since = now;
        peer.beats += 1;
        let joins = !std::mem::replace(&mut peer.heard_since_up, true);
        let became_ready = info.ready && peer.exchanged == Some(false);
        let told_more = peer.info.as_ref().is_none_or(|old| old.resync && !info.resync);
        peer.info = Some(info);
        if peer.sequence.arrive(seq, false) == Arrival::Gap {
            peer.missing(now);
        }
        // An exchange with a peer that was not ready does not make ready, and one that was not admitted
        // could not begin.
        if became_ready && !self.readiness.ready || told_more {
            peer.exchange.want(now);
        }
        if joins {
            turn.note(Note::Joined(from));
        }
        self.named(from.node, turn);
    }

    /// Beats to all, where it is time.
    pub(super) fn beats(&mut self, turn: &mut Turn<'_>) {
        if turn.now.mono < self.beat_due {
            return;
        }
        self.beat_due = turn.now.mono + self.settings.periods.beat;
        let nodes: Vec<NodeId> = self.peers.values().filter(|peer| peer.live).map(|peer| peer.id.node).collect();
        nodes.into_iter().for_each(|node| self.beat_to(node, turn));
        self.beat_to_claims(turn);
    }

    fn beat_to(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        let Some(peer) = self.peers.get(&node) else { return };
        let news = News::Beat {
            seq: peer.sent,
            info: self.info(turn),
            remembers: self.remembered(node, turn.table),
            forgotten: self.roster.is_forgotten(node),
        };
        turn.out.push(Command::Send { to: peer.id, news });
    }

    /// About this node.
    pub(super) fn info(&self, turn: &Turn<'_>) -> NodeInfo {
        let reaches: Vec<NodeId> = self.peers.values().filter(|peer| peer.live).map(|peer| peer.id.node).collect();
        NodeInfo {
            name: self.settings.name.clone(),
            endpoint: self.settings.endpoint.clone(),
            ready: self.readiness.ready,
            resync: self.settings.resync,
            versions: turn.table.data_versions(),
            written: self.written,
            root: turn.table.root(),
            horizon: turn.table.horizon(),
            started_at: self.settings.started_at,
            reaches: Some(reaches).filter(|reaches| reaches.len() <= REACHES_MAX),
        }
    }

    /// Peers that are silent for too long are not live, whatever the network says.
    pub(super) fn drop_silent(&mut self, turn: &mut Turn<'_>) {
        self.drop_silent_claims(turn);
        let silence = self.settings.periods.silence;
        let silent = |peer: &&Peer| peer.live && turn.now.mono.saturating_sub(peer.silent_since) > silence;
        let silent: Vec<PeerId> = self.peers.values().filter(silent).map(|peer| peer.id).collect();
        for id in silent {
            self.down(id, turn);
            turn.out.push(Command::HangUp(id));
        }
    }
}
