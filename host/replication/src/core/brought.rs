//! What a newcomer brings, and who keeps it.
//!
//! It may have been a member before, under another identity, and hold deletions that are older than what the others
//! have said by now that they hold. For those no horizon waits: one of them would drop its deletion, and another one,
//! which had it in memory alone, return with what it had killed. So a newcomer says nothing of what it holds, which
//! every horizon does wait for, before each other member has on its disk what it brought.

use std::{collections::BTreeSet, time::Duration};

use burgee_model::NodeId;

use super::{Ask, Asked, Core, Turn};
use crate::message::{Answer, Question};

/// What a newcomer knows of it.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Since when it hands over what it has: nobody takes it all before.
    since: Option<Duration>,
    /// Those that have it on disk.
    keepers: BTreeSet<NodeId>,
}

impl Core {
    /// This node serves, and begins to collect.
    pub(super) fn begin_to_hand_over(&mut self, turn: &Turn<'_>) {
        self.brought.since.get_or_insert(turn.now.mono);
    }

    /// Whether every other member keeps what this node brought.
    pub(super) fn is_kept_by_all(&self) -> bool {
        self.has_acknowledged() || self.not_keeping().is_empty()
    }

    /// The members that do not, as far as is known.
    pub(super) fn not_keeping(&self) -> Vec<NodeId> {
        let own = self.settings.own.node;
        let lacks = |node: &NodeId| *node != own && !self.brought.keepers.contains(node);
        self.roster.members().map(|(node, _)| node).filter(lacks).collect()
    }

    /// A whole exchange with a peer ended in which that took what it lacked. It is asked to keep that: whoever is offered
    /// a node's own entry answers once all that it took until then is on its disk.
    pub(super) fn handed_over(&mut self, node: NodeId, began: Duration, turn: &mut Turn<'_>) {
        let counts = self.brought.since.is_some_and(|since| began >= since) && !self.has_acknowledged();
        let is_asked = self.asks.values().any(|ask| ask.to == node && ask.what == Asked::Keeping);
        if !counts || is_asked || self.brought.keepers.contains(&node) {
            return;
        }
        if let Some(entry) = turn.table.latest(&super::member_register(self.settings.own.node)) {
            let question = Question::Offer { versions: vec![entry], unknown: 0 };
            self.ask(node, Asked::Keeping, question, turn);
        }
    }

    /// A peer answered whether it keeps it.
    pub(super) fn kept(&mut self, ask: &Ask, answer: &Answer) {
        if *answer == Answer::Taken(true) {
            self.brought.keepers.insert(ask.to);
        }
    }

    fn has_acknowledged(&self) -> bool {
        self.roster.member(self.settings.own.node).is_some_and(|member| member.acked.is_some())
    }
}
