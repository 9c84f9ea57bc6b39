//! The command line: what people type, turned into a running node or into requests to one.

mod agent;
mod backup;
mod certs;
mod client;
mod cluster;
mod completions;
mod diagnostics;
mod documents;
mod entries;
mod flag_edit;
mod flags;
mod guests;
mod modules;
mod output;
mod rollouts;
mod rules;
mod serve;
mod shell;
mod sse;
mod tokens;
mod values;
mod watch;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::{config::Mode, options::Options};

/// Feature flags and runtime configuration, replicated, in one binary.
#[derive(Parser, Debug)]
#[command(name = "burgee", version, max_term_width = 100)]
#[command(after_help = "Examples:
  burgee dev
  burgee put checkout/timeout 30s
  burgee eval new-checkout --context '{\"targetingKey\": \"user-1\"}'")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run one node on this machine with demo data and without login
    #[command(after_help = "Examples:
  burgee dev
  burgee dev --ephemeral")]
    Dev(Box<Options>),
    /// Run a node
    #[command(after_help = "Examples:
  burgee serve --data-dir ./data-a --node-name a --cluster-listen tcp/127.0.0.1:7447 \\
      --listen 127.0.0.1:8081 --admin-token change-me-please
  burgee serve --data-dir ./data-b --node-name b --cluster-listen tcp/127.0.0.1:7448 \\
      --listen 127.0.0.1:8082 --admin-token change-me-please --join tcp/127.0.0.1:7447")]
    Serve(Box<Options>),
    /// Store a config entry
    Put(entries::Put),
    /// Write the bytes of a config entry to stdout
    Get(entries::Get),
    /// Delete a config entry
    Delete(entries::Delete),
    /// List the keys of config entries
    List(entries::List),
    /// Tell whether a config entry exists: exit code 0 or 1
    #[command(after_help = "Examples:
  burgee exists checkout/timeout || burgee put checkout/timeout 30s")]
    Exists(entries::Entry),
    /// Roll out the next value of a config entry to its readers
    #[command(subcommand)]
    Rollout(rollouts::Rollout),
    /// Follow what changes
    Watch(watch::Watch),
    /// Work on config entries, one command a line
    Shell(shell::Shell),
    /// Load a flagd file into the environment
    Import(documents::Import),
    /// Write the environment's flags as a flagd file
    Export(documents::Export),
    /// Evaluate a flag
    Eval(flags::Eval),
    /// List and switch flags
    #[command(subcommand)]
    Flag(flags::Flag),
    /// Upload, list and delete guests
    #[command(subcommand)]
    Guest(guests::Guest),
    /// Create, list and revoke tokens
    #[command(subcommand)]
    Token(tokens::Token),
    /// Look at the cluster, and forget nodes that will not return
    #[command(subcommand)]
    Cluster(cluster::Cluster),
    /// Make the certificates by which the nodes of a cluster know each other
    #[command(subcommand)]
    Cert(certs::Cert),
    /// Write all that a node holds to one file
    Backup(backup::Backup),
    /// Make a data directory from such a file
    Restore(backup::Restore),
    /// Work on rules without a server
    #[command(subcommand)]
    Rule(rules::Rule),
    /// Print what completes this program's commands and options in a shell
    Completions(completions::Completions),
}

/// Which node, and what of it, a command is for.
#[derive(Args, Clone, Debug)]
struct Target {
    /// The node's base URL
    #[arg(long, env = "BURGEE_URL", default_value = "http://127.0.0.1:8080", value_parser = values::url)]
    url: String,
    /// The token to send
    #[arg(long, env = "BURGEE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The certificates of the only authorities by which a node of https:// is believed; without it, the public ones
    #[arg(long, env = "BURGEE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The tenant
    #[arg(long, env = "BURGEE_TENANT", default_value = "demo", value_parser = values::tenant)]
    tenant: String,
    /// The environment
    #[arg(long, env = "BURGEE_ENV", default_value = "development", value_parser = values::key)]
    env: String,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How results are printed.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Why a command failed, in one or more lines for stderr.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Not found, refused, or not reached: exit code 1.
    #[error("{0}")]
    Refused(String),
    /// An option or argument that can never be right: exit code 2.
    #[error("burgee: {0}")]
    Usage(String),
}

/// Runs a command line; gives back the exit code: 0 done, 1 not found or refused, 2 usage.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = Cli::command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let done = match cli.command {
        Command::Dev(options) => return serve::run(Mode::Dev, *options),
        Command::Serve(options) => return serve::run(Mode::Serve, *options),
        Command::Put(command) => command.run(),
        Command::Get(command) => entries::get(&command),
        Command::Delete(command) => entries::delete(&command),
        Command::List(command) => command.run(),
        Command::Exists(command) => entries::exists(&command),
        Command::Rollout(command) => command.run(),
        Command::Watch(command) => command.run(),
        Command::Shell(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Flag(command) => command.run(),
        Command::Guest(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Cluster(command) => command.run(),
        Command::Cert(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Rule(command) => command.run(),
        Command::Completions(command) => command.run(Cli::command()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure.to_string());
            ExitCode::from(if matches!(failure, Failure::Usage(_)) { 2 } else { 1 })
        }
    }
}

/// Help goes to stdout as clap writes it; a wrong option is one line that names it.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(2);
    }
    let text = error.render().to_string();
    // clap's first paragraph says what is wrong, another may have a tip; the rest is the usage that `--help` prints
    let first: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let mut first = first.join(" ");
    if let Some(tip) = text.lines().find_map(|line| line.trim().strip_prefix("tip: ")) {
        first = format!("{first} ({tip})");
    }
    let reason = first.strip_prefix("error: ").unwrap_or(&first);
    let field = error.get(clap::error::ContextKind::InvalidArg).map(ToString::to_string);
    let name = field.as_deref().and_then(option_name).unwrap_or("usage");
    output::error(&format!("burgee: {name}: {reason}"));
    ExitCode::from(2)
}

/// `listen` of `--listen <ADDRESS:PORT>`.
fn option_name(argument: &str) -> Option<&str> {
    argument.strip_prefix("--")?.split([' ', '=']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands at and below one whose help shows no example.
    fn without_examples(command: &clap::Command, path: &str) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = (!help.starts_with("Examples:\n  burgee ")).then(|| path.to_owned());
        let below = command
            .get_subcommands()
            .flat_map(|command| without_examples(command, &format!("{path} {}", command.get_name())));
        own.into_iter().chain(below).collect()
    }

    #[test]
    fn the_help_of_every_command_shows_examples() {
        let without = without_examples(&Cli::command(), "burgee");
        assert!(without.is_empty(), "without examples: {without:?}");
    }
}
