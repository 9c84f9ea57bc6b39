//! Makes connections to endpoints.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpStream, time::timeout};

use super::{
    hub::{HANDSHAKE_TIMEOUT, Hub},
    wire::Wire,
};
use crate::{
    endpoint::{Endpoint, Scheme},
    message::PeerId,
    transport::DialError,
};

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Makes a link, or finds that there is one.
pub(super) async fn dial(hub: &Arc<Hub>, text: &str) -> Result<PeerId, DialError> {
    match hub.links.dialled(text) {
        Some(peer) => Ok(peer),
        None => dial_anew(hub, text).await,
    }
}

/// Makes a link, whether or not there is one.
pub(super) async fn dial_anew(hub: &Arc<Hub>, text: &str) -> Result<PeerId, DialError> {
    let endpoint = Endpoint::parse(text).map_err(|reason| DialError::Endpoint(format!("`{text}` {reason}")))?;
    if endpoint.port() == 0 {
        return Err(DialError::Endpoint(format!("`{text}` needs a port other than 0")));
    }
    let dialled = connect_and_greet(hub, &endpoint, text).await;
    if let Err(DialError::Refused(refusal)) = &dialled {
        hub.refusals.count(*refusal, 0);
    }
    dialled
}

/// Tries one address after the other. A node that answers is the end of it, whatever it says. Each address
/// gets its share of the time, so that a dead one does not use up that of the others.
async fn connect_and_greet(hub: &Arc<Hub>, endpoint: &Endpoint, text: &str) -> Result<PeerId, DialError> {
    let addresses = timeout(HANDSHAKE_TIMEOUT, tokio::net::lookup_host(endpoint.address())).await;
    let addresses: Vec<_> = match addresses {
        Ok(Ok(addresses)) => addresses.take(ADDRESSES_MAX).collect(),
        Ok(Err(error)) => return Err(DialError::Unreachable(error.to_string())),
        Err(_) => return Err(DialError::Unreachable("the name is not resolved in time".to_owned())),
    };
    let share = HANDSHAKE_TIMEOUT / u32::try_from(addresses.len().max(1)).unwrap_or(1);
    let mut last = DialError::Unreachable("the host has no address".to_owned());
    for address in addresses {
        let attempt = async { hub.greet(connect(hub, endpoint.scheme(), address).await?, text).await };
        match timeout(share, attempt).await {
            Ok(Err(error @ DialError::Unreachable(_))) => last = error,
            Ok(dialled) => return dialled,
            Err(_) => last = DialError::Unreachable("no answer in time".to_owned()),
        }
    }
    Err(last)
}

async fn connect(hub: &Hub, scheme: Scheme, address: SocketAddr) -> Result<Wire, DialError> {
    let lost = |error: io::Error| DialError::Unreachable(error.to_string());
    match (scheme, &hub.quic) {
        (Scheme::Tcp, _) => TcpStream::connect(address).await.and_then(Wire::tcp).map_err(lost),
        (Scheme::Quic, None) => Err(DialError::Endpoint("quic needs certificates".to_owned())),
        (Scheme::Quic, Some(quic)) => quic.connect(address).await,
    }
}
