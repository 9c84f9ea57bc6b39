//! One suite for every network that replication runs over: in memory, over TCP, over QUIC, and the simulator's. What
//! the core is shown to survive under the last of them means little unless all of them keep to the same terms. (Of the
//! simulator its links are held to them: who is reached, and what of that is heard of when. Its machines deliver frames
//! into processes of their own, here they go into the product's inbox.)

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod dialling;
mod frames;
mod networks;
mod simulated;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use burgee_model::NodeId;
use burgee_replication::{
    Refusals, ReplicationLimits,
    message::PeerId,
    transport::{DialError, Inbox, Incoming, Membership, RequestError, Transport},
};
use bytes::Bytes;
use tokio::time::{sleep, timeout};

use self::networks::{Memory, Network, Sockets};
use self::simulated::Simulated;

/// Longer than anything takes; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// One node under test.
struct Node<T> {
    id: PeerId,
    endpoint: String,
    transport: T,
    inbox: Inbox,
    refusals: Arc<Refusals>,
}

fn id(number: u8) -> PeerId {
    PeerId { node: NodeId([number; 16]), incarnation: u64::from(number) + 100 }
}

impl<T: Transport> Node<T> {
    /// Waits until exactly these nodes have appeared since the last call, or vanished if they had.
    async fn sees(&mut self, expected: &[PeerId]) {
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        let mut seen = BTreeSet::new();
        while seen != expected {
            match self.change().await {
                Membership::Up(peer) => seen.insert(peer),
                Membership::Down(peer) => seen.remove(&peer),
            };
        }
    }

    async fn change(&mut self) -> Membership {
        timeout(PATIENCE, self.inbox.membership.recv()).await.expect("a change").unwrap()
    }

    async fn receives(&mut self) -> Incoming {
        timeout(PATIENCE, self.inbox.frames.recv()).await.expect("a frame").unwrap()
    }

    fn tell(&self, to: PeerId, text: &'static str) -> bool {
        self.transport.send(to, Bytes::from_static(text.as_bytes()))
    }

    /// Waits until frames were refused for a reason.
    async fn refuses(&self, reason: &str, count: u64) {
        let refused = async {
            while self.refusals.totals().get(reason) != Some(&count) {
                sleep(LOOK).await;
            }
        };
        if timeout(PATIENCE, refused).await.is_err() {
            panic!("{reason} should be {count}: {:?}", self.refusals.totals());
        }
    }
}

/// Two nodes with a link.
async fn two<N: Network>(network: &N) -> [Node<N::Transport>; 2] {
    let limits = ReplicationLimits::default();
    let (mut a, mut b) = (network.node(1, &limits).await, network.node(2, &limits).await);
    assert_eq!(b.transport.dial(&a.endpoint).await, Ok(a.id));
    a.sees(&[b.id]).await;
    b.sees(&[a.id]).await;
    [a, b]
}

/// Three nodes with links from each to each.
async fn three<N: Network>(network: &N) -> [Node<N::Transport>; 3] {
    let [mut a, mut b] = two(network).await;
    let mut c = network.node(3, &ReplicationLimits::default()).await;
    assert_eq!(c.transport.dial(&a.endpoint).await, Ok(a.id));
    assert_eq!(b.transport.dial(&c.endpoint).await, Ok(c.id));
    a.sees(&[c.id]).await;
    b.sees(&[c.id]).await;
    c.sees(&[a.id, b.id]).await;
    [a, b, c]
}

macro_rules! conformance {
    ($($module:ident::$case:ident),* $(,)?) => {
        conformance! { @over memory, super::Memory::new(), $($module::$case),* }
        conformance! { @over tcp, super::Sockets::tcp(), $($module::$case),* }
        conformance! { @over quic, super::Sockets::quic(), $($module::$case),* }
        conformance! { @over simulator, super::Simulated::new(), $($module::$case),* }
    };
    (@over $name:ident, $network:expr, $($module:ident::$case:ident),*) => {
        mod $name {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$module::$case($network).await;
            })*
        }
    };
}

conformance! {
    frames::go_to_one_in_order,
    frames::asks_one_and_gets_its_answer,
    frames::large_ones_come_whole,
    frames::fails_in_time,
    frames::a_reader_that_sleeps_delays_nobody,
    dialling::notices_who_leaves_and_returns,
    dialling::dials_and_hangs_up,
    dialling::dialling_itself_gives_its_own_id,
    dialling::mutual_dialling_gives_one_peer,
}
