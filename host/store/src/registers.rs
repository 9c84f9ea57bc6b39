//! The registers of a tenant, in the order of their addresses. The fields of a flag lie together, so that its key is
//! kept once and not with each of them.

use std::{
    collections::BTreeMap,
    ops::{
        Bound::{self, Excluded, Included, Unbounded},
        RangeBounds,
    },
};

use burgee_model::{Address, FlagField, FlagInField};

use crate::register::Register;

/// All registers of a tenant that are neither config entries nor floors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registers {
    /// By the address that the first field has.
    groups: BTreeMap<Address, Group>,
    /// How many of them are kept answers.
    answers: usize,
}

/// The fields of a flag, shared or in one environment; of anything else, the one register that there is. In order,
/// and never empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group(Vec<Field>);

/// A register and the place of its field.
#[derive(Clone, Debug)]
struct Field {
    place: u8,
    register: Register,
}

fn is_answer(address: &Address) -> bool {
    matches!(address, Address::Answer { .. })
}

/// The address of a register's group, and the place of its field there.
fn split(address: &Address) -> (Address, u8) {
    match address {
        Address::Flag { flag, field } => (Address::Flag { flag: flag.clone(), field: FlagField::ALL[0] }, *field as u8),
        Address::FlagIn { flag, environment, field } => {
            let (flag, environment) = (flag.clone(), environment.clone());
            (Address::FlagIn { flag, environment, field: FlagInField::ALL[0] }, *field as u8)
        }
        other => (other.clone(), 0),
    }
}

/// The address of a field of a group.
fn joined(group: &Address, place: u8) -> Address {
    let mut address = group.clone();
    match &mut address {
        Address::Flag { field, .. } => *field = FlagField::ALL.get(usize::from(place)).copied().unwrap_or(*field),
        Address::FlagIn { field, .. } => *field = FlagInField::ALL.get(usize::from(place)).copied().unwrap_or(*field),
        _ => {}
    }
    address
}

impl Group {
    fn find(&self, place: u8) -> Result<usize, usize> {
        self.0.binary_search_by_key(&place, |field| field.place)
    }

    fn get(&self, place: u8) -> Option<&Register> {
        self.find(place).ok().and_then(|at| self.0.get(at)).map(|field| &field.register)
    }

    /// The register whose presence is that of the whole: the first field's.
    pub(crate) fn container(&self) -> Option<&Register> {
        self.get(0)
    }

    /// Puts a register there. Grows by what is needed: most groups never change their size again.
    fn put(&mut self, place: u8, register: Register) {
        let at = self.find(place).unwrap_or_else(|at| at);
        match self.0.get_mut(at).filter(|field| field.place == place) {
            Some(field) => field.register = register,
            None => {
                self.0.reserve_exact(1);
                self.0.insert(at, Field { place, register });
            }
        }
    }
}

impl Registers {
    pub(crate) fn get(&self, address: &Address) -> Option<&Register> {
        let (group, place) = split(address);
        self.groups.get(&group)?.get(place)
    }

    pub(crate) fn get_mut(&mut self, address: &Address) -> Option<&mut Register> {
        let (group, place) = split(address);
        let group = self.groups.get_mut(&group)?;
        let at = group.find(place).ok()?;
        group.0.get_mut(at).map(|field| &mut field.register)
    }

    pub(crate) fn insert(&mut self, address: &Address, register: Register) {
        let (group, place) = split(address);
        let held = self.groups.entry(group).or_default();
        self.answers += usize::from(held.0.is_empty() && is_answer(address));
        held.put(place, register);
    }

    pub(crate) fn remove(&mut self, address: &Address) {
        let (key, place) = split(address);
        let Some(group) = self.groups.get_mut(&key) else { return };
        group.0.retain(|field| field.place != place);
        group.0.shrink_to_fit();
        if group.0.is_empty() {
            self.groups.remove(&key);
            self.answers -= usize::from(is_answer(address));
        }
    }

    /// How many registers are kept answers, whether they still count or not.
    pub(crate) fn answers(&self) -> usize {
        self.answers
    }

    /// The groups in a range of their addresses.
    pub(crate) fn groups(&self, range: impl RangeBounds<Address>) -> impl Iterator<Item = (&Address, &Group)> {
        self.groups.range(range)
    }

    /// The registers in a range, in the order of their addresses.
    pub(crate) fn range<'a>(
        &'a self,
        from: Bound<&Address>,
        to: Bound<&Address>,
    ) -> impl Iterator<Item = (Address, &'a Register)> + use<'a> {
        let (first, last) = (from.map(split), to.map(split));
        // A group that the range cuts is looked at whole.
        let from_group = match &first {
            Included((group, _)) | Excluded((group, _)) => Included(group.clone()),
            Unbounded => Unbounded,
        };
        let before = move |group: &Address, place: u8| match &first {
            Included((first, from)) => group == first && place < *from,
            Excluded((first, from)) => group == first && place <= *from,
            Unbounded => false,
        };
        let within = move |group: &Address, place: u8| match &last {
            Included((last, to)) => (group, place) <= (last, *to),
            Excluded((last, to)) => (group, place) < (last, *to),
            Unbounded => true,
        };
        let groups = self.groups.range((from_group, Unbounded));
        let fields = groups.flat_map(|(key, group)| group.0.iter().map(move |field| (key, field)));
        fields
            .skip_while(move |(key, field)| before(key, field.place))
            .take_while(move |(key, field)| within(key, field.place))
            .map(|(key, field)| (joined(key, field.place), &field.register))
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Address, &Register)> {
        self.range(Unbounded, Unbounded)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use burgee_model::RegisterId;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        digest::Sum,
        register::Held,
        testing::{any_address, key, version},
    };

    fn register(address: &Address, time: u64) -> Register {
        let version = version(RegisterId::new(&key("t"), address.clone()), time, "{}");
        Register::new(&Held { version: Arc::new(version), hash: Sum(0) })
    }

    fn is_within(range: (Bound<&Address>, Bound<&Address>), address: &Address) -> bool {
        RangeBounds::<Address>::contains(&range, address)
    }

    proptest! {
        #[test]
        fn it_is_an_ordered_map(
            changes in prop::collection::vec((any_address(), prop::option::weighted(0.8, 1..99u64)), 0..200),
            ends in (any_address(), any_address(), 0..3usize, 0..3usize),
        ) {
            let (mut registers, mut known) = (Registers::default(), BTreeMap::new());
            for (address, time) in changes {
                match time {
                    Some(time) => {
                        registers.insert(&address, register(&address, time));
                        known.insert(address, time);
                    }
                    None => {
                        registers.remove(&address);
                        known.remove(&address);
                    }
                }
            }
            let bound = |address, kind| [Included(address), Excluded(address), Unbounded][kind];
            prop_assert_eq!(registers.answers(), known.keys().filter(|address| is_answer(address)).count());
            let (from, to, from_kind, to_kind) = &ends;
            let range = (bound(from, *from_kind), bound(to, *to_kind));
            let seen = |(address, register): (Address, &Register)| (address, register.stamp().time);
            let found: Vec<_> = registers.range(range.0, range.1).map(seen).collect();
            let expected: Vec<_> = known.clone().into_iter().filter(|(address, _)| is_within(range, address)).collect();
            prop_assert_eq!(found, expected);
            for (address, time) in &known {
                prop_assert_eq!(registers.get(address).map(|register| register.stamp().time), Some(*time));
                prop_assert!(registers.get_mut(address).is_some());
            }
        }
    }
}
