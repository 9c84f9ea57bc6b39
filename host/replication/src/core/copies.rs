//! Copied data directories: two processes that bear one node's identity.
//!
//! Their stamps could be equal, and what one of them is told the other one never hears. So the one that started
//! later ends, and leaves its disk as it is: what it holds that the other one does not is an operator's to look
//! at, for the two share one entry in the roster, and nobody waited for both with collecting. Which one that is
//! their machines' clocks say.

use std::time::Duration;

use super::{Command, Core, Note, Turn};
use crate::message::{HEARD_TWICE, News, PeerId};

/// For how long both must be heard: what a process sent before it ended may come late, and a greeting alone, which
/// anybody on the machine can say where links are in clear text, proves nothing.
const BOTH: Duration = Duration::from_secs(2);

/// Links to processes that claim this node's identity that are kept at once, to hear whether they beat.
const CLAIMS_MAX: usize = 8;

/// Another start of a peer that is heard beside the one that came up last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Double {
    incarnation: u64,
    since: Duration,
}

/// A process that says that it is this node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// When it was linked, or last heard.
    heard_at: Duration,
    /// Since when it beats.
    since: Option<Duration>,
    /// Whether it is taken for a copy.
    noted: bool,
}

impl Core {
    /// Whether a node that is reached is this one, or says so: then it is listened to, and told that this one is
    /// there, until one of the two gives way.
    pub(super) fn is_own(&mut self, id: PeerId, turn: &mut Turn<'_>) -> bool {
        let own = self.settings.own;
        if id.node != own.node {
            return false;
        }
        if id != own {
            turn.note(Note::IdentityClaimed(id));
            if self.claims.len() >= CLAIMS_MAX && !self.claims.contains_key(&id.incarnation) {
                turn.out.push(Command::HangUp(id));
            } else {
                let claim = Claim { heard_at: turn.now.mono, since: None, noted: false };
                self.claims.insert(id.incarnation, claim);
                self.beat_to_claim(id.incarnation, turn);
            }
        }
        true
    }

    /// A beat of a process that says that it is this node. Once it was heard for long enough, the later start ends.
    pub(super) fn heard_claim(&mut self, from: PeerId, turn: &mut Turn<'_>) {
        let now = turn.now.mono;
        let Some(claim) = self.claims.get_mut(&from.incarnation) else { return };
        claim.heard_at = now;
        if now.saturating_sub(*claim.since.get_or_insert(now)) < BOTH {
            return;
        }
        if !std::mem::replace(&mut claim.noted, true) {
            turn.note(Note::IdentityInUse(from));
        }
        if self.settings.own.incarnation > from.incarnation {
            self.give_way(turn);
        }
    }

    /// A link to a process that says that it is this node is gone.
    pub(super) fn claim_ended(&mut self, id: PeerId) {
        if id.node == self.settings.own.node {
            self.claims.remove(&id.incarnation);
        }
    }

    /// Whether a process that started earlier beats under this node's identity: this one may have to give way soon.
    pub(super) fn is_claimed(&self) -> bool {
        let earlier = self.claims.range(..self.settings.own.incarnation);
        earlier.into_iter().any(|(_, claim)| claim.since.is_some())
    }

    /// Beats to all who say that they are this node.
    pub(super) fn beat_to_claims(&self, turn: &mut Turn<'_>) {
        self.claims.keys().for_each(|incarnation| self.beat_to_claim(*incarnation, turn));
    }

    fn beat_to_claim(&self, incarnation: u64, turn: &mut Turn<'_>) {
        let to = PeerId { incarnation, ..self.settings.own };
        let news = News::Beat { seq: 0, info: self.info(turn), remembers: 0, forgotten: false };
        turn.out.push(Command::Send { to, news });
    }

    /// Closes the links to those that greeted, and beat no more.
    pub(super) fn drop_silent_claims(&mut self, turn: &mut Turn<'_>) {
        let (now, silence) = (turn.now.mono, self.settings.periods.silence);
        let silent = self.claims.extract_if(.., |_, claim| now.saturating_sub(claim.heard_at) > silence);
        for (incarnation, _) in silent {
            turn.out.push(Command::HangUp(PeerId { incarnation, ..self.settings.own }));
        }
    }

    /// Another process has this node's identity and started earlier.
    pub(super) fn give_way(&mut self, turn: &mut Turn<'_>) {
        if !self.halted {
            self.halted = true;
            let node = self.settings.own.node;
            let text = format!(
                "data-dir: another process has the identity of this one ({node}): one data directory is a copy"
            );
            turn.out.push(Command::GiveUp(text));
        }
    }

    /// A beat of another start of a peer than the one that came up last.
    pub(super) fn heard_double(&mut self, from: PeerId, turn: &mut Turn<'_>) {
        let now = turn.now.mono;
        let Some(peer) = self.peers.get_mut(&from.node).filter(|peer| peer.live && peer.heard_since_up) else { return };
        let double = peer.double.filter(|double| double.incarnation == from.incarnation);
        let double = *peer.double.insert(double.unwrap_or(Double { incarnation: from.incarnation, since: now }));
        if now.saturating_sub(double.since) < BOTH {
            return;
        }
        let (later, seq) = if from.incarnation > peer.id.incarnation { (from, 0) } else { (peer.id, peer.sent) };
        turn.note(Note::IdentityInUse(later));
        let info = self.info(turn);
        // (Who speaks an older protocol takes a new identity.)
        let news = News::Beat { seq, info, remembers: HEARD_TWICE, forgotten: true };
        turn.out.push(Command::Send { to: later, news });
    }
}
