//! Chunks: groups of flags whose rules are compiled into one module.

use std::sync::Arc;

/// A group of rules, compiled together once the compile thread comes to it.
pub(crate) struct Chunk {}

/// Compiled rules.
pub(crate) struct Artefact {}

impl Chunk {
    pub(crate) fn artefact(&self) -> Option<&Artefact> {
        None
    }
}

/// A chunk as one snapshot uses it.
pub(crate) struct ChunkUse {
    pub(crate) chunk: Arc<Chunk>,
    /// The places of its flags in the snapshot, ascending.
    pub(crate) members: Box<[u32]>,
}

/// Where a flag's compiled rule stands.
#[derive(Clone, Copy)]
pub(crate) struct Placement {}
