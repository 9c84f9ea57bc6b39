//! Compiled modules that are kept, and for whom. A module that several tenants have is kept once, and is part of what
//! each of them has.
//!
//! Where there are too many, the tenant that has most gives up what it has not used for longest: so whoever has little
//! keeps it, whatever others do. What nobody used for long goes first.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use burgee_model::Key;

/// What nobody has used for so long is given up before anything else.
const UNUSED: Duration = Duration::from_secs(600);

pub(super) type Digest = [u8; 32];

/// The shelf.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    places: HashMap<Digest, Place<T>>,
    /// What was given up since the start.
    pub(super) evicted: u64,
}

#[derive(Debug)]
struct Place<T> {
    /// None while it is waited for.
    thing: Option<T>,
    bytes: usize,
    /// Who uses it, and when last.
    users: HashMap<Key, Instant>,
}

/// What a tenant has on the shelf.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    things: usize,
    bytes: usize,
    /// The last use of what it has not used for longest, and which that is.
    oldest: Option<(Instant, Digest)>,
}

/// What is known of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen<T> {
    Nothing,
    /// It is waited for.
    Expected,
    Here(T),
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), evicted: 0 }
    }
}

impl<T> Shelf<T> {
    /// What there is for a tenant, which uses it by this.
    pub(super) fn use_by(&mut self, tenant: &Key, digest: &Digest, now: Instant) -> Seen<&T> {
        let Some(place) = self.places.get_mut(digest) else { return Seen::Nothing };
        match place.users.get_mut(tenant) {
            Some(used) => *used = now,
            None => drop(place.users.insert(tenant.clone(), now)),
        }
        place.thing.as_ref().map_or(Seen::Expected, Seen::Here)
    }

    /// Whether there is something, or will be. Nobody uses it by this.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.places.contains_key(digest)
    }

    /// Keeps a place for what a tenant waits for.
    pub(super) fn expect(&mut self, tenant: &Key, digest: Digest, now: Instant) {
        let place = Place { thing: None, bytes: 0, users: HashMap::from([(tenant.clone(), now)]) };
        self.places.entry(digest).or_insert(place);
    }

    /// Gives a place up that was kept for something that did not come.
    pub(super) fn forget(&mut self, digest: &Digest) {
        self.places.remove(digest);
    }

    /// Puts what was waited for in its place, and gives up what is too much.
    pub(super) fn put(&mut self, digest: Digest, thing: T, bytes: usize, most: (usize, usize), now: Instant) {
        if let Some(place) = self.places.get_mut(&digest) {
            (place.thing, place.bytes) = (Some(thing), bytes);
            self.trim(&digest, most, now);
        }
    }

    /// How many things are here, and their bytes.
    pub(super) fn held(&self) -> (usize, usize) {
        let here = self.places.values().filter(|place| place.thing.is_some());
        here.fold((0, 0), |(things, bytes), place| (things + 1, bytes + place.bytes))
    }

    /// What is new stays: somebody waits for it.
    fn trim(&mut self, new: &Digest, (most, most_bytes): (usize, usize), now: Instant) {
        loop {
            let (things, bytes) = self.held();
            if things <= most && bytes <= most_bytes {
                return;
            }
            let shares = self.shares(new);
            let unused =
                |share: &Share| share.oldest.is_some_and(|(used, _)| now.saturating_duration_since(used) > UNUSED);
            let by_weight = |share: &Share| {
                if bytes > most_bytes { (share.bytes, share.things) } else { (share.things, share.bytes) }
            };
            let rank = |share: &Share| {
                (unused(share), by_weight(share), share.oldest.map(|(used, _)| std::cmp::Reverse(used)))
            };
            let Some((tenant, share)) = shares.into_iter().max_by_key(|(_, share)| rank(share)) else { return };
            let Some((_, digest)) = share.oldest else { return };
            self.give_up(&tenant, &digest);
        }
    }

    /// What each tenant has, but those that have nothing else than what is new.
    fn shares(&self, new: &Digest) -> HashMap<Key, Share> {
        let mut shares: HashMap<Key, Share> = HashMap::new();
        for (digest, place) in self.places.iter().filter(|(_, place)| place.thing.is_some()) {
            for (tenant, used) in &place.users {
                let share = shares.entry(tenant.clone()).or_default();
                share.things += 1;
                share.bytes += place.bytes;
                let other = (digest != new).then_some((*used, *digest));
                share.oldest = share.oldest.into_iter().chain(other).min();
            }
        }
        shares.retain(|_, share| share.oldest.is_some());
        shares
    }

    fn give_up(&mut self, tenant: &Key, digest: &Digest) {
        let Some(place) = self.places.get_mut(digest) else { return };
        place.users.remove(tenant);
        if place.users.is_empty() {
            self.places.remove(digest);
            self.evicted += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        shelf: Shelf<()>,
        start: Instant,
        most: (usize, usize),
    }

    impl Bench {
        fn new(most: usize, most_bytes: usize) -> Self {
            Self { shelf: Shelf::default(), start: Instant::now(), most: (most, most_bytes) }
        }

        fn put(&mut self, tenant: &str, digest: u8, bytes: usize, second: u64) {
            let now = self.start + Duration::from_secs(second);
            self.shelf.expect(&Key::new(tenant).unwrap(), [digest; 32], now);
            self.uses(tenant, digest, second);
            self.shelf.put([digest; 32], (), bytes, self.most, now);
        }

        fn uses(&mut self, tenant: &str, digest: u8, second: u64) {
            let now = self.start + Duration::from_secs(second);
            let _ = self.shelf.use_by(&Key::new(tenant).unwrap(), &[digest; 32], now);
        }

        fn held(&self) -> Vec<u8> {
            let mut held: Vec<u8> = self.shelf.places.keys().map(|digest| digest[0]).collect();
            held.sort_unstable();
            held
        }
    }

    #[test]
    fn who_has_most_gives_up_what_it_used_longest_ago() {
        let mut bench = Bench::new(4, usize::MAX);
        bench.put("small", 1, 0, 0);
        for digest in 2..=4 {
            bench.put("large", digest, 0, u64::from(digest));
        }
        bench.uses("large", 2, 9);
        bench.put("large", 5, 0, 10);
        assert_eq!(bench.held(), [1, 2, 4, 5], "the other's is older, and stays");
        bench.put("third", 6, 0, 11);
        assert_eq!((bench.held(), bench.shelf.evicted), (vec![1, 2, 5, 6], 2));
    }

    #[test]
    fn bytes_count_where_they_are_too_many() {
        let mut bench = Bench::new(100, 100);
        (1..=3).for_each(|digest| bench.put("many", digest, 10, 0));
        bench.put("heavy", 4, 60, 1);
        bench.put("new", 5, 30, 2);
        assert_eq!(bench.held(), [1, 2, 3, 5]);
    }

    #[test]
    fn what_several_have_stays_as_long_as_one_of_them_may_keep_it() {
        let mut bench = Bench::new(2, usize::MAX);
        bench.put("a", 1, 0, 0);
        bench.uses("b", 1, 1);
        bench.put("a", 2, 0, 2);
        bench.put("a", 3, 0, 3);
        assert_eq!(bench.held(), [1, 3], "it is in the part of `b` still");
    }

    #[test]
    fn what_nobody_used_for_long_goes_first() {
        let mut bench = Bench::new(3, usize::MAX);
        bench.put("gone", 1, 0, 0);
        bench.put("here", 2, 0, 700);
        bench.put("here", 3, 0, 701);
        bench.put("here", 4, 0, 702);
        assert_eq!(bench.held(), [2, 3, 4]);
    }

    #[test]
    fn what_is_larger_than_all_may_be_is_kept_for_whoever_waits_for_it() {
        let mut bench = Bench::new(1, 10);
        bench.put("a", 1, 5, 0);
        bench.put("b", 2, 50, 1);
        assert_eq!((bench.held(), bench.shelf.held()), (vec![2], (1, 50)));
    }
}
