//! Machine code of emitted modules: made once, shared by all chunks whose module is the same.
//!
//! A module's bytes hold the shape of its rules; texts and most other constants are numbers in it. So chunks of
//! many tenants, whose rules differ in constants alone, often share one.

use std::{
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use burgee_guest::abi;
use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

use crate::cache::CodeCache;

/// Tells code apart, whenever and wherever it was made: a digest of the module's bytes and of what compiles them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name([u8; 32]);

impl Name {
    /// The name of what a compiler makes of a module.
    pub(crate) fn of(compiler: &[u8; 32], wasm: &[u8]) -> Self {
        Self(Sha256::new().chain_update(compiler).chain_update(wasm).finalize().into())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A compiled module.
pub(crate) struct Code {
    /// Tells the code of one process apart.
    pub(crate) serial: u64,
    pub(crate) module: Module,
}

/// All code that is in use.
pub(crate) struct Codes {
    /// A digest of wasmtime's version and settings and of the ABI.
    compiler: [u8; 32],
    known: Mutex<HashMap<Name, Weak<Code>>>,
    cache: Option<CodeCache>,
}

impl Codes {
    pub(crate) fn new(engine: &Engine, cache: Option<CodeCache>) -> Self {
        let mut compiler = Digester(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut compiler);
        abi::VERSION.hash(&mut compiler);
        Self { compiler: compiler.0.finalize().into(), known: Mutex::default(), cache }
    }

    /// The code of a module: known, from the cache, or compiled now.
    pub(crate) fn get(&self, engine: &Engine, wasm: &[u8]) -> Result<Arc<Code>, wasmtime::Error> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let name = Name::of(&self.compiler, wasm);
        if let Some(known) = self.known().get(&name).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let module = match self.cache.as_ref().and_then(|cache| cache.load(engine, &name)) {
            Some(module) => module,
            None => self.compile(engine, &name, wasm)?,
        };
        let code = Arc::new(Code { serial: SERIAL.fetch_add(1, Ordering::Relaxed), module });
        let mut known = self.known();
        // before the table grows, what is no longer in use leaves it
        if known.len() == known.capacity() {
            known.retain(|_, code| code.strong_count() > 0);
        }
        known.insert(name, Arc::downgrade(&code));
        Ok(code)
    }

    pub(crate) fn cache(&self) -> Option<&CodeCache> {
        self.cache.as_ref()
    }

    fn compile(&self, engine: &Engine, name: &Name, wasm: &[u8]) -> Result<Module, wasmtime::Error> {
        let module = Module::new(engine, wasm)?;
        if let Some(cache) = &self.cache {
            cache.store(name, &module);
        }
        Ok(module)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Weak<Code>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cryptographic digest of what has a hash; the caller takes the digest, not the number.
struct Digester(Sha256);

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
