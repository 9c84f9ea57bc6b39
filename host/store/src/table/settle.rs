//! What follows from a change of one register: counts, deadlines, graves and digests.

use std::cmp::Ordering;

use burgee_model::{Address, RegisterId, Stamp};

use super::{
    Table,
    counts::Kind,
    names::{EntryNames, PastNames, RegisterNames},
};
use crate::{
    digest::{Path, Sum, day},
    facts::{Facts, Role},
    packed::EntryName,
    version::{canonical, decode_header, encode_register},
};

impl Table {
    /// What the indexes hold of a register, newest version first; nothing where there is none.
    pub(super) fn facts(&self, id: &RegisterId) -> Vec<Facts> {
        match &id.address {
            Address::Floor(scope) => {
                let floor = self.floor(&id.tenant, scope);
                let facts = floor.map(|floor| Facts::of(floor, self.hasher.version(&floor.encode()), Role::Counts));
                facts.into_iter().collect()
            }
            Address::Config { .. } => {
                let body = self.packed(id);
                let header = body.and_then(|body| Some((decode_header(body)?, body)));
                let facts = header.map(|(header, body)| {
                    let hash = self.hasher.version(&canonical(&encode_register(id), body));
                    Facts::of_entry(&header, hash, self.horizon)
                });
                facts.into_iter().collect()
            }
            _ => self.register(id).map(|register| register.facts(id, self.horizon)).unwrap_or_default(),
        }
    }

    /// Brings everything in line with a register that has changed. The table holds what it is now.
    pub(super) fn settle(&mut self, id: &RegisterId, path: Path, before: &[Facts], after: &[Facts]) {
        if let Address::Config { environment, key } = &id.address {
            let entry = EntryName { tenant: id.tenant.as_str(), environment: environment.as_str(), key: key.as_str() };
            return self.settle_entry(entry, path, before, after);
        }
        self.access += u64::from(id.address.is_of_access());
        if id.address.is_system() {
            self.system_changes += 1;
            self.system_versions = (self.system_versions + after.len()).saturating_sub(before.len());
        }
        self.settle_newest(Kind::of(id), path, before, after);
        self.settle_graves(path, before, after);
        self.settle_place(id, path, before, after);
        if before.len() + after.len() > 1 {
            self.settle_history(id, &past(before), &past(after));
        }
    }

    /// Brings everything in line with a config entry that has changed.
    pub(super) fn settle_entry(&mut self, entry: EntryName<'_>, path: Path, before: &[Facts], after: &[Facts]) {
        self.settle_newest(Kind::Entry, path, before, after);
        self.settle_graves(path, before, after);
        let (was, is) = (current(before), current(after));
        self.root += is - was;
        let EntryName { tenant, environment, key } = entry;
        let Some(config) = self.tenants.get_mut(tenant).map(|held| &mut held.config) else { return };
        let Some(held) = config.get_mut(environment) else { return };
        let (hasher, horizon) = (self.hasher, self.horizon);
        let names = EntryNames { tenant, environment, entries: &held.entries, hasher, horizon };
        match (before.is_empty(), after.is_empty()) {
            (true, false) => held.places.insert(path, key.as_bytes(), is, &names),
            (false, true) => held.places.remove(path, key.as_bytes(), was),
            _ => held.places.shift(path, is - was),
        }
        if held.entries.is_empty() {
            config.remove(environment);
        }
    }

    fn settle_newest(&mut self, kind: Kind, path: Path, before: &[Facts], after: &[Facts]) {
        let weighed = self.weigh(kind, path, before);
        let (was, is) = (before.first(), after.first());
        let same = |was: &Facts, is: &Facts| (was.stamp, was.hash) == (is.stamp, is.hash);
        if !was.zip(is).is_some_and(|(was, is)| same(was, is)) {
            if let Some(deadline) = was.and_then(Facts::deadline) {
                self.deadlines.disarm(deadline, path);
            }
            if let Some(deadline) = is.and_then(Facts::deadline) {
                self.deadlines.arm(deadline, path);
            }
        }
        let weighs = self.weigh(kind, path, after);
        self.counts.shift(weighed, weighs);
    }

    fn settle_graves(&mut self, path: Path, before: &[Facts], after: &[Facts]) {
        for ripe in before.iter().filter_map(|facts| facts.ripe) {
            self.graves.remove(&(ripe, path));
        }
        self.graves.extend(after.iter().filter_map(|facts| facts.ripe).map(|ripe| (ripe, path)));
    }

    fn settle_place(&mut self, id: &RegisterId, path: Path, before: &[Facts], after: &[Facts]) {
        let (was, is) = (current(before), current(after));
        self.root += is - was;
        let names = RegisterNames { tenants: &self.tenants, hasher: self.hasher, horizon: self.horizon };
        match (before.is_empty(), after.is_empty()) {
            (true, false) => self.places.insert(path, &encode_register(id), is, &names),
            (false, true) => self.places.remove(path, &encode_register(id), was),
            _ => self.places.shift(path, is - was),
        }
    }

    /// What goes comes before what comes: a day's tree looks up all the names in it.
    fn settle_history(&mut self, id: &RegisterId, before: &[(Stamp, Sum)], after: &[(Stamp, Sum)]) {
        let mut come = Vec::new();
        let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Greater,
                (None, Some(_)) => Ordering::Less,
                (Some((was, _)), Some((is, _))) => was.cmp(is),
            };
            let was = if order.is_ge() { before.next() } else { None };
            let is = if order.is_le() { after.next() } else { None };
            match (was, is) {
                (Some((stamp, was)), Some((_, is))) if was != is => {
                    let path = self.hasher.past(id, *stamp);
                    self.days.entry(day(*stamp)).or_default().shift(path, *is - *was);
                }
                (Some((stamp, was)), None) => self.forget(id, *stamp, *was),
                (None, Some(past)) => come.push(*past),
                _ => {}
            }
        }
        for (stamp, sum) in come {
            let names = PastNames { tenants: &self.tenants, hasher: self.hasher, horizon: self.horizon };
            let tree = self.days.entry(day(stamp)).or_default();
            tree.insert(self.hasher.past(id, stamp), &PastNames::name(id, stamp), sum, &names);
        }
    }

    fn forget(&mut self, id: &RegisterId, stamp: Stamp, sum: Sum) {
        let day = day(stamp);
        let Some(tree) = self.days.get_mut(&day) else { return };
        tree.remove(self.hasher.past(id, stamp), &PastNames::name(id, stamp), sum);
        if tree.is_empty() {
            self.days.remove(&day);
        }
    }
}

/// What a register adds to the digest of everything current.
pub(super) fn current(facts: &[Facts]) -> Sum {
    facts.iter().filter(|facts| facts.role == Role::Counts).map(|facts| facts.hash).sum()
}

/// What a register adds to history, newest first: versions of one stamp together.
pub(super) fn past(facts: &[Facts]) -> Vec<(Stamp, Sum)> {
    let mut past: Vec<(Stamp, Sum)> = Vec::new();
    for facts in facts.iter().filter(|facts| facts.role == Role::Past) {
        match past.last_mut() {
            Some((stamp, sum)) if *stamp == facts.stamp => *sum += facts.hash,
            _ => past.push((facts.stamp, facts.hash)),
        }
    }
    past
}
