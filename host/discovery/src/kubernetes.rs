//! `kubernetes`: pods by namespace, labels and the name of a port, as the API lists and watches them.

mod pods;

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config, Error,
    api::{ListParams, WatchEvent, WatchParams},
    core::Status,
};
use tokio::time::{sleep, timeout};

use self::pods::Pods;
use crate::{
    backoff::{jitter, random},
    config::{DiscoveryConfig, KubernetesConfig},
    provider::{Failure, Provider},
};

/// How long the API is asked to keep a watch open; then it is watched on from there.
const WATCH_SECONDS: u32 = 240;
/// How long after that it may take to end the watch, before the connection counts as dead.
const WATCH_GRACE: Duration = Duration::from_secs(15);
/// A watch that ends sooner is not begun again at once.
const WATCH_MIN: Duration = Duration::from_secs(1);
/// What the API answers where it does not know any more what happened since.
const GONE: u16 = 410;

/// Lists pods, then watches them.
pub(crate) struct Kubernetes {
    config: KubernetesConfig,
    asking: Asking,
    pods: Pods,
    pods_max: u32,
    api: Option<Api<Pod>>,
    /// Up to where this node knows what happened; none where it has to list.
    version: Option<String>,
    watch: Option<Watch>,
}

/// How the API is asked.
struct Asking {
    url: String,
    timeout: Duration,
}

impl Asking {
    async fn within<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        let answered = timeout(self.timeout, asked).await;
        let answered = answered.map_err(|_| Failure::TimedOut(self.url.clone()))?;
        answered.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &Error) -> Failure {
        match error {
            Error::Api(status) => refused(status),
            error => Failure::Unreachable(format!("{}: {}", self.url, whole(error))),
        }
    }
}

/// A watch that is open.
struct Watch {
    events: BoxStream<'static, Result<WatchEvent<Pod>, Error>>,
    since: Instant,
}

impl Kubernetes {
    pub(crate) fn new(config: &KubernetesConfig, common: &DiscoveryConfig) -> Self {
        // some that match may be old ones that have ended
        let pods_max = u32::try_from(common.endpoints_max).unwrap_or(u32::MAX).saturating_mul(4);
        let most = usize::try_from(pods_max).unwrap_or(usize::MAX);
        Self {
            pods: Pods::new(common.scheme, &config.port_name, most),
            config: config.clone(),
            asking: Asking { url: config.api.clone(), timeout: config.timeout },
            pods_max,
            api: None,
            version: None,
            watch: None,
        }
    }

    /// Begins with a list again, over a new connection.
    fn forget(&mut self) {
        (self.api, self.version, self.watch) = (None, None, None);
    }

    fn api(&mut self) -> Result<Api<Pod>, Failure> {
        if let Some(api) = &self.api {
            return Ok(api.clone());
        }
        let api = Api::namespaced(self.client()?, &self.config.namespace);
        self.api = Some(api.clone());
        Ok(api)
    }

    fn client(&self) -> Result<Client, Failure> {
        let url = self.config.api.parse().map_err(|_| Failure::Refused("the URL is not read".to_owned()))?;
        let mut config = Config::new(url);
        config.connect_timeout = Some(self.config.timeout);
        // trying again is our own, so that it is paced and told
        config.default_retry = false;
        config.auth_info.token_file = self.config.token.as_deref().map(text);
        config.root_cert_file = self.config.ca.clone();
        if self.config.ca.is_some() || self.config.api.starts_with("http://") {
            // whom the system believes is of no interest then, and need not be there
            config.root_cert = Some(Vec::new());
        }
        Client::try_from(config).map_err(|error| self.asking.failure(&error))
    }

    async fn list(&mut self) -> Result<(), Failure> {
        let api = self.api()?;
        let wanted = ListParams::default().labels(&self.config.labels).limit(self.pods_max);
        let listed = self.asking.within(api.list(&wanted)).await?;
        if listed.metadata.continue_.is_some_and(|token| !token.is_empty()) {
            tracing::warn!(most = self.pods_max, labels = self.config.labels, "more pods match than are looked at");
        }
        self.version = listed.metadata.resource_version;
        self.pods.listed(&listed.items);
        Ok(())
    }

    /// Goes on from what is known.
    async fn open_watch(&mut self) -> Result<(), Failure> {
        let api = self.api()?;
        let version = self.version.clone().unwrap_or_default();
        let wanted = WatchParams::default().labels(&self.config.labels).timeout(WATCH_SECONDS);
        let events = self.asking.within(api.watch(&wanted, &version)).await?.boxed();
        self.watch = Some(Watch { events, since: Instant::now() });
        Ok(())
    }

    /// Takes what the watch tells next; true where that changes who is found.
    async fn follow(&mut self) -> Result<bool, Failure> {
        let Some(watch) = &mut self.watch else {
            self.open_watch().await?;
            return Ok(false);
        };
        let patience = (Duration::from_secs(WATCH_SECONDS.into()) + WATCH_GRACE).saturating_sub(watch.since.elapsed());
        let event = timeout(patience, watch.events.try_next()).await;
        match event {
            Ok(Ok(Some(event))) => self.take(event),
            Ok(Ok(None)) => {
                self.ended().await;
                Ok(false)
            }
            Ok(Err(Error::Api(status))) if status.code == GONE => {
                self.list_again();
                Ok(false)
            }
            Ok(Err(error)) => Err(self.asking.failure(&error)),
            Err(_) => Err(Failure::TimedOut("the watch is silent".to_owned())),
        }
    }

    /// The API ends watches as it likes. One that does so at once is not asked in a circle.
    async fn ended(&mut self) {
        let lasted = self.watch.take().map_or(WATCH_MIN, |watch| watch.since.elapsed());
        if lasted < WATCH_MIN {
            sleep(jitter(WATCH_MIN, random())).await;
        }
    }

    fn list_again(&mut self) {
        (self.version, self.watch) = (None, None);
    }

    fn take(&mut self, event: WatchEvent<Pod>) -> Result<bool, Failure> {
        let (pod, is_there) = match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => (pod, true),
            WatchEvent::Deleted(pod) => (pod, false),
            WatchEvent::Bookmark(mark) => {
                self.version = Some(mark.metadata.resource_version);
                return Ok(false);
            }
            WatchEvent::Error(status) if status.code == GONE => {
                self.list_again();
                return Ok(false);
            }
            WatchEvent::Error(status) => return Err(refused(&status)),
        };
        if let Some(version) = &pod.metadata.resource_version {
            self.version = Some(version.clone());
        }
        let before = self.pods.endpoints();
        if is_there {
            self.pods.seen(&pod);
        } else {
            self.pods.deleted(&pod);
        }
        Ok(self.pods.endpoints() != before)
    }

    async fn look(&mut self) -> Result<BTreeSet<String>, Failure> {
        loop {
            let is_news = match self.version {
                None => {
                    self.list().await?;
                    true
                }
                Some(_) => self.follow().await?,
            };
            if is_news {
                return Ok(self.pods.endpoints());
            }
        }
    }
}

impl Provider for Kubernetes {
    async fn next(&mut self) -> Result<BTreeSet<String>, Failure> {
        let found = self.look().await;
        if found.is_err() {
            self.forget();
        }
        match found {
            Ok(found) if found.is_empty() => {
                let KubernetesConfig { namespace, labels, port_name, .. } = &self.config;
                let what = format!("no pod of `{namespace}` with `{labels}` runs and has a port `{port_name}`");
                Err(Failure::Nobody(what))
            }
            found => found,
        }
    }
}

fn refused(status: &Status) -> Failure {
    Failure::Refused(format!("{} {}", status.code, status.message))
}

/// An error with what it comes of: the first one alone says little.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
