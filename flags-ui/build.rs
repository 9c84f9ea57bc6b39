//! Builds the dashboard with npm and Vite and writes it as a table of byte strings,
//! `OUT_DIR/table.rs`, which the library includes.
//!
//! - `FLAGS_UI=skip` embeds nothing (rust-analyzer, clippy).
//! - `FLAGS_UI=DIR` embeds a folder that was built before, e.g. in a container stage.
//! - `FLAGS_UI_REQUIRED=1` makes the absence of the dashboard an error (CI, releases).
//!
//! Without Node.js the build goes on: the library then says why it has no files.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

#[path = "src-rs/embed.rs"]
mod embed;

/// All that Vite reads, and what decides which packages it runs with.
const INPUTS: [&str; 8] =
    ["src", "public", "index.html", "package.json", "package-lock.json", ".npmrc", "tsconfig.json", "vite.config.ts"];

/// Lines of a failed command's output that are worth showing.
const SHOWN_LINES: usize = 6;

/// Why there is no dashboard, and when it is worth trying again.
struct Absence {
    why: String,
    retry: Retry,
}

enum Retry {
    /// The answer depends on the environment variables only.
    Never,
    /// Node.js may be installed later.
    WhenPathChanges,
    /// A registry may be reachable again.
    NextBuild,
}

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src-rs/embed.rs");
    println!("cargo::rerun-if-env-changed=FLAGS_UI");
    println!("cargo::rerun-if-env-changed=FLAGS_UI_REQUIRED");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    let table = match bundle(&out) {
        Ok(folder) => embed::table(&folder)?,
        Err(absence) => {
            report(&absence, &out);
            embed::absent(&absence.why)
        }
    };
    fs::write(out.join("table.rs"), table)
}

/// The folder that holds the built dashboard.
fn bundle(out: &Path) -> Result<PathBuf, Absence> {
    match env::var("FLAGS_UI").unwrap_or_default().as_str() {
        "" => build(&out.join("dist")),
        "skip" => Err(Absence { why: "it was built with FLAGS_UI=skip".into(), retry: Retry::Never }),
        folder => ready_made(Path::new(folder)),
    }
}

fn ready_made(folder: &Path) -> Result<PathBuf, Absence> {
    println!("cargo::rerun-if-changed={}", folder.display());
    if folder.join("index.html").is_file() {
        return Ok(folder.to_owned());
    }
    Err(Absence { why: format!("FLAGS_UI={} holds no index.html", folder.display()), retry: Retry::NextBuild })
}

fn build(dist: &Path) -> Result<PathBuf, Absence> {
    for input in INPUTS {
        println!("cargo::rerun-if-changed={input}");
    }
    install()?;
    let dist_text = dist.as_os_str();
    npm([
        "run".as_ref(),
        "--silent".as_ref(),
        "build".as_ref(),
        "--".as_ref(),
        "--outDir".as_ref(),
        dist_text,
        "--emptyOutDir".as_ref(),
    ])?;
    Ok(dist.to_owned())
}

/// Installs the packages unless `node_modules` holds them already, be it with or without the
/// development tools.
///
/// Builds with different target folders share `node_modules`, so they take turns: the lock is
/// on this script's own file, which npm never opens.
fn install() -> Result<(), Absence> {
    let turn = File::open("build.rs").map_err(|e| failed(format!("build.rs: {e}")))?;
    turn.lock().map_err(|e| failed(format!("locking build.rs: {e}")))?;
    let lock = fs::read_to_string("package-lock.json").map_err(|e| failed(format!("package-lock.json: {e}")))?;
    let installed = fs::read_to_string("node_modules/.package-lock.json").unwrap_or_default();
    if embed::is_installed(&lock, &installed) {
        return Ok(());
    }
    npm(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
}

fn npm<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Result<(), Absence> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut command = Command::new(program);
    command.args(args).env_remove("NODE_ENV");
    let output = command.output().map_err(|e| Absence {
        why: format!("npm could not be started ({e}); install Node.js 20.19 or newer"),
        retry: Retry::WhenPathChanges,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(failed(format!(
        "npm ended with {}: {}",
        output.status,
        embed::last_lines(&String::from_utf8_lossy(&said), SHOWN_LINES),
    )))
}

fn failed(why: String) -> Absence {
    Absence { why, retry: Retry::NextBuild }
}

/// Tells cargo about the absence, which fails the build if `FLAGS_UI_REQUIRED` is set, and when to run this
/// script again.
fn report(absence: &Absence, out: &Path) {
    let required = env::var_os("FLAGS_UI_REQUIRED").is_some_and(|v| !v.is_empty() && v != "0");
    let level = if required { "error" } else { "warning" };
    println!("cargo::{level}=the dashboard is not in this build: {}", absence.why);
    match absence.retry {
        Retry::Never => {}
        Retry::WhenPathChanges => println!("cargo::rerun-if-env-changed=PATH"),
        // a file that never exists makes cargo run the script each time
        Retry::NextBuild => println!("cargo::rerun-if-changed={}", out.join("never-there").display()),
    }
}
