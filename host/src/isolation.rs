//! For how long this node has heard of no other one: what was revoked meanwhile, it cannot know.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Between two looks at the view of the cluster.
pub(crate) const LOOK: Duration = Duration::from_millis(250);

/// Whether the node hears of others. Cheap to clone and to read.
#[derive(Clone, Debug)]
pub(crate) struct Isolation {
    started: Instant,
    /// Milliseconds from the start to the moment since which nobody is heard; [`HEARD`] where somebody is, or where
    /// there is nobody else.
    since: Arc<AtomicU64>,
}

const HEARD: u64 = u64::MAX;

impl Isolation {
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, since: Arc::new(AtomicU64::new(HEARD)) }
    }

    /// Takes note of whether some other node is heard, and whether some member is not.
    pub(crate) fn look(&self, heard: bool, missed: bool, now: Instant) {
        if heard || !missed {
            self.since.store(HEARD, Ordering::Relaxed);
        } else if self.since.load(Ordering::Relaxed) == HEARD {
            let since = u64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(HEARD - 1);
            self.since.store(since, Ordering::Relaxed);
        }
    }

    /// For how long nobody was heard; none where somebody is.
    pub(crate) fn lasts(&self, now: Instant) -> Option<Duration> {
        let since = self.since.load(Ordering::Relaxed);
        (since != HEARD).then(|| now.duration_since(self.started).saturating_sub(Duration::from_millis(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_from_the_last_that_was_heard_until_the_next() {
        let start = Instant::now();
        let (isolation, at) = (Isolation::new(start), |seconds| start + Duration::from_secs(seconds));
        for (heard, missed) in [(false, false), (true, true), (true, false)] {
            isolation.look(heard, missed, at(1));
            assert_eq!(isolation.lasts(at(9)), None);
        }
        isolation.look(false, true, at(2));
        isolation.look(false, true, at(5));
        assert_eq!(isolation.lasts(at(9)), Some(Duration::from_secs(7)));
        isolation.look(true, true, at(10));
        assert_eq!(isolation.lasts(at(11)), None);
    }
}
