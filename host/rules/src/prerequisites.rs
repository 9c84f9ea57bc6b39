//! Flags that ask for other flags: which of them cannot be answered, because they ask for themselves in the end or
//! the way is too long.

use std::collections::BTreeMap;

/// The most levels of expressions, those of all rules on the way added up. It bounds the recursion.
pub const LEVELS_MAX: usize = 512;

/// Why a flag's rule is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It asks for itself, by way of others.
    Cycle,
    /// The flags that it asks for ask for others in turn, too many levels deep.
    TooDeep,
}

impl Trouble {
    /// In snake case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Cycle => "prerequisite_cycle",
            Self::TooDeep => "prerequisites_too_deep",
        }
    }

    /// For people.
    #[must_use]
    pub fn message(self) -> String {
        match self {
            Self::Cycle => "the flag asks for itself by way of other flags".to_owned(),
            Self::TooDeep => format!("the rules on the way have more than {LEVELS_MAX} levels together"),
        }
    }
}

/// Flags, by place, with the flags that each asks for.
pub type Asks = BTreeMap<u32, Vec<u32>>;

/// The flags in trouble, by their places, where a function tells the levels of a flag's rule. Takes time that is linear
/// in the number of questions.
#[must_use]
pub fn troubles(asks: &Asks, levels: impl Fn(u32) -> usize) -> BTreeMap<u32, Trouble> {
    ways(asks, levels, |_| 0).troubles
}

/// What becomes of flags that ask for others.
#[derive(Debug, Default)]
pub struct Ways {
    /// Those that are not run.
    pub troubles: BTreeMap<u32, Trouble>,
    /// The steps of each that asks with those of all flags on its ways, however often: what it may cost at most. Without
    /// those in a cycle or before one.
    pub costs: BTreeMap<u32, u64>,
}

/// The same with what the flags cost, where a function tells the steps of each.
#[must_use]
pub fn ways(asks: &Asks, levels: impl Fn(u32) -> usize, steps: impl Fn(u32) -> u64) -> Ways {
    let (ended, rest) = peel(asks);
    let (mut troubles, mut costs) = (BTreeMap::new(), BTreeMap::new());
    let mut whole: BTreeMap<u32, usize> = BTreeMap::new();
    for at in ended {
        let (mut below, mut cost) = (0, steps(at));
        for other in asks.get(&at).into_iter().flatten() {
            below = below.max(whole.get(other).copied().unwrap_or_else(|| levels(*other)));
            cost = cost.saturating_add(costs.get(other).copied().unwrap_or_else(|| steps(*other)));
        }
        let sum = below.saturating_add(levels(at));
        whole.insert(at, sum);
        costs.insert(at, cost);
        if sum > LEVELS_MAX {
            troubles.insert(at, Trouble::TooDeep);
        }
    }
    // Of those that are left, the ones that nobody who is left asks for only lead to a cycle.
    let (_, looped) = peel(&reversed(&rest));
    troubles.extend(looped.into_keys().map(|at| (at, Trouble::Cycle)));
    Ways { troubles, costs }
}

/// Takes away the flags that ask for nobody who is left, as long as there are any: these in the order in which they
/// went, and those that stay.
fn peel(asks: &Asks) -> (Vec<u32>, Asks) {
    let mut left: BTreeMap<u32, usize> = BTreeMap::new();
    let mut askers = Asks::new();
    for (at, asked) in asks {
        let others = asked.iter().filter(|other| asks.contains_key(other));
        left.insert(*at, others.clone().count());
        others.for_each(|other| askers.entry(*other).or_default().push(*at));
    }
    let mut gone: Vec<u32> = left.iter().filter(|(_, left)| **left == 0).map(|(at, _)| *at).collect();
    let mut done = 0;
    while let Some(at) = gone.get(done).copied() {
        done += 1;
        for asker in askers.get(&at).into_iter().flatten() {
            if let Some(left) = left.get_mut(asker) {
                *left -= 1;
                gone.extend((*left == 0).then_some(*asker));
            }
        }
    }
    let mut rest = asks.clone();
    gone.iter().for_each(|at| drop(rest.remove(at)));
    (gone, rest)
}

/// Who asks becomes who is asked.
fn reversed(asks: &Asks) -> Asks {
    let mut reversed: Asks = asks.keys().map(|at| (*at, Vec::new())).collect();
    for (at, asked) in asks {
        for other in asked {
            if let Some(askers) = reversed.get_mut(other) {
                askers.push(*at);
            }
        }
    }
    reversed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(asks: &[(u32, &[u32])], levels: usize) -> Vec<(u32, Trouble)> {
        let asks: Asks = asks.iter().map(|(at, asked)| (*at, asked.to_vec())).collect();
        troubles(&asks, |_| levels).into_iter().collect()
    }

    #[test]
    fn who_asks_for_itself_in_the_end_is_in_a_cycle_and_who_leads_there_is_not() {
        assert_eq!(found(&[(1, &[2, 3]), (2, &[4]), (3, &[4])], 1), []);
        let both = [(2, Trouble::Cycle), (3, Trouble::Cycle)];
        assert_eq!(found(&[(1, &[2]), (2, &[3, 9]), (3, &[2]), (4, &[1])], 1), both);
        assert_eq!(found(&[(2, &[2])], 1), [(2, Trouble::Cycle)]);
    }

    #[test]
    fn who_asks_costs_what_those_cost_whom_it_leads_to() {
        let asks: Asks = [(1, vec![2, 3]), (2, vec![4]), (3, vec![4])].into();
        let costs = ways(&asks, |_| 1, |at| 10_u64.pow(at)).costs;
        assert_eq!(costs.into_iter().collect::<Vec<_>>(), [(1, 21_110), (2, 10_100), (3, 11_000)]);
    }

    #[test]
    fn the_levels_of_a_way_add_up() {
        let chain: Vec<(u32, Vec<u32>)> = (0..600).map(|at| (at, vec![at + 1])).collect();
        let chain: Vec<(u32, &[u32])> = chain.iter().map(|(at, asked)| (*at, &**asked)).collect();
        let deep = found(&chain, 1);
        // Flag 600 asks for nobody; 599 and it have two levels together.
        assert_eq!(deep.len(), 601 - LEVELS_MAX);
        assert!(deep.iter().all(|(at, trouble)| *at < 600 - 511 && *trouble == Trouble::TooDeep));
    }
}
