//! CPU time of a process or a thread, from the system's own accounts.

use std::{fs, path::Path, thread, time::Duration};

/// User and system time of a process and its threads, in microseconds. The system counts in ticks of 10 ms,
/// so a measurement must last long beside that.
pub fn micros(pid: u32) -> Option<u64> {
    /// Linux counts 100 ticks a second for programs, whatever the kernel was built with.
    const MICROS_A_TICK: u64 = 10_000;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the name, in parentheses, may hold spaces
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * MICROS_A_TICK)
}

/// Long enough that a thread gives up the processor, which is when the system brings its account up to date.
const PAUSE: Duration = Duration::from_micros(50);

/// CPU time of this thread so far.
pub fn of_this_thread() -> Option<Duration> {
    thread::sleep(PAUSE);
    account(Path::new("/proc/thread-self"))
}

/// CPU time of this process's threads so far, of which the others must be at rest.
pub fn of_all_threads() -> Option<Duration> {
    thread::sleep(PAUSE);
    let threads = fs::read_dir("/proc/self/task").ok()?.flatten();
    Some(threads.filter_map(|thread| account(&thread.path())).sum())
}

fn account(thread: &Path) -> Option<Duration> {
    let account = fs::read_to_string(thread.join("schedstat")).ok()?;
    account.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Resident memory of a process, in MiB.
pub fn resident_mib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

/// The processor's name and how many cores this process may use.
pub fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("", |(_, n)| n);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}, {cores} cores")
}

/// How many processes want the processor at this moment, over the last minute.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}
