//! A server of NATS: Debian's `nats-server`, which a test that needs it must not pass without.

use std::{
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use crate::{
    loopback,
    proc::{Process, Signal},
    wait,
};

/// How long a start may take.
const START_BOUND: Duration = Duration::from_secs(20);

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct NatsServer {
    /// Where it listens.
    pub address: SocketAddr,
    process: Process,
}

impl NatsServer {
    /// A place where a server may be started.
    #[must_use]
    pub fn place() -> SocketAddr {
        SocketAddr::from((loopback::address(), 4222))
    }

    /// Starts one; `more` are further arguments.
    #[must_use]
    pub fn start_at(address: SocketAddr, more: &[&str]) -> Self {
        let mut command = Command::new("nats-server");
        command.args(["--addr", &address.ip().to_string(), "--port", &address.port().to_string()]).args(more);
        let found = Command::new("nats-server").arg("--version").output();
        assert!(found.is_ok(), "`nats-server` is not installed: tests/run does");
        let process = Process::spawn(command);
        wait::until_true("nats-server listens", START_BOUND, || TcpStream::connect(address).is_ok());
        Self { address, process }
    }

    /// What clients connect to.
    #[must_use]
    pub fn url(address: SocketAddr) -> String {
        format!("nats://{address}")
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        self.process.signal(Signal::Kill);
        self.process.wait(Duration::from_secs(10));
    }
}
