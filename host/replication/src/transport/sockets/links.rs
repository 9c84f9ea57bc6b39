//! All links, by peer: which one to use, which ones are too many, and who is reached.
//!
//! Two nodes that dial each other have two links for a moment. The one that the lesser id dialled stays. The
//! node that dialled the link that stays closes the others: by then the peer has that link too, because who
//! is dialled takes a link into its own list before it answers. So neither side is ever without one. While the
//! link that would stay is silent, nothing is closed for it: the peer may know that it is dead.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::link::Link;
use crate::{
    message::PeerId,
    transport::{InboxSender, Membership},
    wire::Refusal,
};

/// Links to one peer that may be open at once.
const LINKS_PER_PEER: usize = 4;

/// The links of one node.
#[derive(Debug)]
pub(super) struct Links {
    peers: Mutex<Peers>,
    inbox: InboxSender,
    peers_max: usize,
}

#[derive(Debug, Default)]
struct Peers {
    /// Best first, never empty.
    links: BTreeMap<PeerId, Vec<Arc<Link>>>,
    /// The node leaves.
    closed: bool,
}

impl Links {
    pub(super) fn new(inbox: InboxSender, peers_max: usize) -> Self {
        Self { peers: Mutex::default(), inbox, peers_max }
    }

    /// Takes a link into the list. The peer appears with its first.
    pub(super) fn add(&self, link: &Arc<Link>) -> Result<(), Refusal> {
        let mut peers = self.lock();
        let full = peers.links.len() >= self.peers_max && !peers.links.contains_key(&link.peer);
        let links = peers.links.get(&link.peer).map_or(0, Vec::len);
        if peers.closed || full || links >= LINKS_PER_PEER {
            return Err(Refusal::Overflow);
        }
        let links = peers.links.entry(link.peer).or_default();
        links.push(Arc::clone(link));
        links.sort_by_key(|link| link.rank);
        if links.len() == 1 {
            if !self.inbox.membership(Membership::Up(link.peer)) {
                peers.links.remove(&link.peer);
                return Err(Refusal::Overflow);
            }
        } else if links[0].dialled.is_some() && !links[0].is_doubtful() {
            links.drain(1..).for_each(|link| {
                link.retire();
            });
        }
        Ok(())
    }

    /// Takes a link off the list, if it is there. The peer vanishes with its last.
    pub(super) fn remove(&self, link: &Link) {
        let mut peers = self.lock();
        let Some(links) = peers.links.get_mut(&link.peer) else { return };
        links.retain(|other| !std::ptr::eq(&raw const **other, link));
        if links.is_empty() {
            peers.links.remove(&link.peer);
            self.inbox.membership(Membership::Down(link.peer));
        }
    }

    /// The link to use: the best that is not in doubt.
    pub(super) fn to(&self, peer: PeerId) -> Option<Arc<Link>> {
        let peers = self.lock();
        let links = peers.links.get(&peer)?;
        links.iter().find(|link| !link.is_doubtful()).or(links.first()).cloned()
    }

    /// Every link to every peer.
    pub(super) fn all(&self) -> Vec<Arc<Link>> {
        self.lock().links.values().flatten().cloned().collect()
    }

    /// To whom dialling an endpoint led, where that link is still there.
    pub(super) fn dialled(&self, endpoint: &str) -> Option<PeerId> {
        let peers = self.lock();
        let mut links = peers.links.values().flatten();
        links.find(|link| link.dialled.as_deref() == Some(endpoint)).map(|link| link.peer)
    }

    /// Cuts all links to a peer; it vanishes now.
    pub(super) fn hang_up(&self, peer: PeerId) {
        let mut peers = self.lock();
        if let Some(links) = peers.links.remove(&peer) {
            links.iter().for_each(|link| link.cut());
            self.inbox.membership(Membership::Down(peer));
        }
    }

    /// Ends all links in order and takes no new ones; all peers vanish now.
    pub(super) fn close(&self) {
        let mut peers = self.lock();
        peers.closed = true;
        for (peer, links) in std::mem::take(&mut peers.links) {
            links.iter().for_each(|link| {
                link.retire();
            });
            self.inbox.membership(Membership::Down(peer));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, time::Duration};

    use burgee_model::NodeId;

    use super::{super::link::Rank, *};
    use crate::{
        config::ReplicationLimits,
        transport::{Inbox, inbox},
        wire::PROTOCOL,
    };

    fn links(peers_max: usize) -> (Links, Inbox) {
        let (sender, inbox) = inbox(&ReplicationLimits::default(), Arc::default());
        (Links::new(sender, peers_max), inbox)
    }

    /// A link of this node, which has the lesser id, to a peer.
    fn link(peer: u8, number: u64, ours: bool) -> Arc<Link> {
        let peer = PeerId { node: NodeId([peer; 16]), incarnation: 1 };
        let rank = Rank { greater_dialled: !ours, credentials: Reverse(0), number };
        let dialled = ours.then(|| format!("tcp/127.0.0.1:{number}"));
        Arc::new(Link::new((peer, PROTOCOL), rank, dialled, None, &ReplicationLimits::default()))
    }

    #[test]
    fn the_one_that_the_lesser_dialled_stays_and_nobody_vanishes() {
        let (links, mut inbox) = links(10);
        let (theirs, ours) = (link(2, 0, false), link(2, 1, true));
        links.add(&theirs).unwrap();
        links.add(&ours).unwrap();
        assert!(!theirs.retire(), "retired already");
        links.remove(&theirs);
        assert_eq!(inbox.membership.try_recv().unwrap(), Membership::Up(ours.peer));
        assert!(inbox.membership.try_recv().is_err());
        links.remove(&ours);
        assert_eq!(inbox.membership.try_recv().unwrap(), Membership::Down(ours.peer));
    }

    #[test]
    fn who_did_not_dial_the_one_that_stays_closes_none() {
        let (links, _inbox) = links(10);
        let (first, second) = (link(2, 0, false), link(2, 1, false));
        links.add(&first).unwrap();
        links.add(&second).unwrap();
        assert!(second.retire() && first.retire(), "neither was retired");
    }

    #[test]
    fn a_silent_link_takes_the_place_of_none() {
        let (links, _inbox) = links(10);
        let silent = link(2, 0, true);
        links.add(&silent).unwrap();
        std::thread::sleep(Duration::from_millis(1300));
        let new = link(2, 1, false);
        assert!(silent.is_doubtful());
        links.add(&new).unwrap();
        assert!(Arc::ptr_eq(&links.to(new.peer).unwrap(), &new), "it is the one to use");
        assert!(new.retire(), "it was not retired");
    }

    #[test]
    fn the_bounds_hold() {
        let (links, _inbox) = links(1);
        for number in 0..4 {
            links.add(&link(2, number, false)).unwrap();
        }
        assert_eq!(links.add(&link(2, 4, false)), Err(Refusal::Overflow), "links of one peer");
        assert_eq!(links.add(&link(3, 5, true)), Err(Refusal::Overflow), "peers");
    }
}
