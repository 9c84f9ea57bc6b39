//! HTTP/1 and HTTP/2 with the limits of this node, each by its name.

use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::limits::ConnectionLimits;

/// Header fields of a request of HTTP/1.
const FIELDS_MAX: usize = 100;
/// Streams that a peer reset and that are not taken note of yet; beyond it the connection ends.
const RESETS_WAITING_MAX: usize = 20;
/// Streams that were reset because the peer broke the protocol; beyond it the connection ends.
const RESETS_FOR_FAULTS_MAX: usize = 256;
/// Bytes of answers that wait in one stream of HTTP/2.
const UNSENT_BYTES_MAX: usize = 256 * 1024;
/// After how long without a frame a peer is asked whether it is there, and how long it may take to say so.
const PING_AFTER: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn http1(limits: &ConnectionLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_headers(FIELDS_MAX)
        .max_header_size(limits.head_bytes);
    builder
}

pub(super) fn http2(limits: &ConnectionLimits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESETS_WAITING_MAX)
        .max_local_error_reset_streams(RESETS_FOR_FAULTS_MAX)
        .max_send_buf_size(UNSENT_BYTES_MAX)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}
