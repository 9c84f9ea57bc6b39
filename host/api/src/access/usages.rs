//! What each of many uses, by name: tenants, and the addresses that people log in from. Bounded: whoever uses
//! nothing is forgotten first.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use super::usage::Usage;

/// Names that are remembered at once. Beyond it the idle ones are forgotten; where none is idle, newcomers share one.
const NAMES_MAX: usize = 10_000;

/// Usages by name.
#[derive(Debug)]
pub(crate) struct Usages<K> {
    by_name: Mutex<HashMap<K, Arc<Usage>>>,
    shared: Arc<Usage>,
}

impl<K> Default for Usages<K> {
    fn default() -> Self {
        Self { by_name: Mutex::default(), shared: Arc::default() }
    }
}

impl<K: Eq + Hash + Clone> Usages<K> {
    /// The usage of a name; the instant, in microseconds, tells who is idle.
    pub(crate) fn of(&self, name: &K, now: u64) -> Arc<Usage> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = by_name.get(name) {
            return found.clone();
        }
        if by_name.len() >= NAMES_MAX {
            by_name.retain(|_, usage| Arc::strong_count(usage) > 1 || !usage.is_idle(now));
        }
        if by_name.len() >= NAMES_MAX {
            return self.shared.clone();
        }
        by_name.entry(name.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::rate::Rate;

    #[test]
    fn idle_names_make_room_and_busy_ones_stay() {
        let (usages, rate) = (Usages::default(), Rate::per_second(1).unwrap());
        for name in 0..NAMES_MAX {
            assert_eq!(usages.of(&name, 0).requests.take(rate, 0), Ok(()));
        }
        assert!(Arc::ptr_eq(&usages.of(&NAMES_MAX, 0), &usages.shared));
        let late = 2_000_000;
        assert_eq!(usages.of(&7, late).requests.take(rate, late), Ok(()));
        let newcomer = usages.of(&NAMES_MAX, late);
        assert!(!Arc::ptr_eq(&newcomer, &usages.shared));
        assert!(usages.of(&7, late).requests.take(rate, late).is_err(), "it is remembered");
    }
}
