//! wasmtime, set up for emitted rules.

use std::sync::Arc;

use wasmtime::{Config, OptLevel, Strategy};

use crate::{engine::EngineError, guest::Guests, source::EngineConfig, tally::Tally};

/// What the compile thread and all workers share.
pub(crate) struct Runtime {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) config: EngineConfig,
    pub(crate) tally: Tally,
    /// None where rules find no guests.
    pub(crate) guests: Option<Arc<Guests>>,
}

impl Runtime {
    pub(crate) fn new(config: EngineConfig, guests: Option<Arc<Guests>>) -> Result<Self, EngineError> {
        let engine = wasmtime::Engine::new(&settings()).map_err(|error| EngineError::Compiler(error.to_string()))?;
        Ok(Self { engine, config, tally: Tally::default(), guests })
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
