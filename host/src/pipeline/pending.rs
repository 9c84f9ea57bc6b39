//! The environments whose snapshots must be built, and who is next: tenants take turns, so that one whose environments
//! take long, or change all the time, holds nobody else up for more than one of them.

use std::collections::HashMap;

use burgee_model::Key;
use burgee_store::Position;

use super::EnvironmentId;

#[derive(Default)]
pub(super) struct Pending {
    /// Each with the position up to which its snapshot shows everything.
    environments: HashMap<EnvironmentId, Position>,
    /// When each of their tenants last had a turn, counted in turns.
    turns: HashMap<Key, u64>,
    turn: u64,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.environments.is_empty()
    }

    /// Adds environments that show everything up to a position, those that are there already aside.
    pub(super) fn add(&mut self, touched: impl IntoIterator<Item = EnvironmentId>, shown: Position) {
        for id in touched {
            self.environments.entry(id).or_insert(shown);
        }
    }

    pub(super) fn retain(&mut self, keeps: impl Fn(&EnvironmentId) -> bool) {
        self.environments.retain(|id, _| keeps(id));
    }

    /// Up to where all of them show everything; none where there are none.
    pub(super) fn shown(&self) -> Option<Position> {
        self.environments.values().min().copied()
    }

    /// Takes the next one: of the tenant that has had no turn for longest, and of those alike the smallest.
    pub(super) fn next(&mut self, size: impl Fn(&EnvironmentId) -> usize) -> Option<EnvironmentId> {
        let last = |id: &EnvironmentId| self.turns.get(&id.0).copied().unwrap_or(0);
        let next = self.environments.keys().min_by_key(|id| (last(id), size(id), *id)).cloned()?;
        self.environments.remove(&next);
        self.turn += 1;
        self.turns.insert(next.0.clone(), self.turn);
        if self.environments.is_empty() {
            // nobody is before anybody any more
            self.turns.clear();
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(tenant: &str, environment: &str) -> EnvironmentId {
        (Key::new(tenant).unwrap(), Key::new(environment).unwrap())
    }

    #[test]
    fn tenants_take_turns_and_small_ones_are_first() {
        let mut pending = Pending::default();
        pending.add(["a", "b", "c"].map(|environment| id("hog", environment)), Position(1));
        pending.add([id("small", "a"), id("large", "a")], Position(2));
        let size = |id: &EnvironmentId| match id.0.as_str() {
            "hog" => 1_000,
            "large" => 2_000,
            _ => 1,
        };
        assert_eq!(pending.next(size), Some(id("small", "a")));
        assert_eq!(pending.next(size), Some(id("hog", "a")));
        // who changes again and again comes after who waits
        pending.add([id("small", "a"), id("hog", "a")], Position(3));
        let rest: Vec<_> = std::iter::from_fn(|| pending.next(size)).collect();
        assert_eq!(rest, [id("large", "a"), id("small", "a"), id("hog", "a"), id("hog", "b"), id("hog", "c")]);
    }

    #[test]
    fn what_is_shown_ends_before_the_first_that_waits() {
        let mut pending = Pending::default();
        assert_eq!(pending.shown(), None);
        pending.add([id("a", "e")], Position(3));
        pending.add([id("a", "e"), id("b", "e")], Position(7));
        assert_eq!(pending.shown(), Some(Position(3)), "it has waited since then");
        assert_eq!(pending.next(|_| 1), Some(id("a", "e")));
        assert_eq!(pending.shown(), Some(Position(7)));
    }
}
