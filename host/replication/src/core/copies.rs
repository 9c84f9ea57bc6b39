//! Copied data directories: two processes that bear one node's identity.
//!
//! Their stamps could be equal, and what one of them is told the other one never hears. So the one that started
//! later ends, and leaves its disk as it is: what it holds that the other one does not is an operator's to look
//! at, for the two share one entry in the roster, and nobody waited for both with collecting. Which one that is
//! their machines' clocks say.

use std::time::Duration;

use super::{Command, Core, Note, Turn};
use crate::message::{HEARD_TWICE, News, PeerId};

/// For how long both must be heard: what a process sent before it ended may come late.
const BOTH: Duration = Duration::from_secs(2);

/// Another start of a peer that is heard beside the one that came up last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Double {
    incarnation: u64,
    since: Duration,
}

impl Core {
    /// Whether a node that is reached is this one, or a copy of it.
    pub(super) fn is_own(&mut self, id: PeerId, turn: &mut Turn<'_>) -> bool {
        let own = self.settings.own;
        if id.node != own.node {
            return false;
        }
        if id != own {
            turn.note(Note::IdentityInUse(id));
            turn.out.push(Command::HangUp(id));
            if own.incarnation > id.incarnation {
                self.give_way(turn);
            }
        }
        true
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
