//! Streams: what an environment's snapshots are at the moment, told to one client at its own pace.
//!
//! A stream remembers no more than it needs to tell what is news, and makes a message only once its client has taken the one
//! before: so a client that reads slowly is told less often, of the newest state each time, and holds one message. One that
//! has news waiting and does not take a message for as long as `stream_stall_ms` loses its stream.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, response::Response};
use burgee_engine::Snapshot;
use burgee_model::Millis;
use burgee_store::Position;
use futures_util::stream;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    deadline,
    place::Place,
    status::{Code, Status},
    wire::{Part, Wire},
};
use crate::{
    access::{Ended, StreamPermit, StreamPlace},
    http::Api,
    sse::shut_down,
};

/// Messages that wait for a client besides the one on its way: made where one is asked for, and the one before the end.
const WAITING: usize = 1;

/// What a stream tells.
pub(super) trait Teller: Send + 'static {
    /// What is to be told of a state, the first one or a later one; none where it changes nothing.
    fn tell(
        &mut self,
        api: &Api,
        place: &Place,
        snapshot: &Arc<Snapshot>,
    ) -> impl Future<Output = Result<Option<Bytes>, Status>> + Send;

    /// What is told where answers changed by themselves, after an instant and up to another.
    fn step(&self, _: Millis, _: Millis) -> Option<Bytes> {
        None
    }

    /// The state that was told last; none before the first.
    fn told(&self) -> Option<&Arc<Snapshot>>;

    /// What is told where nothing was for a while.
    fn quiet(&self) -> Option<Bytes> {
        None
    }

    /// What is told before the node ends.
    fn farewell(&self) -> Option<Bytes> {
        None
    }
}

/// Opens a stream.
pub(super) fn open(
    api: &Arc<Api>,
    teller: impl Teller,
    place: Place,
    wire: Wire,
    deadline: Option<Instant>,
) -> Result<Response, Status> {
    let of = StreamPlace { tenant: place.tenant.clone(), environment: Some(place.environment.clone()) };
    let permit = StreamPermit::take(api, &place.caller, Some(of))?;
    let (messages, received) = mpsc::channel(WAITING);
    let (end, ended) = oneshot::channel();
    let wanted = Arc::new(Notify::new());
    let asking = wanted.clone();
    let api = api.clone();
    tokio::spawn(async move {
        let stepped = api.store.now();
        let telling = Telling { told: Instant::now(), stepped, deadline, api, place, permit, messages, wanted };
        let status = telling.run(teller).await;
        // an error says that the client is gone
        let _ = end.send(status);
    });
    Ok(wire.parts(parts(received, ended, asking)))
}

fn parts(
    received: mpsc::Receiver<Bytes>,
    ended: oneshot::Receiver<Status>,
    wanted: Arc<Notify>,
) -> impl stream::Stream<Item = Part> + Send + 'static {
    stream::unfold((received, Some(ended)), move |(mut received, ended)| {
        let wanted = wanted.clone();
        async move {
            // polled once the message before is taken
            wanted.notify_one();
            if let Some(message) = received.recv().await {
                return Some((Part::Message(message), (received, ended)));
            }
            let status = ended?.await.unwrap_or_else(|_| Status::new(Code::Internal, "the stream ended badly"));
            Some((Part::End(status), (received, None)))
        }
    })
}

struct Telling {
    api: Arc<Api>,
    place: Place,
    permit: StreamPermit,
    messages: mpsc::Sender<Bytes>,
    /// That the client takes another message.
    wanted: Arc<Notify>,
    /// When something was told last, or could have been.
    told: Instant,
    /// Up to when it was told what changed by itself.
    stepped: Millis,
    /// Until when its client wants it.
    deadline: Option<Instant>,
}

/// What a stream waits for.
enum Next {
    Change,
    Step(Millis),
    Quiet,
    End(Status),
    ShutDown,
}

impl Telling {
    /// Tells until something ends it; says what.
    async fn run(mut self, mut teller: impl Teller) -> Status {
        let (mut changes, mut shutdown) = (self.api.snapshots.changes(), self.api.shutdown.clone());
        let mut next = Next::Change;
        loop {
            let waited = next.tells(&teller);
            if waited && let Err(status) = self.taken(&mut shutdown).await {
                self.farewell(&teller, &status);
                return status;
            }
            let told = match next {
                Next::Change => {
                    changes.borrow_and_update();
                    self.tell(&mut teller).await
                }
                Next::Step(at) => Ok(teller.step(std::mem::replace(&mut self.stepped, at), at)),
                Next::Quiet => {
                    self.told = Instant::now();
                    Ok(teller.quiet())
                }
                Next::End(status) => Err(status),
                Next::ShutDown => {
                    let status = Status::shutting_down();
                    self.farewell(&teller, &status);
                    Err(status)
                }
            };
            let sent = match told {
                Ok(Some(message)) => {
                    self.told = Instant::now();
                    self.send(message)
                }
                Ok(None) => {
                    // the place was not used
                    if waited {
                        self.wanted.notify_one();
                    }
                    Ok(())
                }
                Err(status) => Err(status),
            };
            if let Err(status) = sent {
                return status;
            }
            let state = teller.told().cloned();
            next = self.next(state.as_deref(), &mut changes, &mut shutdown).await;
        }
    }

    /// What there is to be told of the state now.
    async fn tell(&self, teller: &mut impl Teller) -> Result<Option<Bytes>, Status> {
        match self.place.snapshot(&self.api) {
            Ok(snapshot) => teller.tell(&self.api, &self.place, &snapshot).await,
            // it is made ready just now, which will be a change
            Err(status) if status.code == Code::Unavailable => Ok(None),
            Err(status) => Err(status),
        }
    }

    async fn next(
        &mut self,
        state: Option<&Snapshot>,
        changes: &mut watch::Receiver<Position>,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Next {
        let quiet = self.told + self.api.http.grpc_keep_alive;
        let (view, after, store) = (self.place.view, self.stepped, &self.api.store);
        let step = async {
            match state {
                Some(state) => view.step(state, after, store).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shut_down(shutdown) => Next::ShutDown,
            () = self.messages.closed() => Next::End(Status::ok()),
            ended = self.permit.ended() => Next::End(over(ended)),
            () = deadline::passed(self.deadline) => Next::End(late()),
            changed = changes.changed() => if changed.is_ok() { Next::Change } else { Next::ShutDown },
            step = step => Next::Step(step),
            () = tokio::time::sleep_until(quiet) => Next::Quiet,
        }
    }

    /// Waits until the client takes another message, but not for ever.
    async fn taken(&mut self, shutdown: &mut watch::Receiver<bool>) -> Result<(), Status> {
        let patience = Duration::from_millis(self.api.limits.stream_stall_ms);
        tokio::select! {
            biased;
            () = self.wanted.notified() => Ok(()),
            () = self.messages.closed() => Err(Status::ok()),
            () = shut_down(shutdown) => Err(Status::shutting_down()),
            ended = self.permit.ended() => Err(over(ended)),
            () = deadline::passed(self.deadline) => Err(late()),
            () = tokio::time::sleep(patience) => {
                tracing::info!(actor = %self.place.caller.principal.actor, "a stream was not read and is ended");
                Err(Status::new(Code::ResourceExhausted, "the stream was read too slowly"))
            }
        }
    }

    /// What is told before the node ends; the end is told whether or not there is room for it.
    fn farewell(&self, teller: &impl Teller, status: &Status) {
        if *status == Status::shutting_down() {
            let _ = teller.farewell().map(|message| self.messages.try_send(message));
        }
    }

    /// There is room, for the client waits for it.
    fn send(&self, message: Bytes) -> Result<(), Status> {
        self.messages.try_send(message).map_err(|_| Status::ok())
    }
}

impl Next {
    /// Whether there may be something to tell.
    fn tells(&self, teller: &impl Teller) -> bool {
        match self {
            Self::Change | Self::Step(_) => true,
            Self::Quiet => teller.quiet().is_some(),
            Self::End(_) | Self::ShutDown => false,
        }
    }
}

fn over(ended: Ended) -> Status {
    match ended {
        Ended::Caller => Status::new(Code::Unauthenticated, "the token is not in force any more"),
        Ended::Place => Status::new(Code::NotFound, "the environment is gone"),
    }
}

fn late() -> Status {
    Status::new(Code::DeadlineExceeded, "the call's time is over")
}
