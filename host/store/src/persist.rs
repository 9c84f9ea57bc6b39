//! The data file.
//!
//! One row for each version; a register without history has one row, which its next version replaces. The
//! file may hold more than the table retains (what was pruned, or died, goes behind), never less than what
//! was acknowledged; loading merges the rows, so what does not count any more drops out by itself.

pub(crate) mod aside;
mod guard;
mod restored;
mod row;
mod snapshot;

use std::{
    fs::{self, File},
    io,
    ops::Bound,
    path::Path,
    sync::Arc,
};

use burgee_model::{NodeId, RegisterId};
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition, WriteTransaction,
};

use self::{aside::Kept, guard::guarded};
pub(crate) use self::{
    restored::{Restored, restore},
    snapshot::Snapshot,
};
use crate::{Aside, OpenError, Table, Told, Version, table::rows::Retained};

/// The newest disk format that this release reads, and the one that it writes.
const FORMAT: u32 = 1;

const FILE: &str = "burgee.redb";
const NEW_FILE: &str = "burgee.redb.new";
const LOCK_FILE: &str = "lock";

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const FLOORS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("floors");
const VERSIONS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("versions");

const META_FORMAT: &str = "format";
const META_NODE: &str = "node";
const META_MARK: &str = "mark";
const META_FEED: &str = "feed";
/// There, with any content, where the node must resynchronise. Releases that know nothing of it pass over it.
const META_RESYNC: &str = "resync";

/// How many positions of the feed each start sets aside, if the clock does not.
const FEED_STEP: u64 = 1 << 36;

type Rows<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;

type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send>;

/// An open data file.
pub(crate) struct Disk {
    opener: Opener,
    /// None after an error, until it is opened again: redb refuses everything after a failed write.
    database: Option<Database>,
    _lock: File,
}

/// What the file remembers beside versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) node: NodeId,
    /// No stamp that the node gave lies above.
    pub(crate) mark: u64,
    /// Where the feed of the last start began.
    pub(crate) feed: u64,
    /// Whether the node must resynchronise before it serves.
    pub(crate) resync: bool,
}

/// A failure of the disk, in its words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DiskError(String);

impl DiskError {
    fn of(error: impl Into<redb::Error>) -> Self {
        Self(error.into().to_string())
    }
}

impl Disk {
    /// Opens a directory's file, making it for a node where there is none.
    pub(crate) fn open(dir: &Path, cache_bytes: usize, fresh: NodeId) -> Result<Self, OpenError> {
        fs::create_dir_all(dir)?;
        let lock = lock(&dir.join(LOCK_FILE))?;
        let path = dir.join(FILE);
        if !path.exists() {
            create(dir, |database| initialise(database, fresh))?;
        }
        let opener = move || {
            // redb makes a database of an empty file; to us it is one that was cut off.
            if fs::metadata(&path)?.len() == 0 {
                return Err(StorageError::Corrupted("the file is empty".to_owned()).into());
            }
            Builder::new().set_cache_size(cache_bytes).open(&path)
        };
        Self::with_opener(Box::new(opener), lock)
    }

    fn with_opener(opener: Opener, lock: File) -> Result<Self, OpenError> {
        let database = guard(|| opener().map_err(open_error))?;
        let mut disk = Self { opener, database: Some(database), _lock: lock };
        disk.examine(check)?;
        Ok(disk)
    }

    /// What the file holds beside versions and its own meta.
    pub(crate) fn kept(&mut self) -> Result<Kept, OpenError> {
        self.examine(|database| aside::load(&database.begin_read().map_err(load_error)?))
    }

    /// Merges all that the file holds into a table. Says also whose rows a floor lies over that are there all the same.
    pub(crate) fn load(&mut self, table: &mut Table) -> Result<(Meta, Vec<RegisterId>), OpenError> {
        self.examine(|database| load(database, table))
    }

    /// Looks at the file. One found damaged is left as it is: closing it would write to it, by the same
    /// damaged pages.
    fn examine<T>(&mut self, look: impl FnOnce(&mut Database) -> Result<T, OpenError>) -> Result<T, OpenError> {
        let Some(database) = &mut self.database else { return Err(corrupt("the file is closed")) };
        guard(|| look(database)).inspect_err(|error| {
            if matches!(error, OpenError::Corrupt(_)) {
                std::mem::forget(self.database.take());
            }
        })
    }

    /// The file as it is now, to be read while it changes.
    pub(crate) fn snapshot(&mut self) -> Result<Snapshot, DiskError> {
        self.database().and_then(Snapshot::of)
    }

    /// Claims a range of feed positions for this start.
    pub(crate) fn claim(&mut self, meta: Meta, wall_time: u64) -> Result<u64, DiskError> {
        let feed = meta.feed.saturating_add(FEED_STEP).max(wall_time);
        self.commit(|write| put_meta(write, META_FEED, &feed.to_le_bytes()))?;
        Ok(feed)
    }

    /// Replaces the node's id, sets something aside, and notes that the node must resynchronise.
    pub(crate) fn reidentify(&mut self, node: NodeId, aside: Option<&Aside>) -> Result<(), DiskError> {
        self.commit(|write| {
            put_meta(write, META_NODE, &node.0)?;
            aside.map_or(Ok(()), |aside| aside::put(write, aside))?;
            aside::put_told(write, &Told::default())?;
            put_meta(write, META_RESYNC, &[])
        })
    }

    /// Removes what was set aside.
    pub(crate) fn repeated(&mut self) -> Result<(), DiskError> {
        self.commit(aside::remove)
    }

    /// Writes what others have of this node's writes.
    pub(crate) fn put_told(&mut self, told: &Told) -> Result<(), DiskError> {
        self.commit(|write| aside::put_told(write, told))
    }

    /// Takes back the note that the node must resynchronise.
    pub(crate) fn resynchronised(&mut self) -> Result<(), DiskError> {
        self.commit(|write| {
            write.open_table(META)?.remove(META_RESYNC)?;
            Ok(())
        })
    }

    /// Writes new versions, the clock's mark, and what others have of this node's writes if that is news, in one
    /// durable transaction.
    pub(crate) fn append(
        &mut self,
        versions: &[Arc<Version>],
        mark: u64,
        told: Option<&Told>,
    ) -> Result<(), DiskError> {
        self.commit(|write| {
            let mut table = write.open_table(VERSIONS)?;
            let mut floors = write.open_table(FLOORS)?;
            for version in versions {
                let row = row::Row::of(version);
                let table = if version.is_floor() { &mut floors } else { &mut table };
                table.insert(row.key.as_slice(), row.value.as_slice())?;
            }
            told.map_or(Ok(()), |told| aside::put_told(write, told))?;
            put_meta(write, META_MARK, &mark.to_le_bytes())
        })
    }

    /// Brings the rows of registers in line with what is retained of them.
    pub(crate) fn sync(&mut self, registers: Vec<Retained>, mark: u64) -> Result<(), DiskError> {
        self.commit(|write| {
            let mut versions = write.open_table(VERSIONS)?;
            let mut floors = write.open_table(FLOORS)?;
            for retained in registers {
                sync_register(if retained.is_floor { &mut floors } else { &mut versions }, retained)?;
            }
            put_meta(write, META_MARK, &mark.to_le_bytes())
        })
    }

    /// Removes rows of registers that are not held: of floors all, of others so many after a key. Answers
    /// where to go on; none at the end.
    pub(crate) fn remove_remains(
        &mut self,
        after: Option<&[u8]>,
        most: usize,
        holds: impl Fn(&RegisterId) -> bool,
    ) -> Result<Option<Box<[u8]>>, DiskError> {
        let mut next = None;
        self.commit(|write| {
            if after.is_none() {
                remove_remains(&mut write.open_table(FLOORS)?, None, usize::MAX, &holds)?;
            }
            next = remove_remains(&mut write.open_table(VERSIONS)?, after, most, &holds)?;
            Ok(())
        })?;
        Ok(next)
    }

    fn commit(&mut self, work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>) -> Result<(), DiskError> {
        let done = guarded(|| {
            let mut write = self.database()?.begin_write().map_err(DiskError::of)?;
            // Pages first, then the word that they count. After a crash in one-phase commits, redb could not
            // tell a commit that was damaged later from one that was never finished, and would roll back
            // what was acknowledged.
            write.set_two_phase_commit(true);
            work(&write).map_err(DiskError::of)?;
            write.commit().map_err(DiskError::of)
        });
        let done = done.map_err(DiskError).flatten();
        if done.is_err() {
            self.close();
        }
        done
    }

    fn close(&mut self) {
        let database = self.database.take();
        if let Err(error) = guarded(|| drop(database)) {
            tracing::error!(%error, "closing the data file failed");
        }
    }

    fn database(&mut self) -> Result<&Database, DiskError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => (self.opener)().map_err(DiskError::of)?,
        };
        Ok(self.database.insert(database))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::Locked),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Makes a file under another name and renames it, so that a file of the name is always whole. Of one that is not made
/// nothing is left: it may be what filled the disk.
fn create(dir: &Path, fill: impl FnOnce(&Database) -> Result<(), redb::Error>) -> Result<(), OpenError> {
    let path = dir.join(NEW_FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let made = guard(|| {
        let database = Builder::new().create(&path).map_err(open_error)?;
        fill(&database).map_err(|error| OpenError::Io(io::Error::other(error)))
    });
    made.inspect_err(|_| drop(fs::remove_file(&path)))?;
    fs::rename(&path, dir.join(FILE))?;
    File::open(dir)?.sync_all()?;
    Ok(())
}

fn initialise(database: &Database, node: NodeId) -> Result<(), redb::Error> {
    let write = database.begin_write()?;
    write.open_table(VERSIONS)?;
    write.open_table(FLOORS)?;
    put_meta(&write, META_FORMAT, &FORMAT.to_le_bytes())?;
    put_meta(&write, META_NODE, &node.0)?;
    put_meta(&write, META_MARK, &0u64.to_le_bytes())?;
    put_meta(&write, META_FEED, &0u64.to_le_bytes())?;
    Ok(write.commit()?)
}

fn put_meta(write: &WriteTransaction, name: &str, value: &[u8]) -> Result<(), redb::Error> {
    write.open_table(META)?.insert(name, row::seal(value.to_vec()).as_slice())?;
    Ok(())
}

fn sync_register(table: &mut Rows<'_>, retained: Retained) -> Result<(), redb::Error> {
    if !retained.keeps_history {
        // One row, under the register's bytes alone.
        match retained.versions.into_iter().next() {
            Some((_, bytes)) => table.insert(retained.register.as_slice(), row::seal(bytes).as_slice())?,
            None => table.remove(retained.register.as_slice())?,
        };
        return Ok(());
    }
    let (from, to) = row::range(&retained.register);
    let rows: Vec<row::Row> = row::Row::all(retained).collect();
    let mut known = Vec::new();
    for held in table.range(from.as_slice()..=to.as_slice())? {
        known.push(held?.0.value().to_vec());
    }
    for key in known.iter().filter(|key| !rows.iter().any(|row| row.key == **key)) {
        table.remove(key.as_slice())?;
    }
    // The key names the version, so a row that is there is right.
    for row in rows.iter().filter(|row| !known.contains(&row.key)) {
        table.insert(row.key.as_slice(), row.value.as_slice())?;
    }
    Ok(())
}

/// Removes the rows, of so many after a key, whose register is not held; answers where to go on.
fn remove_remains(
    table: &mut Rows<'_>,
    after: Option<&[u8]>,
    most: usize,
    holds: impl Fn(&RegisterId) -> bool,
) -> Result<Option<Box<[u8]>>, redb::Error> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let (mut gone, mut last, mut seen) = (Vec::new(), None, 0);
    for row in table.range::<&[u8]>((from, Bound::Unbounded))?.take(most) {
        let key = row?.0.value().to_vec();
        if row::register(&key).is_none_or(|id| !holds(&id)) {
            gone.push(key.clone());
        }
        last = Some(key.into_boxed_slice());
        seen += 1;
    }
    for key in gone {
        table.remove(key.as_slice())?;
    }
    Ok(last.filter(|_| seen == most))
}

/// Verifies the checksums of all pages, those of redb's own tables too. What a crash leaves was repaired
/// when the file was opened, so what needs repair now is damage.
fn check(database: &mut Database) -> Result<(), OpenError> {
    if database.check_integrity().map_err(open_error)? { Ok(()) } else { Err(corrupt("pages are damaged")) }
}

fn load(database: &Database, table: &mut Table) -> Result<(Meta, Vec<RegisterId>), OpenError> {
    let read = database.begin_read().map_err(load_error)?;
    let meta = read.open_table(META).map_err(load_error)?;
    let meta = read_meta(&meta)?;
    let mut dead = Vec::new();
    for rows in [FLOORS, VERSIONS] {
        let rows = read.open_table(rows).map_err(load_error)?;
        load_rows(&rows, table, &mut dead)?;
    }
    Ok((meta, dead))
}

fn load_rows(
    rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
    table: &mut Table,
    dead: &mut Vec<RegisterId>,
) -> Result<(), OpenError> {
    for row in rows.iter().map_err(load_error)? {
        let (key, value) = row.map_err(load_error)?;
        match row::merge(key.value(), value.value(), table) {
            row::Merged::Good => {}
            row::Merged::Dead(register) => dead.extend(register),
            row::Merged::Newer => return Err(OpenError::Newer),
            row::Merged::Damaged => return Err(corrupt("a row is damaged")),
        }
    }
    Ok(())
}

fn read_meta(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Meta, OpenError> {
    let found = u32::from_le_bytes(meta_value(table, META_FORMAT)?);
    if found > FORMAT {
        return Err(OpenError::Format { found, known: FORMAT });
    }
    Ok(Meta {
        node: NodeId(meta_value(table, META_NODE)?),
        mark: u64::from_le_bytes(meta_value(table, META_MARK)?),
        feed: u64::from_le_bytes(meta_value(table, META_FEED)?),
        resync: table.get(META_RESYNC).map_err(load_error)?.is_some(),
    })
}

fn meta_value<const N: usize>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<[u8; N], OpenError> {
    let value = table.get(name).map_err(load_error)?;
    let value = value.ok_or_else(|| corrupt(&format!("`{name}` is missing")))?;
    let value = row::unseal(value.value()).and_then(|value| value.try_into().ok());
    value.ok_or_else(|| corrupt(&format!("`{name}` is damaged")))
}

fn corrupt(what: &str) -> OpenError {
    OpenError::Corrupt(what.to_owned())
}

/// Runs what reads the file.
fn guard<T>(work: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    guarded(work).map_err(OpenError::Corrupt).flatten()
}

fn open_error(error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::Locked,
        other => load_error(other),
    }
}

fn load_error(error: impl Into<redb::Error>) -> OpenError {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    match error.into() {
        redb::Error::Io(error) if !matches!(error.kind(), InvalidData | UnexpectedEof) => OpenError::Io(error),
        other => OpenError::Corrupt(other.to_string()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
