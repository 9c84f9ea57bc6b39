//! What config entries cost: memory for each, the rate of merging, time to durable, and of loading.
//!
//! `cargo run --release -p burgee-store --example footprint -- [ENTRIES] [VALUE_BYTES]`; with `flags` in their place,
//! what the registers of flags cost in the table.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the clock and prints what it found"
)]

use std::{
    error::Error,
    ffi::{OsStr, OsString},
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use burgee_model::{
    Blob, FlagField, FlagInField, Key, Media, NodeId, RegisterId, Scope, Stamp, stamp::millis_to_ntp64,
};
use burgee_store::{ChangeId, HistoryPolicy, Store, StoreConfig, StoreLimits, Table, Version, WallClock};

const PEER: NodeId = NodeId([7; 16]);

/// Versions merged at once.
const PAGE: u64 = 1_000;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let what = arguments.next_if(|first| ["load", "fill", "merge", "flags"].contains(&first.as_str()));
    let on_disk = matches!(what.as_deref(), Some("load" | "fill"));
    let dir = if on_disk { arguments.next() } else { None };
    let dir = dir.unwrap_or_default();
    let entries: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let value_bytes: usize = arguments.next().map_or(Ok(100), |text| text.parse())?;
    match what.as_deref() {
        Some("load") => return load(Path::new(&dir)),
        Some("fill") => return fill(Path::new(&dir), entries, value_bytes),
        Some("flags") => return flags(),
        Some(_) => return merge_alone(entries, value_bytes),
        None => {}
    }
    let (count, bytes) = (OsString::from(entries.to_string()), OsString::from(value_bytes.to_string()));
    let dir = tempfile::tempdir()?;
    apart("merge", &[&count, &bytes])?;
    apart("fill", &[dir.path().as_os_str(), &count, &bytes])?;
    apart("load", &[dir.path().as_os_str()])
}

fn open(dir: &Path) -> Result<Store, Box<dyn Error>> {
    let config = StoreConfig { dir: Some(dir.to_owned()), limits: StoreLimits::default(), digest_key: 7 };
    let clock: WallClock = Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    });
    Ok(Store::open(config, clock)?)
}

/// What merging costs without feed, disk and locks.
fn merge_alone(entries: u64, value_bytes: usize) -> Result<(), Box<dyn Error>> {
    let versions: Result<Vec<_>, _> = (0..entries).map(|n| entry(n, value_bytes).map(Arc::new)).collect();
    let (versions, mut table) = (versions?, Table::new(HistoryPolicy::default(), 7));
    for round in ["new", "known"] {
        let (began, cpu) = (Instant::now(), thread_time());
        versions.iter().for_each(|version| {
            table.merge(version);
        });
        println!("table: {entries} {round} in {:?}, {:?} of this thread", began.elapsed(), thread_time() - cpu);
    }
    purge_all(&mut table, entries)
}

/// What one floor over everything costs: the table is locked that long.
fn purge_all(table: &mut Table, entries: u64) -> Result<(), Box<dyn Error>> {
    let (tenant, environment) = (Key::new("demo")?, Key::new("production")?);
    let register = RegisterId::floor(&tenant, Scope::Config { environment, prefix: "".into() });
    let floor = Arc::new(Version { register, ..entry(entries, 0)? });
    let (began, cpu) = (Instant::now(), thread_time());
    table.merge(&floor);
    println!("table: {entries} purged in {:?}, {:?} of this thread", began.elapsed(), thread_time() - cpu);
    Ok(())
}

/// What a thousand tenants of twenty flags take, nine registers a flag, read from bytes as they come from disk.
fn flags() -> Result<(), Box<dyn Error>> {
    const TENANTS: u64 = 1_000;
    const FLAGS: u64 = 20;
    let rule = r#"{"if":[{"or":[{"==":[{"var":"plan"},"pro"]},{"in":[{"var":"country"},["de","fr"]]}]},"on","off"]}"#;
    let fields = |flag: &Key, tenant: &Key, environment: &Key| {
        let shared = FlagField::ALL.map(|field| (RegisterId::flag(tenant, flag, field), "null"));
        let own = [(FlagInField::State, "\"ENABLED\""), (FlagInField::DefaultVariant, "\"off\"")];
        let own = own.into_iter().chain([(FlagInField::Targeting, rule)]);
        let own = own.map(|(field, text)| (RegisterId::flag_in(tenant, flag, environment, field), text));
        shared.into_iter().chain(own).collect::<Vec<_>>()
    };
    let (mut table, before, mut registers) = (Table::new(HistoryPolicy::default(), 7), resident("VmRSS:"), 0);
    for tenant in 0..TENANTS {
        let (tenant, environment) = (Key::new(&format!("tenant-{tenant:04}"))?, Key::new("production")?);
        for flag in 0..FLAGS {
            let flag = Key::new(&format!("flag-{flag:05}"))?;
            for (register, text) in fields(&flag, &tenant, &environment) {
                registers += 1;
                let content = Some(Blob { media: Media::Json, bytes: text.to_owned().into() });
                let version = Version { register, content, ..entry(registers, 0)? };
                table.merge(&Arc::new(Version::decode(&version.encode())?));
            }
        }
    }
    let grown = u64::try_from(resident("VmRSS:").saturating_sub(before))?;
    println!("table: {registers} registers of {} flags in {} MB", TENANTS * FLAGS, grown / 1_000_000);
    println!("{} bytes a register, {} a flag", grown / registers, grown / (TENANTS * FLAGS));
    Ok(())
}

fn fill(dir: &Path, entries: u64, value_bytes: usize) -> Result<(), Box<dyn Error>> {
    let store = open(dir)?;
    let (mut spent, mut used) = (Duration::ZERO, Duration::ZERO);
    let began = Instant::now();
    for first in (0..entries).step_by(usize::try_from(PAGE)?) {
        let page: Result<Vec<_>, _> =
            (first..(first + PAGE).min(entries)).map(|n| entry(n, value_bytes).map(Arc::new)).collect();
        let page = page?;
        let (merging, cpu) = (Instant::now(), thread_time());
        store.merge(page, PEER)?;
        spent += merging.elapsed();
        used += thread_time() - cpu;
    }
    println!("store: merged {entries} in {spent:?}, {used:?} of this thread; in memory after {:?}", began.elapsed());
    println!("resident {} MB, at most {} MB", resident("VmRSS:") / 1_000_000, resident("VmHWM:") / 1_000_000);
    while store.health().backlog_bytes > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("durable after {:?}; resident at most {} MB", began.elapsed(), resident("VmHWM:") / 1_000_000);
    drop(store);
    let bytes: u64 = fs::read_dir(dir)?.flatten().filter_map(|file| file.metadata().ok()).map(|m| m.len()).sum();
    println!("on disk {} MB", bytes / 1_000_000);
    Ok(())
}

/// Does a part in a process of its own, so that what others left in the heap does not count.
fn apart(what: &str, arguments: &[&OsStr]) -> Result<(), Box<dyn Error>> {
    let status = std::process::Command::new(std::env::current_exe()?).arg(what).args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("to {what} failed").into()) }
}

fn load(dir: &Path) -> Result<(), Box<dyn Error>> {
    let before = resident("VmRSS:");
    let began = Instant::now();
    let store = open(dir)?;
    println!("loaded in {:?}, {:?} of this thread", began.elapsed(), thread_time());
    let entries = store.read().counts().config_entries;
    let grown = resident("VmRSS:").saturating_sub(before);
    println!("resident {} MB, {} bytes an entry", grown / 1_000_000, grown / entries.max(1));
    Ok(())
}

/// Processor time of this thread so far, which a busy machine does not stretch; 0 where the kernel does not say.
fn thread_time() -> Duration {
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    TICK * fields.filter_map(|ticks| ticks.parse::<u32>().ok()).sum()
}

/// Bytes that the kernel says this process holds (`VmRSS:`), or held at most (`VmHWM:`); 0 where it does not say.
fn resident(what: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1_024
}

fn entry(n: u64, value_bytes: usize) -> Result<Version, Box<dyn Error>> {
    let (tenant, environment, key) = (Key::new("demo")?, Key::new("production")?, Key::new(&format!("entry/{n:09}"))?);
    let stamp = Stamp { time: millis_to_ntp64(1_800_000_000_000) + n, id: PEER };
    Ok(Version {
        register: RegisterId::config(&tenant, &environment, &key),
        stamp,
        parents: Box::default(),
        floor_seen: None,
        content: Some(Blob { media: Media::Octets, bytes: vec![b'x'; value_bytes].into() }),
        expires_at: None,
        actor: Arc::from("measurement"),
        change: ChangeId(stamp),
        note: None,
    })
}
