//! Whether a node may serve.
//!
//! Ready is who holds everything that one ready peer had when the exchange began. Who finds no ready
//! peer in time goes on with what it and the nodes it reaches hold, unless that may be nothing for the
//! wrong reason: a node that came empty waits for one that has data.

use std::collections::BTreeMap;

use burgee_model::NodeId;

use super::{Moment, Settings, peer::Peer};
use crate::status::Readiness;

pub(super) fn decide(
    current: &Readiness,
    settings: &Settings,
    peers: &BTreeMap<NodeId, Peer>,
    now: Moment,
) -> Readiness {
    let live: Vec<&Peer> = peers.values().filter(|peer| peer.live).collect();
    if current.ready {
        let met = live.iter().any(|peer| peer.snapshot.is_some());
        return Readiness { alone: current.alone && !met, ..current.clone() };
    }
    if live.iter().any(|peer| peer.snapshot == Some(true)) {
        return Readiness::ready();
    }
    let timed_out = now >= settings.ready_timeout;
    match live.as_slice() {
        [] if timed_out && settings.holds_data => Readiness::alone(),
        [] => Readiness::waiting("no_peer"),
        live if timed_out && may_start_together(settings, live) => Readiness::ready(),
        _ => Readiness::waiting("joining"),
    }
}

/// Nobody reached is ready, and there is nothing to wait for: this node has merged all that they hold,
/// and either it came with data of its own or nobody has any (a first start).
fn may_start_together(settings: &Settings, live: &[&Peer]) -> bool {
    let merged = live.iter().all(|peer| peer.snapshot.is_some() && !peer.is_ready());
    merged && (settings.holds_data || live.iter().all(|peer| peer.is_empty()))
}
