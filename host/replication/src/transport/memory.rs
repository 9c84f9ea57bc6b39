//! A network in memory, for tests: nodes of one process, with links that can be cut and hints that can be
//! lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{DialError, InboxSender, Membership, RequestError, Responder, Transport};
use crate::message::PeerId;

/// The nodes of one network. Cloning is cheap; all clones are the same network.
#[derive(Clone, Debug, Default)]
pub struct MemoryNetwork(Arc<Mutex<Net>>);

#[derive(Debug, Default)]
struct Net {
    nodes: BTreeMap<PeerId, Node>,
    /// Nodes that reach nobody for now.
    cut: BTreeSet<PeerId>,
    /// Published frames that are still to be lost.
    losing: usize,
    endpoints: usize,
}

#[derive(Debug)]
struct Node {
    inbox: InboxSender,
    endpoint: String,
    /// Nodes of the same island reach each other.
    island: usize,
}

/// One node's end.
#[derive(Debug)]
pub struct MemoryTransport {
    network: MemoryNetwork,
    own: PeerId,
    endpoint: String,
}

impl MemoryNetwork {
    /// A network without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A node of its own, which reaches nobody until it dials or is dialled.
    #[must_use]
    pub fn join(&self, own: PeerId, inbox: InboxSender) -> MemoryTransport {
        let mut net = self.lock();
        net.endpoints += 1;
        let (island, endpoint) = (net.endpoints, format!("memory/{}", net.endpoints));
        net.nodes.insert(own, Node { inbox, endpoint: endpoint.clone(), island });
        MemoryTransport { network: self.clone(), own, endpoint }
    }

    /// Cuts all links of a node; both sides notice.
    pub fn cut(&self, node: PeerId) {
        let mut net = self.lock();
        net.tell_each_other(node, Membership::Down);
        net.cut.insert(node);
    }

    /// Restores the links of a node; both sides notice.
    pub fn heal(&self, node: PeerId) {
        let mut net = self.lock();
        net.cut.remove(&node);
        net.tell_each_other(node, Membership::Up);
    }

    /// Loses the next published frames.
    pub fn lose(&self, frames: usize) {
        self.lock().losing = frames;
    }

    fn lock(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Net {
    fn reached_by(&self, node: PeerId) -> impl Iterator<Item = (&PeerId, &Node)> {
        let island = self.nodes.get(&node).map(|node| node.island).filter(|_| !self.cut.contains(&node));
        self.nodes
            .iter()
            .filter(move |(id, other)| **id != node && Some(other.island) == island && !self.cut.contains(id))
    }

    fn tell_each_other(&self, node: PeerId, change: fn(PeerId) -> Membership) {
        let Some(own) = self.nodes.get(&node) else { return };
        for (id, other) in self.reached_by(node) {
            own.inbox.membership(change(*id));
            other.inbox.membership(change(node));
        }
    }

    /// Makes one island of two.
    fn merge(&mut self, into: usize, from: usize) {
        let moved: Vec<PeerId> = self.nodes.iter().filter(|(_, n)| n.island == from).map(|(id, _)| *id).collect();
        let there: Vec<PeerId> = self.nodes.iter().filter(|(_, n)| n.island == into).map(|(id, _)| *id).collect();
        for id in moved {
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            node.island = into;
            for other in there.iter().filter(|other| !self.cut.contains(other) && !self.cut.contains(&id)) {
                let (Some(a), Some(b)) = (self.nodes.get(&id), self.nodes.get(other)) else { continue };
                a.inbox.membership(Membership::Up(*other));
                b.inbox.membership(Membership::Up(id));
            }
        }
    }
}

impl MemoryTransport {
    /// Where others dial this node.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Transport for MemoryTransport {
    async fn publish(&self, frame: Bytes) {
        let mut net = self.network.lock();
        if net.losing > 0 {
            net.losing -= 1;
            return;
        }
        net.reached_by(self.own).for_each(|(_, node)| node.inbox.frame(frame.clone(), None));
    }

    async fn request(&self, to: PeerId, frame: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let inbox = {
            let net = self.network.lock();
            net.reached_by(self.own).find(|(id, _)| **id == to).map(|(_, node)| node.inbox.clone())
        };
        let (answer, answered) = oneshot::channel();
        let responder = Responder::new(move |frame| {
            // Who asked may have given up.
            let _ = answer.send(frame);
        });
        inbox.ok_or(RequestError::Unreachable)?.frame(frame, Some(responder));
        match tokio::time::timeout(timeout, answered).await {
            Ok(answer) => answer.map_err(|_| RequestError::Unreachable),
            Err(_) => Err(RequestError::TimedOut),
        }
    }

    async fn dial(&self, endpoint: &str) -> Result<(), DialError> {
        let mut net = self.network.lock();
        let Some(island) = net.nodes.values().find(|node| node.endpoint == endpoint).map(|node| node.island) else {
            return Err(DialError::Unreachable(endpoint.to_owned()));
        };
        let own = net.nodes.get(&self.own).map(|node| node.island);
        if let Some(own) = own.filter(|own| *own != island) {
            net.merge(own, island);
        }
        Ok(())
    }

    async fn renew(&self) {
        self.network.cut(self.own);
        self.network.heal(self.own);
    }

    async fn close(&self) {
        let mut net = self.network.lock();
        net.tell_each_other(self.own, Membership::Down);
        net.nodes.remove(&self.own);
        net.cut.remove(&self.own);
    }
}
