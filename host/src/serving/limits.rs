//! What a connection may cost. Units are in the names, or in the type.

use std::time::Duration;

use burgee_model::Limits;

/// File descriptors that are left to the rest of the node: its disk, its peers, the code cache.
const FILES_KEPT: usize = 256;

/// The bounds of connections, of both ports together.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimits {
    /// Open at once.
    pub(crate) connections: usize,
    /// Of one peer address; 0 is any number.
    pub(crate) per_address: usize,
    /// From a request's first byte to the end of its head; and until a connection says what it speaks.
    pub(crate) head: Duration,
    /// Between two requests of HTTP/1.
    pub(crate) idle: Duration,
    /// A handshake of TLS.
    pub(crate) handshake: Duration,
    /// An answer that nobody takes.
    pub(crate) unread: Duration,
    /// Bytes of an answer that are to be taken in a second, after that time; 0 is any number.
    pub(crate) answer_bytes_per_second: u64,
    /// The head of a request.
    pub(crate) head_bytes: usize,
    /// Requests of one connection at once, in HTTP/2.
    pub(crate) streams: u32,
}

impl ConnectionLimits {
    /// Those that the options give, as far as the system lets this process have as many connections.
    pub(crate) fn new(limits: &Limits) -> Self {
        let room = files_max().map_or(usize::MAX, |files| files - FILES_KEPT.min(files / 2));
        if room < limits.connections {
            tracing::info!(connections = room, wanted = limits.connections, "open files limit connections");
        }
        Self {
            connections: limits.connections.min(room).max(1),
            per_address: limits.connections_per_address,
            head: Duration::from_millis(limits.head_ms),
            idle: Duration::from_millis(limits.idle_ms),
            handshake: Duration::from_millis(limits.handshake_ms),
            unread: Duration::from_millis(limits.unread_ms),
            answer_bytes_per_second: limits.answer_bytes_per_second,
            head_bytes: limits.head_bytes,
            streams: limits.connection_requests,
        }
    }
}

/// Files that this process may have open at once: as many as the system lets it ask for.
fn files_max() -> Option<usize> {
    let raised = rlimit::increase_nofile_limit(u64::MAX);
    let raised = raised.inspect_err(|error| tracing::warn!(%error, "the limit of open files stays as it is"));
    raised.ok().and_then(|files| usize::try_from(files).ok())
}
