//! Making a data directory from a backup.

use std::{io::BufRead, path::Path, sync::Arc};

use burgee_model::{Address, Millis, NodeId, RegisterId, stamp::millis_to_ntp64};

use super::{BackupHeader, RestoreError, read};
use crate::{Aside, HistoryPolicy, Missed, Table, Told, persist, store::random};

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the backup says of itself.
    pub header: BackupHeader,
    /// How many versions it holds.
    pub versions: u64,
    /// How many of them are kept: without what has expired, or was superseded or purged by another one.
    pub kept: u64,
    /// The identity of the node that will start with the directory.
    pub node: NodeId,
}

/// What becomes of the restored data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// The data of a node that joins the cluster as it is now: it gets in line with the others before it serves, so what
    /// they deleted since stays deleted.
    Member,
    /// The first node of a new cluster, in the place of one of which nothing is left: its data counts, and none of the
    /// former members is waited for.
    First,
}

/// Reads a backup whole, then makes a data directory from it. What the limits of history leave of it the node decides that
/// starts with it. `now` is the wall time.
///
/// # Errors
/// See [`RestoreError`]: then the directory is as it was.
pub fn restore(file: impl BufRead, dir: &Path, becomes: Becomes, now: Millis) -> Result<Restored, RestoreError> {
    let history = HistoryPolicy { min_versions: usize::MAX, max_versions: usize::MAX, since: 0, max_bytes: usize::MAX };
    let mut table = Table::new(history, 0);
    let (header, versions) = read(file, |version| drop(table.merge(&Arc::new(version))))?;
    table.collect(table.horizon());
    if becomes == Becomes::First {
        forget_members(&mut table);
    }
    let node = NodeId(random().map_err(|error| RestoreError::Io(std::io::Error::other(error)))?);
    let aside = Aside::of(&table, header.node, &Told::default(), Missed::Restored, now);
    let restored = persist::Restored {
        node,
        mark: header.mark.max(millis_to_ntp64(header.taken_at)),
        table: &table,
        rejoins: (becomes == Becomes::Member).then_some(&aside),
    };
    persist::restore(dir, &restored)?;
    Ok(Restored { header, versions, kept: table.counts().versions as u64, node })
}

/// Nobody waits for those who are gone, neither with serving nor with collecting.
fn forget_members(table: &mut Table) {
    let members: Vec<NodeId> = table.members().map(|(node, ..)| node).collect();
    for entry in members.into_iter().map(|node| RegisterId::system(Address::Member { node })) {
        while let Some(version) = table.latest(&entry) {
            table.evict(&entry, version.stamp);
        }
    }
}
