//! Chunks: groups of flags whose rules are compiled into one module.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use burgee_guest::abi;
use burgee_model::{Key, Value};
use burgee_rules::{
    emit::{self, Emitted, EmittedFlag},
    function::Function,
    ir::{Expr, Rule},
    walk,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    code::Code,
    digest::Digester,
    flag::PreparedFlag,
    hash::BuildShortHasher,
    input::{Input, inputs},
    runtime::Runtime,
};

/// One flag in so many begins a new chunk.
const FLAGS_MEAN: u64 = 64;

/// A group of rules that one module holds. Its artefact appears once it is compiled.
pub(crate) struct Chunk {
    /// Of keys and rules: equal chunks have the same.
    pub(crate) fingerprint: u128,
    rules: Box<[(Key, Arc<Rule>)]>,
    /// None where the rules could not be compiled: they are interpreted for good.
    artefact: OnceLock<Option<Arc<Artefact>>>,
    /// Whether it waits for the compiler.
    queued: AtomicBool,
}

impl Chunk {
    pub(crate) fn new(fingerprint: u128, rules: Box<[(Key, Arc<Rule>)]>) -> Self {
        Self { fingerprint, rules, artefact: OnceLock::new(), queued: AtomicBool::new(false) }
    }

    /// The compiled rules, once they are there.
    pub(crate) fn artefact(&self) -> Option<&Arc<Artefact>> {
        self.artefact.get()?.as_ref()
    }

    /// Marks it as waiting. False where it waits already, or needs no compiling.
    pub(crate) fn enter_queue(&self) -> bool {
        self.artefact.get().is_none() && !self.queued.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn leave_queue(&self) {
        self.queued.store(false, Ordering::Release);
    }

    /// Compiles it. What fails is given up for good and interpreted.
    pub(crate) fn compile(&self, runtime: &Runtime) {
        let artefact = Artefact::new(&self.rules, runtime);
        if let Err(error) = &artefact {
            tracing::error!(%error, flags = self.rules.len(), "rules cannot be compiled; they are interpreted");
        }
        // A chunk is compiled by one thread only, so none has set it before.
        let _ = self.artefact.set(artefact.ok().map(Arc::new));
    }

    /// Gives up compiling it.
    pub(crate) fn give_up(&self) {
        let _ = self.artefact.set(None);
    }
}

/// The compiled rules of a chunk.
pub(crate) struct Artefact {
    pub(crate) code: Arc<Code>,
    /// What the cells hold, by slot.
    pub(crate) inputs: Box<[Input]>,
    pub(crate) literals: Box<[Value]>,
    pub(crate) functions: Box<[Function]>,
    pub(crate) expressions: Box<[Expr]>,
    pub(crate) text_ids: HashMap<Arc<str>, u32, BuildShortHasher>,
    pub(crate) flags: Box<[EmittedFlag]>,
    /// The flags' keys, by number.
    pub(crate) keys: Box<[Key]>,
    /// Whether any rule calls the host.
    pub(crate) calls_host: bool,
    /// Whether any input is a config entry, or any expression reads one.
    pub(crate) reads_config: bool,
}

impl Artefact {
    fn new(rules: &[(Key, Arc<Rule>)], runtime: &Runtime) -> Result<Self, wasmtime::Error> {
        let plain: Vec<&Rule> = rules.iter().map(|(_, rule)| &**rule).collect();
        let Emitted { wasm, inputs: emitted, literals, texts, functions, expressions, flags } = emit::module(&plain);
        let reads_config = emitted.iter().any(|input| matches!(input.source, emit::InputSource::Config(_)))
            || expressions.iter().any(walk::reads_config);
        Ok(Self {
            code: runtime.codes.get(&runtime.engine, &wasm)?,
            reads_config,
            functions: functions.into(),
            expressions: expressions.into(),
            inputs: inputs(emitted),
            literals: literals.into(),
            text_ids: texts.into_iter().zip(1..).collect(),
            calls_host: flags.iter().any(|flag| flag.calls_host),
            flags: flags.into(),
            keys: rules.iter().map(|(key, _)| key.clone()).collect(),
        })
    }
}

/// A chunk as one snapshot uses it.
pub(crate) struct ChunkUse {
    pub(crate) chunk: Arc<Chunk>,
    /// The places of its flags in the snapshot, ascending.
    pub(crate) members: Box<[u32]>,
    /// For each of them whether its rule is run: 0 or 1.
    pub(crate) states: Box<[u8]>,
    /// How many of them are run.
    pub(crate) running: usize,
}

/// Where a flag's compiled rule stands: chunk of the snapshot, number in the chunk.
pub(crate) type Placement = Option<(u32, u32)>;

/// Divides the flags whose rules are compiled into chunks, at boundaries that their keys decide, so that an
/// edit touches one chunk and all nodes agree. Takes the places of those flags, ascending.
pub(crate) fn divide(flags: &[Arc<PreparedFlag>], compiled: &[u32]) -> Vec<Box<[u32]>> {
    let mut chunks: Vec<Vec<u32>> = Vec::new();
    for &at in compiled {
        let begins = flags.get(at as usize).is_some_and(|flag| begins_chunk(&flag.key));
        match chunks.last_mut() {
            Some(chunk) if !begins && chunk.len() < abi::FLAGS_MAX as usize => chunk.push(at),
            _ => chunks.push(vec![at]),
        }
    }
    chunks.into_iter().map(Vec::into_boxed_slice).collect()
}

fn begins_chunk(key: &Key) -> bool {
    xxh3_64(key.as_str().as_bytes()).is_multiple_of(FLAGS_MEAN)
}

/// The fingerprint of the chunk that these flags make.
pub(crate) fn fingerprint<'a>(members: impl Iterator<Item = &'a PreparedFlag>) -> u128 {
    let mut d = Digester::new("chunk");
    for flag in members {
        d.text(flag.key.as_str());
        d.word(flag.targeting.as_ref().map_or(0, |targeting| targeting.digest));
    }
    d.finish()
}
