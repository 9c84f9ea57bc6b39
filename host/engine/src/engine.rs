//! The engine: builds snapshots and has their rules compiled in the background.

use std::sync::Arc;

use crate::{
    build::{self, ReadConfig, Reads},
    cache::{CacheUse, CodeCache},
    compiler::Compiler,
    guest::Guests,
    runtime::Runtime,
    snapshot::Snapshot,
    source::{EngineConfig, EnvironmentSource},
    tally::Evaluations,
};

/// Builds snapshots. One per process serves all environments.
pub struct Engine {
    runtime: Arc<Runtime>,
    compiler: Compiler,
}

/// Why no engine can be had.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime does not run here; the reason is its own.
    #[error("the rule compiler cannot start: {0}")]
    Compiler(String),
    /// The compile thread could not be started.
    #[error("the compile thread cannot start: {0}")]
    Thread(#[from] std::io::Error),
}

impl Engine {
    /// Starts an engine with its compile thread. Its rules find no guests.
    pub fn new(config: EngineConfig) -> Result<Arc<Self>, EngineError> {
        Self::start(config, None)
    }

    /// Starts an engine whose rules call guests.
    pub fn with_guests(config: EngineConfig, guests: Arc<Guests>) -> Result<Arc<Self>, EngineError> {
        Self::start(config, Some(guests))
    }

    fn start(config: EngineConfig, guests: Option<Arc<Guests>>) -> Result<Arc<Self>, EngineError> {
        let runtime = Arc::new(Runtime::new(config, guests)?);
        let compiler = Compiler::start(runtime.clone())?;
        Ok(Arc::new(Self { runtime, compiler }))
    }

    /// Builds the snapshot of an environment, reusing whatever of `previous` has not changed, and asks for
    /// the compilation of rules that are new. Until it is done they are interpreted.
    ///
    /// `config` gives the current value of a config entry; it is asked once for each key that rules read.
    pub fn build(
        &self,
        previous: Option<&Arc<Snapshot>>,
        source: EnvironmentSource,
        config: ReadConfig<'_>,
    ) -> Arc<Snapshot> {
        self.build_from(previous, source, config.into())
    }

    /// The same of a replica that also knows what rules were before: a rule that does not compile any more, because of
    /// what it refers to, gives way to the newest earlier one that does.
    pub fn build_from(
        &self,
        previous: Option<&Arc<Snapshot>>,
        source: EnvironmentSource,
        reads: Reads<'_>,
    ) -> Arc<Snapshot> {
        let snapshot = Arc::new(build::snapshot(previous.map(Arc::as_ref), source, reads, &self.runtime));
        self.compiler.enqueue(&snapshot);
        snapshot.warm_guests();
        snapshot
    }

    /// Waits until every chunk that was asked for is compiled. Blocks; for tests and benchmarks.
    pub fn quiesce(&self) {
        self.compiler.quiesce();
    }

    /// How many chunks wait for the compile thread, the one that it is at included.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.compiler.waiting()
    }

    /// How many chunks were compiled since the start, or found compiled.
    #[must_use]
    pub fn compilations(&self) -> u64 {
        self.compiler.compiled()
    }

    /// How often the code cache was asked since the start; none without one.
    #[must_use]
    pub fn cache(&self) -> Option<CacheUse> {
        self.runtime.codes.cache().map(CodeCache::used)
    }

    /// How many evaluations of its snapshots there were since the start, by tier and result.
    #[must_use]
    pub fn evaluations(&self) -> Vec<Evaluations> {
        self.runtime.tally.totals()
    }
}
