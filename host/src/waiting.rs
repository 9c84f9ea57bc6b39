//! What the log says of a node that waits until it may serve: that it waits, why, and that it is over.

use std::time::Duration;

use burgee_replication::Readiness;
use tokio::{sync::watch, time};

/// How often the log may speak of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long a node may take to become ready until the log says that it waits.
    pub(crate) patience: Duration,
    /// The least time between two lines that say why it waits.
    pub(crate) period: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { patience: Duration::from_millis(500), period: Duration::from_secs(10) }
    }
}

/// Says that the replica waits, and why, each time that the reasons are others than those said before; and that it is
/// ready again. That a node is ready for the first time says whoever loads its files. Ends with replication.
pub(crate) async fn tell(mut readiness: watch::Receiver<Readiness>, pace: Pace) {
    if time::timeout(pace.patience, until(&mut readiness, true)).await.is_err() {
        explain(&mut readiness, pace).await;
    }
    while until(&mut readiness, false).await {
        explain(&mut readiness, pace).await;
        tracing::info!("ready again");
        // whoever comes and goes in turns says so no more often
        time::sleep(pace.period).await;
    }
}

/// Waits for one or the other; false where nobody will say so any more.
async fn until(readiness: &mut watch::Receiver<Readiness>, ready: bool) -> bool {
    readiness.wait_for(|now| now.ready == ready).await.is_ok()
}

/// Says why the replica waits until it is ready.
async fn explain(readiness: &mut watch::Receiver<Readiness>, pace: Pace) {
    let mut said = Vec::new();
    loop {
        let Readiness { ready, reasons, .. } = readiness.borrow_and_update().clone();
        if ready {
            return;
        }
        if reasons != said {
            let why: Vec<&str> = reasons.iter().map(|reason| in_words(reason)).collect();
            tracing::info!(reasons = reasons.join(", "), "waiting to be ready: {}", why.join("; "));
            said = reasons;
            let _ = time::timeout(pace.period, until(readiness, true)).await;
        } else if readiness.changed().await.is_err() {
            return;
        }
    }
}

/// What a reason means.
fn in_words(reason: &'static str) -> &'static str {
    match reason {
        "no_peer" => "no other node is reached",
        "joining" => "another node's data is being read, or no node that is reached is ready",
        "name_in_use" => "a live node has this one's name",
        "resynchronising" => "the cluster has gone on without this node, whose data is compared with a ready node's",
        "operator_decides" => {
            "nobody who is ready was reached in time; if nobody will come, --trust-own-data has this node serve what it holds"
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// A log that is kept.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;
        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    impl Log {
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    fn waiting(reason: &'static str) -> Readiness {
        Readiness { ready: false, reasons: vec![reason], alone: false }
    }

    fn ready() -> Readiness {
        Readiness { ready: true, reasons: Vec::new(), alone: false }
    }

    const PACE: Pace = Pace { patience: Duration::from_millis(200), period: Duration::from_millis(400) };

    /// What is said while this becomes of a node; each state lasts so many milliseconds.
    async fn said(states: impl IntoIterator<Item = (Readiness, u64)>) -> Vec<String> {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).without_time().with_ansi(false);
        let _guard = tracing::subscriber::set_default(subscriber.finish());
        let sender = watch::Sender::new(waiting("joining"));
        let living = async {
            for (state, ms) in states {
                sender.send_replace(state);
                time::sleep(Duration::from_millis(ms)).await;
            }
        };
        tokio::select! {
            () = tell(sender.subscribe(), PACE) => {}
            () = living => {}
        }
        log.lines()
    }

    #[tokio::test]
    async fn a_node_that_is_ready_soon_says_nothing() {
        assert_eq!(said([(waiting("joining"), 1), (ready(), 500)]).await, [""; 0]);
    }

    #[tokio::test]
    async fn each_reason_is_said_once_and_seldom() {
        let lines = said([(waiting("no_peer"), 900), (waiting("joining"), 900), (ready(), 100)]).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("no_peer") && lines[1].contains("joining"), "{lines:?}");
        let turns = ["joining", "no_peer"].into_iter().cycle().map(|reason| (waiting(reason), 10));
        let begun = time::Instant::now();
        let lines = said(turns.take(100)).await;
        let most = usize::try_from(begun.elapsed().as_millis() / PACE.period.as_millis()).unwrap() + 1;
        assert!((1..=most).contains(&lines.len()), "{lines:?}");
    }

    #[tokio::test]
    async fn a_node_that_falls_back_says_so_and_that_it_is_over() {
        let lines = said([(ready(), 100), (waiting("resynchronising"), 100), (ready(), 100)]).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("waiting to be ready") && lines[1].contains("ready again"), "{lines:?}");
    }
}
