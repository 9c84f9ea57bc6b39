//! The code cache: what was compiled is loaded by the next start, and nothing else is.

use std::{fs, path::PathBuf, sync::Arc};

use burgee_engine::{CacheConfig, CacheUse, Engine, EngineConfig, Snapshot};
use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;

use crate::support::{boolean_flag, compiling, context, items, no_config, source};

const MIB: u64 = 1 << 20;

struct Node {
    engine: Arc<Engine>,
    snapshot: Arc<Snapshot>,
}

impl Node {
    /// Starts with 300 flags, whose rules make several chunks.
    fn start(config: Option<CacheConfig>) -> Self {
        let rule = |n: usize| json!({"if": [{">": [{"var": "n"}, n]}, "on", {"<": [{"var": "m"}, n]}, "off", null]});
        let flags: Map<String, Json> = (0..300).map(|n| (format!("flag{n}"), boolean_flag(rule(n)))).collect();
        let engine = Engine::new(EngineConfig { cache: config, ..compiling() }).unwrap();
        let snapshot = engine.build(None, source(&json!({"flags": flags})), &no_config);
        engine.quiesce();
        assert_eq!(snapshot.tiers().interpreted, 0);
        Self { engine, snapshot }
    }

    fn used(&self) -> CacheUse {
        self.engine.cache().unwrap()
    }

    /// Fails where the compiled rules are not those of the flags.
    fn check(&self) {
        for (n, on, off) in [(100, 100, 200), (0, 0, 299)] {
            let all = items(&self.snapshot, &context(json!({"n": n, "m": 0})));
            let count = |variant: &str| all.values().filter(|item| item["variant"] == variant).count();
            assert_eq!((count("on"), count("off")), (on, off));
        }
    }
}

fn dir() -> (TempDir, CacheConfig) {
    let dir = tempfile::tempdir().unwrap();
    let config = CacheConfig { dir: dir.path().join("code"), bytes_max: 64 * MIB };
    (dir, config)
}

fn files(config: &CacheConfig) -> Vec<PathBuf> {
    let all = fs::read_dir(&config.dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|kind| kind == "code")).collect();
    files.sort();
    files
}

#[test]
fn the_second_start_compiles_nothing() {
    let (_kept, config) = dir();
    let first = Node::start(Some(config.clone()));
    let compiled = first.used().misses;
    assert!(compiled > 1 && compiled == files(&config).len() as u64);
    let second = Node::start(Some(config));
    assert_eq!(second.used(), CacheUse { hits: compiled, ..CacheUse::default() });
    second.check();
}

/// Starts, does something to the files, and starts again: so many files are refused and made anew, the others
/// loaded.
fn meddled(meddle: impl Fn(&CacheConfig), refused: impl Fn(u64) -> u64) {
    let (_kept, config) = dir();
    let all = Node::start(Some(config.clone())).used().misses;
    meddle(&config);
    let node = Node::start(Some(config.clone()));
    let refused = refused(all);
    assert_eq!(node.used(), CacheUse { hits: all - refused, refused, ..CacheUse::default() });
    node.check();
    let healed = Node::start(Some(config));
    assert_eq!(healed.used().hits, all, "what was refused was written again");
    healed.check();
}

fn change(path: &PathBuf, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_that_was_changed_is_refused() {
    let last = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    meddled(|config| change(&files(config)[0], last), |_| 1);
    meddled(|config| change(&files(config)[0], |bytes| bytes[20] ^= 1), |_| 1);
}

#[test]
fn a_file_that_was_cut_is_refused() {
    for length in [0, 7, 30, 1000] {
        meddled(|config| change(&files(config)[0], |bytes| bytes.truncate(length)), |_| 1);
    }
}

#[test]
fn a_file_in_place_of_another_is_refused() {
    let replace = |config: &CacheConfig| {
        let files = files(config);
        fs::copy(&files[0], &files[1]).unwrap();
    };
    meddled(replace, |_| 1);
}

#[test]
fn what_another_node_wrote_is_refused() {
    let other_key = |config: &CacheConfig| {
        let (_kept, other) = dir();
        Node::start(Some(other.clone()));
        fs::copy(other.dir.join("key"), config.dir.join("key")).unwrap();
    };
    meddled(other_key, |all| all);
    meddled(|config| fs::write(config.dir.join("key"), b"short").unwrap(), |all| all);
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_it() {
    use std::os::unix::fs::MetadataExt;
    let (_kept, config) = dir();
    Node::start(Some(config.clone()));
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&config.dir), 0o700);
    for file in files(&config).iter().chain([&config.dir.join("key")]) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[test]
fn the_oldest_files_go_when_there_are_too_many_bytes() {
    let (_kept, config) = dir();
    Node::start(Some(config.clone()));
    let bytes = |config: &CacheConfig| files(config).iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>();
    let whole = bytes(&config);
    let small = CacheConfig { bytes_max: whole / 2, ..config.clone() };
    let node = Node::start(Some(small.clone()));
    node.check();
    let left = bytes(&small);
    assert!(left > 0 && left <= whole / 2, "{left} of {whole}");
    assert!(node.used().misses > 0, "what was deleted was compiled");
    let none = CacheConfig { bytes_max: 1, ..config };
    Node::start(Some(none.clone())).check();
    assert_eq!(bytes(&none), 0);
}

#[test]
fn without_a_usable_directory_everything_works_without_a_cache() {
    let (kept, mut config) = dir();
    config.dir = kept.path().join("file/code");
    fs::write(kept.path().join("file"), b"in the way").unwrap();
    let node = Node::start(Some(config));
    assert_eq!(node.engine.cache(), None);
    node.check();
}

#[test]
fn a_disk_that_fails_later_is_counted_and_costs_nothing_else() {
    let (_kept, config) = dir();
    let engine = Engine::new(EngineConfig { cache: Some(config.clone()), ..compiling() }).unwrap();
    fs::remove_dir_all(&config.dir).unwrap();
    fs::write(&config.dir, b"in the way").unwrap();
    let flags = json!({"flags": {"f": boolean_flag(json!({"if": [{"var": "x"}, "on", "off"]}))}});
    let snapshot = engine.build(None, source(&flags), &no_config);
    engine.quiesce();
    assert_eq!(engine.cache(), Some(CacheUse { failed: 2, ..CacheUse::default() }), "reading and writing");
    assert_eq!(items(&snapshot, &context(json!({"x": 1})))["f"]["variant"], "on");
}

#[test]
fn what_is_no_regular_file_is_not_read_and_writes_that_fail_leave_nothing() {
    let (_kept, config) = dir();
    drop(Node::start(Some(config.clone())));
    let all = files(&config);
    let mut link = None;
    for (at, path) in all.iter().enumerate() {
        fs::remove_file(path).unwrap();
        match at % 2 {
            0 => fs::create_dir(path).unwrap(),
            _ => {
                let elsewhere = config.dir.join("elsewhere");
                fs::write(&elsewhere, b"not the cache's").unwrap();
                std::os::unix::fs::symlink(&elsewhere, path).unwrap();
                link = Some(elsewhere);
            }
        }
    }
    let second = Node::start(Some(config.clone()));
    second.check();
    let directories = all.len().div_ceil(2) as u64;
    assert_eq!(second.used().failed, all.len() as u64 + directories, "none is read, and no directory is written over");
    let left = fs::read_dir(&config.dir).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(left.filter(|path| path.extension().is_some_and(|kind| kind == "unfinished")).count(), 0);
    assert_eq!(fs::read(link.unwrap()).unwrap(), b"not the cache's");
}
