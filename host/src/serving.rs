//! HTTP on its ports, plainly or over TLS: connections are taken, bounded, served and ended.
//!
//! Who sends slowly, or never reads, costs a connection for a bounded time, and never the node: where there is no room
//! for another connection, those that ask for nothing give way, the one that waits longest first; then those whose
//! requests nobody admitted.

mod activity;
mod asked;
mod body;
mod connection;
mod door;
mod idle;
mod io;
mod limits;
mod preface;
mod shed;
mod unread;
mod version;

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use self::connection::Connection;
pub(crate) use self::{door::Door, limits::ConnectionLimits};
use crate::tls::{Held, Tls};

/// The pause after a connection that could not be taken, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves until the node stops, then ends what is open.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<(Tls, Held)>,
    router: Router,
    door: Arc<Door>,
    stop: watch::Receiver<bool>,
) {
    let Some((tls, held)) = tls else { return take(listener, None, router, door, stop).await };
    let tls = Arc::new(tls);
    tokio::select! {
        () = take(listener, Some(tls.clone()), router, door, stop) => {}
        () = tls.follow(held) => {}
    }
}

/// Completes once the node stops, or nobody is left who could say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn take(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    door: Arc<Door>,
    mut stop: watch::Receiver<bool>,
) {
    let mut open = JoinSet::new();
    loop {
        let taken = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = open.join_next() => continue,
            taken = listener.accept() => taken,
        };
        match taken {
            Ok((stream, address)) => {
                let Some(entry) = door.enter(address) else { continue };
                let acceptor = tls.as_ref().map(|tls| tls.acceptor());
                let connection = Connection { entry, acceptor, router: router.clone(), stop: stop.clone() };
                open.spawn(connection.serve(stream));
            }
            Err(error) => {
                tracing::debug!(%error, "a connection was not taken");
                door.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}
