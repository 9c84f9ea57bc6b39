//! Who is reached, and who no longer is.

use super::*;

/// Who closes is missed at once; a new start of it is another peer.
pub(crate) async fn notices_who_leaves_and_returns(network: impl Network) {
    let [mut a, mut b, c] = three(&network).await;
    let unanswered = a.transport.request(c.id, Bytes::new(), PATIENCE);
    let leave = async {
        sleep(Duration::from_millis(50)).await;
        c.transport.close().await;
        drop(c);
    };
    let (unanswered, ()) = tokio::join!(timeout(Duration::from_secs(2), unanswered), leave);
    assert_eq!(unanswered.unwrap(), Err(RequestError::Unreachable));
    assert_eq!(a.change().await, Membership::Down(id(3)));
    assert_eq!(b.change().await, Membership::Down(id(3)));
    let d = network.node(4, &ReplicationLimits::default()).await;
    d.transport.dial(&a.endpoint).await.unwrap();
    assert_eq!(a.change().await, Membership::Up(d.id));
}

/// Links are made and ended while the nodes run.
pub(crate) async fn dials_and_hangs_up(network: impl Network) {
    let [mut a, mut b] = two(&network).await;
    assert_eq!(b.transport.dial(&a.endpoint).await, Ok(a.id), "there is a link already");
    assert!(matches!(a.transport.dial("nonsense").await, Err(DialError::Endpoint(_) | DialError::Unreachable(_))));
    a.transport.hang_up(b.id);
    assert_eq!(a.change().await, Membership::Down(b.id));
    assert_eq!(b.change().await, Membership::Down(a.id));
    assert!(!a.tell(b.id, "gone"));
    assert_eq!(a.transport.dial(&b.endpoint).await, Ok(b.id));
    assert_eq!(a.change().await, Membership::Up(b.id));
    assert_eq!(b.change().await, Membership::Up(a.id));
    assert!(a.tell(b.id, "again"));
    assert_eq!(&b.receives().await.frame[..], b"again");
}

pub(crate) async fn dialling_itself_gives_its_own_id(network: impl Network) {
    let mut a = network.node(1, &ReplicationLimits::default()).await;
    for _ in 0..3 {
        assert_eq!(a.transport.dial(&a.endpoint).await, Ok(a.id));
    }
    sleep(Duration::from_millis(50)).await;
    assert!(a.inbox.membership.try_recv().is_err());
    assert!(a.refusals.totals().is_empty(), "{:?}", a.refusals.totals());
}

/// Two nodes that dial each other, also several times, appear to each other once and never vanish.
pub(crate) async fn mutual_dialling_gives_one_peer(network: impl Network) {
    for round in 0..50 {
        let limits = ReplicationLimits::default();
        let (mut a, mut b) = (network.node(1, &limits).await, network.node(2, &limits).await);
        let from_a = async { a.transport.dial(&b.endpoint).await };
        let from_b = async {
            // From before to after the other.
            sleep(Duration::from_micros(round * 40)).await;
            b.transport.dial(&a.endpoint).await
        };
        let (to_b, to_a) = tokio::join!(from_a, from_b);
        assert_eq!((to_b, to_a), (Ok(b.id), Ok(a.id)), "round {round}");
        assert_eq!(a.change().await, Membership::Up(b.id));
        assert_eq!(b.change().await, Membership::Up(a.id));
        for _ in 0..3 {
            sleep(Duration::from_millis(5)).await;
            assert!(a.tell(b.id, "to b") && b.tell(a.id, "to a"));
            assert_eq!(&a.receives().await.frame[..], b"to a");
            assert_eq!(&b.receives().await.frame[..], b"to b");
        }
        let changes = [a.inbox.membership.try_recv(), b.inbox.membership.try_recv()];
        assert!(changes.iter().all(Result::is_err), "round {round}: {changes:?}");
    }
}
