//! Key expressions: only hex, so that no name can hold a wildcard.

use std::fmt::Write;

use burgee_model::NodeId;

use crate::message::PeerId;

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

    pub(super) fn hints(&self) -> String {
        format!("{}/hint/*", self.root)
    }

    pub(super) fn ask(&self, peer: PeerId) -> String {
        format!("{}/ask/{}/{:016x}", self.root, peer.node, peer.incarnation)
    }

    pub(super) fn asked(&self) -> String {
        self.ask(self.own)
    }

    pub(super) fn token(&self) -> String {
        format!("{}/node/{}/{:016x}", self.root, self.own.node, self.own.incarnation)
    }

    /// The nodes of all clusters that share the network, so that a wrong name is noticed.
    pub(super) fn all_nodes(&self) -> &'static str {
        "burgee/*/node/*/*"
    }

    pub(super) fn is_own_hint(&self, key: &str) -> bool {
        key == self.own_hint
    }

    pub(super) fn is_own(&self, peer: PeerId) -> bool {
        peer == self.own
    }

    /// Whose token a key is; `None` where it is none of this cluster's.
    pub(super) fn node(&self, key: &str) -> Option<PeerId> {
        let rest = key.strip_prefix(self.root.as_str())?.strip_prefix("/node/")?;
        let (node, incarnation) = rest.split_once('/')?;
        let node: NodeId = node.parse().ok()?;
        let incarnation = u64::from_str_radix(incarnation, 16).ok()?;
        Some(PeerId { node, incarnation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: PeerId = PeerId { node: NodeId([0xab; 16]), incarnation: 7 };

    #[test]
    fn reads_its_own_tokens_and_no_other_cluster_s() {
        let keys = Keys::new("a/*", OWN);
        assert_eq!(keys.node(&keys.token()), Some(OWN));
        assert_eq!(Keys::new("b", OWN).node(&keys.token()), None);
        assert_eq!(Keys::new("a/", OWN).node(&keys.token()), None);
    }

    #[test]
    fn no_name_reaches_a_key_expression() {
        let keys = Keys::new("**/$*?#//", OWN);
        assert!(keys.token().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/'));
    }
}
