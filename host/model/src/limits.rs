//! The limits of contracts.md section 5, with their defaults. All are configurable.

use serde::{Deserialize, Serialize};

/// What one node accepts. Units are in the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one config value.
    pub config_value_bytes: usize,
    /// Bytes of one rule document.
    pub rule_bytes: usize,
    /// JSON levels of one rule document.
    pub rule_depth: usize,
    /// Bytes of one evaluation context.
    pub context_bytes: usize,
    /// Members of one evaluation context, nested ones included.
    pub context_attributes: usize,
    /// Levels of one evaluation context, itself counted; protobuf's reader takes no more than 30.
    pub context_depth: usize,
    /// Flags of one environment (so also of one tenant).
    pub flags_per_environment: usize,
    /// Config entries of the whole cluster.
    pub config_entries: usize,
    /// Rollouts of config entries that go on in one environment.
    pub rollouts_per_environment: usize,
    /// Idempotency keys of one tenant that are remembered at once; each for a day.
    pub idempotency_keys_per_tenant: usize,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// JSON values of a request body, nested ones included: each takes some hundred bytes of memory.
    pub body_values: usize,
    /// Bytes of the body of an import.
    pub import_bytes: usize,
    /// Values of an imported document, nested ones included, and those of YAML as often as aliases name them.
    pub import_values: usize,
    /// Bytes of one guest module.
    pub guest_bytes: usize,
    /// Guests of one tenant.
    pub guests_per_tenant: usize,
    /// Fixtures of one upload of a guest.
    pub guest_fixtures: usize,
    /// Bytes of memory of one instance of a guest.
    pub guest_memory_bytes: usize,
    /// Bytes of stack of one call of a guest.
    pub guest_stack_bytes: usize,
    /// Milliseconds for which a call of a guest may run.
    pub guest_time_ms: u64,
    /// Milliseconds by the clock for which it may run, be it in one instruction that takes long, or taken off its
    /// processor; 0 is four times `guest_time_ms`.
    pub guest_wall_ms: u64,
    /// Config entries that one call of a guest may read.
    pub guest_lookups: usize,
    /// Bytes of the config entries that one call of a guest reads.
    pub guest_lookup_bytes: usize,
    /// Calls of one tenant's guests that run at once on a node.
    pub guest_calls_per_tenant: usize,
    /// Milliseconds that calls of guests may take, one after the other, for one request, be it for all flags.
    pub guest_request_ms: u64,
    /// Threads of a node that run guests; 0 leaves it to the number of processors.
    pub guest_threads: usize,
    /// Patterns (`matches`) of one rule with the shared rules that it names. Each may take 32 KiB when compiled.
    pub patterns_per_rule: usize,
    /// Evaluations that wait for guests at once on a node, each on a thread of its own; others are answered at once, as
    /// if the guest had failed (`crowded`).
    pub guest_callers: usize,
    /// Those of one tenant.
    pub guest_callers_per_tenant: usize,
    /// Elements of all tables of one instance of a guest.
    pub guest_table_elements: usize,
    /// Bytes of a guest's answer, and of the key of a config entry that it asks for.
    pub guest_answer_bytes: usize,
    /// JSON levels of a guest's answer.
    pub guest_answer_depth: usize,
    /// Calls after which an instance of a guest is replaced by a new one.
    pub guest_calls_per_instance: u32,
    /// Instances of guests that one thread keeps between calls.
    pub guest_instances_per_thread: usize,
    /// Bytes of memory that the instances of one thread may hold between calls.
    pub guest_kept_bytes: usize,
    /// Functions of one guest module: they bound what compiling it takes, as the next three do.
    pub guest_functions: usize,
    /// Bytes of one function of a guest module.
    pub guest_function_bytes: usize,
    /// Local variables of one function of a guest module.
    pub guest_function_variables: usize,
    /// Branches and calls of a function of a guest module times its local variables and 32 more, of all functions
    /// together.
    pub guest_compile_work: usize,
    /// Compiled guest modules that a node keeps; beyond them, and beyond the bytes, the tenant that has most gives up
    /// what it has not used for longest.
    pub guest_modules: usize,
    /// Bytes of machine code of the compiled guest modules that a node keeps.
    pub guest_code_bytes: usize,
    /// Guest modules that may wait to be compiled; of one tenant a sixteenth.
    pub guest_queue_modules: usize,
    /// Milliseconds for which an upload of a guest waits until it is compiled.
    pub guest_prepare_ms: u64,
    /// Faults of a guest within `guest_fault_window_ms` that suspend it.
    pub guest_faults: usize,
    /// See `guest_faults`.
    pub guest_fault_window_ms: u64,
    /// Milliseconds for which a guest is suspended.
    pub guest_suspension_ms: u64,
    /// Guests whose faults are remembered at once.
    pub guest_suspects: usize,
    /// Uploads of guests that are read, compiled and tried at once.
    pub guest_uploads: usize,
    /// Uploads of guests that wait for their turn.
    pub guest_uploads_waiting: usize,
    /// Evaluations of earlier instants, each of which puts its environment together as it stood, and explanations, at once.
    pub looks_back: usize,
    /// Those that wait for their turn.
    pub looks_back_waiting: usize,
    /// Documents that are imported at once: one takes many times its size in memory.
    pub imports: usize,
    /// Imports that wait for their turn.
    pub imports_waiting: usize,
    /// Deterministic steps of one evaluation.
    pub evaluation_steps: u64,
    /// Bytes of text that one evaluation may build.
    pub evaluation_bytes: usize,
    /// Streams (server-sent events) open at once.
    pub streams: usize,
    /// Those of one tenant.
    pub streams_per_tenant: usize,
    /// Those that one token opened.
    pub streams_per_token: usize,
    /// Those that one peer address opened by addresses that a bulk answer named, where it is not this machine's own; 0 is
    /// any number, for behind a proxy all have one.
    pub streams_per_address: usize,
    /// Milliseconds for which a stream of flagd's services may leave a message untaken before it is ended.
    pub stream_stall_ms: u64,
    /// Requests of one tenant in a second, to one node; 0 is any number.
    pub tenant_requests_per_second: u32,
    /// Requests with one token in a second, to one node; 0 is any number.
    pub token_requests_per_second: u32,
    /// Attempts to log in that fail, from one address in a minute, at one node; 0 is any number.
    pub failed_logins_per_address_per_minute: u32,
    /// Requests with a token that nobody has, from one address in a minute, at one node; 0 is any number.
    pub wrong_tokens_per_address_per_minute: u32,
    /// Tokens of one tenant.
    pub tokens_per_tenant: usize,
    /// Connections open at once, of both ports together; fewer where the system allows fewer open files.
    pub connections: usize,
    /// Those of one peer address; 0 is any number, for behind a proxy all have one.
    pub connections_per_address: usize,
    /// Requests of one connection at once, in HTTP/2.
    pub connection_requests: u32,
    /// Bytes of the head of a request.
    pub head_bytes: usize,
    /// Milliseconds from a request's first byte to the end of its head.
    pub head_ms: u64,
    /// Milliseconds from a request's head to the beginning of its answer; its body comes within them.
    pub request_ms: u64,
    /// Milliseconds for which a connection of HTTP/1 is kept for a next request.
    pub idle_ms: u64,
    /// Milliseconds of a handshake of TLS.
    pub handshake_ms: u64,
    /// Milliseconds for which a peer may take nothing of what it is sent.
    pub unread_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        Self {
            config_value_bytes: 1024 * KIB,
            rule_bytes: 256 * KIB,
            rule_depth: 256,
            context_bytes: 64 * KIB,
            context_attributes: 512,
            context_depth: 30,
            flags_per_environment: 10_000,
            config_entries: 1_000_000,
            rollouts_per_environment: 1_000,
            idempotency_keys_per_tenant: 10_000,
            body_bytes: 1024 * KIB,
            body_values: 120_000,
            import_bytes: 32 * 1024 * KIB,
            import_values: 500_000,
            guest_bytes: 4 * 1024 * KIB,
            guests_per_tenant: 100,
            guest_fixtures: 1_000,
            guest_memory_bytes: 16 * 1024 * KIB,
            guest_stack_bytes: 1024 * KIB,
            guest_time_ms: 5,
            guest_wall_ms: 0,
            guest_lookups: 64,
            guest_lookup_bytes: 1024 * KIB,
            guest_calls_per_tenant: 2,
            guest_request_ms: 1_000,
            guest_threads: 0,
            patterns_per_rule: 64,
            guest_callers: 256,
            guest_callers_per_tenant: 32,
            guest_table_elements: 10_000,
            guest_answer_bytes: 64 * KIB,
            guest_answer_depth: 64,
            guest_calls_per_instance: 10_000,
            guest_instances_per_thread: 64,
            guest_kept_bytes: 64 * 1024 * KIB,
            guest_functions: 10_000,
            guest_function_bytes: 128 * KIB,
            guest_function_variables: 2_000,
            guest_compile_work: 4_000_000,
            guest_modules: 4_096,
            guest_code_bytes: 256 * 1024 * KIB,
            guest_queue_modules: 4_096,
            guest_prepare_ms: 20_000,
            guest_faults: 5,
            guest_fault_window_ms: 10_000,
            guest_suspension_ms: 30_000,
            guest_suspects: 4_096,
            guest_uploads: 4,
            guest_uploads_waiting: 32,
            looks_back: 2,
            looks_back_waiting: 32,
            imports: 2,
            imports_waiting: 32,
            evaluation_steps: 100_000,
            evaluation_bytes: 1024 * KIB,
            streams: 10_000,
            streams_per_tenant: 5_000,
            streams_per_token: 2_500,
            streams_per_address: 500,
            stream_stall_ms: 30_000,
            tenant_requests_per_second: 0,
            token_requests_per_second: 0,
            failed_logins_per_address_per_minute: 10,
            wrong_tokens_per_address_per_minute: 600,
            tokens_per_tenant: 1_000,
            connections: 16_384,
            connections_per_address: 0,
            connection_requests: 256,
            head_bytes: 64 * KIB,
            head_ms: 10_000,
            request_ms: 30_000,
            idle_ms: 75_000,
            handshake_ms: 10_000,
            unread_ms: 30_000,
        }
    }
}
