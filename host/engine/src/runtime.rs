//! wasmtime, set up for emitted rules.

use std::sync::Arc;

use wasmtime::{Config, OptLevel, Strategy};

use crate::{cache::CodeCache, code::Codes, engine::EngineError, guest::Guests, source::EngineConfig, tally::Tally};

/// What the compile thread and all workers share.
pub(crate) struct Runtime {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) config: EngineConfig,
    pub(crate) tally: Tally,
    pub(crate) codes: Codes,
    /// None where rules find no guests.
    pub(crate) guests: Option<Arc<Guests>>,
}

impl Runtime {
    pub(crate) fn new(config: EngineConfig, guests: Option<Arc<Guests>>) -> Result<Self, EngineError> {
        let engine = wasmtime::Engine::new(&settings()).map_err(|error| EngineError::Compiler(error.to_string()))?;
        let cache = config.cache.as_ref().and_then(|config| {
            let opened = CodeCache::open(config);
            let dir = config.dir.display();
            opened
                .inspect_err(|error| tracing::warn!(%dir, %error, "no code cache; rules are compiled at each start"))
                .ok()
        });
        let codes = Codes::new(&engine, cache);
        Ok(Self { engine, config, tally: Tally::default(), codes, guests })
    }
}

/// Emitted code is bounded by the size of its rules, so it needs neither fuel nor epochs. Its only memory is
/// its worker's, of which there is one a thread: the reservation that spares bounds checks costs little.
fn settings() -> Config {
    let mut settings = Config::new();
    settings
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .memory_may_move(false)
        .wasm_simd(false)
        .wasm_relaxed_simd(false);
    settings
}
