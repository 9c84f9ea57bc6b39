//! What guests may take.

use std::time::Duration;

use burgee_model::Limits;

/// The limits of guests. Units are in the names or the types.
#[derive(Clone, Debug, PartialEq)]
pub struct GuestConfig {
    /// Threads that run guests.
    pub threads: usize,
    /// Calls of one tenant that run at once.
    pub calls_per_tenant: usize,
    /// How long a call may run, waiting for a processor or for a config entry aside; also how long it may wait for
    /// a thread, and for its module to be compiled.
    pub time_limit: Duration,
    /// How long a call may run by the clock, while it neither lets others have the processor nor waits for a config
    /// entry: what bounds instructions that take long each.
    pub wall_limit: Duration,
    /// Config entries that a call may read.
    pub lookups: usize,
    /// Bytes of the config entries that a call reads.
    pub lookup_bytes: usize,
    /// Bytes of memory of one instance.
    pub memory_bytes: usize,
    /// Elements of all tables of one instance.
    pub table_elements: usize,
    /// Bytes of stack of one call.
    pub stack_bytes: usize,
    /// Bytes of an answer, or of the key of a config entry.
    pub answer_bytes: usize,
    /// JSON levels of an answer.
    pub answer_depth: usize,
    /// Calls after which an instance is replaced by a new one.
    pub calls_per_instance: u32,
    /// Instances that one thread keeps between calls.
    pub instances_per_thread: usize,
    /// Bytes of memory that the instances of one thread may hold between calls.
    pub kept_bytes_per_thread: usize,
    /// Compiled modules that are kept.
    pub modules: usize,
    /// Bytes of machine code of the compiled modules that are kept.
    pub code_bytes: usize,
    /// Modules that may wait for the compile thread.
    pub queue_modules: usize,
    /// How long an upload waits for its module to be compiled.
    pub prepare_limit: Duration,
    /// Faults within [`fault_window`](Self::fault_window) that suspend a guest.
    pub faults: usize,
    /// See [`faults`](Self::faults).
    pub fault_window: Duration,
    /// For how long a guest is suspended.
    pub suspension: Duration,
    /// Guests whose faults are remembered at once.
    pub suspects: usize,
}

impl Default for GuestConfig {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl GuestConfig {
    /// What the node's limits say, and the defaults of the rest.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            threads: threads(limits.guest_threads),
            calls_per_tenant: limits.guest_calls_per_tenant,
            time_limit: Duration::from_millis(limits.guest_time_ms),
            wall_limit: Duration::from_millis(wall_ms(limits)),
            lookups: limits.guest_lookups,
            lookup_bytes: limits.guest_lookup_bytes,
            memory_bytes: limits.guest_memory_bytes,
            table_elements: 10_000,
            stack_bytes: limits.guest_stack_bytes,
            answer_bytes: 64 * 1024,
            answer_depth: 64,
            calls_per_instance: 10_000,
            instances_per_thread: 64,
            kept_bytes_per_thread: 64 * MIB,
            modules: 256,
            code_bytes: 256 * MIB,
            queue_modules: 256,
            prepare_limit: Duration::from_secs(20),
            faults: 5,
            fault_window: Duration::from_secs(10),
            suspension: Duration::from_secs(30),
            suspects: 4_096,
        }
    }
}

/// As long as is said; else four times what a call may run.
fn wall_ms(limits: &Limits) -> u64 {
    match limits.guest_wall_ms {
        0 => limits.guest_time_ms.saturating_mul(4),
        said => said,
    }
}

/// As many as are wanted; else as there are processors, but more than one tenant may have at once.
fn threads(wanted: usize) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(4, |count| count.get().clamp(4, 16)),
        wanted => wanted,
    }
}
