//! What the providers found and what failed, for who reaches nodes and for who looks after them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::provider::Failure;

/// One provider as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderStatus {
    /// `static`, `dns`, `nats` or `kubernetes`.
    pub provider: &'static str,
    /// Where it found nodes when it last answered.
    pub endpoints: BTreeSet<String>,
    /// Why it finds nobody now; none where it works, or has not answered yet.
    pub failing: Option<String>,
    /// How often it failed since the start.
    pub failures: u64,
}

/// What all providers found.
#[derive(Debug)]
pub(crate) struct Board {
    providers: Mutex<Vec<ProviderStatus>>,
    found: watch::Sender<BTreeSet<String>>,
    endpoints_max: usize,
}

impl Board {
    pub(crate) fn new(providers: impl Iterator<Item = &'static str>, endpoints_max: usize) -> Arc<Self> {
        let status = |provider| ProviderStatus { provider, ..ProviderStatus::default() };
        let found = watch::Sender::new(BTreeSet::new());
        Arc::new(Self { providers: Mutex::new(providers.map(status).collect()), found, endpoints_max })
    }

    pub(crate) fn found(&self) -> watch::Receiver<BTreeSet<String>> {
        self.found.subscribe()
    }

    pub(crate) fn status(&self) -> Vec<ProviderStatus> {
        self.lock().clone()
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.lock().iter().any(|status| status.failing.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ProviderStatus>> {
        self.providers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A provider answered.
    pub(crate) fn answered(&self, at: usize, mut endpoints: BTreeSet<String>) {
        let left_out = bound(&mut endpoints, self.endpoints_max);
        let mut providers = self.lock();
        let Some(status) = providers.get_mut(at) else { return };
        let provider = status.provider;
        if status.failing.take().is_some() {
            tracing::info!(provider, "discovery works again");
        }
        if status.endpoints != endpoints {
            let found: Vec<&String> = endpoints.difference(&status.endpoints).collect();
            let gone: Vec<&String> = status.endpoints.difference(&endpoints).collect();
            tracing::info!(provider, ?found, ?gone, "discovery");
            if left_out > 0 {
                tracing::warn!(provider, left_out, most = self.endpoints_max, "discovery found more than are dialled");
            }
            status.endpoints = endpoints;
            let mut all = providers.iter().flat_map(|status| &status.endpoints).cloned().collect();
            bound(&mut all, self.endpoints_max);
            self.found.send_replace(all);
        }
    }

    /// A provider failed. The log says so once for each reason.
    pub(crate) fn failed(&self, at: usize, failure: &Failure) {
        let mut providers = self.lock();
        let Some(status) = providers.get_mut(at) else { return };
        let (provider, text) = (status.provider, failure.to_string());
        status.failures += 1;
        if status.failing.as_ref() == Some(&text) {
            tracing::debug!(provider, "discovery: {text}");
        } else {
            tracing::warn!(provider, "discovery: {text}; it is tried again, and what was found before counts");
        }
        status.failing = Some(text);
    }
}

/// Leaves out what is too much; says how many that were.
fn bound(endpoints: &mut BTreeSet<String>, most: usize) -> usize {
    let too_many = endpoints.len().saturating_sub(most);
    for _ in 0..too_many {
        endpoints.pop_last();
    }
    too_many
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(endpoints: &[&str]) -> BTreeSet<String> {
        endpoints.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_any_provider_finds_is_found() {
        let board = Board::new(["dns", "nats"].into_iter(), 8);
        let found = board.found();
        board.answered(0, set(&["a", "b"]));
        board.answered(1, set(&["b", "c"]));
        assert_eq!(*found.borrow(), set(&["a", "b", "c"]));
        board.answered(0, set(&["a"]));
        assert_eq!(*found.borrow(), set(&["a", "b", "c"]), "the other one still finds it");
        board.answered(1, set(&["c"]));
        assert_eq!(*found.borrow(), set(&["a", "c"]));
    }

    #[test]
    fn after_a_failure_what_was_found_stays_and_the_reason_is_told() {
        let board = Board::new(["dns"].into_iter(), 8);
        board.answered(0, set(&["a"]));
        board.failed(0, &Failure::TimedOut("9.9.9.9".into()));
        board.failed(0, &Failure::TimedOut("9.9.9.9".into()));
        let status = board.status().remove(0);
        assert_eq!((status.failures, status.failing.as_deref()), (2, Some("no answer in time: 9.9.9.9")));
        assert_eq!(*board.found().borrow(), set(&["a"]));
        board.answered(0, set(&["a"]));
        let status = board.status().remove(0);
        assert_eq!((status.failures, status.failing), (2, None));
    }

    #[test]
    fn no_more_are_taken_than_the_bound_says() {
        let board = Board::new(["dns", "nats"].into_iter(), 3);
        board.answered(0, set(&["a", "b", "c", "d", "e"]));
        assert_eq!(board.status()[0].endpoints.len(), 3);
        board.answered(1, set(&["f", "g"]));
        assert_eq!(board.found().borrow().len(), 3, "of all together");
    }
}
