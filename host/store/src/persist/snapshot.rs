//! The data file at one commit.

use std::fmt;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::{DiskError, FLOORS, VERSIONS, guard::guarded, row};
use crate::BackupError;

/// Rows that are read in one go: what goes wrong in redb is caught around that.
const ROWS_AT_ONCE: usize = 256;

/// The data file at one commit, whatever is written since.
pub(crate) struct Snapshot(ReadTransaction);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(super) fn of(database: &Database) -> Result<Self, DiskError> {
        guarded(|| database.begin_read()).map_err(DiskError)?.map(Self).map_err(DiskError::of)
    }

    /// Gives each version in its canonical bytes: floors first, as a start of the node reads them.
    pub(crate) fn each(&self, mut take: impl FnMut(&[u8]) -> Result<(), BackupError>) -> Result<(), BackupError> {
        for rows in [FLOORS, VERSIONS] {
            let rows = guarded(|| self.0.open_table(rows)).map_err(BackupError::Disk)?.map_err(refused)?;
            let mut rows = guarded(|| rows.iter()).map_err(BackupError::Disk)?.map_err(refused)?;
            loop {
                let read = guarded(|| {
                    let some = rows.by_ref().take(ROWS_AT_ONCE);
                    some.map(|row| row.map(|(_, value)| value.value().to_vec())).collect::<Result<Vec<_>, _>>()
                });
                let values = read.map_err(BackupError::Disk)?.map_err(refused)?;
                if values.is_empty() {
                    break;
                }
                for value in &values {
                    take(row::unseal(value).ok_or_else(|| BackupError::Disk("a row is damaged".to_owned()))?)?;
                }
            }
        }
        Ok(())
    }
}

fn refused(error: impl Into<redb::Error>) -> BackupError {
    BackupError::Disk(error.into().to_string())
}
