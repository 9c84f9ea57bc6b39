//! Running compiled rules: each thread has a store of its own, with one memory for all modules.

#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Weak},
    time::Instant,
};

use burgee_guest::abi;
use wasmtime::{Extern, Instance, Memory, MemoryType, Store, TypedFunc};

use crate::{
    chunk::{Artefact, ChunkUse},
    code::Code,
    flag::{Choice, PreparedFlag},
    hash::BuildShortHasher,
    host::{self, Host},
    input::{World, write_cell},
    runtime::Runtime,
};

thread_local! {
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// So many instances a worker makes before it first looks how many are still of use.
const SWEEP_INSTANCES: usize = 64;

/// What OUT holds where a rule has not run.
const UNWRITTEN: i32 = i32::MIN;

struct Worker {
    runtime: Arc<Runtime>,
    store: Store<Host>,
    memory: Memory,
    imports: Vec<Extern>,
    /// By the serial number of their code.
    instances: HashMap<u64, Loaded, BuildShortHasher>,
    /// Instances made in this store, for they are freed only with it.
    made: usize,
}

struct Loaded {
    evaluate: TypedFunc<i32, i32>,
    evaluate_all: TypedFunc<(), ()>,
    code: Weak<Code>,
}

/// Runs one rule of an artefact. `None` where it cannot be run, or gave up: the interpreter then decides.
pub(crate) fn evaluate(
    runtime: &Arc<Runtime>,
    artefact: &Arc<Artefact>,
    number: u32,
    flag: &PreparedFlag,
    world: &World<'_>,
) -> Option<Choice> {
    with_worker(runtime, |worker| worker.evaluate(artefact, number, flag, world))
}

/// What the rules of a chunk decided, in the order of its members.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    /// `None` where a rule is off, or the interpreter must decide, if it may.
    choices: Vec<Option<Choice>>,
    /// The steps that each took; those behind the last that took any are not listed.
    steps: Vec<u64>,
}

impl Decisions {
    /// What a member's rule decided, and the steps that it took.
    pub(crate) fn of(&self, number: u32) -> Option<(Choice, u64)> {
        let choice = self.choices.get(number as usize).copied().flatten()?;
        Some((choice, self.steps.get(number as usize).copied().unwrap_or(0)))
    }

    pub(crate) fn clear(&mut self) {
        self.choices.clear();
        self.steps.clear();
    }
}

/// Runs the rules of a chunk that are on. Where what is left to the request is less than the chunk takes, the rest is left
/// to the interpreter. `decisions` is empty where nothing could be run.
pub(crate) fn evaluate_all(
    runtime: &Arc<Runtime>,
    artefact: &Arc<Artefact>,
    used: &ChunkUse,
    flags: &[Arc<PreparedFlag>],
    world: &World<'_>,
    left: (u64, Option<Instant>),
    decisions: &mut Decisions,
) {
    decisions.clear();
    with_worker(runtime, |worker| worker.evaluate_all(artefact, used, flags, world, left, decisions));
}

/// Gives this thread's worker, made for this runtime. `None` where there is none, or it is in use further up
/// the stack.
fn with_worker<T>(runtime: &Arc<Runtime>, work: impl FnOnce(&mut Worker) -> Option<T>) -> Option<T> {
    WORKER.with(|cell| {
        let mut place = cell.try_borrow_mut().ok()?;
        match place.as_mut() {
            Some(worker) if Arc::ptr_eq(&worker.runtime, runtime) => work(worker),
            _ => work(place.insert(Worker::new(runtime)?)),
        }
    })
}

impl Worker {
    fn new(runtime: &Arc<Runtime>) -> Option<Self> {
        let mut store = Store::new(&runtime.engine, Host::new(&runtime.config.limits));
        let pages = abi::MEMORY_PAGES;
        let memory = Memory::new(&mut store, MemoryType::new(pages, Some(pages)));
        let memory = memory.inspect_err(|error| tracing::error!(%error, "no memory for compiled rules")).ok()?;
        let mut imports = vec![Extern::Memory(memory)];
        imports.extend(host::functions(&mut store).into_iter().map(Extern::Func));
        Some(Self { runtime: runtime.clone(), store, memory, imports, instances: HashMap::default(), made: 0 })
    }

    fn evaluate(
        &mut self,
        artefact: &Arc<Artefact>,
        number: u32,
        flag: &PreparedFlag,
        world: &World<'_>,
    ) -> Option<Choice> {
        let emitted = artefact.flags.get(number as usize)?;
        self.load(artefact)?;
        let memory = self.memory.data_mut(&mut self.store);
        for slot in &emitted.slots {
            write_cell(memory, artefact, *slot, world);
        }
        if emitted.calls_host {
            self.store.data_mut().begin(artefact, world);
        }
        let result = self.instances.get(&artefact.code.serial)?.evaluate.call(&mut self.store, number.cast_signed());
        let choice = result.ok().and_then(|result| self.choice(flag, result, artefact, world));
        if emitted.calls_host {
            self.store.data_mut().end();
        }
        choice
    }

    /// What a result means to its flag; none where it means nothing, which the interpreter then explains.
    fn choice(&self, flag: &PreparedFlag, result: i32, artefact: &Artefact, world: &World<'_>) -> Option<Choice> {
        let ordinal = match result {
            abi::TRUE..0 => -1 - result,
            _ => result.saturating_sub(abi::RESULT_BASE),
        };
        match usize::try_from(ordinal).ok().and_then(|at| flag.choices.get(at)) {
            Some(choice) => *choice,
            None => flag.choose(&host::value(result, artefact, world, self.store.data().temporaries())).ok(),
        }
    }

    fn evaluate_all(
        &mut self,
        artefact: &Arc<Artefact>,
        used: &ChunkUse,
        flags: &[Arc<PreparedFlag>],
        world: &World<'_>,
        (steps, until): (u64, Option<Instant>),
        decisions: &mut Decisions,
    ) -> Option<()> {
        self.load(artefact)?;
        let memory = self.memory.data_mut(&mut self.store);
        for slot in (0..).take(artefact.inputs.len()) {
            write_cell(memory, artefact, slot, world);
        }
        write_states(memory, &used.states);
        if artefact.calls_host {
            self.store.data_mut().begin(artefact, world);
            self.store.data_mut().bound(steps, until);
        }
        while decisions.choices.len() < used.members.len() {
            let finished = self.instances.get(&artefact.code.serial)?.evaluate_all.call(&mut self.store, ()).is_ok();
            self.collect(artefact, used, flags, world, finished, &mut decisions.choices);
            if !finished {
                self.resume_after(decisions.choices.len());
            }
        }
        if artefact.calls_host {
            self.store.data_mut().end();
            self.store.data_mut().give_steps(&mut decisions.steps);
        }
        Some(())
    }

    /// Takes the results that are there. Where the call was broken off, the flag that it was at gets none.
    fn collect(
        &self,
        artefact: &Artefact,
        used: &ChunkUse,
        flags: &[Arc<PreparedFlag>],
        world: &World<'_>,
        finished: bool,
        choices: &mut Vec<Option<Choice>>,
    ) {
        let results = self.memory.data(&self.store).get(abi::OUT_AT as usize..).unwrap_or_default();
        let results = results.as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes));
        for ((at, state), result) in used.members.iter().zip(&used.states).zip(results).skip(choices.len()) {
            let ran = *state == 1 && result != UNWRITTEN;
            let flag = flags.get(*at as usize).filter(|_| ran);
            choices.push(flag.and_then(|flag| self.choice(flag, result, artefact, world)));
            if !finished && *state == 1 && !ran {
                return;
            }
        }
    }

    /// Lets the next call begin behind the flags that are done.
    fn resume_after(&mut self, done: usize) {
        self.store.data_mut().clear();
        let states = self.memory.data_mut(&mut self.store).get_mut(abi::STATE_AT as usize..);
        states.into_iter().flatten().take(done).for_each(|state| *state = 0);
    }

    /// Makes the instance of an artefact where this worker has none yet.
    fn load(&mut self, artefact: &Arc<Artefact>) -> Option<()> {
        if !self.instances.contains_key(&artefact.code.serial) {
            self.make_room();
            let loaded = self.instantiate(artefact);
            let loaded = loaded.inspect_err(|error| tracing::error!(%error, "compiled rules cannot be loaded")).ok()?;
            self.instances.insert(artefact.code.serial, loaded);
        }
        Some(())
    }

    fn instantiate(&mut self, artefact: &Arc<Artefact>) -> Result<Loaded, wasmtime::Error> {
        self.made += 1;
        let instance = Instance::new(&mut self.store, &artefact.code.module, &self.imports)?;
        Ok(Loaded {
            evaluate: instance.get_typed_func(&mut self.store, abi::EVALUATE)?,
            evaluate_all: instance.get_typed_func(&mut self.store, abi::EVALUATE_ALL)?,
            code: Arc::downgrade(&artefact.code),
        })
    }

    /// Starts a new store where this one has reached its limit, or where most of its instances belong to
    /// chunks that no snapshot uses any more.
    fn make_room(&mut self) {
        let full = self.made >= self.runtime.config.instances_per_store;
        let sweep = self.made >= SWEEP_INSTANCES && self.made.is_power_of_two();
        if !full && !sweep {
            return;
        }
        let live = self.instances.values().filter(|loaded| loaded.code.strong_count() > 0).count();
        if full || live < self.made / 2 {
            let runtime = self.runtime.clone();
            if let Some(fresh) = Self::new(&runtime) {
                *self = fresh;
            }
        }
    }
}

fn write_states(memory: &mut [u8], states: &[u8]) {
    let start = abi::STATE_AT as usize;
    if let Some(place) = memory.get_mut(start..start + states.len()) {
        place.copy_from_slice(states);
    }
    let start = abi::OUT_AT as usize;
    if let Some(place) = memory.get_mut(start..start + 4 * states.len()) {
        place.chunks_exact_mut(4).for_each(|out| out.copy_from_slice(&UNWRITTEN.to_le_bytes()));
    }
}
