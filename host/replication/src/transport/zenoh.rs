//! The network over Zenoh. Nothing outside this module knows it.
//!
//! Every node is a router, so that two nodes that cannot see each other hear of each other through a
//! third. One key expression for each origin; all names in key expressions are hex:
//!
//! ```text
//! burgee/<cluster>/node/<node>/<incarnation>/<turn>     liveliness token: membership
//! burgee/<cluster>/hint/<node>                          published frames
//! burgee/<cluster>/ask/<node>/<incarnation>/<turn>      requests to one node
//! ```
//!
//! Zenoh's own identity is random at each start: with a fixed one, a killed node that returns is not heard
//! for seconds. Ours travels in the key expressions and the frames.

mod declared;
mod dial;
mod keys;
mod members;
mod settings;

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::mpsc;
use zenoh::{
    Session, Wait,
    bytes::ZBytes,
    pubsub::{Publisher, Subscriber},
    qos::CongestionControl,
    query::{ConsolidationMode, Reply},
};

use self::{declared::Keeper, keys::Keys, members::Members, settings::Settings};
use super::{DialError, InboxSender, RequestError, Transport};
use crate::{
    config::{ConfigError, ReplicationConfig},
    endpoint::{Endpoint, Scheme},
    message::PeerId,
    refusals::Refusals,
};

/// Frames that may wait to be published.
const PUBLISH_WAITING: usize = 64;
/// How long closing may take before the process goes on without.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long after a failure the network is entered again.
const ENTER_RETRY: Duration = Duration::from_millis(200);

/// Why a session cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A value of the configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The endpoint cannot be listened on.
    #[error("`{endpoint}`: {error}")]
    Listen {
        /// The endpoint as configured.
        endpoint: String,
        /// What the system says.
        error: io::Error,
    },
    /// Zenoh refuses; the text is its answer.
    #[error("{0}")]
    Session(String),
}

/// A node in a Zenoh network. Dropping it leaves the network less promptly than [`Transport::close`] does.
pub struct ZenohTransport {
    endpoint: Option<String>,
    settings: Settings,
    keys: Keys,
    inbox: InboxSender,
    members: Arc<Members>,
    /// None while the network is entered anew, and once it is left.
    link: Mutex<Option<Arc<Link>>>,
    /// Held by who enters the network anew.
    renewing: tokio::sync::Mutex<()>,
    /// The network is left for good.
    left: AtomicBool,
}

/// An open session with all that is declared in it.
struct Link {
    session: Session,
    publish: mpsc::Sender<Bytes>,
    keeper: Keeper,
    _members: Subscriber<()>,
}

impl ZenohTransport {
    /// Binds the port, connects to the seeds in the background, and tells the inbox what happens.
    ///
    /// # Errors
    /// See [`OpenError`]. Seeds that are not reached are none: they are dialled until they are.
    pub(crate) async fn open(
        config: &ReplicationConfig,
        own: PeerId,
        inbox: InboxSender,
        refusals: Arc<Refusals>,
    ) -> Result<Self, OpenError> {
        let listen = match config.listen_endpoint()? {
            Some(endpoint) => Some(bindable(endpoint).await?),
            None => None,
        };
        let keys = Keys::new(&config.cluster_name, own);
        let transport = Self {
            settings: Settings::new(config, listen.as_ref()),
            endpoint: listen.map(|endpoint| endpoint.to_string()),
            members: Arc::new(Members::new(keys.clone(), inbox.clone(), refusals)),
            keys,
            inbox,
            link: Mutex::new(None),
            renewing: tokio::sync::Mutex::new(()),
            left: AtomicBool::new(false),
        };
        let link = transport.enter().await.map_err(|e| OpenError::Session(e.to_string().replace('\n', " ")))?;
        transport.set_link(Some(link));
        Ok(transport)
    }

    /// Where peers reach this node, with the bound port.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    async fn enter(&self) -> zenoh::Result<Link> {
        let session = zenoh::open(self.settings.config()?).await?;
        let publisher = session.declare_publisher(self.keys.hint()).congestion_control(CongestionControl::Drop).await?;
        let watching = members::watch(&session, &self.keys, Arc::clone(&self.members)).await?;
        let keeper =
            Keeper::start(session.clone(), self.keys.clone(), self.inbox.clone(), Arc::clone(&self.members)).await?;
        Ok(Link { session, publish: publish_from_a_thread(publisher)?, keeper, _members: watching })
    }

    async fn leave(&self) {
        if let Some(link) = self.set_link(None) {
            link.keeper.stop();
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, link.session.close()).await;
            self.members.clear();
        }
    }

    fn link(&self) -> Option<Arc<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_link(&self, link: Option<Link>) -> Option<Arc<Link>> {
        let mut current = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, link.map(Arc::new))
    }
}

impl Transport for ZenohTransport {
    async fn publish(&self, frame: Bytes) {
        if let Some(link) = self.link() {
            // The thread lives as long as this sender.
            let _ = link.publish.send(frame).await;
        }
    }

    async fn request(&self, to: PeerId, frame: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let (link, key) = (self.link().ok_or(RequestError::Unreachable)?, self.keys.ask(to));
        let (answer, mut answers) = mpsc::channel(1);
        // Sending waits while the link is congested: not on a thread of the runtime.
        let sent = tokio::task::spawn_blocking(move || get(&link.session, &key, frame, timeout, answer));
        let answered = async {
            sent.await.map_err(|_| RequestError::Unreachable)?.map_err(|_| RequestError::Unreachable)?;
            answers.recv().await.unwrap_or(Err(RequestError::Unreachable))
        };
        tokio::time::timeout(timeout, answered).await.unwrap_or(Err(RequestError::TimedOut))
    }

    async fn dial(&self, endpoint: &str) -> Result<(), DialError> {
        dial::introduce(&self.settings, endpoint).await
    }

    async fn renew(&self) {
        // Who finds it locked has nothing to do.
        let Ok(_renewing) = self.renewing.try_lock() else { return };
        self.leave().await;
        while !self.left.load(Ordering::Acquire) {
            match self.enter().await {
                Ok(link) => {
                    self.set_link(Some(link));
                    return;
                }
                Err(error) => tracing::warn!(%error, "the cluster is not entered yet"),
            }
            tokio::time::sleep(ENTER_RETRY).await;
        }
    }

    async fn close(&self) {
        self.left.store(true, Ordering::Release);
        // A renewal that hangs must not keep the process from ending.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.renewing.lock()).await;
        self.leave().await;
    }
}

fn get(
    session: &Session,
    key: &str,
    frame: Bytes,
    timeout: Duration,
    answer: mpsc::Sender<Result<Bytes, RequestError>>,
) -> zenoh::Result<()> {
    session
        .get(key)
        .payload(frame)
        .consolidation(ConsolidationMode::None)
        .congestion_control(CongestionControl::Block)
        .timeout(timeout)
        .callback(move |reply: Reply| {
            let result = match reply.into_result() {
                Ok(sample) => Ok(payload(sample.payload())),
                Err(_) => Err(RequestError::TimedOut),
            };
            // One answer is expected; whatever follows it is dropped.
            let _ = answer.try_send(result);
        })
        .wait()
}

/// Takes a free port where none is given, so that the bound one can be told, and finds out here, with a
/// plain error, whether the address can be bound. Zenoh binds it right after.
async fn bindable(endpoint: Endpoint) -> Result<Endpoint, OpenError> {
    let address = endpoint.address();
    let bound = match endpoint.scheme() {
        Scheme::Tcp => tokio::net::TcpListener::bind(&address).await.and_then(|socket| socket.local_addr()),
        Scheme::Quic => tokio::net::UdpSocket::bind(&address).await.and_then(|socket| socket.local_addr()),
    };
    match bound {
        Ok(address) => Ok(endpoint.with_port(address.port())),
        Err(error) => Err(OpenError::Listen { endpoint: endpoint.to_string(), error }),
    }
}

/// Putting waits up to a millisecond for a congested link: done by a thread of its own.
fn publish_from_a_thread(publisher: Publisher<'static>) -> io::Result<mpsc::Sender<Bytes>> {
    let (queue, mut frames) = mpsc::channel::<Bytes>(PUBLISH_WAITING);
    std::thread::Builder::new().name("burgee-publish".to_owned()).spawn(move || {
        while let Some(frame) = frames.blocking_recv() {
            if let Err(error) = publisher.put(frame).wait() {
                tracing::debug!(%error, "a hint was not published");
            }
        }
    })?;
    Ok(queue)
}

fn payload(bytes: &ZBytes) -> Bytes {
    Bytes::from(bytes.to_bytes().into_owned())
}
