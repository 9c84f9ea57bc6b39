//! One connection, from its first byte to its last.

use std::{future::Future, io, pin::pin, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::{
    body,
    door::Entry,
    io::Watched,
    preface::{self, Version},
    shed::Shed,
    stopped, version,
};

/// What an answer gives to HTTP/2 at once: as much as a frame has.
const PIECE_BYTES: usize = 16 * 1024;

/// A connection that was taken.
pub(super) struct Connection {
    pub(super) entry: Entry,
    pub(super) acceptor: Option<TlsAcceptor>,
    pub(super) router: Router,
    pub(super) stop: watch::Receiver<bool>,
}

impl Connection {
    /// Serves it to its end.
    pub(super) async fn serve(self, stream: TcpStream) {
        settle(&stream, self.entry.door.limits.unread);
        let ended = tokio::select! {
            ended = self.run(stream) => ended,
            why = self.entry.activity.over(&self.entry.door.limits) => Err(why),
        };
        if let Err(why) = ended {
            self.entry.door.shed(why, self.entry.address);
        }
    }

    async fn run(&self, stream: TcpStream) -> Result<(), Shed> {
        let Some(acceptor) = &self.acceptor else { return self.speak(stream).await };
        let shaken = self.in_time(self.entry.door.limits.handshake, Shed::Handshake, acceptor.accept(stream));
        match shaken.await? {
            Some(stream) => Box::pin(self.speak(stream)).await,
            None => Ok(()),
        }
    }

    /// What comes of the beginning of a connection; none where it broke, or the node stops.
    async fn in_time<T>(
        &self,
        limit: Duration,
        why: Shed,
        beginning: impl Future<Output = io::Result<T>>,
    ) -> Result<Option<T>, Shed> {
        let mut stop = self.stop.clone();
        let begun = tokio::select! {
            begun = tokio::time::timeout(limit, beginning) => begun.map_err(|_| why)?,
            () = stopped(&mut stop) => return Ok(None),
        };
        if let Err(error) = &begun {
            tracing::debug!(%error, address = %self.entry.address, "a connection did not begin");
        }
        Ok(begun.ok())
    }

    async fn speak(&self, mut io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<(), Shed> {
        let limits = &self.entry.door.limits;
        let begun = self.in_time(limits.head, Shed::Head, preface::read(&mut io)).await?;
        let Some((spoken, first)) = begun else { return Ok(()) };
        let (router, address, activity) = (&self.router, self.entry.address, &self.entry.activity);
        let piece = if spoken == Version::Http2 { PIECE_BYTES } else { usize::MAX };
        let io = TokioIo::new(Watched::new(io, first, activity.clone(), spoken == Version::Http1));
        let service = service_fn(|request: Request<Incoming>| {
            let asked = activity.request();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            let answer = router.clone().oneshot(request);
            async move {
                Ok::<_, std::convert::Infallible>(answer.await?.map(|body| body::Watched::new(body, asked, piece)))
            }
        });
        let mut stop = self.stop.clone();
        // both versions have the same ways, but no type in common
        let served = match spoken {
            Version::Http1 => {
                let mut connection = pin!(version::http1(limits).serve_connection(io, service));
                tokio::select! {
                    served = connection.as_mut() => served,
                    () = stopped(&mut stop) => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            }
            Version::Http2 => {
                let mut connection = pin!(version::http2(limits).serve_connection(io, service));
                tokio::select! {
                    served = connection.as_mut() => served,
                    () = stopped(&mut stop) => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            }
        };
        served.map_or_else(|error| ended_by(&error, spoken), Ok)
    }
}

/// Answers are small: waiting to fill a packet would only delay them. A peer that is gone is found out by what it does
/// not acknowledge.
fn settle(stream: &TcpStream, unread: Duration) {
    let socket = SockRef::from(stream);
    let settled = stream.set_nodelay(true).and_then(|()| user_timeout(&socket, unread));
    if let Err(error) = settled {
        tracing::debug!(%error, "a connection's settings were refused");
    }
}

#[cfg(target_os = "linux")]
fn user_timeout(socket: &SockRef<'_>, unread: Duration) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(unread))
}

#[cfg(not(target_os = "linux"))]
fn user_timeout(_: &SockRef<'_>, _: Duration) -> io::Result<()> {
    Ok(())
}

/// Whether an error of a connection was the peer's silence. Others are its own business.
fn ended_by(error: &hyper::Error, spoken: Version) -> Result<(), Shed> {
    tracing::debug!(%error, "a connection ended with an error");
    let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let unacknowledged = causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(timed_out));
    // in HTTP/1 it is a connection that was kept for a next request
    let unanswered = spoken == Version::Http2 && error.is_timeout();
    if unacknowledged || unanswered { Err(Shed::Unread) } else { Ok(()) }
}
