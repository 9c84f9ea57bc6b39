//! What one token, or one tenant, uses of this node: its rate, its streams, when it was last heard of.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use burgee_model::Millis;

use super::rate::Bucket;
use crate::http::budget::{AsHoldings, Holdings};

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) requests: Bucket,
    /// Of a tenant: the requests of those that have a role.
    pub(crate) by_people: Bucket,
    /// Refusals that were answered at once.
    pub(super) refused: Bucket,
    streams: AtomicUsize,
    /// Memory that its requests hold.
    holdings: Holdings,
    /// Milliseconds since the Unix epoch; 0 is never.
    used: AtomicU64,
}

impl Usage {
    /// It was heard of.
    pub(crate) fn touch(&self, now: Millis) {
        self.used.fetch_max(now, Ordering::Relaxed);
    }

    /// When it was last heard of, on this node since its start.
    pub(crate) fn last(&self) -> Option<Millis> {
        Some(self.used.load(Ordering::Relaxed)).filter(|used| *used > 0)
    }

    /// Takes one of the streams that it may have open.
    pub(crate) fn stream(self: &Arc<Self>, max: usize) -> Option<OpenStream> {
        let more = |open: usize| Some(open + 1).filter(|open| *open <= max);
        self.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(OpenStream(self.clone()))
    }

    /// Whether nothing of it need be remembered.
    pub(crate) fn is_idle(&self, now: u64) -> bool {
        let rests = |bucket: &Bucket| bucket.is_idle(now);
        self.streams.load(Ordering::Relaxed) == 0
            && self.holdings.are_none()
            && rests(&self.requests)
            && rests(&self.by_people)
            && rests(&self.refused)
    }
}

impl AsHoldings for Usage {
    fn holdings(&self) -> &Holdings {
        &self.holdings
    }
}

/// One of the streams that somebody may have open; dropped, it may be opened again.
#[derive(Debug)]
pub(crate) struct OpenStream(Arc<Usage>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_used_up_keeps_it_from_being_forgotten() {
        let rate = crate::access::rate::Rate::per_second(1).unwrap();
        let (by_applications, by_people) = (Usage::default(), Usage::default());
        assert_eq!((by_applications.requests.take(rate, 0), by_people.by_people.take(rate, 0)), (Ok(()), Ok(())));
        assert!(!by_applications.is_idle(0) && !by_people.is_idle(0) && by_people.is_idle(1_000_000));
    }

    #[test]
    fn streams_are_given_back() {
        let usage = Arc::new(Usage::default());
        let (first, second) = (usage.stream(2), usage.stream(2));
        assert!(first.is_some() && second.is_some() && usage.stream(2).is_none());
        assert!(!usage.is_idle(0));
        drop(first);
        assert!(usage.stream(2).is_some());
        drop(second);
        assert!(usage.is_idle(0));
    }
}
