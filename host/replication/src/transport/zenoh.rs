//! The network over Zenoh. Nothing outside this module knows it.
//!
//! Every node is a router, so that two nodes that cannot see each other hear of each other through a
//! third. One key expression for each origin; all names in key expressions are hex:
//!
//! ```text
//! burgee/<cluster>/node/<node>/<incarnation>     liveliness token: membership
//! burgee/<cluster>/hint/<node>                   published frames
//! burgee/<cluster>/ask/<node>/<incarnation>      requests to one node
//! ```
//!
//! Zenoh's own identity is random at each start: with a fixed one, a killed node that returns is not heard
//! for seconds. Ours travels in the key expressions and the frames.

mod dial;
mod keys;
mod settings;

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::mpsc;
use zenoh::{
    Session, Wait,
    handlers::Callback,
    liveliness::LivelinessToken,
    pubsub::{Publisher, Subscriber},
    qos::CongestionControl,
    query::{ConsolidationMode, Query, Queryable, Reply},
    sample::{Sample, SampleKind},
};

use self::{keys::Keys, settings::Settings};
use super::{DialError, InboxSender, Membership, RequestError, Responder, Transport};
use crate::{
    config::{ConfigError, ReplicationConfig},
    endpoint::{Endpoint, Scheme},
    message::PeerId,
    refusals::Refusals,
    wire::Refusal,
};

/// Frames that may wait to be published.
const PUBLISH_WAITING: usize = 64;
/// How long closing may take before the process goes on without.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a session cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A value of the configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The endpoint cannot be listened on.
    #[error("cluster-listen: `{endpoint}`: {error}")]
    Listen {
        /// The endpoint as configured.
        endpoint: String,
        /// What the system says.
        error: io::Error,
    },
    /// Zenoh refuses; the text is its answer.
    #[error("cluster-listen: {0}")]
    Session(String),
}

/// An open session. Dropping it leaves the network less promptly than [`Transport::close`] does.
pub struct ZenohTransport {
    session: Session,
    keys: Keys,
    endpoint: Option<String>,
    publish: mpsc::Sender<Bytes>,
    dialling: Settings,
    _declared: Declared,
}

/// What ends with the session.
struct Declared {
    _token: LivelinessToken,
    _members: Subscriber<()>,
    _hints: Subscriber<()>,
    _asked: Queryable<()>,
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
        let settings = Settings::new(config, listen.as_ref());
        let session = zenoh::open(settings.config().map_err(session_error)?).await.map_err(session_error)?;
        let keys = Keys::new(&config.cluster_name, own);
        let declared = declare(&session, &keys, inbox, refusals).await.map_err(session_error)?;
        let publisher = session
            .declare_publisher(keys.hint())
            // Not express: a burst shares batches, so that the queue holds more of it before any is dropped.
            .congestion_control(CongestionControl::Drop)
            .await
            .map_err(session_error)?;
        let publish = publish_from_a_thread(publisher).map_err(|e| OpenError::Session(e.to_string()))?;
        let endpoint = listen.map(|endpoint| endpoint.to_string());
        Ok(Self { session, keys, endpoint, publish, dialling: settings, _declared: declared })
    }

    /// Where peers reach this node, with the bound port.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }
}

impl Transport for ZenohTransport {
    async fn publish(&self, frame: Bytes) {
        // The thread lives as long as this sender.
        let _ = self.publish.send(frame).await;
    }

    async fn request(&self, to: PeerId, frame: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let (session, key) = (self.session.clone(), self.keys.ask(to));
        let (answer, mut answers) = mpsc::channel(1);
        // Sending waits while the link is congested: not on a thread of the runtime.
        let sent = tokio::task::spawn_blocking(move || get(&session, &key, frame, timeout, answer));
        let answered = async {
            sent.await.map_err(|_| RequestError::Unreachable)?.map_err(|_| RequestError::Unreachable)?;
            answers.recv().await.unwrap_or(Err(RequestError::Unreachable))
        };
        tokio::time::timeout(timeout, answered).await.unwrap_or(Err(RequestError::TimedOut))
    }

    async fn dial(&self, endpoint: &str) -> Result<(), DialError> {
        dial::introduce(&self.dialling, endpoint).await
    }

    async fn close(&self) {
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.session.close()).await;
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

#[allow(clippy::needless_pass_by_value)]
fn session_error(error: zenoh::Error) -> OpenError {
    OpenError::Session(error.to_string().replace('\n', " "))
}

async fn declare(
    session: &Session,
    keys: &Keys,
    inbox: InboxSender,
    refusals: Arc<Refusals>,
) -> zenoh::Result<Declared> {
    let asked = session.declare_queryable(keys.asked()).with(on_query(inbox.clone())).await?;
    let hints = session.declare_subscriber(keys.hints()).with(on_hint(keys.clone(), inbox.clone())).await?;
    let members = session
        .liveliness()
        .declare_subscriber(keys.all_nodes())
        .history(true)
        .with(on_member(keys.clone(), inbox, refusals))
        .await?;
    // Last: who sees the token may ask.
    let token = session.liveliness().declare_token(keys.token()).await?;
    Ok(Declared { _token: token, _members: members, _hints: hints, _asked: asked })
}

fn on_query(inbox: InboxSender) -> Callback<Query> {
    Callback::from(move |query: Query| {
        let frame = query.payload().map(payload).unwrap_or_default();
        let responder = Responder::new(move |answer: Bytes| {
            let key = query.key_expr().clone();
            if let Err(error) = query.reply(key, answer).wait() {
                tracing::debug!(%error, "an answer was not sent");
            }
        });
        inbox.frame(frame, Some(responder));
    })
}

fn on_hint(keys: Keys, inbox: InboxSender) -> Callback<Sample> {
    Callback::from(move |sample: Sample| {
        // A subscriber hears its own session too.
        if !keys.is_own_hint(sample.key_expr().as_str()) {
            inbox.frame(payload(sample.payload()), None);
        }
    })
}

fn on_member(keys: Keys, inbox: InboxSender, refusals: Arc<Refusals>) -> Callback<Sample> {
    Callback::from(move |sample: Sample| {
        let key = sample.key_expr().as_str();
        match (keys.node(key), sample.kind()) {
            (Some(peer), _) if keys.is_own(peer) => {}
            (Some(peer), SampleKind::Put) => inbox.membership(Membership::Up(peer)),
            (Some(peer), SampleKind::Delete) => inbox.membership(Membership::Down(peer)),
            (None, SampleKind::Put) => refusals.count(Refusal::Cluster, key.len()),
            (None, SampleKind::Delete) => {}
        }
    })
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

fn payload(bytes: &zenoh::bytes::ZBytes) -> Bytes {
    Bytes::from(bytes.to_bytes().into_owned())
}
