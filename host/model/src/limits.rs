//! The limits of contracts.md section 5, with their defaults. All are configurable.

use serde::{Deserialize, Serialize};

const KIB: usize = 1024;

/// Each limit beside its default.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $unit:ty = $default:expr,)*) => {
        /// What one node accepts. Units are in the names.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits {
            $($(#[$doc])* pub $name: $unit,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }
    };
}

limits! {
    /// Bytes of one config value.
    config_value_bytes: usize = 1024 * KIB,
    /// Bytes of one rule document.
    rule_bytes: usize = 256 * KIB,
    /// JSON levels of one rule document.
    rule_depth: usize = 256,
    /// Bytes of one evaluation context.
    context_bytes: usize = 64 * KIB,
    /// Members of one evaluation context, nested ones included.
    context_attributes: usize = 512,
    /// Levels of one evaluation context, itself counted; protobuf's reader takes no more than 30.
    context_depth: usize = 30,
    /// Flags of one environment (so also of one tenant).
    flags_per_environment: usize = 10_000,
    /// Config entries of the whole cluster.
    config_entries: usize = 1_000_000,
    /// Rollouts of config entries that go on in one environment.
    rollouts_per_environment: usize = 1_000,
    /// Idempotency keys of one tenant that are remembered at once; each for a day.
    idempotency_keys_per_tenant: usize = 10_000,
    /// Bytes of a request body.
    body_bytes: usize = 1024 * KIB,
    /// Bytes of request bodies that are held at once, those of all requests together.
    bodies_bytes: usize = 256 * 1024 * KIB,
    /// Those of one tenant, and of one address that shows no token; 0 is a quarter of all, and two imports at least. Of them
    /// applications have three quarters.
    bodies_bytes_per_tenant: usize = 0,
    /// What of all is kept for bodies of at most 16 KiB, of which a tenant has a quarter; 0 is an eighth.
    bodies_reserved_bytes: usize = 0,
    /// Bytes of a body that must have come for each second after `body_grace_ms`; 0 is any number.
    body_bytes_per_second: u64 = 1024,
    /// Milliseconds from a request's head for which its body may come as slowly as it likes.
    body_grace_ms: u64 = 5_000,
    /// Bytes of large answers (from 16 KiB on) that wait to be read, those of all requests together.
    answers_bytes: usize = 256 * 1024 * KIB,
    /// Those of one tenant; 0 is a quarter of all. Of them applications have three quarters.
    answers_bytes_per_tenant: usize = 0,
    /// Bytes of an answer that must be taken for each second for which it is there, after `unread_ms`; 0 is any number.
    answer_bytes_per_second: u64 = 4096,
    /// JSON values of a request body, nested ones included: each takes some hundred bytes of memory.
    body_values: usize = 120_000,
    /// Bytes of the body of an import.
    import_bytes: usize = 32 * 1024 * KIB,
    /// Values of an imported document, nested ones included, and those of YAML as often as aliases name them.
    import_values: usize = 500_000,
    /// Bytes of one guest module.
    guest_bytes: usize = 4 * 1024 * KIB,
    /// Guests of one tenant.
    guests_per_tenant: usize = 100,
    /// Fixtures of one upload of a guest.
    guest_fixtures: usize = 1_000,
    /// Bytes of memory of one instance of a guest.
    guest_memory_bytes: usize = 16 * 1024 * KIB,
    /// Bytes of stack of one call of a guest.
    guest_stack_bytes: usize = 1024 * KIB,
    /// Milliseconds for which a call of a guest may run.
    guest_time_ms: u64 = 5,
    /// Milliseconds by the clock for which it may run, be it in one instruction that takes long, or taken off its
    /// processor; 0 is four times `guest_time_ms`.
    guest_wall_ms: u64 = 0,
    /// Config entries that one call of a guest may read.
    guest_lookups: usize = 64,
    /// Bytes of the config entries that one call of a guest reads.
    guest_lookup_bytes: usize = 1024 * KIB,
    /// Calls of one tenant's guests that run at once on a node.
    guest_calls_per_tenant: usize = 2,
    /// Milliseconds that calls of guests may take, one after the other, for one request, be it for all flags.
    guest_request_ms: u64 = 1_000,
    /// Threads of a node that run guests; 0 leaves it to the number of processors.
    guest_threads: usize = 0,
    /// Evaluations that wait for guests at once on a node, each on a thread of its own; others are answered at once, as
    /// if the guest had failed (`crowded`).
    guest_callers: usize = 256,
    /// Those of one tenant.
    guest_callers_per_tenant: usize = 32,
    /// Elements of all tables of one instance of a guest.
    guest_table_elements: usize = 10_000,
    /// Bytes of a guest's answer, and of the key of a config entry that it asks for.
    guest_answer_bytes: usize = 64 * KIB,
    /// JSON levels of a guest's answer.
    guest_answer_depth: usize = 64,
    /// Calls after which an instance of a guest is replaced by a new one.
    guest_calls_per_instance: u32 = 10_000,
    /// Instances of guests that one thread keeps between calls.
    guest_instances_per_thread: usize = 64,
    /// Bytes of memory that the instances of one thread may hold between calls.
    guest_kept_bytes: usize = 64 * 1024 * KIB,
    /// Functions of one guest module: they bound what compiling it takes, as the next three do.
    guest_functions: usize = 10_000,
    /// Bytes of one function of a guest module.
    guest_function_bytes: usize = 128 * KIB,
    /// Local variables of one function of a guest module.
    guest_function_variables: usize = 2_000,
    /// Branches and calls of a function of a guest module times its local variables and 32 more, of all functions
    /// together.
    guest_compile_work: usize = 4_000_000,
    /// Compiled guest modules that a node keeps; beyond them, and beyond the bytes, the tenant that has most gives up
    /// what it has not used for longest.
    guest_modules: usize = 4_096,
    /// Bytes of machine code of the compiled guest modules that a node keeps.
    guest_code_bytes: usize = 256 * 1024 * KIB,
    /// Guest modules that may wait to be compiled; of one tenant a sixteenth.
    guest_queue_modules: usize = 4_096,
    /// Milliseconds for which an upload of a guest waits until it is compiled.
    guest_prepare_ms: u64 = 20_000,
    /// Faults of a guest within `guest_fault_window_ms` that suspend it.
    guest_faults: usize = 5,
    /// See `guest_faults`.
    guest_fault_window_ms: u64 = 10_000,
    /// Milliseconds for which a guest is suspended.
    guest_suspension_ms: u64 = 30_000,
    /// Guests whose faults are remembered at once.
    guest_suspects: usize = 4_096,
    /// Uploads of guests that are read, compiled and tried at once.
    guest_uploads: usize = 4,
    /// Uploads of guests that wait for their turn.
    guest_uploads_waiting: usize = 32,
    /// Evaluations of earlier instants, each of which puts its environment together as it stood, and explanations, at once.
    looks_back: usize = 2,
    /// Those that wait for their turn.
    looks_back_waiting: usize = 32,
    /// Documents that are imported at once: one takes many times its size in memory.
    imports: usize = 2,
    /// Imports that wait for their turn.
    imports_waiting: usize = 32,
    /// Backups that are taken at the same time: the data file keeps the pages of each beside newer ones.
    backups: usize = 1,
    /// More of them that may wait for that.
    backups_waiting: usize = 4,
    /// Patterns (`matches`) of one rule with the shared rules that it names. Each may take 32 KiB when compiled.
    patterns_per_rule: usize = 64,
    /// Patterns of all rules of an environment, equal ones once.
    patterns_per_environment: usize = 1_000,
    /// Deterministic steps of one evaluation.
    evaluation_steps: u64 = 100_000,
    /// Bytes of text that one evaluation may build.
    evaluation_bytes: usize = 1024 * KIB,
    /// Steps of all evaluations of one request together, such as one for all flags. Flags that come after them, in the order
    /// of their keys, answer as one whose rule is too costly.
    request_steps: u64 = 10_000_000,
    /// Milliseconds by the clock for which a request's evaluations may run, the time of guests not counted; see
    /// `request_steps`.
    request_evaluation_ms: u64 = 1_000,
    /// Bytes of the flags in the answer to a request for all; those that come after them answer with an error.
    bulk_answer_bytes: usize = 64 * 1024 * KIB,
    /// Steps that the rules of a request may take by their size alone, from which on its evaluations count as long ones.
    long_evaluation_steps: u64 = 50_000,
    /// Evaluations that may take long, with many steps, or with loops or patterns over a large context, which run at once on
    /// a node; 0 is one less than it has processors, but one at least.
    long_evaluations: usize = 0,
    /// Those that wait for their turn.
    long_evaluations_waiting: usize = 256,
    /// Flags of an environment beyond which a request for all of them takes such a turn.
    long_bulk_flags: usize = 1_000,
    /// Streams (server-sent events) open at once.
    streams: usize = 10_000,
    /// Those of one tenant.
    streams_per_tenant: usize = 5_000,
    /// Those that one token opened.
    streams_per_token: usize = 2_500,
    /// Those that one peer address opened by addresses that a bulk answer named, where it is not this machine's own; 0 is
    /// any number, for behind a proxy all have one.
    streams_per_address: usize = 500,
    /// Milliseconds for which a stream of flagd's services may leave a message untaken before it is ended.
    stream_stall_ms: u64 = 30_000,
    /// Requests of one tenant in a second, to one node; 0 is any number.
    tenant_requests_per_second: u32 = 0,
    /// Requests with one token in a second, to one node; 0 is any number.
    token_requests_per_second: u32 = 0,
    /// Attempts to log in that fail, from one address in a minute, at one node; 0 is any number.
    failed_logins_per_address_per_minute: u32 = 10,
    /// Requests with a token that nobody has, from one address in a minute, at one node; 0 is any number.
    wrong_tokens_per_address_per_minute: u32 = 600,
    /// Tokens of one tenant.
    tokens_per_tenant: usize = 1_000,
    /// Those of one tenant that are remembered, revoked ones too: until their deadline, and without one for good.
    remembered_tokens_per_tenant: usize = 10_000,
    /// Connections open at once, of both ports together; fewer where the system allows fewer open files.
    connections: usize = 16_384,
    /// Those of one peer address; 0 is any number, for behind a proxy all have one.
    connections_per_address: usize = 0,
    /// Requests of one connection at once, in HTTP/2.
    connection_requests: u32 = 256,
    /// Bytes of the head of a request.
    head_bytes: usize = 64 * KIB,
    /// Milliseconds from a request's first byte to the end of its head.
    head_ms: u64 = 10_000,
    /// Milliseconds from a request's head to the beginning of its answer; its body comes within them.
    request_ms: u64 = 30_000,
    /// Milliseconds for which a connection of HTTP/1 is kept for a next request.
    idle_ms: u64 = 75_000,
    /// Milliseconds of a handshake of TLS.
    handshake_ms: u64 = 10_000,
    /// Milliseconds for which a peer may take nothing of what it is sent.
    unread_ms: u64 = 30_000,
    /// Changes that a node remembers for those that read on: streams that resume, and its own peers.
    feed_entries: usize = 16_384,
    /// Bytes of the values that it remembers so.
    feed_bytes: usize = 32 * 1024 * KIB,
    /// Writes that may wait for their turn to be planned and written.
    write_queue_requests: usize = 4_096,
    /// Values of waiting writes that go to the disk at once; a single request may exceed it.
    write_batch_versions: usize = 4_096,
    /// Registers of what other nodes wrote that go to the disk at once.
    persist_registers: usize = 4_096,
    /// Bytes of the list of those that wait for the disk; beyond it all that the node holds is gone through.
    backlog_bytes: usize = 32 * 1024 * KIB,
    /// Bytes of the disk's pages that are kept in memory.
    disk_cache_bytes: usize = 4 * 1024 * KIB,
    /// Versions of what has a history that are kept however old and large they are. The limits of history are to be the
    /// same on all nodes, for these compare what they hold.
    history_min_versions: usize = 20,
    /// Versions of what has a history that are kept at most.
    history_max_versions: usize = 2_000,
    /// Days for which those beyond the least are kept.
    history_days: u32 = 365,
    /// Bytes of those beyond the least that end the history of one register.
    history_max_bytes: usize = 1024 * KIB,
    /// Bytes of the largest frame that is read from another node: above what one value may have.
    cluster_frame_bytes: usize = 40 * 1024 * KIB,
    /// Bytes of frames of other nodes that may wait to be looked at; beyond them frames are dropped and counted.
    cluster_inbox_bytes: usize = 64 * 1024 * KIB,
    /// Those frames.
    cluster_inbox_frames: usize = 4_096,
    /// Bytes that may wait to be sent to one other node, and as many of answers; beyond them frames are dropped.
    cluster_link_bytes: usize = 8 * 1024 * KIB,
    /// The same in frames.
    cluster_link_frames: usize = 16 * KIB,
    /// Questions of other nodes that are answered at once, all together.
    cluster_answers: usize = 64,
    /// Those of one other node.
    cluster_answers_per_peer: usize = 8,
    /// Other nodes that are remembered, live and gone.
    cluster_peers: usize = 256,
    /// Milliseconds after which another node is asked again that has not begun to answer.
    cluster_request_ms: u64 = 2_000,
    /// Connections to the cluster's port at once that have not said yet which node they are of.
    cluster_handshakes: usize = 64,
    /// Those of one peer address; of IPv6 of one network.
    cluster_handshakes_per_address: usize = 16,
}
