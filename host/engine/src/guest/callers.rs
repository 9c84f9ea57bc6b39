//! How many evaluations may wait for guests at once: each keeps a thread.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use burgee_model::Key;

/// Those that wait, or are being answered.
#[derive(Debug)]
pub(super) struct Callers {
    most: usize,
    most_of_tenant: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    of_tenants: HashMap<Key, usize>,
}

/// The place of one of them, until this is dropped.
pub(super) struct Place<'a> {
    callers: &'a Callers,
    tenant: &'a Key,
}

impl Callers {
    /// So many at once, and so many of one tenant.
    pub(super) fn new(most: usize, most_of_tenant: usize) -> Self {
        Self { most: most.max(1), most_of_tenant: most_of_tenant.max(1), inside: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, where there is one. Never waits.
    pub(super) fn enter<'a>(&'a self, tenant: &'a Key) -> Option<Place<'a>> {
        let mut inside = self.lock();
        let own = inside.of_tenants.get(tenant).copied().unwrap_or(0);
        if inside.all >= self.most || own >= self.most_of_tenant {
            return None;
        }
        inside.all += 1;
        inside.of_tenants.insert(tenant.clone(), own + 1);
        Some(Place { callers: self, tenant })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut inside = self.callers.lock();
        inside.all -= 1;
        match inside.of_tenants.get_mut(self.tenant) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(inside.of_tenants.remove(self.tenant)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_one_tenant_nor_all_have_more_than_their_places() {
        let callers = Callers::new(3, 2);
        let [a, b, c] = ["a", "b", "c"].map(|tenant| Key::new(tenant).unwrap());
        let (first, second) = (callers.enter(&a), callers.enter(&a));
        assert!(first.is_some() && second.is_some() && callers.enter(&a).is_none());
        let third = callers.enter(&b);
        assert!(third.is_some() && callers.enter(&c).is_none(), "all places are taken");
        drop(first);
        assert!(callers.enter(&c).is_some());
        drop((second, third));
        assert!(callers.lock().of_tenants.is_empty() && callers.lock().all == 0);
    }
}
