//! What nodes say to each other, as plain data.

use burgee_model::NodeId;
use serde::{Deserialize, Serialize};

/// One start of one node. The incarnation is random at each start, so that a node that returns is
/// told from what is left of its former self.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeerId {
    /// The node.
    pub node: NodeId,
    /// Which start of it.
    pub incarnation: u64,
}

/// News for one peer; whether it arrives is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct News {}

/// What one peer asks another.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {}

/// What it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {}
