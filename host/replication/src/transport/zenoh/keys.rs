//! Key expressions: only hex, so that no name can hold a wildcard.

use std::fmt::Write;

use burgee_model::NodeId;

use crate::message::PeerId;

/// Which of two sets of key expressions a node has declared; they alternate, see `declared`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Even,
    Odd,
}

impl Turn {
    pub(super) const ALL: [Self; 2] = [Self::Even, Self::Odd];

    pub(super) fn next(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }

    fn digit(self) -> &'static str {
        match self {
            Self::Even => "0",
            Self::Odd => "1",
        }
    }
}

/// The key expressions of one node.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// `burgee/<cluster>`.
    root: String,
    own: PeerId,
    own_hint: String,
}

impl Keys {
    pub(super) fn new(cluster: &str, own: PeerId) -> Self {
        let mut root = "burgee/".to_owned();
        cluster.bytes().for_each(|byte| {
            // Writing to a string cannot fail.
            let _ = write!(root, "{byte:02x}");
        });
        let own_hint = format!("{root}/hint/{}", own.node);
        Self { root, own, own_hint }
    }

    pub(super) fn hint(&self) -> String {
        self.own_hint.clone()
    }

    /// Everybody's hints: the same set for both turns, in different words.
    pub(super) fn hints(&self, turn: Turn) -> String {
        let all = match turn {
            Turn::Even => "*",
            Turn::Odd => "**",
        };
        format!("{}/hint/{all}", self.root)
    }

    /// What a peer is asked by, whichever turn it has.
    pub(super) fn ask(&self, peer: PeerId) -> String {
        format!("{}/ask/{}/{:016x}/*", self.root, peer.node, peer.incarnation)
    }

    /// What this node is asked by.
    pub(super) fn asked(&self, turn: Turn) -> String {
        format!("{}/ask/{}/{:016x}/{}", self.root, self.own.node, self.own.incarnation, turn.digit())
    }

    /// This node's token.
    pub(super) fn token(&self, turn: Turn) -> String {
        format!("{}/node/{}/{:016x}/{}", self.root, self.own.node, self.own.incarnation, turn.digit())
    }

    /// The nodes of all clusters that share the network, so that a wrong name is noticed.
    pub(super) fn all_nodes(&self) -> &'static str {
        "burgee/*/node/*/*/*"
    }

    pub(super) fn is_own_hint(&self, key: &str) -> bool {
        key == self.own_hint
    }

    pub(super) fn is_own(&self, peer: PeerId) -> bool {
        peer == self.own
    }

    /// Whose token a key is; `None` where it is none of this cluster's.
    pub(super) fn node(&self, key: &str) -> Option<(PeerId, Turn)> {
        let rest = key.strip_prefix(self.root.as_str())?.strip_prefix("/node/")?;
        let (node, rest) = rest.split_once('/')?;
        let (incarnation, turn) = rest.split_once('/')?;
        let node: NodeId = node.parse().ok()?;
        let incarnation = u64::from_str_radix(incarnation, 16).ok()?;
        let turn = Turn::ALL.into_iter().find(|each| each.digit() == turn)?;
        Some((PeerId { node, incarnation }, turn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: PeerId = PeerId { node: NodeId([0xab; 16]), incarnation: 7 };

    #[test]
    fn reads_its_own_tokens_and_no_other_cluster_s() {
        let keys = Keys::new("a/*", OWN);
        for turn in Turn::ALL {
            assert_eq!(keys.node(&keys.token(turn)), Some((OWN, turn)));
            assert_eq!(Keys::new("b", OWN).node(&keys.token(turn)), None);
            assert_eq!(Keys::new("a/", OWN).node(&keys.token(turn)), None);
        }
    }

    #[test]
    fn no_name_reaches_a_key_expression() {
        let keys = Keys::new("**/$*?#//", OWN);
        assert!(keys.token(Turn::Odd).bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/'));
    }
}
