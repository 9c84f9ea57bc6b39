//! The cluster's own registers, and what authors have been seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burgee_model::{Address, ForgottenMeta, Key, MemberMeta, NodeId, RegisterId, Stamp};

use super::{Outcome, Table};
use crate::Version;

/// Authors whose latest stamps are remembered; beyond it, the one heard of longest ago is forgotten.
const AUTHORS_MAX: usize = 4_096;

/// The latest stamp of each author.
#[derive(Clone, Debug, Default)]
pub(super) struct Authors(BTreeMap<NodeId, Stamp>);

impl Authors {
    pub(super) fn note(&mut self, stamp: Stamp) {
        if let Some(latest) = self.0.get_mut(&stamp.id) {
            *latest = stamp.max(*latest);
            return;
        }
        if self.0.len() >= AUTHORS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, latest)| **latest).map(|(id, _)| *id);
            oldest.and_then(|id| self.0.remove(&id));
        }
        self.0.insert(stamp.id, stamp);
    }
}

impl Table {
    /// The greatest stamp that an author gave, as far as its versions came here since the start or are
    /// still held.
    #[must_use]
    pub fn latest_of(&self, author: NodeId) -> Option<Stamp> {
        self.authors.0.get(&author).copied()
    }

    /// Grows with every change of the cluster's own registers: its roster, its horizon, its keys.
    #[must_use]
    pub fn system_changes(&self) -> u64 {
        self.system_changes
    }

    /// How many versions there are beside those of the cluster's own registers.
    #[must_use]
    pub fn data_versions(&self) -> u64 {
        self.counts.versions.saturating_sub(self.system_versions) as u64
    }

    /// The cluster's roster, in the order of ids, forgotten ones included: id, entry, promise.
    pub fn members(&self) -> impl Iterator<Item = (NodeId, MemberMeta, Stamp)> {
        self.system().filter_map(|(address, version)| match address {
            Address::Member { node } => Some((node, version.content.as_ref()?.read()?, version.stamp)),
            _ => None,
        })
    }

    /// Whether every member that is not forgotten says that it speaks this version of the protocol, so that it knows
    /// the kinds of registers that came with it.
    #[must_use]
    pub fn all_speak(&self, protocol: u8) -> bool {
        let forgotten: BTreeSet<NodeId> = self.forgotten().map(|(node, ..)| node).collect();
        let mut members = self.members().filter(|(node, ..)| !forgotten.contains(node));
        members.all(|(_, meta, _)| meta.protocol.is_some_and(|spoken| spoken >= protocol))
    }

    /// What a member promised: whatever it writes from then on is stamped above its entry.
    pub(crate) fn promise_of(&self, member: NodeId) -> Option<Stamp> {
        self.latest(&RegisterId::system(Address::Member { node: member })).map(|entry| entry.stamp)
    }

    /// Up to where any member ever said that it holds everything: whatever is written lies above, or that member
    /// would have said so of what it never saw. (It may have said so alone, by a clock that was ahead.)
    pub(crate) fn acked(&self) -> Stamp {
        self.acked
    }

    pub(super) fn merge_member(&mut self, version: &Arc<Version>) -> Outcome {
        let entry = version.content.as_ref().and_then(|content| content.read::<MemberMeta>());
        // None can hold more than it promises.
        let acked = entry.and_then(|entry| entry.acked).map(|acked| acked.min(version.stamp));
        self.acked = self.acked.max(acked.unwrap_or(Stamp::ZERO));
        self.merge_register(version)
    }

    /// The nodes that operators had forgotten, in the order of ids: id, entry, and when, as a stamp.
    pub fn forgotten(&self) -> impl Iterator<Item = (NodeId, ForgottenMeta, Stamp)> {
        self.system().filter_map(|(address, version)| match address {
            Address::Forgotten { node } => Some((node, version.content.as_ref()?.read()?, version.stamp)),
            _ => None,
        })
    }

    fn system(&self) -> impl Iterator<Item = (Address, Arc<Version>)> {
        let registers = self.tenants.get(&Key::system_tenant()).into_iter().flat_map(|held| held.registers.iter());
        registers.filter_map(|(address, register)| {
            let version = register.versions(&RegisterId::system(address.clone())).next()?;
            Some((address, version))
        })
    }
}
