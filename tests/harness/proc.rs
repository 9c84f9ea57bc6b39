//! Child processes: their output is collected, they never outlive the test, a hung one is ended.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::wait;

/// Where the `burgee` under test lies: `BURGEE_BIN`, else the one that cargo built for this test.
#[must_use]
pub fn burgee() -> String {
    let given = std::env::var("BURGEE_BIN").ok().filter(|path| !path.is_empty());
    given.or_else(|| std::env::var("CARGO_BIN_EXE_burgee-node").ok()).expect("run by cargo test, or with BURGEE_BIN")
}

/// A command that runs the `burgee` under test and hears nothing from this test's surroundings.
#[must_use]
pub fn command() -> Command {
    command_on(None)
}

/// The same, within a network namespace where one is named. `ip` becomes the program, so that signals reach it.
#[must_use]
pub fn command_on(namespace: Option<&str>) -> Command {
    let mut command = match namespace {
        None => Command::new(burgee()),
        Some(namespace) => {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", namespace, &burgee()]);
            command
        }
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BURGEE_")) {
        command.env_remove(name);
    }
    command
}

/// The same, with so many open files at most, or until it asks for more. The shell becomes the program, so that signals
/// reach it.
#[must_use]
pub fn command_with_files(files: u32, may_ask: bool) -> Command {
    let script = if may_ask { r#"ulimit -S -n "$0" && exec "$@""# } else { r#"ulimit -n "$0" && exec "$@""# };
    let mut shell = Command::new("sh");
    shell.args(["-c", script, &files.to_string()]);
    become_burgee(shell)
}

/// What a directory lies on, for one process alone.
#[derive(Clone, Copy, Debug)]
pub enum Disk {
    /// One that can only be read.
    ReadOnly,
    /// An empty one of so many MiB, which is gone with the process.
    Small(u32),
}

/// The same, where a directory that exists lies on such a disk: in a mount namespace of its own.
#[must_use]
pub fn command_on_disk(disk: Disk, dir: &Path) -> Command {
    let mount = match disk {
        Disk::ReadOnly => r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0""#.to_owned(),
        Disk::Small(mib) => format!(r#"mount -t tmpfs -o size={mib}m tmpfs "$0""#),
    };
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "sh", "-c", &format!(r#"{mount} && exec "$@""#)]).arg(dir);
    become_burgee(shell)
}

/// From now on a [small](Disk::Small) disk of a process has so many MiB.
pub fn resize_disk(pid: u32, dir: &Path, mib: u32) {
    let mut command = Command::new("nsenter");
    command.args(["--mount", "--target", &pid.to_string(), "mount", "-o", &format!("remount,size={mib}m")]).arg(dir);
    assert!(command.status().unwrap().success(), "{command:?}");
}

fn become_burgee(mut shell: Command) -> Command {
    let program = command();
    shell.arg(program.get_program());
    for (name, _) in program.get_envs() {
        shell.env_remove(name);
    }
    shell
}

/// A line-wise collected output stream.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn collect(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let sink = lines.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { return };
                sink.0.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
        });
        lines
    }

    /// The lines so far.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// What a signal asks of a process.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// End in good order.
    Term,
    /// End at once.
    Kill,
    /// Stand still.
    Stop,
    /// Go on.
    Continue,
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Its standard output.
    pub stdout: Lines,
    /// Its standard error.
    pub stderr: Lines,
}

impl Process {
    /// Starts it.
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let stdout = Lines::collect(child.stdout.take().unwrap());
        let stderr = Lines::collect(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Term => "TERM",
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        };
        // the shell's own `kill`: a program of that name is not on every machine
        let script = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(script).status().unwrap().success(), "{name}");
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub fn wait(&mut self, bound: Duration) -> ExitStatus {
        wait::until("the process ends", bound, || self.ended()).0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let lines = self.stderr.all();
            let tail = &lines[lines.len().saturating_sub(40)..];
            eprintln!("--- stderr of process {}:\n{}\n---", self.child.id(), tail.join("\n"));
        }
    }
}

/// Resident memory of a process, in MiB.
#[must_use]
pub fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

/// Processor time of a process and its threads so far, which a busy machine does not stretch.
#[must_use]
pub fn processor_time(pid: u32) -> Duration {
    /// Linux counts 100 ticks a second for programs, whatever the kernel was built with.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // the name, in parentheses, may hold spaces
    let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    TICK * fields.map(|ticks| ticks.parse::<u32>().unwrap()).sum()
}
