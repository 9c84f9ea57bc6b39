//! The `burgee` program: arguments in, exit code out. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    burgee::cli::main(std::env::args_os())
}
