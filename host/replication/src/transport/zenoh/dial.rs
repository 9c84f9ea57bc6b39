//! Dialling at runtime: Zenoh takes no new endpoints once it runs. A short second session connects to this
//! node and to the new one, gossip tells each of the other, and one of them dials.

use std::time::Duration;

use super::settings::Settings;
use crate::{endpoint::Endpoint, transport::DialError};

/// How long the introducer stays: links, gossip and the dial that follows take about half a second.
const STAY: Duration = Duration::from_millis(1500);

pub(super) async fn introduce(settings: &Settings, endpoint: &str) -> Result<(), DialError> {
    Endpoint::parse(endpoint).map_err(|reason| DialError::Endpoint(format!("`{endpoint}` {reason}")))?;
    let Some(own) = &settings.listen else {
        return Err(DialError::Endpoint("this node does not listen, so that nobody can be sent to it".to_owned()));
    };
    let unreachable = |error: zenoh::Error| DialError::Unreachable(error.to_string());
    let config = settings.introducer([own, endpoint]).map_err(unreachable)?;
    let session = zenoh::open(config).await.map_err(unreachable)?;
    tokio::time::sleep(STAY).await;
    let reached = session.info().routers_zid().await.count();
    let closed = session.close().await;
    if reached < 2 {
        return Err(DialError::Unreachable(format!("`{endpoint}` does not answer")));
    }
    closed.map_err(unreachable)
}
