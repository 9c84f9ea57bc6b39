//! Turns that are fair between tenants: each waits in a line of its own, and the next turn goes to the tenant that has
//! waited for one longest. Where no more may wait, the newest of the longest line gives way to who has fewer there.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use burgee_model::Key;
use tokio::sync::oneshot;

use crate::error::ApiError;

/// Takes turns at one kind of work.
pub(crate) struct FairTurns {
    /// What it is, as errors say it.
    what: &'static str,
    at_once: usize,
    waiting_max: usize,
    lines: Arc<Mutex<Lines>>,
}

/// A turn, which lasts as long as it is held.
pub(crate) struct Turn(Option<Arc<Mutex<Lines>>>);

#[derive(Default)]
struct Lines {
    running: usize,
    waiting: usize,
    /// Those who wait; no line is empty.
    lines: HashMap<Key, VecDeque<oneshot::Sender<Turn>>>,
    /// The tenants that have one, the next one first.
    order: VecDeque<Key>,
}

impl FairTurns {
    /// So many at once, and so many more who wait, those of all tenants together.
    pub(crate) fn new(what: &'static str, at_once: usize, waiting_max: usize) -> Self {
        Self { what, at_once: at_once.max(1), waiting_max, lines: Arc::default() }
    }

    /// Waits for a tenant's turn.
    ///
    /// # Errors
    /// Where too many wait.
    pub(crate) async fn take(&self, tenant: &Key) -> Result<Turn, ApiError> {
        let refused = || ApiError::TooManyWait { what: self.what, max: self.waiting_max };
        let turn = {
            let mut lines = locked(&self.lines);
            if lines.running < self.at_once {
                lines.running += 1;
                return Ok(Turn(Some(self.lines.clone())));
            }
            lines.join(tenant, self.waiting_max).ok_or_else(refused)?
        };
        // who is sent away for somebody else hears nothing
        turn.await.map_err(|_| refused())
    }
}

impl Lines {
    /// A place in the tenant's line; none where there is no room.
    fn join(&mut self, tenant: &Key, waiting_max: usize) -> Option<oneshot::Receiver<Turn>> {
        if self.waiting >= waiting_max {
            self.forget_gone();
        }
        if self.waiting >= waiting_max && !self.make_room(tenant) {
            return None;
        }
        let (turn, given) = oneshot::channel();
        if !self.lines.contains_key(tenant) {
            self.order.push_back(tenant.clone());
        }
        self.lines.entry(tenant.clone()).or_default().push_back(turn);
        self.waiting += 1;
        Some(given)
    }

    /// Takes out those who wait no more.
    fn forget_gone(&mut self) {
        self.lines.retain(|_, line| {
            line.retain(|turn| !turn.is_closed());
            !line.is_empty()
        });
        self.order.retain(|tenant| self.lines.contains_key(tenant));
        self.waiting = self.lines.values().map(VecDeque::len).sum();
    }

    /// Sends the newest of the longest line away, where that is longer than the tenant's will be.
    fn make_room(&mut self, tenant: &Key) -> bool {
        let own = self.lines.get(tenant).map_or(0, VecDeque::len);
        let longest = self.lines.values_mut().max_by_key(|line| line.len());
        let Some(line) = longest.filter(|line| line.len() > own + 1) else { return false };
        line.pop_back();
        self.waiting -= 1;
        true
    }

    /// Takes who is next out of its line; its tenant is the last then.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let tenant = self.order.pop_front()?;
        let line = self.lines.get_mut(&tenant)?;
        let turn = line.pop_front()?;
        self.waiting -= 1;
        if line.is_empty() {
            self.lines.remove(&tenant);
        } else {
            self.order.push_back(tenant);
        }
        Some(turn)
    }
}

impl Drop for Turn {
    /// Passes it on.
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        let mut lines = locked(&shared);
        while let Some(next) = lines.next() {
            match next.send(Turn(Some(shared.clone()))) {
                Ok(()) => return,
                // who asked has gone; what comes back is not to be passed on once more
                Err(mut turn) => turn.0 = None,
            }
        }
        lines.running -= 1;
    }
}

fn locked(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[allow(clippy::needless_pass_by_value, reason = "what was refused is of no further use")]
    fn is_refused(turn: Option<Result<Turn, ApiError>>) -> bool {
        matches!(turn, Some(Err(ApiError::TooManyWait { what: "things", max: 4 })))
    }

    #[tokio::test]
    async fn who_has_one_waiting_comes_before_the_second_of_another() {
        let (turns, hog, victim) = (FairTurns::new("things", 1, 4), key("hog"), key("victim"));
        let running = turns.take(&hog).await.unwrap();
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(turns.take(&hog))).collect();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
        let mut victims = Box::pin(turns.take(&victim));
        assert!((&mut victims).now_or_never().is_none());
        drop(running);
        let first = waiting.remove(0).await.unwrap();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
        drop(first);
        let second = victims.await.unwrap();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
        drop(second);
        for turn in waiting {
            drop(turn.await.unwrap());
        }
        assert_eq!(locked(&turns.lines).running, 0);
    }

    #[tokio::test]
    async fn the_newest_of_the_longest_line_gives_way() {
        let (turns, hog, victim) = (FairTurns::new("things", 1, 4), key("hog"), key("victim"));
        let running = turns.take(&hog).await.unwrap();
        let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(turns.take(&hog))).collect();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
        assert!(is_refused(turns.take(&hog).now_or_never()), "the hog itself gets no more");
        let mut victims: Vec<_> = (0..2).map(|_| Box::pin(turns.take(&victim))).collect();
        assert!(victims.iter_mut().all(|turn| turn.now_or_never().is_none()));
        let sent_away: Vec<bool> = waiting.iter_mut().map(|turn| is_refused(turn.now_or_never())).collect();
        assert_eq!(sent_away, [false, false, true, true]);
        assert!(is_refused(turns.take(&victim).now_or_never()), "both have two");
        drop(running);
    }

    #[tokio::test]
    async fn who_goes_away_loses_no_turn() {
        let (turns, one, other) = (FairTurns::new("things", 1, 4), key("one"), key("other"));
        let running = turns.take(&one).await.unwrap();
        let mut gone = Box::pin(turns.take(&one));
        assert!((&mut gone).now_or_never().is_none());
        let mut stays = Box::pin(turns.take(&other));
        assert!((&mut stays).now_or_never().is_none());
        drop(gone);
        drop(running);
        let mut given = Box::pin(turns.take(&one));
        assert!((&mut given).now_or_never().is_none(), "the other one's turn");
        drop(stays);
        drop(given.await.unwrap());
        for _ in 0..10 {
            let _holds = turns.take(&one).await.unwrap();
            let mut waits = Box::pin(turns.take(&other));
            assert!((&mut waits).now_or_never().is_none());
        }
        assert_eq!(locked(&turns.lines).running, 0);
    }
}
