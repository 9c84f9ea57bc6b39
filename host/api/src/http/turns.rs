//! Work that takes much memory or time: little of it at once, and few who wait for it. A tenant has at most half of the
//! turns, and of the places to wait: whoever else comes waits behind few of each tenant, and not behind all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use burgee_model::Key;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// Takes turns at one kind of work.
pub(crate) struct Turns {
    /// What it is, as errors say it.
    what: &'static str,
    at_once: Arc<Semaphore>,
    waiting: Semaphore,
    waiting_max: usize,
    /// How many turns a tenant has at once, and of how many places to wait.
    share: (usize, usize),
    tenants: Mutex<HashMap<Key, Arc<Own>>>,
}

/// Of one tenant.
struct Own {
    at_once: Arc<Semaphore>,
    waiting: Semaphore,
}

/// A turn, which lasts as long as it is held.
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _own: Option<(OwnedSemaphorePermit, Arc<Own>)>,
}

impl Turns {
    /// So many at once, and so many more who wait.
    pub(crate) fn new(what: &'static str, at_once: usize, waiting_max: usize) -> Self {
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS);
        // one that has its turn has passed through here, so without a place to wait nobody would ever have one
        let waiting_max = waiting_max.clamp(1, Semaphore::MAX_PERMITS);
        let share = ((at_once / 2).max(1), waiting_max.div_ceil(2));
        let (at_once, waiting) = (Arc::new(Semaphore::new(at_once)), Semaphore::new(waiting_max));
        Self { what, at_once, waiting, waiting_max, share, tenants: Mutex::default() }
    }

    /// Waits for a turn of a tenant.
    ///
    /// # Errors
    /// Where too many wait, of the tenant or of all.
    pub(crate) async fn take(&self, tenant: &Key) -> Result<Turn, ApiError> {
        let own = self.of(tenant);
        let place = own.waiting.try_acquire();
        let place = place.map_err(|_| self.too_many(self.share.1))?;
        let _among_all = self.place()?;
        // among all its next one waits only once it has a turn of its own
        let turn = acquired(&own.at_once).await?;
        drop(place);
        Ok(Turn { _turn: acquired(&self.at_once).await?, _own: Some((turn, own.clone())) })
    }

    /// The same of nobody's in particular.
    ///
    /// # Errors
    /// Where too many wait.
    pub(crate) async fn take_any(&self) -> Result<Turn, ApiError> {
        let _place = self.place()?;
        Ok(Turn { _turn: acquired(&self.at_once).await?, _own: None })
    }

    fn place(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.waiting.try_acquire().map_err(|_| self.too_many(self.waiting_max))
    }

    fn too_many(&self, max: usize) -> ApiError {
        ApiError::TooManyWait { what: self.what, max }
    }

    /// The turns of a tenant; those of tenants that have none and wait for none are let go.
    fn of(&self, tenant: &Key) -> Arc<Own> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = tenants.get(tenant) {
            return own.clone();
        }
        tenants.retain(|_, own| Arc::strong_count(own) > 1);
        let (at_once, waiting) = self.share;
        let own = || Arc::new(Own { at_once: Arc::new(Semaphore::new(at_once)), waiting: Semaphore::new(waiting) });
        tenants.entry(tenant.clone()).or_insert_with(own).clone()
    }
}

async fn acquired(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    let turn = turns.clone().acquire_owned().await;
    turn.map_err(|_| ApiError::NotReady(vec!["shutting_down".into()]))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn few_work_few_wait_and_others_are_refused() {
        let turns = Turns::new("things", 1, 1);
        let first = turns.take_any().await.unwrap();
        let mut second = Box::pin(turns.take_any());
        assert!((&mut second).now_or_never().is_none());
        assert!(matches!(turns.take_any().await, Err(ApiError::TooManyWait { what: "things", max: 1 })));
        drop(first);
        assert!(second.await.is_ok());
    }
    #[tokio::test]
    async fn a_tenant_has_half_of_the_turns_and_the_places() {
        let (turns, one, other) = (Turns::new("things", 2, 4), Key::new("one").unwrap(), Key::new("other").unwrap());
        let first = turns.take(&one).await.unwrap();
        let mut waiting = [Box::pin(turns.take(&one)), Box::pin(turns.take(&one))];
        assert!(waiting.iter_mut().all(|next| next.now_or_never().is_none()));
        assert!(matches!(turns.take(&one).await, Err(ApiError::TooManyWait { max: 2, .. })));
        let second = turns.take(&other).now_or_never().unwrap().unwrap();
        assert!(waiting.iter_mut().all(|next| next.now_or_never().is_none()));
        let [third, fourth] = waiting;
        drop(first);
        drop((third.await.unwrap(), second));
        drop(fourth.await.unwrap());
        let _ = turns.of(&Key::new("third").unwrap());
        assert_eq!(turns.tenants.lock().unwrap().len(), 1, "nothing is remembered of those that are done");
    }
}
