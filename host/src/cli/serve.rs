//! `serve` and `dev`: a node in this process, until it is told to stop.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::output;
use crate::{
    config::{Config, LogFormat, Mode},
    node::{self, Node},
    options::Options,
};

/// What is logged where `RUST_LOG` says nothing else. The client of Kubernetes tells each attempt that fails as an error;
/// discovery says so once.
const LOG_DEFAULT: &str = "info,kube_client=off";

pub(super) fn run(mode: Mode, options: Options) -> ExitCode {
    let config = match Config::new(mode, options) {
        Ok(config) => config,
        Err(error) => return failed(&error, 2),
    };
    init_log(config.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("runtime: {error}"), 1),
    };
    let code = match runtime.block_on(node(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, error.exit_code),
    };
    // what still runs in the background holds nothing that matters: the store is closed
    runtime.shutdown_background();
    code
}

fn failed(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    output::error(&format!("burgee: {error}"));
    ExitCode::from(code)
}

fn init_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_DEFAULT));
    // Where a line cannot be written there is nobody to be told, and the node goes on.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    match format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
    }
}

async fn node(config: Config) -> Result<(), node::StartError> {
    let (mode, announce) = (config.mode, config.announce);
    // from here on a signal is heard, also while a large replica is being loaded
    let mut stop = std::pin::pin!(told_to_stop()?);
    let node = tokio::select! {
        node = node::start(config) => node?,
        () = &mut stop => return Ok(()),
    };
    if announce {
        // a reader that has gone away is no reason not to serve
        let _ = output::line(&node.announcement());
    }
    node.hand_over_token(|token| output::error(&format!("Admin token (shown once): {token}")))?;
    greet(mode, &node);
    node.serve(stop).await
}

fn greet(mode: Mode, node: &Node) {
    if mode == Mode::Dev {
        output::error(&format!("Dashboard: http://{}/", node.http()));
    }
    tracing::info!(http = %node.http(), "listening");
}

/// Listens for SIGTERM and SIGINT from now on; completes with the first.
fn told_to_stop() -> Result<impl Future<Output = ()>, node::StartError> {
    let listen = |kind| signal(kind).map_err(|e| node::StartError::machine("signals", &e));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
