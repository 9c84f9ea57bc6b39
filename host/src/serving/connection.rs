//! One connection, from its first byte to its last.

use std::{convert::Infallible, future::Future, io, net::SocketAddr, pin::pin, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{self, Request, header},
    response::{IntoResponse, Response},
};
use burgee_api::{Admission, error::ApiError};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulConnection};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::{
    asked::Asked,
    body::Pieces,
    door::Entry,
    io::Watched,
    preface::{self, Version},
    shed::Shed,
    stopped, version,
};

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
            why = self.entry.activity.overdue(&self.entry.door.limits) => Err(why),
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
            () = self.entry.activity.giving_way() => return Err(Shed::Idle),
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
        let io = TokioIo::new(Watched::new(io, first, activity.clone(), spoken == Version::Http1));
        let service = service_fn(|request: Request<Incoming>| {
            let asked = Asked::new(activity);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            request.extensions_mut().insert(Admission::new(asked.clone()));
            let answer = answer(router.clone(), request);
            async move { Ok::<_, Infallible>(answer.await?.map(|body| Pieces::new(body, asked))) }
        });
        let served = match spoken {
            Version::Http1 => self.drive(version::http1(limits).serve_connection(io, service)).await?,
            Version::Http2 => self.drive(version::http2(limits).serve_connection(io, service)).await?,
        };
        served.map_or_else(|error| ended_by(&error, spoken, self.entry.address), Ok)
    }

    /// Serves to the end; where the node stops, or another connection needs its room, to the end of what is asked for.
    async fn drive<C: GracefulConnection>(&self, connection: C) -> Result<Result<(), C::Error>, Shed> {
        let (mut connection, mut stop) = (pin!(connection), self.stop.clone());
        let gives_way = tokio::select! {
            served = connection.as_mut() => return Ok(served),
            () = stopped(&mut stop) => false,
            () = self.entry.activity.giving_way() => true,
        };
        let is_cut_off = gives_way && self.entry.activity.idle.close();
        connection.as_mut().graceful_shutdown();
        if is_cut_off {
            // polled once, for a farewell: nobody who was admitted waits for more
            let _ = tokio::time::timeout(Duration::ZERO, connection).await;
            return Err(Shed::Idle);
        }
        let served = connection.await;
        if gives_way { Err(Shed::Idle) } else { Ok(served) }
    }
}

async fn answer(router: Router, request: Request<Body>) -> Result<Response, Infallible> {
    if names_host(&request) { router.oneshot(request).await } else { Ok(ApiError::NoHost.into_response()) }
}

/// Whether a request says whom it is for, as HTTP/1.1 wants it: one that does not may be understood otherwise by what
/// stands between.
fn names_host<T>(request: &Request<T>) -> bool {
    request.version() != http::Version::HTTP_11 || request.headers().get_all(header::HOST).iter().count() == 1
}

/// How long a connection says nothing before its peer is asked whether it is still there, and then how often.
const PROBE_AFTER: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// Answers are small: waiting to fill a packet would only delay them. A peer that is gone is found out by what it does
/// not acknowledge; where a stream has nothing to tell, as one of `SyncFlags` over HTTP/1.1, by probes.
fn settle(stream: &TcpStream, unread: Duration) {
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY);
    let settled = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&probes))
        .and_then(|()| user_timeout(&socket, unread));
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

/// How HTTP/2 says that it ended a connection that exceeded one of its limits, such as that of resets.
const EXCESS: &str = "connection error detected: detected excessive load generating behavior";

/// Whether an error of a connection was the peer's silence, or that it went beyond a limit. Others are its own business.
fn ended_by(error: &hyper::Error, spoken: Version, address: SocketAddr) -> Result<(), Shed> {
    tracing::debug!(%error, %address, "a connection ended with an error");
    let of_http = |cause: &dyn std::error::Error| cause.to_string().starts_with(EXCESS);
    if error.is_parse_too_large()
        || std::iter::successors(std::error::Error::source(error), |cause| cause.source()).any(of_http)
    {
        return Err(Shed::Limit);
    }
    let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let unacknowledged = causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(timed_out));
    // in HTTP/1 it is a connection that was kept for a next request
    let unanswered = spoken == Version::Http2 && error.is_timeout();
    if unacknowledged || unanswered { Err(Shed::Unread) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_peer_of_a_silent_connection_is_asked_whether_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_client, taken) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let taken = taken.unwrap().0;
        settle(&taken, Duration::from_secs(15));
        let socket = SockRef::from(&taken);
        assert!(socket.keepalive().unwrap() && taken.nodelay().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), PROBE_AFTER);
    }
}
