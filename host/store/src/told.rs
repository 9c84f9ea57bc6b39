//! What others have of a node's own writes: up to which change, by peer.
//!
//! A node's changes bear its clock's readings, which grow from one to the next, as its stamps need not: a write to a
//! register whose value is ahead of the clock is stamped ahead of it too. So changes, not stamps, are counted.
//!
//! What all members had at one time stays so when they are replaced one after the other: whoever came in their place
//! had it of them, or what was made of it.

use std::collections::BTreeMap;

use burgee_model::{NodeId, Stamp};
use serde::{Deserialize, Serialize};

use crate::{ChangeId, Table};

/// Peers of which it is remembered; of more, the one that has least is forgotten, as if it had nothing.
const PEERS_MAX: usize = 256;

/// In place of a peer: all members that there were at one time. No node bears it.
const ALL_ONCE: NodeId = NodeId([0; 16]);

/// Up to which change each peer has all that this node wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told(BTreeMap<NodeId, Stamp>);

impl Told {
    /// A peer has everything up to a change that node `own` wrote, whose table lists the members; says whether that is
    /// news.
    pub fn raise(&mut self, peer: NodeId, up_to: Stamp, table: &Table, own: NodeId) -> bool {
        let is_news = self.put(peer, up_to);
        let all = self.by_all(table, own);
        if all > Stamp::ZERO {
            self.put(ALL_ONCE, all);
        }
        is_news
    }

    fn put(&mut self, peer: NodeId, up_to: Stamp) -> bool {
        let known = self.0.entry(peer).or_insert(Stamp::ZERO);
        let is_news = up_to > *known;
        *known = up_to.max(*known);
        if self.0.len() > PEERS_MAX {
            let peers = self.0.iter().filter(|(peer, _)| **peer != ALL_ONCE);
            let least = peers.min_by_key(|(_, up_to)| **up_to).map(|(peer, _)| *peer);
            least.and_then(|peer| self.0.remove(&peer));
        }
        is_news
    }

    /// The node makes a change. Where its clock was set back far, that lies below earlier ones, and nobody has it;
    /// says whether it is so.
    pub fn changed(&mut self, change: ChangeId) -> bool {
        let below = Stamp { time: change.0.time.saturating_sub(1), ..Stamp::ZERO };
        let above: Vec<&mut Stamp> = self.0.values_mut().filter(|up_to| **up_to >= change.0).collect();
        let is_back = !above.is_empty();
        above.into_iter().for_each(|up_to| *up_to = below);
        is_back
    }

    /// Up to where every member of a roster but the node itself has it all, or all had it once.
    #[must_use]
    pub fn by_all(&self, table: &Table, own: NodeId) -> Stamp {
        let others = members(table).filter(|member| *member != own);
        others.map(|member| self.by(member)).min().unwrap_or(Stamp::ZERO).max(self.by(ALL_ONCE))
    }

    /// Up to where any member of a roster has it all, or all had it once.
    #[must_use]
    pub fn by_any(&self, table: &Table) -> Stamp {
        members(table).map(|member| self.by(member)).max().unwrap_or(Stamp::ZERO).max(self.by(ALL_ONCE))
    }

    fn by(&self, peer: NodeId) -> Stamp {
        self.0.get(&peer).copied().unwrap_or(Stamp::ZERO)
    }
}

fn members(table: &Table) -> impl Iterator<Item = NodeId> {
    let forgotten: std::collections::BTreeSet<NodeId> = table.forgotten().map(|(node, ..)| node).collect();
    table.members().map(|(node, ..)| node).filter(move |node| !forgotten.contains(node))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burgee_model::{Address, RegisterId};

    use super::*;
    use crate::testing::{stamp, version};

    fn roster(nodes: impl IntoIterator<Item = NodeId>) -> Table {
        let mut table = Table::default();
        for node in nodes {
            table.merge(&Arc::new(version(RegisterId::system(Address::Member { node }), 1, r#"{"name":"a"}"#)));
        }
        table
    }

    #[test]
    fn what_all_members_had_stays_so_when_others_take_their_places() {
        let node = |number| NodeId([number; 16]);
        let (own, before, after) = (node(1), roster([1, 2, 3].map(node)), roster([1, 4, 5].map(node)));
        let mut told = Told::default();
        told.raise(node(2), stamp(9), &before, own);
        assert_eq!(
            (told.by_any(&before), told.by_any(&after)),
            (stamp(9), Stamp::ZERO),
            "one of them may have lost it"
        );
        told.raise(node(3), stamp(7), &before, own);
        assert_eq!((told.by_any(&before), told.by_any(&after)), (stamp(9), stamp(7)));
        assert!(told.changed(ChangeId(stamp(6))), "the clock was set back");
        assert!(told.by_any(&after) < stamp(6));
    }

    #[test]
    fn what_a_peer_has_only_grows_until_the_clock_is_set_back() {
        let (mut told, peer) = (Told::default(), NodeId([7; 16]));
        assert!(told.put(peer, stamp(9)) && !told.put(peer, stamp(5)));
        assert_eq!(told.by(peer), stamp(9));
        assert!(!told.changed(ChangeId(stamp(10))));
        assert_eq!(told.by(peer), stamp(9));
        assert!(told.changed(ChangeId(stamp(9))));
        assert!(told.by(peer) < stamp(9));
    }

    #[test]
    fn the_peer_that_has_least_is_forgotten_where_there_are_too_many() {
        let mut told = Told::default();
        for number in 0..=PEERS_MAX {
            let peer = NodeId((number as u128 + 1).to_be_bytes());
            told.put(peer, stamp(1_000 - number as u64));
        }
        assert_eq!(told.0.len(), PEERS_MAX);
        assert_eq!(told.by(NodeId((PEERS_MAX as u128 + 1).to_be_bytes())), Stamp::ZERO);
    }
}
