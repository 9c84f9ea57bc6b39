//! What others have of a node's own writes: up to which change, by peer.
//!
//! A node's changes bear its clock's readings, which grow from one to the next, as its stamps need not: a write to a
//! register whose value is ahead of the clock is stamped ahead of it too. So changes, not stamps, are counted.

use std::collections::BTreeMap;

use burgee_model::{NodeId, Stamp};
use serde::{Deserialize, Serialize};

use crate::{ChangeId, Table};

/// Peers of which it is remembered; of more, the one that has least is forgotten, as if it had nothing.
const PEERS_MAX: usize = 256;

/// Up to which change each peer has all that this node wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told(BTreeMap<NodeId, Stamp>);

impl Told {
    /// A peer has everything up to a change; says whether that is news.
    pub fn raise(&mut self, peer: NodeId, up_to: Stamp) -> bool {
        let known = self.0.entry(peer).or_insert(Stamp::ZERO);
        let is_news = up_to > *known;
        *known = up_to.max(*known);
        if self.0.len() > PEERS_MAX {
            let least = self.0.iter().min_by_key(|(_, up_to)| **up_to).map(|(peer, _)| *peer);
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

    /// Up to where every member of a roster but the node itself has it all.
    #[must_use]
    pub fn by_all(&self, table: &Table, own: NodeId) -> Stamp {
        let others = members(table).filter(|member| *member != own);
        others.map(|member| self.by(member)).min().unwrap_or(Stamp::ZERO)
    }

    /// Up to where any member of a roster has it all.
    #[must_use]
    pub fn by_any(&self, table: &Table) -> Stamp {
        members(table).map(|member| self.by(member)).max().unwrap_or(Stamp::ZERO)
    }

    fn by(&self, peer: NodeId) -> Stamp {
        self.0.get(&peer).copied().unwrap_or(Stamp::ZERO)
    }
}

fn members(table: &Table) -> impl Iterator<Item = NodeId> {
    let forgotten: std::collections::BTreeSet<NodeId> = table.forgotten().map(|(node, _)| node).collect();
    table.members().map(|(node, ..)| node).filter(move |node| !forgotten.contains(node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::stamp;

    #[test]
    fn what_a_peer_has_only_grows_until_the_clock_is_set_back() {
        let (mut told, peer) = (Told::default(), NodeId([7; 16]));
        assert!(told.raise(peer, stamp(9)) && !told.raise(peer, stamp(5)));
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
            let peer = NodeId((number as u128).to_be_bytes());
            told.raise(peer, stamp(1_000 - number as u64));
        }
        assert_eq!(told.0.len(), PEERS_MAX);
        assert_eq!(told.by(NodeId((PEERS_MAX as u128).to_be_bytes())), Stamp::ZERO);
    }
}
