//! Streams: what an environment's snapshots are at the moment, told to one client at its own pace.
//!
//! A stream remembers the last state that it told and no more. A client that reads slowly is told less often; one
//! that does not take a message for as long as `stream_stall_ms` loses its stream.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, response::Response};
use burgee_engine::Snapshot;
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use super::{
    place::Place,
    status::{Code, Status},
    wire::{Part, Wire},
};
use crate::{access::StreamPermit, http::Api, sse::shut_down};

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
pub(super) fn open(api: &Arc<Api>, teller: impl Teller, place: Place, wire: Wire) -> Result<Response, Status> {
    let permit = StreamPermit::take(api, &place.caller, Some(&place.tenant))?;
    let (messages, received) = mpsc::channel(WAITING);
    let (end, ended) = oneshot::channel();
    let api = api.clone();
    tokio::spawn(async move {
        let telling = Telling { api, place, permit, messages };
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
}

/// What a stream waits for.
enum Next {
    Change,
    Quiet,
    End(Status),
    ShutDown,
}

impl Telling {
    /// Tells until something ends it; says what.
    async fn run(mut self, mut teller: impl Teller) -> Status {
        let mut changes = self.api.snapshots.changes();
        let mut shutdown = self.api.shutdown.clone();
        loop {
            changes.borrow_and_update();
            let told = match self.place.snapshot(&self.api) {
                Ok(snapshot) => teller.tell(&self.api, &snapshot).await,
                // it is made ready just now
                Err(status) if status.code == Code::Unavailable => Ok(None),
                Err(status) => Err(status),
            };
            let sent = match told {
                Ok(Some(message)) => self.send(message).await,
                Ok(None) => Ok(()),
                Err(status) => Err(status),
            };
            if let Err(status) = sent {
                return status;
            }
            loop {
                let next = tokio::select! {
                    biased;
                    () = shut_down(&mut shutdown) => Next::ShutDown,
                    () = self.messages.closed() => Next::End(Status::ok()),
                    () = self.permit.ended() => Next::End(Status::new(Code::Unauthenticated, "the token is not valid any more")),
                    changed = changes.changed() => if changed.is_ok() { Next::Change } else { Next::ShutDown },
                    () = tokio::time::sleep(self.api.http.grpc_keep_alive) => Next::Quiet,
                };
                let sent = match next {
                    Next::Change => break,
                    Next::Quiet => self.send_any(teller.quiet()).await,
                    Next::End(status) => return status,
                    Next::ShutDown => {
                        // the end is told whether or not there is room for this
                        let _ = teller.farewell().map(|message| self.messages.try_send(message));
                        return Status::shutting_down();
                    }
                };
                if let Err(status) = sent {
                    return status;
                }
            }
        }
    }

    async fn send_any(&self, message: Option<Bytes>) -> Result<(), Status> {
        match message {
            Some(message) => self.send(message).await,
            None => Ok(()),
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
