//! What a connection is doing: whether it asks for something, and whether it takes what it is given.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{limits::ConnectionLimits, shed::Shed};

/// No instant.
const NEVER: u64 = u64::MAX;

/// What one connection is doing. Instants are milliseconds since its beginning.
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    /// Requests whose answer is not over.
    requests: AtomicUsize,
    /// Since when there are none.
    idle_since: AtomicU64,
    /// Since when the head of a request is coming in; only for HTTP/1, where nothing else comes then.
    head_since: AtomicU64,
    /// Answers of which a part was given that may be on its way still.
    owed: AtomicUsize,
    /// Whether the network takes nothing.
    blocked: AtomicBool,
    /// When something of an answer was last taken.
    taken: AtomicU64,
    /// That it is to end.
    ended: Notify,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NEVER),
            owed: AtomicUsize::new(0),
            blocked: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            ended: Notify::new(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// A request begins.
    pub(super) fn request(self: &Arc<Self>) -> Asked {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(NEVER, Ordering::Relaxed);
        Asked(self.clone())
    }

    /// Bytes came; of HTTP/1, between requests, they are those of a head.
    pub(super) fn read(&self) {
        if self.requests.load(Ordering::Relaxed) == 0 && self.head_since.load(Ordering::Relaxed) == NEVER {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The network takes bytes, or takes none.
    pub(super) fn wrote(&self, any: bool) {
        if any || !self.blocked.load(Ordering::Relaxed) {
            self.taken.store(self.now(), Ordering::Relaxed);
        }
        self.blocked.store(!any, Ordering::Relaxed);
    }

    /// An answer is asked for more; it gave a part, or has none at the moment.
    pub(super) fn polled(&self, was_owed: bool, owes: bool) {
        self.taken.store(self.now(), Ordering::Relaxed);
        match (was_owed, owes) {
            (false, true) => drop(self.owed.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.owed.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
    }

    /// For how long it has asked for nothing, as an instant on a scale that all connections share; none while it asks.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let idle = self.requests.load(Ordering::Relaxed) == 0;
        idle.then(|| self.began + Duration::from_millis(self.idle_since.load(Ordering::Relaxed)))
    }

    /// Has it end.
    pub(super) fn end(&self) {
        self.ended.notify_one();
    }

    /// Completes once it is to end, and says why.
    pub(super) async fn over(&self, limits: &ConnectionLimits) -> Shed {
        tokio::select! {
            () = self.ended.notified() => Shed::Idle,
            why = self.overdue(limits) => why,
        }
    }

    async fn overdue(&self, limits: &ConnectionLimits) -> Shed {
        loop {
            let now = self.now();
            let (head, unread) = (self.head_for(now), self.unread_for(now));
            if head.is_some_and(|time| time >= limits.head) {
                return Shed::Head;
            }
            if unread.is_some_and(|time| time >= limits.unread) {
                return Shed::Unread;
            }
            let left = |max: Duration, time: Option<Duration>| max.saturating_sub(time.unwrap_or_default());
            let wait = left(limits.head, head).min(left(limits.unread, unread));
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    fn head_for(&self, now: u64) -> Option<Duration> {
        let since = self.head_since.load(Ordering::Relaxed);
        (since != NEVER).then(|| Duration::from_millis(now.saturating_sub(since)))
    }

    fn unread_for(&self, now: u64) -> Option<Duration> {
        let unread = self.blocked.load(Ordering::Relaxed) || self.owed.load(Ordering::Relaxed) > 0;
        unread.then(|| Duration::from_millis(now.saturating_sub(self.taken.load(Ordering::Relaxed))))
    }
}

/// A request whose answer is not over.
#[derive(Debug)]
pub(super) struct Asked(Arc<Activity>);

impl Asked {
    pub(super) fn activity(&self) -> &Activity {
        &self.0
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // told before the count falls: whoever sees no request sees since when
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
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
        tokio::time::timeout(Duration::from_millis(500), activity.over(&limits())).await.ok()
    }

    #[tokio::test]
    async fn a_head_must_end_and_an_answer_be_taken() {
        let activity = Arc::new(Activity::new());
        assert_eq!(ends(&activity).await, None, "it only waits");
        activity.read();
        assert_eq!(ends(&activity).await, Some(Shed::Head));
        let asked = activity.request();
        activity.read();
        assert_eq!(ends(&activity).await, None, "a body has a limit of its own");
        activity.polled(false, true);
        assert_eq!(ends(&activity).await, Some(Shed::Unread));
        activity.polled(true, false);
        assert_eq!(ends(&activity).await, None, "a stream that has nothing to say");
        activity.wrote(false);
        assert_eq!(ends(&activity).await, Some(Shed::Unread));
        activity.wrote(true);
        assert!(activity.idle_since().is_none());
        drop(asked);
        assert!(activity.idle_since().is_some() && ends(&activity).await.is_none());
        activity.end();
        assert_eq!(ends(&activity).await, Some(Shed::Idle));
    }
}
