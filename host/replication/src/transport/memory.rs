//! A network in memory, for tests: nodes of one process, with links that can be cut, slowed and made to lose
//! what is sent. Frames arrive in order, also late ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use super::{DialError, InboxSender, Membership, RequestError, Responder, Transport};
use crate::message::PeerId;

/// Frames that may be under way to one node where the network is slow.
const UNDER_WAY: usize = 4096;

/// The nodes of one network. Cloning is cheap; all clones are the same network.
#[derive(Clone, Debug, Default)]
pub struct MemoryNetwork(Arc<Mutex<Net>>);

#[derive(Debug, Default)]
struct Net {
    nodes: BTreeMap<PeerId, Node>,
    /// Pairs of nodes that have a link, lesser first.
    links: BTreeSet<(PeerId, PeerId)>,
    /// Nodes that reach nobody for now.
    cut: BTreeSet<PeerId>,
    /// Pairs of nodes that do not reach each other for now, lesser first.
    separated: BTreeSet<(PeerId, PeerId)>,
    /// Sent frames that are still to be lost.
    losing: usize,
    delay: Duration,
    endpoints: usize,
}

#[derive(Debug)]
struct Node {
    endpoint: String,
    arrivals: mpsc::Sender<Arrival>,
    inbox: InboxSender,
}

/// A frame on its way.
#[derive(Debug)]
struct Arrival {
    at: Instant,
    from: PeerId,
    frame: Bytes,
    responder: Option<Responder>,
}

/// One node's end. Dropping it leaves the network.
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

    /// A node of its own, which reaches nobody until it dials or is dialled. Needs a runtime.
    #[must_use]
    pub fn join(&self, own: PeerId, inbox: InboxSender) -> MemoryTransport {
        let (arrivals, arriving) = mpsc::channel(UNDER_WAY);
        tokio::spawn(deliver(arriving, inbox.clone()));
        let mut net = self.lock();
        net.endpoints += 1;
        let endpoint = format!("memory/{}", net.endpoints);
        net.nodes.insert(own, Node { endpoint: endpoint.clone(), arrivals, inbox });
        MemoryTransport { network: self.clone(), own, endpoint }
    }

    /// Cuts all links of a node; both sides notice. Until it is healed nobody dials it, nor it anybody.
    pub fn cut(&self, node: PeerId) {
        let mut net = self.lock();
        net.part(node);
        net.cut.insert(node);
    }

    /// Ends a cut. Links come back when somebody dials.
    pub fn heal(&self, node: PeerId) {
        self.lock().cut.remove(&node);
    }

    /// Cuts the link between two nodes alone; both notice.
    pub fn separate(&self, a: PeerId, b: PeerId) {
        let mut net = self.lock();
        net.separated.insert(pair(a, b));
        net.unlink(pair(a, b));
    }

    /// Loses the next frames that are sent. A request that is lost fails at once.
    pub fn lose(&self, frames: usize) {
        self.lock().losing = frames;
    }

    /// How long every frame takes from now on.
    pub fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    fn leave(&self, node: PeerId) {
        let mut net = self.lock();
        net.part(node);
        net.nodes.remove(&node);
        net.cut.remove(&node);
    }

    fn lock(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn deliver(mut arriving: mpsc::Receiver<Arrival>, inbox: InboxSender) {
    while let Some(Arrival { at, from, frame, responder }) = arriving.recv().await {
        sleep_until(at).await;
        inbox.frame(from, frame, responder);
    }
}

fn pair(a: PeerId, b: PeerId) -> (PeerId, PeerId) {
    (a.min(b), a.max(b))
}

impl Net {
    fn tell_each_other(&self, (a, b): (PeerId, PeerId), change: fn(PeerId) -> Membership) {
        for (node, other) in [(a, b), (b, a)] {
            if let Some(node) = self.nodes.get(&node) {
                node.inbox.membership(change(other));
            }
        }
    }

    /// Makes a link where there is none.
    fn join(&mut self, a: PeerId, b: PeerId) {
        if self.links.insert(pair(a, b)) {
            self.tell_each_other((a, b), Membership::Up);
        }
    }

    /// Ends the links of a node.
    fn part(&mut self, node: PeerId) {
        let links: Vec<_> = self.links.iter().filter(|(a, b)| [*a, *b].contains(&node)).copied().collect();
        links.into_iter().for_each(|link| self.unlink(link));
    }

    fn unlink(&mut self, link: (PeerId, PeerId)) {
        if self.links.remove(&link) {
            self.tell_each_other(link, Membership::Down);
        }
    }

    /// Sends a frame on its way; false where there is no link, or too much is under way.
    fn send(&mut self, from: PeerId, to: PeerId, frame: Bytes, responder: Option<Responder>) -> bool {
        let Some(node) = self.nodes.get(&to).filter(|_| self.links.contains(&pair(from, to))) else { return false };
        if self.losing > 0 {
            self.losing -= 1;
            return true;
        }
        node.arrivals.try_send(Arrival { at: Instant::now() + self.delay, from, frame, responder }).is_ok()
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
    async fn dial(&self, endpoint: &str) -> Result<PeerId, DialError> {
        let mut net = self.network.lock();
        let Some(peer) = net.nodes.iter().find(|(_, node)| node.endpoint == endpoint).map(|(id, _)| *id) else {
            return Err(DialError::Unreachable(endpoint.to_owned()));
        };
        let separated = net.separated.contains(&pair(self.own, peer));
        if separated || net.cut.contains(&peer) || net.cut.contains(&self.own) || !net.nodes.contains_key(&self.own) {
            return Err(DialError::Unreachable(endpoint.to_owned()));
        }
        if peer != self.own {
            net.join(self.own, peer);
        }
        Ok(peer)
    }

    fn hang_up(&self, peer: PeerId) {
        self.network.lock().unlink(pair(self.own, peer));
    }

    fn send(&self, to: PeerId, frame: Bytes) -> bool {
        self.network.lock().send(self.own, to, frame, None)
    }

    async fn request(&self, to: PeerId, frame: Bytes, within: Duration) -> Result<Bytes, RequestError> {
        let (answer, answered) = oneshot::channel();
        let (network, link) = (self.network.clone(), pair(self.own, to));
        let responder = Responder::new(move |frame| {
            let net = network.lock();
            if net.links.contains(&link) {
                // Who asked may have given up.
                let _ = answer.send((Instant::now() + net.delay, frame));
            }
        });
        if !self.network.lock().send(self.own, to, frame, Some(responder)) {
            return Err(RequestError::Unreachable);
        }
        let answer = async {
            let (at, frame) = answered.await.map_err(|_| RequestError::Unreachable)?;
            sleep_until(at).await;
            Ok(frame)
        };
        timeout(within, answer).await.unwrap_or(Err(RequestError::TimedOut))
    }

    async fn close(&self) {
        self.network.leave(self.own);
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.network.leave(self.own);
    }
}
