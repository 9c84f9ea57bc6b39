//! What guests may take.

use std::time::Duration;

use burgee_model::Limits;

/// The limits of guests. Units are in the names or the types.
#[derive(Clone, Debug, PartialEq)]
pub struct GuestConfig {
    /// Threads that run guests.
    pub threads: usize,
    /// Calls of one tenant that run at once; never on all threads, where there are several.
    pub calls_per_tenant: usize,
    /// How long a call may run, waiting for a processor or for a config entry aside; also how long it may wait for its
    /// module to be compiled.
    pub time_limit: Duration,
    /// How long a call may run by the clock, while it neither lets others have the processor nor waits for a config
    /// entry: what bounds instructions that take long each. So long, too, it may wait for a thread, for by then each call
    /// that ran when it came has ended.
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
    /// Evaluations that may wait for guests at once: each keeps a thread.
    pub callers: usize,
    /// Those of one tenant.
    pub callers_per_tenant: usize,
    /// Compiled modules that are kept. Where there are more, the tenant that has most gives some up.
    pub modules: usize,
    /// Bytes of machine code of the compiled modules that are kept.
    pub code_bytes: usize,
    /// Modules that may wait for the compile thread; of one tenant a sixteenth.
    pub queue_modules: usize,
    /// Functions of a module.
    pub functions: usize,
    /// Bytes of one function.
    pub function_bytes: usize,
    /// Local variables of one function.
    pub function_variables: usize,
    /// Branches and calls times local variables, of all functions together.
    pub compile_work: usize,
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
    /// What the node's limits say.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            threads: threads(limits.guest_threads),
            calls_per_tenant: limits.guest_calls_per_tenant,
            time_limit: Duration::from_millis(limits.guest_time_ms),
            wall_limit: Duration::from_millis(wall_ms(limits)),
            lookups: limits.guest_lookups,
            lookup_bytes: limits.guest_lookup_bytes,
            memory_bytes: limits.guest_memory_bytes,
            table_elements: limits.guest_table_elements,
            stack_bytes: limits.guest_stack_bytes,
            answer_bytes: limits.guest_answer_bytes,
            answer_depth: limits.guest_answer_depth,
            calls_per_instance: limits.guest_calls_per_instance,
            instances_per_thread: limits.guest_instances_per_thread,
            kept_bytes_per_thread: limits.guest_kept_bytes,
            callers: limits.guest_callers,
            callers_per_tenant: limits.guest_callers_per_tenant,
            modules: limits.guest_modules,
            code_bytes: limits.guest_code_bytes,
            queue_modules: limits.guest_queue_modules,
            functions: limits.guest_functions,
            function_bytes: limits.guest_function_bytes,
            function_variables: limits.guest_function_variables,
            compile_work: limits.guest_compile_work,
            prepare_limit: Duration::from_millis(limits.guest_prepare_ms),
            faults: limits.guest_faults,
            fault_window: Duration::from_millis(limits.guest_fault_window_ms),
            suspension: Duration::from_millis(limits.guest_suspension_ms),
            suspects: limits.guest_suspects,
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
