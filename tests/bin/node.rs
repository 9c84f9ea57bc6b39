//! The product's `main`, in this package so that cargo tells its tests where it is.

fn main() -> std::process::ExitCode {
    burgee::cli::main(std::env::args_os())
}
