//! What a connection is doing: whether it asks for something, and whether it takes what it is given.

use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{
    idle::Idle,
    limits::ConnectionLimits,
    shed::Shed,
    unread::{Pace, Unread},
};

/// No instant.
pub(super) const NEVER: u64 = u64::MAX;

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    pub(super) idle: Idle,
    pub(super) unread: Unread,
    /// That it is to give way.
    gives_way: Notify,
}

/// What a connection is worth to those that need its room; the least gives way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    /// Whether it asks for something, though nobody admitted it, or takes the rest of an answer.
    pub(super) asks: bool,
    since: Instant,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), idle: Idle::new(), unread: Unread::new(), gives_way: Notify::new() }
    }

    /// Milliseconds since its beginning.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// How it stands beside others; none while a request that was admitted is not over.
    pub(super) fn standing(&self) -> Option<Standing> {
        let since = self.began + Duration::from_millis(self.idle.since()?);
        Some(Standing { asks: self.idle.asks() || self.unread.is_blocked(), since })
    }

    /// Has it give way.
    pub(super) fn give_way(&self) {
        self.gives_way.notify_one();
    }

    /// Completes once it is to give way.
    pub(super) async fn giving_way(&self) {
        self.gives_way.notified().await;
    }

    /// Completes once it took too long over something, and says over what.
    pub(super) async fn overdue(&self, limits: &ConnectionLimits) -> Shed {
        let grace = u64::try_from(limits.unread.as_millis()).unwrap_or(NEVER);
        let pace = Pace { bytes_per_second: limits.answer_bytes_per_second, grace };
        loop {
            let now = self.now();
            let head = left(limits.head, self.idle.head_since(), now);
            let unread = left(limits.unread, self.unread.since(), now);
            if head.is_zero() {
                return Shed::Head;
            }
            if unread.is_zero() {
                return Shed::Unread;
            }
            let due = self.unread.due(pace).map(|due| Duration::from_millis(due.saturating_sub(now)));
            if due.is_some_and(|due| due.is_zero()) {
                return Shed::Slow;
            }
            tokio::time::sleep(head.min(unread).min(due.unwrap_or(limits.unread))).await;
        }
    }
}

/// What is left of a time that began at an instant; all of it where it did not begin.
fn left(limit: Duration, since: Option<u64>, now: u64) -> Duration {
    limit.saturating_sub(since.map_or(Duration::ZERO, |since| Duration::from_millis(now.saturating_sub(since))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> ConnectionLimits {
        let limits = burgee_model::Limits { head_ms: 50, unread_ms: 50, ..burgee_model::Limits::default() };
        ConnectionLimits::new(&limits)
    }

    /// What ends a connection within a moment, if anything does.
    async fn ends(activity: &Activity) -> Option<Shed> {
        tokio::time::timeout(Duration::from_millis(500), activity.overdue(&limits())).await.ok()
    }

    #[tokio::test]
    async fn a_head_must_end_and_an_answer_be_taken() {
        let activity = Activity::new();
        assert_eq!(ends(&activity).await, None, "it only waits");
        activity.idle.read(activity.now());
        assert_eq!(ends(&activity).await, Some(Shed::Head));
        activity.idle.begins(activity.now());
        assert_eq!(ends(&activity).await, None, "a body has a limit of its own");
        let answer = activity.unread.begins(activity.now());
        assert_eq!(ends(&activity).await, Some(Shed::Unread));
        activity.unread.asked(answer, true, activity.now());
        assert_eq!(ends(&activity).await, None, "a stream that has nothing to say");
    }

    #[test]
    fn who_takes_the_rest_of_an_answer_comes_after_who_asks_for_nothing() {
        let activity = Activity::new();
        assert!(!activity.standing().unwrap().asks);
        activity.unread.wrote(false, 0);
        assert!(activity.standing().unwrap().asks);
        activity.idle.begins(0);
        assert!(activity.idle.admits());
        assert_eq!(activity.standing(), None);
    }
}
