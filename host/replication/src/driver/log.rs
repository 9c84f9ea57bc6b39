//! What operators read.

use burgee_model::Millis;

use crate::{core::Note, status::Readiness};

pub(super) fn note(note: &Note) {
    match note {
        Note::Joined(peer) => tracing::info!(peer = %peer.node, "a peer is reached"),
        Note::Left(peer) => tracing::info!(peer = %peer.node, "a peer is no longer reached"),
        Note::Synchronised { peer, took } => tracing::info!(peer = %peer.node, ?took, "in line with a peer"),
        Note::IdentityInUse(peer) => {
            tracing::warn!(node = %peer.node, "two processes have one identity: a copied data directory?");
        }
        // The counter of refusals says so, no oftener than people want to read it.
        Note::IdentityClaimed(peer) => {
            tracing::debug!(node = %peer.node, start = peer.incarnation, "somebody says that it is a node that it is not");
        }
        Note::NameInUse(node) => tracing::warn!(%node, "a live node has this node's name"),
        Note::ClusterTimeSet(offset_ms) => tracing::warn!(offset_ms, "cluster time was set"),
        Note::Outdated => {
            tracing::warn!("this node was forgotten or restored: it takes a new identity and resynchronises");
        }
    }
}

pub(super) fn readiness(readiness: &Readiness) {
    match (readiness.ready, readiness.alone) {
        (true, true) => tracing::warn!("ready on this node's own data: no peer was reached in time"),
        // the program says so itself, no oftener than people want to read it
        (true, false) => tracing::debug!("ready"),
        (false, _) => tracing::debug!(reasons = ?readiness.reasons, "not ready"),
    }
}

pub(super) fn clock_ahead(ahead: Option<Millis>) {
    match ahead {
        Some(ahead_ms) => tracing::error!(ahead_ms, "this machine's clock is ahead of the cluster: writes are refused"),
        None => tracing::info!("this machine's clock is in line with the cluster again"),
    }
}
