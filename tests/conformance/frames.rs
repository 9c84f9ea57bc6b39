//! What is sent arrives, and what does not is known in time.

use std::time::Instant;

use super::*;

/// A frame reaches the one it is for, in order, and nobody else.
pub(crate) async fn go_to_one_in_order(network: impl Network) {
    let [mut a, mut b, mut c] = three(&network).await;
    let texts = ["one", "two", "three", ""];
    for text in texts {
        assert!(a.tell(b.id, text));
    }
    for text in texts {
        let incoming = b.receives().await;
        assert_eq!((incoming.from, &incoming.frame[..]), (a.id, text.as_bytes()));
        assert!(incoming.responder.is_none());
    }
    assert!(b.tell(c.id, "four") && c.tell(a.id, "five"));
    assert_eq!(&c.receives().await.frame[..], b"four");
    assert_eq!(&a.receives().await.frame[..], b"five");
    assert!(!a.tell(id(9), "nobody"));
    assert!([&mut a, &mut b, &mut c].iter_mut().all(|node| node.inbox.frames.try_recv().is_err()));
}

/// A request reaches the one it is for; its answer comes back.
pub(crate) async fn asks_one_and_gets_its_answer(network: impl Network) {
    let [a, mut b, mut c] = three(&network).await;
    let to = b.id;
    let serve = async {
        for _ in 0..2 {
            let incoming = b.receives().await;
            assert_eq!(incoming.from, a.id);
            let answer = [&incoming.frame[..], b"!"].concat();
            incoming.responder.unwrap().answer(answer.into());
        }
    };
    let ask = |text: &'static [u8]| a.transport.request(to, Bytes::from_static(text), PATIENCE);
    let (first, second, ()) = tokio::join!(ask(b"1"), ask(b"2"), serve);
    assert_eq!((&first.unwrap()[..], &second.unwrap()[..]), (&b"1!"[..], &b"2!"[..]));
    assert!(c.inbox.frames.try_recv().is_err());
}

/// Large frames come whole, and news overtakes them.
pub(crate) async fn large_ones_come_whole(network: impl Network) {
    let [a, mut b] = two(&network).await;
    let (to, back) = (b.id, a.id);
    for size in [1 << 20, 1 << 25] {
        let body: Bytes = (0..size).map(|i: usize| u8::try_from(i % 251).unwrap()).collect::<Vec<_>>().into();
        let (expected, news) = (body.clone(), body.clone());
        let serve = async {
            let incoming = b.receives().await;
            incoming.responder.unwrap().answer(body);
        };
        let (answer, ()) = tokio::join!(a.transport.request(to, Bytes::new(), PATIENCE), serve);
        assert!(answer.unwrap() == expected);
        assert!(a.transport.send(to, news));
        let incoming = b.receives().await;
        assert!(incoming.frame == expected && incoming.from == back);
    }
}

/// Nobody there, nobody answering, or no wish to answer: an error in time.
pub(crate) async fn fails_in_time(network: impl Network) {
    let [a, mut b, c] = three(&network).await;
    let short = Duration::from_millis(300);
    let nobody = timeout(PATIENCE, a.transport.request(id(9), Bytes::new(), short)).await.unwrap();
    assert_eq!(nobody, Err(RequestError::Unreachable));
    let to = b.id;
    let refuse = async { drop(b.receives().await) };
    let (refused, ()) = tokio::join!(a.transport.request(to, Bytes::new(), PATIENCE), refuse);
    assert_eq!(refused, Err(RequestError::Unreachable));
    let silent = timeout(PATIENCE, a.transport.request(c.id, Bytes::new(), short)).await.unwrap();
    assert_eq!(silent, Err(RequestError::TimedOut));
}

/// A node that does not read its inbox holds bounded memory and delays nobody; what it loses is counted.
pub(crate) async fn a_reader_that_sleeps_delays_nobody(network: impl Network) {
    let limits = ReplicationLimits::default();
    let mut a = network.node(1, &limits).await;
    let mut b = network.node(2, &limits).await;
    let sleeper = network.node(3, &ReplicationLimits { inbox_frames: 8, ..limits.clone() }).await;
    a.transport.dial(&b.endpoint).await.unwrap();
    a.transport.dial(&sleeper.endpoint).await.unwrap();
    a.sees(&[b.id, sleeper.id]).await;
    b.sees(&[a.id]).await;
    let mut longest = Duration::ZERO;
    for _ in 0..300 {
        a.tell(sleeper.id, "news");
        let sent = Instant::now();
        assert!(a.tell(b.id, "news"));
        b.receives().await;
        longest = longest.max(sent.elapsed());
    }
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    sleeper.refuses("overflow", 292).await;
    assert_eq!(sleeper.inbox.frames.len(), 8);
}
