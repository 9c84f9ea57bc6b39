//! Who waits for something of which there is one: tenants take turns, and none fills the line.

use std::collections::VecDeque;

use burgee_model::Key;

/// A line of things that tenants wait for, in a bounded number.
#[derive(Debug)]
pub(super) struct Line<T> {
    /// The tenants that wait, in the order of their turns, each with what it waits for, first come first.
    tenants: VecDeque<(Key, VecDeque<T>)>,
    waiting: usize,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { tenants: VecDeque::new(), waiting: 0 }
    }
}

/// The line, or the tenant's part of it, is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<T> Line<T> {
    /// Goes to the end of the tenant's part, where fewer than so many wait, and of this tenant.
    pub(super) fn push(&mut self, tenant: &Key, thing: T, most: usize, most_of_tenant: usize) -> Result<(), Full> {
        let own = self.tenants.iter_mut().find(|(key, _)| key == tenant).map(|(_, own)| own);
        if self.waiting >= most || own.as_ref().map_or(0, |own| own.len()) >= most_of_tenant {
            return Err(Full);
        }
        match own {
            Some(own) => own.push_back(thing),
            None => self.tenants.push_back((tenant.clone(), VecDeque::from([thing]))),
        }
        self.waiting += 1;
        Ok(())
    }

    /// Takes the first of the tenant whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let (tenant, mut own) = self.tenants.pop_front()?;
        let first = own.pop_front();
        if !own.is_empty() {
            self.tenants.push_back((tenant, own));
        }
        self.waiting -= usize::from(first.is_some());
        first
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[test]
    fn tenants_take_turns_however_many_one_has_waiting() {
        let mut line = Line::default();
        for thing in ["a1", "a2", "a3"] {
            line.push(&key("a"), thing, 10, 10).unwrap();
        }
        line.push(&key("b"), "b1", 10, 10).unwrap();
        assert_eq!(line.pop(), Some("a1"));
        line.push(&key("c"), "c1", 10, 10).unwrap();
        let rest: Vec<_> = std::iter::from_fn(|| line.pop()).collect();
        assert_eq!((rest, line.len()), (vec!["b1", "a2", "c1", "a3"], 0));
    }

    #[test]
    fn neither_one_tenant_nor_all_fill_it_beyond_its_bounds() {
        let mut line = Line::default();
        let mut push = |tenant| line.push(&key(tenant), (), 3, 2);
        assert_eq!([push("a"), push("a"), push("a")], [Ok(()), Ok(()), Err(Full)]);
        assert_eq!([push("b"), push("c")], [Ok(()), Err(Full)]);
        assert_eq!(line.len(), 3);
    }
}
