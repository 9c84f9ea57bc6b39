//! Shows that the simulation, or a unit test that a fault names, finds faults:
//! `cargo run --release -p burgee-simulation --bin mutants [NAME...]`.
//!
//! Each [mutation](mutations) is made in a copy of the crates, in the target folder; the simulation is built
//! there and run until an invariant breaks. One that is found neither by the unit test that it names nor in [`RUNS_MAX`]
//! runs is a failure.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

mod mutations;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output},
};

use mutations::{MUTATIONS, Mutation, Test};

/// Runs in which a fault must be found.
const RUNS_MAX: u32 = 300;

/// What is copied.
const PARTS: [&str; 6] = [".cargo", "Cargo.lock", "host/model", "host/store", "host/replication", "tests/simulation"];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let chosen = |mutation: &&Mutation| wanted.is_empty() || wanted.iter().any(|name| name == mutation.name);
    let mut missed = 0;
    for mutation in MUTATIONS.iter().filter(chosen) {
        let found = attempt(mutation);
        println!("{:<44} {}", mutation.name, found.as_deref().unwrap_or_else(|error| error));
        missed += u32::from(found.is_err());
    }
    println!("{missed} missed");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What found the mutation, or why nothing did.
fn attempt(mutation: &Mutation) -> Result<String, String> {
    let copy = mutated(mutation)?;
    // A unit test takes seconds.
    let tested = mutation.test.as_ref().map(|test| tested(&copy, test));
    match tested {
        Some(Ok(found)) => Ok(found),
        Some(Err(missed)) => simulated(&copy).map_err(|error| format!("{error}; {missed}")),
        None => simulated(&copy),
    }
}

/// A copy with the mutation in it.
fn mutated(mutation: &Mutation) -> Result<PathBuf, String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let copy = top.join("target/mutants/tree");
    prepare(&top, &copy).map_err(|error| format!("the copy failed: {error}"))?;
    for (file, old, new) in mutation.edits {
        edit(&copy.join(file), old, new).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(copy)
}

/// Which invariant broke.
fn simulated(copy: &Path) -> Result<String, String> {
    let built = cargo(copy, &["build"])?;
    if !built.status.success() {
        return Err(format!("does not build:\n{}", String::from_utf8_lossy(&built.stderr)));
    }
    let runs = RUNS_MAX.to_string();
    let ran = cargo(copy, &["run", "--", "--runs", &runs, "--seed-start", "1"])?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let found = text.lines().find(|line| line.starts_with("seed "));
    let Some(found) = found else { return Err(format!("not found in {RUNS_MAX} runs")) };
    let ends = text.lines().find(|line| line.contains(" runs in ")).unwrap_or_default();
    let runs = ends.split(' ').next().unwrap_or_default();
    let invariant = found.split(": ").nth(1).unwrap_or_default();
    Ok(format!("found by `{invariant}` after {runs} runs"))
}

/// Which unit test failed.
fn tested(copy: &Path, test: &Test) -> Result<String, String> {
    let Test { package, name } = test;
    let ran = run_cargo(copy, &["test", "--release", "--offline", "-p", package, "--lib", name])?;
    let text = String::from_utf8_lossy(&ran.stdout);
    if text.lines().any(|line| line.starts_with("test ") && line.ends_with("FAILED")) {
        return Ok(format!("found by the test {package}: {name}"));
    }
    Err(format!("not found by the test {package}: {name}"))
}

fn cargo(copy: &Path, arguments: &[&str]) -> Result<Output, String> {
    let (command, rest) = arguments.split_first().ok_or("no command")?;
    let of_simulation = ["--release", "--offline", "-p", "burgee-simulation", "--bin", "burgee-simulation"];
    let all: Vec<&str> = [*command].into_iter().chain(of_simulation).chain(rest.iter().copied()).collect();
    run_cargo(copy, &all)
}

fn run_cargo(copy: &Path, arguments: &[&str]) -> Result<Output, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(copy).env("CARGO_TARGET_DIR", copy.join("../target"));
    // One line differs from the last build.
    cargo.env("CARGO_INCREMENTAL", "1").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    cargo.output().map_err(|error| error.to_string())
}

/// A fresh copy. Files that are as they were keep their times, so that little is built anew.
fn prepare(top: &Path, copy: &Path) -> io::Result<()> {
    for part in PARTS {
        let from = top.join(part);
        if from.exists() {
            mirror(&from, &copy.join(part))?;
        }
    }
    let manifest = fs::read_to_string(top.join("Cargo.toml"))?;
    let (Some(members), Some(rest)) = (manifest.find("members = ["), manifest.find("[workspace.package]")) else {
        return Err(io::Error::other("the manifest is not as it was"));
    };
    let ours = "members = [\"host/model\", \"host/store\", \"host/replication\", \"tests/simulation\"]\n\n";
    write(&copy.join("Cargo.toml"), format!("{}{ours}{}", &manifest[..members], &manifest[rest..]).as_bytes())
}

fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() {
        return write(to, &fs::read(from)?);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        mirror(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn write(to: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(to).is_ok_and(|held| held == bytes) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, bytes)
}

/// Replaces a text that must be there once.
fn edit(file: &PathBuf, old: &str, new: &str) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    match text.matches(old).count() {
        1 => fs::write(file, text.replace(old, new)).map_err(|error| error.to_string()),
        count => Err(format!("the text to replace is there {count} times: {old}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the mutation is none, which nobody would see who does not run it.
    #[test]
    fn what_each_mutation_replaces_is_there_once() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for mutation in MUTATIONS {
            for (file, old, _) in mutation.edits {
                let text = fs::read_to_string(top.join(file)).unwrap();
                assert_eq!(text.matches(old).count(), 1, "{}: {file}: {old}", mutation.name);
            }
        }
    }
}
