//! wasmtime, set up for guests.

use wasmtime::{
    Config, OptLevel, Strategy,
    component::{Component, HasSelf, Linker},
};

use super::{
    bindings::{Guest, GuestPre},
    config::GuestConfig,
    instance::State,
    size,
    wrap::{self, ModuleError},
};
use crate::engine::EngineError;

/// Bytes beyond an instance's memory that are mapped but not there, so that most accesses need one comparison.
const GUARD_BYTES: u64 = 64 * 1024;

/// What compiling and running guests share.
pub(super) struct Runtime {
    pub(super) engine: wasmtime::Engine,
    pub(super) config: GuestConfig,
    linker: Linker<State>,
}

/// A module, compiled and linked: what instances are made of.
pub(super) struct Compiled {
    pub(super) pre: GuestPre<State>,
    /// Bytes of machine code, with all that lies beside it.
    pub(super) code_bytes: usize,
}

impl Runtime {
    pub(super) fn new(config: GuestConfig) -> Result<Self, EngineError> {
        let failed = |error: wasmtime::Error| EngineError::Compiler(error.to_string());
        let engine = wasmtime::Engine::new(&settings(&config)).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        Guest::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(failed)?;
        Ok(Self { engine, config, linker })
    }

    /// Compiles a component, and checks that it is of the world.
    pub(super) fn compile(&self, component: &[u8]) -> Result<Compiled, ModuleError> {
        wrap::check_imports(component)?;
        size::check(component, &self.config)?;
        let invalid = |error: wasmtime::Error| ModuleError::Invalid(format!("{error:#}"));
        let component = Component::from_binary(&self.engine, component).map_err(invalid)?;
        let range = component.image_range();
        let code_bytes = (range.end as usize).saturating_sub(range.start as usize);
        let linked = self.linker.instantiate_pre(&component).map_err(invalid)?;
        let pre = GuestPre::new(linked).map_err(|error| ModuleError::World(format!("{error:#}")))?;
        Ok(Compiled { pre, code_bytes })
    }
}

/// Guests may do what is deterministic and needs no more than the limits give. Memories are reserved as large
/// as they may become, so that they never move, and thousands of them fit into the address space.
fn settings(config: &GuestConfig) -> Config {
    let mut settings = Config::new();
    settings
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .epoch_interruption(true)
        .max_wasm_stack(config.stack_bytes)
        .memory_reservation(config.memory_bytes as u64)
        .memory_guard_size(GUARD_BYTES)
        .memory_may_move(false)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false);
    settings
}
