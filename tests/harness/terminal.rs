//! A program at a terminal, and who types there.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use nix::pty::openpty;

use crate::wait;

/// How long the program may take to answer.
const BOUND: Duration = Duration::from_secs(10);

/// A program whose input and output are a terminal. It ends with this.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keys: File,
    shown: Arc<Mutex<String>>,
    /// Bytes of what was shown that were waited for already.
    seen: usize,
}

impl Terminal {
    /// Starts a program at a new terminal.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let pair = openpty(None, None).unwrap();
        let end = |end: &std::os::fd::OwnedFd| Stdio::from(end.try_clone().unwrap());
        let slave = pair.slave;
        command.stdin(end(&slave)).stdout(end(&slave)).stderr(end(&slave)).env("TERM", "xterm");
        let child = command.spawn().unwrap();
        drop((command, slave));
        let (mut screen, keys) = (File::from(pair.master.try_clone().unwrap()), File::from(pair.master));
        let shown = Arc::new(Mutex::new(String::new()));
        let sink = shown.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // a terminal that its last program left is an error
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        Self { child, keys, shown, seen: 0 }
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a text is shown, after all that was waited for.
    pub fn expect(&mut self, text: &str) {
        let (shown, seen) = (&self.shown, self.seen);
        let find = || shown.lock().unwrap()[seen..].find(text).map(|at| seen + at + text.len());
        self.seen = wait::until(&format!("{text:?} is shown"), BOUND, find).0;
    }

    /// Waits until the program ends.
    pub fn ended(&mut self) -> ExitStatus {
        wait::until("the end of the program", BOUND, || self.child.try_wait().unwrap()).0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- at the terminal:\n{}\n---", self.shown.lock().unwrap());
        }
        // it may have ended
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
