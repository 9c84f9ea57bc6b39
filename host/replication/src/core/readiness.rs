//! Whether a node may serve.
//!
//! Ready is who holds everything that one ready peer had when the exchange began. Before a newcomer pulls
//! anything from a peer, that peer has its entry in the roster on disk: whatever becomes of either, nothing is
//! collected over the newcomer's head. Before it serves, its own disk says that it is a member: what it
//! acknowledges from then on, it comes back with. Who finds no ready peer in time goes on with what it and the nodes
//! that it reaches hold, unless that may be nothing for the wrong reason: a node that came empty waits for one that
//! has data.

use burgee_model::NodeId;
use burgee_store::Table;

use super::{Ask, Asked, Command, Core, Turn, exchange::RETRY_MIN, peer::Peer};
use crate::{
    message::{Answer, Question},
    status::Readiness,
};

/// So many timeouts long a node that holds part of what a peer had waits for anybody who is ready, where a member
/// that it knows of is missing: that one may be ready, and out of reach.
const PATIENCE: u32 = 6;

impl Core {
    /// Decides anew, and tells who has to know.
    pub(super) fn decide_readiness(&mut self, turn: &mut Turn<'_>) {
        self.heed_operator(turn);
        let decided = self.decide(turn);
        let mut decided = self.once_entered(decided, turn);
        if !decided.ready && self.rival.is_none() && self.is_up_to_operator(turn) {
            decided.reasons.push("operator_decides");
        }
        if decided != self.readiness {
            if decided.ready {
                // Once it serves, and is no longer alone, it may not be set outright.
                self.correct_clock(turn);
            }
            if decided.ready && self.partial && self.pulled.is_none() {
                self.pulled = Some(self.flush(turn));
            }
            if decided.ready != self.readiness.ready {
                self.beat_due = turn.now.mono;
                self.enrol_due = turn.now.mono;
                self.roster.look(turn.table);
            }
            self.readiness = decided.clone();
            turn.out.push(Command::SetReadiness(decided));
        }
    }

    /// Holds a newcomer back until its entry as a member is on disk: before that, it would come back from a crash as
    /// one that only began to join, and what it had acknowledged as what nobody waited for.
    fn once_entered(&mut self, decided: Readiness, turn: &mut Turn<'_>) -> Readiness {
        if !decided.ready || self.served {
            return decided;
        }
        if self.is_entered(turn.table) {
            return if self.settings.aside { self.repeat(turn) } else { decided };
        }
        if !std::mem::replace(&mut self.accepted, true) {
            self.enrol_due = turn.now.mono;
        }
        Readiness::waiting("joining")
    }

    /// Nor does it serve before it has written again what the others never had of it: nobody is to see that undone,
    /// and from now on they wait for it with collecting.
    fn repeat(&mut self, turn: &mut Turn<'_>) -> Readiness {
        if !std::mem::replace(&mut self.repeating, true) {
            turn.out.push(Command::Repeat);
        }
        Readiness::waiting("resynchronising")
    }

    /// All that it joined with is on disk: from now on it comes back with it.
    pub(super) fn pulled_flushed(&mut self, flush: u64, turn: &Turn<'_>) {
        if self.pulled.take_if(|number| *number == flush).is_some() {
            self.partial = false;
            self.enrol_due = turn.now.mono;
        }
    }

    fn is_entered(&self, table: &Table) -> bool {
        table.members().any(|(node, meta, _)| node == self.settings.own.node && !meta.joining)
    }

    fn decide(&self, turn: &Turn<'_>) -> Readiness {
        if self.rival.is_some() {
            return Readiness::waiting("name_in_use");
        }
        if self.settings.resync {
            return Readiness::waiting("resynchronising");
        }
        if self.readiness.ready && !self.readiness.alone {
            return Readiness::ready();
        }
        // What a copy acknowledged, only its own disk would ever hold.
        if !self.served && self.is_claimed() {
            return Readiness::waiting("joining");
        }
        // Those that nothing is taken from (they resynchronise, or were forgotten) are not waited for: they
        // wait for this node.
        let counts = |peer: &&Peer| peer.live && (!peer.heard_since_up || self.admits(peer.id.node));
        let live: Vec<&Peer> = self.peers.values().filter(counts).collect();
        let met = live.iter().any(|peer| peer.exchanged.is_some());
        if self.readiness.ready {
            return Readiness { alone: self.readiness.alone && !met, ..Readiness::ready() };
        }
        if self.served || self.is_by_itself() || self.is_in_line() || self.is_trusted(turn) {
            return Readiness::ready();
        }
        let timed_out = turn.now.mono >= self.settings.periods.ready_timeout;
        match live.as_slice() {
            // A link that breaks for a moment is no reason to serve what is behind: the time counts from when somebody
            // ready was last there.
            [] if self.has_waited(turn, 1) && (self.came_whole() || self.lined) => Readiness::alone(),
            // Part of it is more than nothing, where nobody who has all of it comes for long.
            [] if self.partial && self.has_waited(turn, PATIENCE) => Readiness::alone(),
            [] => Readiness::waiting("no_peer"),
            live if timed_out && self.may_start_together(live, turn) => Readiness::ready(),
            _ => Readiness::waiting("joining"),
        }
    }

    /// Nobody is to be looked for. (Who only began to join as far as is known here may have been ready since.)
    fn is_by_itself(&self) -> bool {
        let own = self.settings.own.node;
        let looks = self.settings.discovers || !self.settings.seeds.is_empty();
        !looks && self.roster.members().all(|(node, _)| node == own)
    }

    /// Whether an operator says that what this node holds is the cluster's.
    fn is_trusted(&self, turn: &Turn<'_>) -> bool {
        self.settings.trusted && self.is_up_to_operator(turn)
    }

    /// Whether an operator could say so: it holds something, and nobody who is ready was reached in time.
    fn is_up_to_operator(&self, turn: &Turn<'_>) -> bool {
        let timed_out = turn.now.mono >= self.settings.periods.ready_timeout;
        timed_out && turn.table.data_versions() > 0 && !self.peers.values().any(Peer::is_ready)
    }

    /// Then it need not get in line with anybody.
    fn heed_operator(&mut self, turn: &mut Turn<'_>) {
        if self.settings.resync && self.is_trusted(turn) {
            self.settings.resync = false;
            turn.out.push(Command::Resynchronised);
        }
    }

    /// Whether this node only begins to join: nothing lets it serve yet.
    pub(super) fn is_joining(&self) -> bool {
        !(self.accepted || self.came_entered)
    }

    /// This node holds what a ready peer had, and is known as a member.
    fn is_in_line(&self) -> bool {
        self.has_exchanged_with_ready() && !self.is_outside()
    }

    fn has_exchanged_with_ready(&self) -> bool {
        self.peers.values().any(|peer| peer.live && peer.exchanged == Some(true))
    }

    /// Nobody reached is ready, and there is nothing to wait for: this node has merged all that they hold,
    /// and either it is a member with all its data or nobody has any (a first start). A node that got part of
    /// what somebody ready had, and hears of nobody ready, goes on with that part: at once where all members that
    /// it knows of are there, or were replaced, and else after long.
    fn may_start_together(&self, live: &[&Peer], turn: &Turn<'_>) -> bool {
        // (One may have said in an exchange that it is ready before its beat does.)
        let merged = live.iter().all(|peer| peer.exchanged == Some(false) && !peer.is_ready());
        let is_empty = turn.table.data_versions() == 0;
        let patience = if self.is_anybody_missing() { PATIENCE } else { 1 };
        let in_vain = self.has_waited(turn, patience) && !is_empty;
        merged && (self.came_whole() || in_vain || is_empty && !self.has_anybody_data())
    }

    /// Whether nobody ready was there for so many timeouts.
    fn has_waited(&self, turn: &Turn<'_>, timeouts: u32) -> bool {
        turn.now.mono.saturating_sub(self.ready_seen_at) >= self.settings.periods.ready_timeout * timeouts
    }

    /// Whether it was a member when it started, with all that it had pulled when it joined.
    fn came_whole(&self) -> bool {
        self.came_entered && !self.partial
    }

    /// Whether anybody whom this node met since its start has data, and was neither forgotten nor, gone since, replaced
    /// by another node of its name. Who has and must get in line itself may be the last who does: an operator decides.
    fn has_anybody_data(&self) -> bool {
        self.peers.values().any(|peer| {
            let data = peer.info.as_ref().filter(|info| info.versions > 0);
            let counts = !self.roster.is_forgotten(peer.id.node);
            counts && data.is_some_and(|info| peer.live || !self.is_there(&info.name))
        })
    }

    /// Whether a member is neither there nor replaced by another node of its name; or none is known.
    pub(super) fn is_anybody_missing(&self) -> bool {
        let own = self.settings.own.node;
        let mut others = self.roster.members().filter(|(node, _)| *node != own).peekable();
        others.peek().is_none() || others.any(|(_, member)| !self.is_there(&member.name))
    }

    /// Whether a live node bears a name.
    fn is_there(&self, name: &str) -> bool {
        let live = self.peers.values().filter(|peer| peer.live);
        let mut names = live.filter_map(|peer| Some(&peer.info.as_ref()?.name)).chain([&self.settings.name]);
        names.any(|there| there == name)
    }

    /// Notes that somebody ready is there.
    pub(super) fn look_for_ready(&mut self, turn: &Turn<'_>) {
        if self.peers.values().any(Peer::is_ready) {
            self.ready_seen_at = turn.now.mono;
        }
    }

    /// Whether this node may enter the roster: it goes by cluster time, and has met somebody.
    pub(super) fn may_enrol(&self) -> bool {
        let met = || self.peers.keys().any(|node| self.admits(*node));
        let waits = self.settings.resync || self.rival.is_some();
        !waits && (self.accepted || self.readiness.ready || self.is_corrected() && met())
    }

    /// Whether a peer is to know this newcomer's entry before anything is pulled from it. (Of one that must get in
    /// line first, nobody takes anything until it is.)
    pub(super) fn must_enter(&self, node: NodeId) -> bool {
        let knows = self.peers.get(&node).is_some_and(|peer| peer.knows_entry);
        !knows && self.is_outside() && !self.settings.resync
    }

    /// Tells a peer of this newcomer's entry in the roster.
    pub(super) fn enter(&mut self, node: NodeId, turn: &mut Turn<'_>) {
        if let Some(entry) = self.own_version(turn.table) {
            return self.offer_entry(node, entry, Asked::Enrolment, turn);
        }
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.exchange.give_way(turn.now.mono + RETRY_MIN);
        }
    }

    /// A peer knows this node's entry, or does not take it: it is asked again after a pause.
    pub(super) fn entered(&mut self, ask: &Ask, answer: &Answer, turn: &mut Turn<'_>) {
        if *answer != Answer::Taken(true) {
            return self.fail_exchange(ask.to, turn);
        }
        let Some(peer) = self.peers.get_mut(&ask.to) else { return };
        peer.knows_entry = true;
        if let Some(run) = &mut peer.exchange.run {
            run.began = turn.now.mono;
            let question = Question::Compare { history_since: turn.table.history_since() };
            self.ask(ask.to, Asked::Compare, question, turn);
        }
    }
}
