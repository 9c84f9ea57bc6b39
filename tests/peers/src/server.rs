//! The servers that are measured, as child processes.

use std::{
    io::{self, BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The token of the measured node.
pub const TOKEN: &str = "token-of-the-benchmark";

/// A server that ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// `address:port`
    pub address: String,
}

impl Server {
    /// The bare axum server.
    pub fn hello(program: &Path) -> io::Result<Self> {
        let (child, line) = start(&mut Command::new(program))?;
        Ok(Self { child, address: line })
    }

    /// A burgee with a flagd file in `demo/development`.
    pub fn burgee(program: &Path, data: &Path, file: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--announce", "--admin-token", TOKEN, "--data-dir"]);
        command.arg(data).arg("--import").arg(format!("demo/development={}", file.display()));
        let (child, line) = start(&mut command)?;
        let announcement: serde_json::Value = serde_json::from_str(&line).map_err(io::Error::other)?;
        let address = announcement["http"].as_str().ok_or_else(|| io::Error::other(line.clone()))?;
        Ok(Self { child, address: address.to_owned() })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

fn start(command: &mut Command) -> io::Result<(Child, String)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no stdout"))?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    Ok((child, line.trim().to_owned()))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
