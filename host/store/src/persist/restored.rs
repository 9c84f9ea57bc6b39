//! A data file made from a backup.

use std::{fs, io, path::Path};

use burgee_model::NodeId;
use redb::Database;

use super::{
    FILE, FLOORS, LOCK_FILE, META_MARK, META_RESYNC, VERSIONS, aside, create, initialise, lock, put_meta, sync_register,
};
use crate::{Aside, OpenError, RestoreError, Table};

/// Registers that one commit holds.
const REGISTERS_AT_ONCE: usize = 16_384;

/// What a data file is made from.
pub(crate) struct Restored<'a> {
    /// The new identity.
    pub(crate) node: NodeId,
    /// No stamp of that identity's author lies above.
    pub(crate) mark: u64,
    pub(crate) table: &'a Table,
    /// What is set aside, and that the node must get in line before it serves; none for the first of a new cluster.
    pub(crate) rejoins: Option<&'a Aside>,
}

/// Makes the file of a directory that has none.
pub(crate) fn restore(dir: &Path, restored: &Restored<'_>) -> Result<(), RestoreError> {
    fs::create_dir_all(dir)?;
    let _lock = lock(&dir.join(LOCK_FILE)).map_err(refused)?;
    if dir.join(FILE).exists() {
        return Err(RestoreError::Occupied);
    }
    create(dir, |database| fill(database, restored)).map_err(refused)
}

fn refused(error: OpenError) -> RestoreError {
    match error {
        OpenError::Locked => RestoreError::Locked,
        OpenError::Io(error) => RestoreError::Io(error),
        other => RestoreError::Io(io::Error::other(other)),
    }
}

fn fill(database: &Database, restored: &Restored<'_>) -> Result<(), redb::Error> {
    initialise(database, restored.node)?;
    let mut after = None;
    loop {
        let (retained, last) = restored.table.retained_after(after.as_ref(), REGISTERS_AT_ONCE);
        let write = database.begin_write()?;
        {
            let (mut versions, mut floors) = (write.open_table(VERSIONS)?, write.open_table(FLOORS)?);
            for register in retained {
                sync_register(if register.is_floor { &mut floors } else { &mut versions }, register)?;
            }
        }
        write.commit()?;
        after = match last {
            Some(last) => Some(last),
            None => return describe(database, restored),
        };
    }
}

fn describe(database: &Database, restored: &Restored<'_>) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    put_meta(&write, META_MARK, &restored.mark.to_le_bytes())?;
    if let Some(aside) = restored.rejoins {
        put_meta(&write, META_RESYNC, &[])?;
        if !aside.is_empty() {
            aside::put(&write, aside)?;
        }
    }
    Ok(write.commit()?)
}
