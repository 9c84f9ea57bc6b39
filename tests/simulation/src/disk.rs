//! A node's disk: what it holds after a crash. Rows as the product has them: one for each version of a
//! register with history, one for each register without.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burgee_model::{Address, MemberMeta, NodeId, RegisterId};
use burgee_store::{Aside, HistoryPolicy, Table, Told, Version};

/// The key of the cluster's digests.
const DIGEST_KEY: u64 = 7;

/// An empty table of the cluster.
#[must_use]
pub fn table(history: HistoryPolicy) -> Table {
    Table::new(history, DIGEST_KEY)
}

/// What is durable. A copy of it is a backup.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The node's identity.
    pub node: NodeId,
    /// No stamp that was given before the last commit has a greater time.
    pub mark: u64,
    /// The note that the node must resynchronise.
    pub resync: bool,
    /// What others have of the node's writes, as far as it knows.
    pub told: Told,
    /// What the node set aside when it took its identity.
    pub aside: Option<Aside>,
    rows: BTreeMap<RegisterId, Vec<Arc<Version>>>,
}

impl Disk {
    /// A new one.
    #[must_use]
    pub fn new(node: NodeId) -> Self {
        Self { node, mark: 0, resync: false, told: Told::default(), aside: None, rows: BTreeMap::new() }
    }

    /// The node's own entry in the roster.
    #[must_use]
    pub fn entry(&self) -> Option<MemberMeta> {
        let rows = self.rows.get(&RegisterId::system(Address::Member { node: self.node }))?;
        rows.last()?.content.as_ref()?.read()
    }

    /// Whether the node's own entry in the roster is on it, as that of one that had joined.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.entry().is_some_and(|entry| !entry.joining)
    }

    /// A commit of local writes, before they are applied.
    pub fn append(&mut self, versions: &[Arc<Version>], mark: u64) {
        for version in versions {
            let rows = self.rows.entry(version.register.clone()).or_default();
            if version.register.address.keeps_history() {
                rows.retain(|row| row.stamp != version.stamp);
            } else {
                rows.clear();
            }
            rows.push(version.clone());
        }
        self.mark = self.mark.max(mark);
    }

    /// Brings the rows of some registers in line with a table.
    pub fn sync<'a>(&mut self, table: &Table, registers: impl IntoIterator<Item = &'a RegisterId>, mark: u64) {
        for register in registers {
            let rows: Vec<_> = table.history(register).collect();
            if rows.is_empty() {
                self.rows.remove(register);
            } else {
                self.rows.insert(register.clone(), rows);
            }
        }
        self.mark = self.mark.max(mark);
    }

    /// The table that a start begins with.
    #[must_use]
    pub fn load(&self, history: HistoryPolicy) -> Table {
        let mut loaded = table(history);
        for version in self.versions() {
            loaded.merge(version);
        }
        loaded
    }

    /// The same, with what is set aside: all that will count once the node is in line.
    #[must_use]
    pub fn all(&self, history: HistoryPolicy) -> Table {
        let mut all = self.load(history);
        for version in self.aside.iter().flat_map(|aside| &aside.versions) {
            all.merge(version);
        }
        all
    }

    /// Registers whose rows should have gone: with what superseded them, or died by a floor, before a crash.
    #[must_use]
    pub fn stale(&self, table: &Table) -> BTreeSet<RegisterId> {
        let differs = |(id, rows): &(&RegisterId, &Vec<Arc<Version>>)| table.history(id).count() != rows.len();
        self.rows.iter().filter(differs).map(|(id, _)| id.clone()).collect()
    }

    /// All versions on it.
    pub fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        self.rows.values().flatten()
    }
}
