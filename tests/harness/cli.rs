//! The command line as a person uses it.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use crate::{TOKEN, node::Node, proc};

/// The command line, pointed at a node and an environment.
#[derive(Debug)]
pub struct Cli {
    arguments: Vec<String>,
}

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Cli {
    /// For tenant `demo`, environment `development` of a node.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        let url = node.client.base.clone();
        let given = ["--url", &url, "--token", TOKEN, "--tenant", "demo", "--env", "development"];
        Self { arguments: given.map(str::to_owned).to_vec() }
    }

    /// For no node at all.
    #[must_use]
    pub fn bare() -> Self {
        Self { arguments: Vec::new() }
    }

    /// Runs a command.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, b"")
    }

    /// A command, to be run by the caller.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = proc::command();
        command.args(arguments).args(&self.arguments);
        command
    }

    /// Runs a command that reads this from its standard input.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // a command that does not read its input may be gone before all is written
        let _ = child.stdin.take().unwrap().write_all(input);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: status.code(), out: text(stdout), err: text(stderr) }
    }
}
