//! Streams: what an environment's snapshots are at the moment, told to one client at its own pace.
//!
//! A stream remembers the last state that it told and no more. A client that reads slowly is told less often; one
//! that does not take a message for as long as `stream_stall_ms` loses its stream.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, response::Response};
use burgee_engine::Snapshot;
use burgee_model::Millis;
use burgee_store::Position;
use futures_util::stream;
use tokio::{
    sync::{mpsc, oneshot, watch},
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

/// Messages that wait for a client besides the one on its way.
const WAITING: usize = 1;

/// What a stream tells.
pub(super) trait Teller: Send + 'static {
    /// What is to be told of a state, the first one or a later one; none where it changes nothing.
    fn tell(
        &mut self,
        api: &Api,
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
    let api = api.clone();
    tokio::spawn(async move {
        let stepped = api.store.now();
        let telling = Telling { told: Instant::now(), stepped, deadline, api, place, permit, messages };
        let status = telling.run(teller).await;
        // an error says that the client is gone
        let _ = end.send(status);
    });
    Ok(wire.parts(parts(received, ended)))
}

fn parts(
    received: mpsc::Receiver<Bytes>,
    ended: oneshot::Receiver<Status>,
) -> impl stream::Stream<Item = Part> + Send + 'static {
    stream::unfold((received, Some(ended)), |(mut received, ended)| async move {
        if let Some(message) = received.recv().await {
            return Some((Part::Message(message), (received, ended)));
        }
        let status = ended?.await.unwrap_or_else(|_| Status::new(Code::Internal, "the stream ended badly"));
        Some((Part::End(status), (received, None)))
    })
}

struct Telling {
    api: Arc<Api>,
    place: Place,
    permit: StreamPermit,
    messages: mpsc::Sender<Bytes>,
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
                    // the end is told whether or not there is room for this
                    let _ = teller.farewell().map(|message| self.messages.try_send(message));
                    Err(Status::shutting_down())
                }
            };
            let sent = match told {
                Ok(Some(message)) => {
                    self.told = Instant::now();
                    self.send(message).await
                }
                Ok(None) => Ok(()),
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
            Ok(snapshot) => teller.tell(&self.api, &snapshot).await,
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
            ended = self.permit.ended() => Next::End(match ended {
                Ended::Caller => Status::new(Code::Unauthenticated, "the token is not in force any more"),
                Ended::Place => Status::new(Code::NotFound, "the environment is gone"),
            }),
            () = deadline::passed(self.deadline) => Next::End(Status::new(Code::DeadlineExceeded, "the call's time is over")),
            changed = changes.changed() => if changed.is_ok() { Next::Change } else { Next::ShutDown },
            step = step => Next::Step(step),
            () = tokio::time::sleep_until(quiet) => Next::Quiet,
        }
    }

    async fn send(&self, message: Bytes) -> Result<(), Status> {
        let patience = Duration::from_millis(self.api.limits.stream_stall_ms);
        match self.messages.send_timeout(message, patience).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(Status::ok()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                tracing::info!(actor = %self.place.caller.principal.actor, "a stream was not read and is ended");
                Err(Status::new(Code::ResourceExhausted, "the stream was read too slowly"))
            }
        }
    }
}
