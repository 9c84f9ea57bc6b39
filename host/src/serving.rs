//! HTTP on its port, plainly or over TLS.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    serve::{Listener, ListenerExt},
};
use tokio::net::TcpListener;

use crate::tls::{Held, Tls, TlsListener};

/// Serves until `closed` completes, then ends what is open.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<(Tls, Held)>,
    router: Router,
    closed: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let Some((tls, held)) = tls else {
        let listener = listener.tap_io(|stream| {
            // answers are small: waiting to fill a packet would only delay them
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY not set");
            }
        });
        return serve_on(listener, router, closed).await;
    };
    let tls = Arc::new(tls);
    let listener = TlsListener::new(listener, tls.clone())?.tap_io(|_| {});
    tokio::select! {
        served = serve_on(listener, router, closed) => served,
        () = tls.follow(held) => Ok(()),
    }
}

async fn serve_on<L, F>(
    listener: axum::serve::TapIo<L, F>,
    router: Router,
    closed: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    L: Listener<Addr = SocketAddr>,
    F: FnMut(&mut L::Io) + Send + 'static,
{
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(closed).await
}
