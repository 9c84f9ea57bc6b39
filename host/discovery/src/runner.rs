//! Runs providers side by side, each in a task of its own.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    backoff::{Backoff, random},
    board::{Board, ProviderStatus},
    config::{DiscoveryConfig, ProviderConfig},
    dns::Dns,
    fixed::Fixed,
    provider::{Failure, Provider},
};

/// How long saying farewell may take.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(300);

/// Providers that run. Dropping it ends them.
#[derive(Debug)]
pub struct Discovery {
    board: Arc<Board>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Discovery {
    /// Starts what is configured and waits for nothing; a provider that is not reached is no error. `own` is where this
    /// node is reached, as peers are to be told. Needs a runtime.
    #[must_use]
    pub fn start(config: &DiscoveryConfig, own: Option<&str>) -> Self {
        let board = Board::new(config.providers.iter().map(ProviderConfig::name), config.endpoints_max);
        let mut discovery = Self { board, stop: watch::Sender::new(false), tasks: JoinSet::new() };
        for (at, provider) in config.providers.iter().enumerate() {
            discovery.run(at, provider, config, own);
        }
        discovery
    }

    fn run(&mut self, at: usize, provider: &ProviderConfig, config: &DiscoveryConfig, own: Option<&str>) {
        match provider {
            ProviderConfig::Static(endpoints) => self.spawn(at, Fixed::new(endpoints), config),
            ProviderConfig::Dns(dns) => self.spawn(at, Dns::new(dns, config), config),
            #[cfg(feature = "nats")]
            ProviderConfig::Nats(nats) => self.spawn(at, crate::nats::Nats::new(nats, config, own), config),
            #[cfg(feature = "kubernetes")]
            ProviderConfig::Kubernetes(pods) => {
                self.spawn(at, crate::kubernetes::Kubernetes::new(pods, config), config);
            }
            // the configuration is checked before, and refuses what was left out of this build
            #[cfg(not(all(feature = "nats", feature = "kubernetes")))]
            other => self.board.failed(at, &Failure::Refused(format!("this build has no {}", other.name()))),
        }
        #[cfg(not(feature = "nats"))]
        let _ = own;
    }

    fn spawn(&mut self, at: usize, provider: impl Provider, config: &DiscoveryConfig) {
        let (board, stop) = (Arc::clone(&self.board), self.stop.subscribe());
        let backoff = Backoff::new(config.interval);
        self.tasks.spawn(until_stopped(at, provider, board, backoff, stop));
    }

    /// The endpoints that all providers find together, now and later.
    #[must_use]
    pub fn found(&self) -> watch::Receiver<BTreeSet<String>> {
        self.board.found()
    }

    /// Tells how the providers are.
    #[must_use]
    pub fn view(&self) -> DiscoveryView {
        DiscoveryView(Arc::clone(&self.board))
    }

    /// Ends all providers; those that can say so to other nodes do. Takes a third of a second at most.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(LEAVE_TIMEOUT, ended).await;
    }
}

/// How the providers are, in the order in which they were configured. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DiscoveryView(Arc<Board>);

impl DiscoveryView {
    /// Each provider as it stands.
    #[must_use]
    pub fn status(&self) -> Vec<ProviderStatus> {
        self.0.status()
    }

    /// Whether any of them fails now.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.0.is_failing()
    }
}

async fn until_stopped(
    at: usize,
    mut provider: impl Provider,
    board: Arc<Board>,
    backoff: Backoff,
    mut stop: watch::Receiver<bool>,
) {
    // an error means that nobody is there any more who wants this
    let stopped = async { drop(stop.wait_for(|stop| *stop).await) };
    tokio::select! {
        () = keep_looking(at, &mut provider, &board, backoff) => {}
        () = stopped => provider.leave().await,
    }
}

/// Never completes.
async fn keep_looking(at: usize, provider: &mut impl Provider, board: &Board, mut backoff: Backoff) {
    loop {
        let failure = match provider.next().await {
            Ok(endpoints) if endpoints.is_empty() => Failure::Nobody("the answer is empty".to_owned()),
            Ok(endpoints) => {
                backoff.reset();
                board.answered(at, endpoints);
                continue;
            }
            Err(failure) => failure,
        };
        board.failed(at, &failure);
        sleep(backoff.pause(random())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives prepared answers, then none.
    struct Prepared(Vec<Result<BTreeSet<String>, Failure>>);

    impl Provider for Prepared {
        async fn next(&mut self) -> Result<BTreeSet<String>, Failure> {
            match self.0.pop() {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
    }

    async fn run(answers: Vec<Result<BTreeSet<String>, Failure>>) -> ProviderStatus {
        let board = Board::new(["dns"].into_iter(), 8);
        let mut provider = Prepared(answers.into_iter().rev().collect());
        let looking = keep_looking(0, &mut provider, &board, Backoff::new(Duration::ZERO));
        let _ = timeout(Duration::from_millis(50), looking).await;
        board.status().remove(0)
    }

    fn set(endpoint: &str) -> BTreeSet<String> {
        BTreeSet::from([endpoint.to_owned()])
    }

    #[tokio::test]
    async fn whoever_fails_is_asked_again() {
        let down = || Err(Failure::Unreachable("x".into()));
        let status = run(vec![down(), down(), Ok(set("a"))]).await;
        assert_eq!((status.failures, status.failing, status.endpoints), (2, None, set("a")));
    }

    #[tokio::test]
    async fn an_empty_answer_takes_nothing_away() {
        let status = run(vec![Ok(set("a")), Ok(BTreeSet::new())]).await;
        assert_eq!((status.failures, status.endpoints), (1, set("a")));
        assert_eq!(status.failing.as_deref(), Some("nobody is found: the answer is empty"));
    }
}
