//! Connections that the node ended by itself, or did not take: counted by reason, and said seldom.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Milliseconds between two lines of the log.
const SAID_MS: u64 = 1_000;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shed {
    /// There was no room, and no other connection gave way.
    Full,
    /// Its address has as many as one may have.
    Address,
    /// Another one needed its room while it asked for nothing, or for what nobody admitted.
    Idle,
    /// The head of a request took too long.
    Head,
    /// So did a handshake.
    Handshake,
    /// An answer was not read, or the peer is gone.
    Unread,
    /// An answer was read too slowly.
    Slow,
    /// It went beyond a limit of HTTP itself: a head too large (431), or too many resets.
    Limit,
}

impl Shed {
    const ALL: [Self; 8] =
        [Self::Full, Self::Address, Self::Idle, Self::Head, Self::Handshake, Self::Unread, Self::Slow, Self::Limit];

    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "address",
            Self::Idle => "idle",
            Self::Head => "head",
            Self::Handshake => "handshake",
            Self::Unread => "unread",
            Self::Slow => "slow",
            Self::Limit => "limit",
        }
    }
}

/// How many were shed since the start.
#[derive(Debug)]
pub(super) struct Sheds {
    started: Instant,
    counts: [AtomicU64; Shed::ALL.len()],
    /// Until when nothing is said, in milliseconds since the start.
    silent_until: AtomicU64,
}

impl Sheds {
    pub(super) fn new(started: Instant) -> Self {
        Self { started, counts: Default::default(), silent_until: AtomicU64::new(0) }
    }

    /// Counts one. Whoever floods a node must not flood its log.
    pub(super) fn count(&self, why: Shed, address: SocketAddr) {
        let Some(count) = self.counts.get(why as usize) else { return };
        let count = count.fetch_add(1, Ordering::Relaxed) + 1;
        if self.may_say(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)) {
            tracing::warn!(reason = why.name(), %address, count, "connections are shed");
        }
    }

    fn may_say(&self, now: u64) -> bool {
        let next = |until: u64| (until <= now).then(|| now.saturating_add(SAID_MS));
        self.silent_until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    /// By reason.
    pub(super) fn totals(&self) -> Vec<(&'static str, u64)> {
        Shed::ALL.iter().zip(&self.counts).map(|(why, count)| (why.name(), count.load(Ordering::Relaxed))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_and_one_a_second_is_said() {
        let sheds = Sheds::new(Instant::now());
        let address = "127.0.0.1:1".parse().unwrap();
        sheds.count(Shed::Idle, address);
        sheds.count(Shed::Idle, address);
        sheds.count(Shed::Full, address);
        let counted: Vec<_> = sheds.totals().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [("full", 1), ("idle", 2)]);
        let until = sheds.silent_until.load(Ordering::Relaxed);
        assert_eq!(
            [until - 1, until, until + 1, until + SAID_MS].map(|now| sheds.may_say(now)),
            [false, true, false, true]
        );
    }
}
