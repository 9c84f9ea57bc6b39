//! The connection to NATS, and what a node says over it.

use std::{fmt::Display, time::Duration};

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr, Subscriber};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::announcement::{Announcement, What};
use crate::{
    backoff::{jitter, random},
    config::{DiscoveryConfig, NatsConfig},
    provider::Failure,
};

/// Messages that may wait to be read, and to be sent. Beyond it they are dropped: they are repeated anyway.
const WAITING: usize = 1024;

/// What a node says, and where.
pub(super) struct Voice {
    url: String,
    subject: String,
    timeout: Duration,
    interval: Duration,
    cluster: String,
    node: String,
    /// Where this node is reached; one that is not only asks.
    own: Option<String>,
}

/// A connection.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) messages: Subscriber,
    /// When this node says again where it is.
    pub(super) announce_at: Instant,
    /// When what was heard is told, if nothing changes before.
    pub(super) tell_at: Option<Instant>,
    /// Whether the connection is lost.
    pub(super) lost: watch::Receiver<bool>,
}

/// Completes once a connection is lost.
pub(super) async fn is_lost(lost: &mut watch::Receiver<bool>) {
    // an error means that the connection is no more
    let _ = lost.wait_for(|lost| *lost).await;
}

impl Voice {
    pub(super) fn new(config: &NatsConfig, common: &DiscoveryConfig, own: Option<&str>) -> Self {
        Self {
            url: config.url.clone(),
            subject: config.subject.clone(),
            timeout: config.timeout,
            interval: common.interval,
            cluster: common.cluster.clone(),
            node: common.node.clone(),
            own: own.map(str::to_owned),
        }
    }

    pub(super) fn cluster(&self) -> &str {
        &self.cluster
    }

    pub(super) fn is_own(&self, says: &Announcement) -> bool {
        says.endpoint == self.own
    }

    /// Connects, and asks who is there.
    pub(super) async fn connect(&self) -> Result<Session, Failure> {
        let address: ServerAddr = self.url.parse().map_err(|_| Failure::Refused("the URL is not read".to_owned()))?;
        let (lose, lost) = watch::channel(false);
        // the client's future is large
        let connecting = Box::pin(self.options(&address, lose).connect(address));
        let client = self.in_time(async { connecting.await.map_err(|error| self.not_connected(&error)) }).await?;
        let subscribing =
            async { client.subscribe(self.subject.clone()).await.map_err(|error| self.unreachable(&error)) };
        let messages = self.in_time(subscribing).await?;
        self.say(&client, What::Asks).await?;
        let tell_at = Some(Instant::now() + self.timeout);
        Ok(Session { client, messages, announce_at: self.next_announcement(), tell_at, lost })
    }

    fn options(&self, address: &ServerAddr, lose: watch::Sender<bool>) -> ConnectOptions {
        let options = ConnectOptions::new()
            .name(format!("burgee {}", self.node))
            .connection_timeout(self.timeout)
            .subscription_capacity(WAITING)
            .client_capacity(WAITING)
            // connecting again is our own, so that it is paced and told
            .max_reconnects(1)
            .event_callback(move |event| {
                let is_lost = matches!(event, Event::Disconnected | Event::Closed);
                lose.send_if_modified(|lost| !std::mem::replace(lost, *lost || is_lost) && is_lost);
                async {}
            });
        match (address.username(), address.password()) {
            (Some(user), Some(password)) => options.user_and_password(user.to_owned(), password.to_owned()),
            (Some(token), None) => options.token(token.to_owned()),
            (None, _) => options,
        }
    }

    /// Says where this node is, or asks; one that is not reached has nothing to say but questions.
    pub(super) async fn say(&self, client: &Client, what: What) -> Result<(), Failure> {
        if self.own.is_none() && what != What::Asks {
            return Ok(());
        }
        let says =
            Announcement { cluster: self.cluster.clone(), node: self.node.clone(), endpoint: self.own.clone(), what };
        let payload = says.write();
        self.in_time(async {
            let said = client.publish(self.subject.clone(), payload.into()).await;
            said.map_err(|error| self.unreachable(&error))?;
            client.flush().await.map_err(|error| self.unreachable(&error))
        })
        .await
    }

    /// Announcements of a cluster do not come all at once.
    pub(super) fn next_announcement(&self) -> Instant {
        Instant::now() + jitter(self.interval * 2 / 3, random())
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        timeout(self.timeout, work).await.unwrap_or_else(|_| Err(Failure::TimedOut(self.server())))
    }

    pub(super) fn lost(&self) -> Failure {
        self.unreachable(&"the connection is lost")
    }

    fn unreachable(&self, error: &dyn Display) -> Failure {
        Failure::Unreachable(format!("{}: {error}", self.server()))
    }

    fn not_connected(&self, error: &ConnectError) -> Failure {
        match error.kind() {
            ConnectErrorKind::TimedOut => Failure::TimedOut(self.server()),
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                Failure::Refused(format!("{}: {error}", self.server()))
            }
            _ => self.unreachable(error),
        }
    }

    /// Without what the URL may hold of secrets.
    fn server(&self) -> String {
        let address = self.url.parse::<ServerAddr>();
        address.map_or_else(|_| "NATS".to_owned(), |address| format!("{}:{}", address.host(), address.port()))
    }
}
