//! Floors: range tombstones. A floor of a container also kills what was written without having seen it.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use burgee_model::{Address, Key, RegisterId, Scope, Stamp};

use crate::Version;

/// The greatest floor of each scope of one tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Floors {
    by_scope: BTreeMap<Scope, Arc<Version>>,
}

/// The floors over one register: all that decides whether a version of it lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Over {
    /// The greatest of all.
    pub(crate) any: Option<Stamp>,
    /// The greatest container's.
    pub(crate) container: Option<Stamp>,
}

impl Over {
    pub(crate) fn kills(&self, stamp: Stamp, seen: Option<Stamp>) -> bool {
        self.any.is_some_and(|floor| stamp <= floor) || seen < self.container
    }

    pub(crate) fn add(&mut self, scope: &Scope, stamp: Stamp) {
        self.any = self.any.max(Some(stamp));
        if scope.is_container() {
            self.container = self.container.max(Some(stamp));
        }
    }
}

impl Floors {
    /// Takes a floor in unless its scope has a greater one; says whether it did.
    pub(crate) fn insert(&mut self, scope: &Scope, version: &Arc<Version>) -> bool {
        let greater = self.by_scope.get(scope).is_none_or(|held| {
            version.stamp > held.stamp || (version.stamp == held.stamp && version.encode() > held.encode())
        });
        if greater {
            self.by_scope.insert(scope.clone(), version.clone());
        }
        greater
    }

    pub(crate) fn remove(&mut self, scope: &Scope) {
        self.by_scope.remove(scope);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_scope.is_empty()
    }

    pub(crate) fn get(&self, scope: &Scope) -> Option<&Arc<Version>> {
        self.by_scope.get(scope)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Scope, &Arc<Version>)> {
        self.by_scope.iter()
    }

    pub(crate) fn from<'a>(
        &'a self,
        from: Bound<&Scope>,
    ) -> impl Iterator<Item = (&'a Scope, &'a Arc<Version>)> + use<'a> {
        self.by_scope.range((from, Bound::Unbounded))
    }

    /// The floors over a register.
    pub(crate) fn over(&self, id: &RegisterId) -> Over {
        let mut over = Over::default();
        if self.by_scope.is_empty() {
            return over;
        }
        for scope in id.containers() {
            if let Some(floor) = self.by_scope.get(&scope) {
                over.add(&scope, floor.stamp);
            }
        }
        if let Address::Config { environment, key } = &id.address {
            over.any = over.any.max(self.over_key(environment, key.as_str()));
        }
        over
    }

    /// The greatest floor whose prefix a key begins with. Each step looks for the next prefix that is not
    /// greater than what remains of the key, so it takes no more steps than the key has characters,
    /// however many floors there are.
    fn over_key(&self, environment: &Key, key: &str) -> Option<Stamp> {
        let mut greatest = None;
        let mut rest = key;
        loop {
            let probe = Scope::Config { environment: environment.clone(), prefix: rest.into() };
            let (prefix, floor) = match self.by_scope.range(..=probe).next_back() {
                Some((Scope::Config { environment: e, prefix }, floor)) if e == environment => (prefix, floor),
                _ => return greatest,
            };
            if key.starts_with(&**prefix) {
                greatest = greatest.max(Some(floor.stamp));
                let Some((last, _)) = prefix.char_indices().next_back() else { return greatest };
                rest = &key[..last];
            } else {
                rest = common_prefix(rest, prefix);
            }
        }
    }
}

fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y);
    let end = same.map_or(a.len().min(b.len()), |((at, _), _)| at);
    a.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{config, floor, key};

    fn prefix(text: &str) -> Scope {
        Scope::Config { environment: key("e"), prefix: text.into() }
    }

    fn floors(of: &[(Scope, u64)]) -> Floors {
        let mut floors = Floors::default();
        for (scope, time) in of {
            floors.insert(scope, &Arc::new(floor(scope.clone(), *time)));
        }
        floors
    }

    proptest! {
        #[test]
        fn the_search_by_prefix_finds_what_a_full_scan_finds(
            texts in prop::collection::vec("[abü/]{0,5}", 0..12),
            probe in "[abü/]{1,6}",
        ) {
            let scopes: Vec<(Scope, u64)> =
                texts.iter().enumerate().map(|(n, text)| (prefix(text), n as u64 + 1)).collect();
            let floors = floors(&scopes);
            let id = config(&probe);
            let scan = floors.iter().filter(|(s, _)| s.covers(&id.address)).map(|(_, v)| v.stamp).max();
            prop_assert_eq!(floors.over(&id).any, scan);
        }
    }

    #[test]
    fn only_the_greatest_floor_of_a_scope_counts() {
        let floors = floors(&[(Scope::Tenant, 5), (Scope::Tenant, 9), (Scope::Tenant, 7)]);
        assert_eq!((floors.iter().count(), floors.get(&Scope::Tenant).unwrap().stamp.time), (1, 9));
    }

    #[test]
    fn a_container_kills_what_has_not_seen_it_and_a_prefix_does_not() {
        let container = floors(&[(Scope::Tenant, 5)]).over(&config("k"));
        let purge = floors(&[(prefix("k"), 5)]).over(&config("k"));
        let stamp = |time| Stamp { time, ..Stamp::ZERO };
        let seen = container.container;
        assert!(container.kills(stamp(4), None) && container.kills(stamp(9), None));
        assert!(!container.kills(stamp(9), seen));
        assert!(purge.kills(stamp(4), None) && !purge.kills(stamp(9), None));
    }
}
