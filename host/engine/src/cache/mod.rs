//! The code cache: machine code of rules on disk, so that a start need not compile anew.
//!
//! Machine code runs as this process, so it is trusted as little as any file: each file bears a MAC under a key
//! that only this node has, and nothing is loaded that does not match it. What is missing, damaged, or made by
//! another node or release is compiled again. Nothing comes here from other nodes: they replicate rules.

mod disk;
mod key;
mod seal;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use wasmtime::{Engine, Module};

use self::{disk::Disk, seal::Seal};
use crate::code::Name;

/// Where the code cache is, and how large it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheConfig {
    /// A directory of its own; created where it is missing.
    pub dir: PathBuf,
    /// Bytes of all files together; beyond, those that were not used for longest are deleted.
    pub bytes_max: u64,
}

/// How often the cache was asked since the start, by what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Code was loaded.
    pub hits: u64,
    /// There was no such file.
    pub misses: u64,
    /// A file was there and not what this node wrote, or not of this release: it was compiled again.
    pub refused: u64,
    /// The disk failed to read or to write.
    pub failed: u64,
}

/// The cache of one node. The compile thread alone uses it.
pub(crate) struct CodeCache {
    disk: Disk,
    seal: Seal,
    hits: AtomicU64,
    misses: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl CodeCache {
    /// Opens the cache; makes its directory and key where they are missing.
    pub(crate) fn open(config: &CacheConfig) -> std::io::Result<Self> {
        let disk = Disk::open(config)?;
        let seal = Seal::new(&key::load_or_make(&config.dir)?);
        let zero = AtomicU64::default;
        Ok(Self { disk, seal, hits: zero(), misses: zero(), refused: zero(), failed: zero() })
    }

    /// The code of this name; none where it must be compiled.
    pub(crate) fn load(&self, engine: &Engine, name: &Name) -> Option<Module> {
        let sealed = match self.disk.read(name) {
            Ok(Some(sealed)) => sealed,
            Ok(None) => return self.none(&self.misses),
            Err(error) => {
                tracing::warn!(%error, "the code cache cannot be read");
                return self.none(&self.failed);
            }
        };
        let Some(module) = self.seal.open(name, &sealed).and_then(|code| deserialize(engine, code)) else {
            tracing::warn!(file = %name, "a file of the code cache is not what this node wrote; compiling again");
            return self.none(&self.refused);
        };
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(module)
    }

    fn none(&self, counter: &AtomicU64) -> Option<Module> {
        counter.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Keeps compiled code. A disk that does not take it costs the next start its time, nothing else.
    pub(crate) fn store(&self, name: &Name, module: &Module) {
        let Ok(code) = module.serialize() else { return };
        if let Err(error) = self.disk.write(name, &self.seal.close(name, &code)) {
            tracing::warn!(%error, "the code cache cannot be written");
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn used(&self) -> CacheUse {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheUse {
            hits: read(&self.hits),
            misses: read(&self.misses),
            refused: read(&self.refused),
            failed: read(&self.failed),
        }
    }
}

#[allow(unsafe_code, reason = "the only way to load compiled code")]
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Module> {
    // SAFETY: wasmtime asks that these bytes are what `Module::serialize` gave, unchanged. The caller has verified
    // them by a MAC whose key never leaves this node's own files, and they lie in this process's memory, where no
    // other process can change them after that. wasmtime itself refuses code of another version or configuration.
    unsafe { Module::deserialize(engine, code) }.ok()
}
