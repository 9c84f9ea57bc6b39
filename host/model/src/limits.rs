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
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Bytes of request bodies that are held at once, those of all requests together.
    pub bodies_bytes: usize,
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
    /// Calls of one tenant's guests that run at once on a node.
    pub guest_calls_per_tenant: usize,
    /// Milliseconds that calls of guests may take, one after the other, for one request, be it for all flags.
    pub guest_request_ms: u64,
    /// Threads of a node that run guests; 0 leaves it to the number of processors.
    pub guest_threads: usize,
    /// Patterns (`matches`) of one rule with the shared rules that it names. Each may take 32 KiB when compiled.
    pub patterns_per_rule: usize,
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
    /// Those of one tenant that are remembered, revoked ones too: until their deadline, and without one for good.
    pub remembered_tokens_per_tenant: usize,
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
            body_bytes: 1024 * KIB,
            bodies_bytes: 256 * 1024 * KIB,
            body_values: 120_000,
            import_bytes: 32 * 1024 * KIB,
            import_values: 500_000,
            guest_bytes: 4 * 1024 * KIB,
            guests_per_tenant: 100,
            guest_fixtures: 1_000,
            guest_memory_bytes: 16 * 1024 * KIB,
            guest_stack_bytes: 1024 * KIB,
            guest_time_ms: 5,
            guest_calls_per_tenant: 2,
            guest_request_ms: 1_000,
            guest_threads: 0,
            patterns_per_rule: 64,
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
            remembered_tokens_per_tenant: 10_000,
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
