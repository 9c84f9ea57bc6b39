//! Work that takes much memory or time: little of it at once, and few who wait for it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// Takes turns at one kind of work.
pub(crate) struct Turns {
    /// What it is, as errors say it.
    what: &'static str,
    at_once: Arc<Semaphore>,
    waiting: Semaphore,
    waiting_max: usize,
}

impl Turns {
    /// So many at once, and so many more who wait.
    pub(crate) fn new(what: &'static str, at_once: usize, waiting_max: usize) -> Self {
        let at_once = Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)));
        // one that has its turn has passed through here, so without a place to wait nobody would ever have one
        let waiting_max = waiting_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { what, at_once, waiting: Semaphore::new(waiting_max), waiting_max }
    }

    /// Waits for a turn, which lasts as long as what is given back is held.
    ///
    /// # Errors
    /// Where too many wait.
    pub(crate) async fn take(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let place = self.waiting.try_acquire();
        let _place = place.map_err(|_| ApiError::TooManyWait { what: self.what, max: self.waiting_max })?;
        let turn = self.at_once.clone().acquire_owned().await;
        turn.map_err(|_| ApiError::NotReady(vec!["shutting_down".into()]))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn few_work_few_wait_and_others_are_refused() {
        let turns = Turns::new("things", 1, 1);
        let first = turns.take().await.unwrap();
        let mut second = Box::pin(turns.take());
        assert!((&mut second).now_or_never().is_none());
        assert!(matches!(turns.take().await, Err(ApiError::TooManyWait { what: "things", max: 1 })));
        drop(first);
        assert!(second.await.is_ok());
    }
}
