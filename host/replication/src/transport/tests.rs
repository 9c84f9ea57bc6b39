//! What only sockets do: certificates, refusals, strangers. What every transport does, `tests/conformance` holds.

mod certificates;
mod networks;
mod refused;
mod rotation;
mod strangers;

use std::collections::BTreeSet;

use burgee_model::NodeId;
use tokio::time::{sleep, timeout};

use self::networks::Sockets;
use super::{sockets::SocketsTransport, *};

/// Longer than anything takes; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// One node under test.
struct Node {
    id: PeerId,
    endpoint: String,
    transport: SocketsTransport,
    inbox: Inbox,
    refusals: Arc<Refusals>,
}

fn id(number: u8) -> PeerId {
    PeerId { node: NodeId([number; 16]), incarnation: u64::from(number) + 100 }
}

impl Node {
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
async fn two(network: &Sockets) -> [Node; 2] {
    let limits = ReplicationLimits::default();
    let (mut a, mut b) = (network.node(1, &limits).await, network.node(2, &limits).await);
    assert_eq!(b.transport.dial(&a.endpoint).await, Ok(a.id));
    a.sees(&[b.id]).await;
    b.sees(&[a.id]).await;
    [a, b]
}
