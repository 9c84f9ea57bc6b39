//! The data file: damage, locks and faults.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use burgee_model::FlagInField;
use proptest::prelude::*;
use redb::{StorageBackend, backends::FileBackend};
use tempfile::TempDir;

use super::*;
use crate::{
    testing::{any_version, config, flag_in, version},
    version::encode_register,
};

const CACHE: usize = 1 << 20;
const NODE: NodeId = NodeId([5; 16]);

fn open(dir: &Path) -> Result<Disk, OpenError> {
    Disk::open(dir, CACHE, NODE)
}

fn opened(dir: &Path) -> Result<(Table, Meta), OpenError> {
    let mut table = Table::default();
    let (meta, _) = open(dir)?.load(&mut table)?;
    Ok((table, meta))
}

/// Some hundreds of versions of all kinds.
fn all_kinds() -> Vec<Arc<Version>> {
    let mut versions: Vec<_> = (1..300).map(|n| Arc::new(version(config(&format!("k{n}")), n, "value"))).collect();
    versions.extend((1..50).map(|time| Arc::new(version(flag_in(FlagInField::State), time, "1"))));
    versions.push(Arc::new(crate::testing::floor(burgee_model::Scope::Flag { flag: crate::testing::key("g") }, 9)));
    versions
}

/// A file that was closed.
fn filled() -> (TempDir, PathBuf, Table) {
    let dir = tempfile::tempdir().unwrap();
    let versions = all_kinds();
    let mut disk = open(dir.path()).unwrap();
    disk.append(&versions, 77, None).unwrap();
    drop(disk);
    let path = dir.path().join(FILE);
    let (table, _) = opened(dir.path()).unwrap();
    assert_eq!(table.counts().versions, versions.len());
    (dir, path, table)
}

/// A file that a kill left after its last commit, and where that commit changed it.
struct Killed {
    bytes: Vec<u8>,
    last: Vec<usize>,
    table: Table,
}

fn killed() -> Killed {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let mut disk = open(dir.path()).unwrap();
    let (meta, _) = disk.load(&mut Table::default()).unwrap();
    disk.claim(meta, 1).unwrap();
    for version in all_kinds().chunks(100) {
        disk.append(version, 77, None).unwrap();
    }
    let before = fs::read(&path).unwrap();
    disk.append(&[Arc::new(version(config("k7"), 900, "new")), Arc::new(version(config("z"), 901, "new"))], 78, None)
        .unwrap();
    let bytes = fs::read(&path).unwrap();
    drop(disk);
    let (table, _) = opened(dir.path()).unwrap();
    assert_eq!(table.latest(&config("z")).unwrap().stamp.time, 901);
    let last = (0..bytes.len()).filter(|at| before.get(*at) != bytes.get(*at)).collect();
    Killed { bytes, last, table }
}

/// What a file of these bytes holds.
fn opened_of(bytes: &[u8]) -> Result<(Table, Meta), OpenError> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), bytes).unwrap();
    opened(dir.path())
}

/// Bytes that do not matter may change without harm; all else must be found.
fn assert_found_or_harmless(bytes: &[u8], table: &Table, what: &str) {
    match opened_of(bytes) {
        Ok((read, meta)) => assert!(read == *table && meta.node == NODE, "{what}: another content"),
        Err(error) => {
            assert!(matches!(error, OpenError::Corrupt(_) | OpenError::Format { .. }), "{what}: {error}");
        }
    }
}

#[test]
fn what_a_kill_left_is_all_there() {
    let Killed { bytes, table, .. } = killed();
    let (read, meta) = opened_of(&bytes).unwrap();
    assert!(read == table);
    assert_eq!((meta.node, meta.mark), (NODE, 78));
}

#[test]
fn a_page_lost_from_the_last_commit_after_a_kill_is_found() {
    let Killed { bytes, last, table } = killed();
    let mut pages: Vec<usize> = last.iter().map(|at| at / 4_096).collect();
    pages.dedup();
    assert!(pages.len() > 3);
    for page in pages {
        for fill in [0, 0xff] {
            let mut damaged = bytes.clone();
            damaged[page * 4_096..(page + 1) * 4_096].fill(fill);
            assert_found_or_harmless(&damaged, &table, &format!("page {page} of {fill}"));
        }
    }
}

#[test]
fn a_file_cut_off_after_a_kill_is_found() {
    let Killed { bytes, table, .. } = killed();
    let lengths = (0..bytes.len()).step_by(64 * 1_024).chain([1, 100, 4_095, 4_096, 8_192, bytes.len() - 1]);
    for length in lengths {
        assert_found_or_harmless(&bytes[..length], &table, &format!("{length} bytes"));
    }
}

/// One byte of the file names the commit that counts and how it was made, and no checksum covers it. A flip
/// of the one bit that names the commit looks just like a crash within a commit that nobody was told of,
/// so it alone cannot be found.
#[test]
fn damage_to_the_byte_that_names_the_commit_is_found_but_for_one_bit() {
    const AT: usize = 9;
    const WHICH: u8 = 1;
    const TWO_PHASE: u8 = 4;
    let Killed { bytes, last, table } = killed();
    assert!(last.contains(&AT));
    for flip in (1..=255u8).filter(|flip| flip & (WHICH | TWO_PHASE) != WHICH) {
        let mut damaged = bytes.clone();
        damaged[AT] ^= flip;
        assert_found_or_harmless(&damaged, &table, &format!("flip {flip:#x}"));
    }
}

#[test]
fn what_was_written_is_there_again() {
    let (dir, _, table) = filled();
    let (again, meta) = opened(dir.path()).unwrap();
    assert_eq!(again, table);
    assert_eq!((meta.node, meta.mark), (NODE, 77));
}

/// A file that the first release wrote: a tenant, an environment, a flag whose state changed four times, a
/// kill, 20 entries of which a floor took 11, a tombstone and an entry that expires.
#[test]
fn a_file_of_the_first_release_opens() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), include_bytes!("fixtures/format-1.redb")).unwrap();
    let (table, meta) = opened(dir.path()).unwrap();
    assert_eq!(meta.node.to_string(), "fb28c576ab5795c442fb36f13d129ff5");
    assert!(meta.mark > 0 && !meta.resync);
    let counts = table.counts();
    assert_eq!((counts.registers, counts.tombstones, counts.floors), (20, 1, 2));
    assert_eq!((counts.config_entries, counts.versions), (9, 26));
    let id = flag_in(FlagInField::State);
    let states: Vec<_> = table.history(&id).map(|v| v.content.as_ref().unwrap().read::<String>().unwrap()).collect();
    assert_eq!(states, ["4", "3", "2", "1", "0"]);
    let entry = table.latest(&config("k7")).unwrap();
    let blob = entry.content.as_ref().unwrap();
    assert_eq!((blob.media.as_str(), &*blob.bytes), ("image/png", &[7; 30][..]));
    assert_eq!(table.next_deadline(), Some(1_800_000_100_000));
    assert!(open(dir.path()).unwrap().append(&[Arc::new(version(config("k"), 5, "v"))], 9, None).is_ok());
    assert_eq!(opened(dir.path()).unwrap().0.counts().versions, 27);
}

#[test]
fn one_directory_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let held = open(dir.path()).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::Locked)));
    drop(held);
    assert!(open(dir.path()).is_ok());
}

#[test]
fn a_truncated_file_is_corrupt() {
    let (dir, path, _) = filled();
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 100, 4_095, 4_096, 8_192, whole.len() / 2, whole.len() - 4_096, whole.len() - 1] {
        // A file of its own each time: one found damaged stays open until the process ends.
        fs::remove_file(&path).unwrap();
        fs::write(&path, &whole[..length]).unwrap();
        let result = opened(dir.path());
        assert!(matches!(result, Err(OpenError::Corrupt(_))), "{length} bytes: {:?}", result.map(|_| ()));
    }
}

#[test]
fn a_file_of_something_else_is_corrupt() {
    for bytes in [b"hello".to_vec(), vec![0; 100_000], vec![0xff; 100_000], (0..100_000).map(|n| n as u8).collect()] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), bytes).unwrap();
        assert!(matches!(opened(dir.path()), Err(OpenError::Corrupt(_))));
    }
}

/// All rows of a file, with its meta. (Not its bytes: opening and closing it leaves a commit of its own.)
fn content(dir: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut disk = open(dir).unwrap();
    let read = disk.database().unwrap().begin_read().unwrap();
    let meta = read.open_table(META).unwrap();
    let pair = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
    let meta = meta.iter().unwrap().map(Result::unwrap).map(|(key, value)| pair(key.value().as_bytes(), value.value()));
    let rows = [FLOORS, VERSIONS].map(|table| read.open_table(table).unwrap());
    let rows = rows.iter().flat_map(|table| table.iter().unwrap().map(Result::unwrap));
    meta.chain(rows.map(|(key, value)| pair(key.value(), value.value()))).collect()
}

/// Refused, and left as it is.
fn refused(dir: &Path) -> OpenError {
    let before = content(dir);
    let error = opened(dir).map(|_| ()).unwrap_err();
    assert!(content(dir) == before, "something was changed: {error}");
    error
}

#[test]
fn check_64_a_file_of_a_newer_format_is_named_and_left_as_it_is() {
    let (dir, ..) = filled();
    let mut disk = open(dir.path()).unwrap();
    disk.commit(|write| put_meta(write, META_FORMAT, &7u32.to_le_bytes())).unwrap();
    drop(disk);
    assert!(matches!(refused(dir.path()), OpenError::Format { found: 7, known: FORMAT }));
}

/// A version as it may come from a newer release: of a kind that this one does not know, or in another format.
fn newer() -> [Vec<u8>; 2] {
    let mut kind = version(flag_in(FlagInField::State), 5, "1").encode();
    let at = 1 + 1 + "t".len();
    assert_eq!(kind[at], 4, "the kind follows the format and the tenant");
    kind[at] = 100;
    let mut format = version(config("k"), 5, "v").encode();
    format[0] = 2;
    [kind, format]
}

#[test]
fn check_64_a_kind_of_a_newer_release_is_named_and_nothing_is_lost() {
    for bytes in newer() {
        let (dir, _, table) = filled();
        let row = row::seal(bytes.clone());
        let mut disk = open(dir.path()).unwrap();
        let put = |write: &WriteTransaction| {
            write.open_table(VERSIONS)?.insert(&bytes[1..], row.as_slice())?;
            Ok(())
        };
        disk.commit(put).unwrap();
        drop(disk);
        assert!(matches!(refused(dir.path()), OpenError::Newer));
        // The newer release, to which it says something, has all of it; here it is taken out instead.
        let mut disk = open(dir.path()).unwrap();
        disk.commit(|write| {
            write.open_table(VERSIONS)?.remove(&bytes[1..])?;
            Ok(())
        })
        .unwrap();
        drop(disk);
        assert_eq!(opened(dir.path()).unwrap().0, table);
    }
}

#[test]
fn what_a_newer_release_set_aside_is_named() {
    let (dir, ..) = filled();
    let aside = Aside { own: NODE, told: Told::default(), versions: vec![Arc::new(version(config("k"), 5, "v"))] };
    let mut disk = open(dir.path()).unwrap();
    disk.reidentify(NODE, Some(&aside)).unwrap();
    assert_eq!(disk.kept().unwrap().aside.unwrap().versions, aside.versions);
    let [kind, _] = newer();
    let row = row::seal(kind.clone());
    let rows: TableDefinition<&[u8], &[u8]> = TableDefinition::new("aside");
    disk.commit(|write| {
        write.open_table(rows)?.insert(&kind[1..], row.as_slice())?;
        Ok(())
    })
    .unwrap();
    assert!(matches!(disk.kept(), Err(OpenError::Newer)));
}

fn is_taken(key: &[u8], value: &[u8]) -> bool {
    row::merge(key, value, &mut Table::default()) != row::Merged::Damaged
}

#[test]
fn a_damaged_row_is_corrupt() {
    let row = row::Row::of(&version(config("k"), 5, "value"));
    assert!(is_taken(&row.key, &row.value));
    for at in 0..row.value.len() {
        let mut value = row.value.clone();
        value[at] ^= 1;
        assert!(!is_taken(&row.key, &value));
        assert!(!is_taken(&row.key, &row.value[..at]));
    }
    assert!(!is_taken(&row::Row::of(&version(config("l"), 5, "value")).key, &row.value));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Never a panic, and never another content: bytes that do not matter may change without harm.
    #[test]
    fn flipped_bytes_are_found_or_do_no_harm(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..20),
    ) {
        thread_local!(static FILLED: (Vec<u8>, Table) = {
            let (_dir, path, table) = filled();
            (fs::read(path).unwrap(), table)
        });
        FILLED.with(|(whole, table)| {
            let mut bytes = whole.clone();
            for (at, flip) in &flips {
                bytes[at.index(whole.len())] ^= flip;
            }
            assert_found_or_harmless(&bytes, table, "flipped");
        });
    }

    #[test]
    fn bytes_of_the_last_commit_flipped_after_a_kill_are_found_or_do_no_harm(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..4),
    ) {
        thread_local!(static KILLED: Killed = killed());
        KILLED.with(|Killed { bytes, last, table }| {
            let mut bytes = bytes.clone();
            for (at, flip) in &flips {
                let at = *at.get(last);
                // The byte that has a test of its own.
                if at != 9 {
                    bytes[at] ^= flip;
                }
            }
            assert_found_or_harmless(&bytes, table, "flipped");
        });
    }

    #[test]
    fn rows_of_a_register_lie_in_its_range_and_in_no_others(a in any_version(), b in any_version()) {
        let key = row::Row::of(&a).key;
        let within = |id: &RegisterId| {
            let (from, to) = row::range(&crate::version::encode_register(id));
            from <= key && key <= to
        };
        prop_assert!(within(&a.register));
        prop_assert_eq!(within(&b.register), a.register == b.register);
    }
}

fn retained(id: &RegisterId, versions: &[Arc<Version>]) -> Retained {
    let mut table = Table::default();
    for version in versions {
        table.merge(version);
    }
    table.retained(&encode_register(id)).unwrap()
}

#[test]
fn syncing_a_register_drops_the_rows_that_are_not_retained() {
    let dir = tempfile::tempdir().unwrap();
    let id = flag_in(FlagInField::State);
    let versions: Vec<_> = (1..=5).map(|time| Arc::new(version(id.clone(), time, "1"))).collect();
    let entry = Arc::new(version(config("k"), 1, "old"));
    let mut disk = open(dir.path()).unwrap();
    disk.append(&[versions.clone(), vec![entry]].concat(), 1, None).unwrap();
    let newer = Arc::new(version(config("k"), 2, "new"));
    let both = vec![retained(&id, &versions[3..]), retained(&config("k"), std::slice::from_ref(&newer))];
    disk.sync(both, 2).unwrap();
    drop(disk);
    let (table, _) = opened(dir.path()).unwrap();
    assert_eq!(table.history(&id).map(|v| v.stamp.time).collect::<Vec<_>>(), [5, 4]);
    assert_eq!(table.latest(&config("k")), Some(newer));
    let mut disk = open(dir.path()).unwrap();
    disk.sync(vec![retained(&config("k"), &[])], 3).unwrap();
    drop(disk);
    assert_eq!(opened(dir.path()).unwrap().0.latest(&config("k")), None);
}

/// When a disk fails: how many syncs come until one fails, and from then on everything.
#[derive(Debug)]
pub(crate) struct Fault(AtomicU64);

impl Fault {
    pub(crate) fn now(&self) {
        self.at_sync(0);
    }

    /// The given sync from now fails, the first being 1; what was written before it is there.
    pub(crate) fn at_sync(&self, nth: u64) {
        self.0.store(nth, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.at_sync(u64::MAX);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        self.check()?;
        self.0.fetch_sub(1, Ordering::SeqCst);
        self.check()
    }
}

/// A file whose writes fail on demand.
#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    fault: Arc<Fault>,
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.fault.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.fault.sync()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.fault.check()?;
        self.file.write(offset, data)
    }
}

/// How many rows of versions a directory's file has.
pub(crate) fn rows(dir: &Path) -> usize {
    let mut disk = open(dir).unwrap();
    let read = disk.database().unwrap().begin_read().unwrap();
    [FLOORS, VERSIONS].map(|table| read.open_table(table).unwrap().iter().unwrap().count()).iter().sum()
}

/// A disk in a directory, and what makes it fail.
pub(crate) fn faulty(dir: &Path) -> (Disk, Arc<Fault>) {
    drop(open(dir).unwrap());
    let fault = Arc::new(Fault(AtomicU64::new(u64::MAX)));
    let (path, faults) = (dir.join(FILE), fault.clone());
    let opener = move || {
        let file = FileBackend::new(File::options().read(true).write(true).open(&path)?)?;
        Builder::new().set_cache_size(CACHE).create_with_backend(Faulty { file, fault: faults.clone() })
    };
    let lock = lock(&dir.join(LOCK_FILE)).unwrap();
    (Disk::with_opener(Box::new(opener), lock).unwrap(), fault)
}

#[test]
fn after_a_fault_the_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut disk, fault) = faulty(dir.path());
    let put = |n: u64| [Arc::new(version(config("k"), n, "value"))];
    disk.append(&put(1), 1, None).unwrap();
    fault.now();
    assert!(disk.append(&put(2), 2, None).is_err());
    assert!(disk.append(&put(3), 3, None).is_err());
    fault.mend();
    disk.append(&put(4), 4, None).unwrap();
    drop(disk);
    let (table, meta) = opened(dir.path()).unwrap();
    assert_eq!((table.latest(&config("k")).unwrap().stamp.time, meta.mark), (4, 4));
}

/// Where the process ends before the rows of what a purge killed are gone, they must not outlast the row of its floor.
#[test]
fn what_lies_dead_below_a_floor_is_named_when_it_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let everything = burgee_model::Scope::Config { environment: crate::testing::key("e"), prefix: "".into() };
    let mut disk = open(dir.path()).unwrap();
    disk.append(&[Arc::new(version(config("k"), 5, "v")), Arc::new(version(config("z"), 12, "v"))], 77, None).unwrap();
    disk.append(&[Arc::new(crate::testing::floor(everything, 9))], 78, None).unwrap();
    drop(disk);
    let mut table = Table::default();
    let (_, dead) = open(dir.path()).unwrap().load(&mut table).unwrap();
    assert_eq!(dead, [config("k")]);
    assert!(table.latest(&config("k")).is_none() && table.latest(&config("z")).is_some());
}
