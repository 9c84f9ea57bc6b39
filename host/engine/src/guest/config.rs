//! What guests may take.

use std::time::Duration;

/// The limits of guests. Units are in the names or the types.
#[derive(Clone, Debug, PartialEq)]
pub struct GuestConfig {
    /// Threads that run guests.
    pub threads: usize,
    /// Calls of one tenant that run at once.
    pub calls_per_tenant: usize,
    /// How long a call may run; also how long it may wait for a thread, and for its module to be compiled.
    pub time_limit: Duration,
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
        const MIB: usize = 1024 * 1024;
        // more than one tenant may have at once, however few processors there are
        let threads = std::thread::available_parallelism().map_or(4, |count| count.get().clamp(4, 16));
        Self {
            threads,
            calls_per_tenant: 2,
            time_limit: Duration::from_millis(5),
            memory_bytes: 16 * MIB,
            table_elements: 10_000,
            stack_bytes: MIB,
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
