//! The limits of a node: those of the file under those that are options of their own, in their ranges, and as the store
//! and replication are told of them.

use std::{ops::RangeInclusive, time::Duration};

use burgee_model::Limits;
use burgee_replication::ReplicationLimits;
use burgee_store::StoreLimits;

use super::ConfigError;
use crate::options::Options;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;

/// The least that a request's head may have: its path may hold keys of three times 512 bytes, percent-encoded.
const HEAD_BYTES_MIN: usize = 8 * KIB;

/// What a frame holds beside the largest value: where it belongs, and what is said with it.
const FRAME_BYTES_BESIDE: usize = MIB;

/// Queues of so many have their places from the beginning, so that a slip of the pen takes all memory there is.
const QUEUE_MAX: usize = MIB;

/// Reads and checks them.
///
/// # Errors
/// The first that cannot be used.
pub(super) fn read(options: &Options) -> Result<Limits, ConfigError> {
    let limits = options.limits.clone().unwrap_or_default();
    let limits = Limits {
        tenant_requests_per_second: options.tenant_requests_per_second.unwrap_or(limits.tenant_requests_per_second),
        token_requests_per_second: options.token_requests_per_second.unwrap_or(limits.token_requests_per_second),
        connections: options.connections.unwrap_or(limits.connections),
        connections_per_address: options.connections_per_address.unwrap_or(limits.connections_per_address),
        head_ms: milliseconds("head-timeout", options.head_timeout.as_deref(), limits.head_ms)?,
        request_ms: milliseconds("request-timeout", options.request_timeout.as_deref(), limits.request_ms)?,
        unread_ms: milliseconds("unread-timeout", options.unread_timeout.as_deref(), limits.unread_ms)?,
        ..limits
    };
    check_zero(&limits)?;
    if limits.head_bytes < HEAD_BYTES_MIN {
        return Err(ConfigError::new("head_bytes", &format!("is at least {HEAD_BYTES_MIN}")));
    }
    let ranges = store_ranges(&limits).into_iter().chain(replication_ranges(&limits)).chain(memory_ranges(&limits));
    ranges.into_iter().try_for_each(|(field, value, range)| within(field, value, &range))?;
    Ok(limits)
}

/// Refuses what would have nothing served at all.
fn check_zero(limits: &Limits) -> Result<(), ConfigError> {
    let zero = [
        ("connections", limits.connections == 0),
        ("bodies_bytes", limits.bodies_bytes == 0),
        ("answers_bytes", limits.answers_bytes == 0),
        ("connection_requests", limits.connection_requests == 0),
        ("head-timeout", limits.head_ms == 0),
        ("request-timeout", limits.request_ms == 0),
        ("unread-timeout", limits.unread_ms == 0),
        ("idle_ms", limits.idle_ms == 0),
        ("handshake_ms", limits.handshake_ms == 0),
        ("guest_queue_modules", limits.guest_queue_modules == 0),
        ("guest_uploads", limits.guest_uploads == 0),
        ("guest_uploads_waiting", limits.guest_uploads_waiting == 0),
        ("looks_back", limits.looks_back == 0),
        ("looks_back_waiting", limits.looks_back_waiting == 0),
        ("request_steps", limits.request_steps == 0),
        ("request_evaluation_ms", limits.request_evaluation_ms == 0),
        ("long_evaluation_steps", limits.long_evaluation_steps == 0),
        ("long_evaluations_waiting", limits.long_evaluations_waiting == 0),
        ("imports", limits.imports == 0),
        ("imports_waiting", limits.imports_waiting == 0),
        ("backups", limits.backups == 0),
        ("backups_waiting", limits.backups_waiting == 0),
    ];
    match zero.into_iter().find(|(_, zero)| *zero) {
        Some((field, _)) => Err(ConfigError::new(field, &"is more than 0")),
        None => Ok(()),
    }
}

fn milliseconds(field: &str, text: Option<&str>, default: u64) -> Result<u64, ConfigError> {
    let Some(text) = text else { return Ok(default) };
    burgee_model::duration::parse(text).map_err(|e| ConfigError::new(field, &format!("`{text}`: {e}")))
}

/// A limit, what it is, and what it may be.
type Range = (&'static str, usize, RangeInclusive<usize>);

fn within(field: &str, value: usize, range: &RangeInclusive<usize>) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = (range.start(), range.end());
    Err(ConfigError::new(field, &format!("`{value}` is not from {least} to {most}")))
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn store_ranges(limits: &Limits) -> [Range; 11] {
    [
        ("feed_entries", limits.feed_entries, 16..=16 * QUEUE_MAX),
        ("feed_bytes", limits.feed_bytes, 64 * KIB..=64 * GIB),
        ("write_queue_requests", limits.write_queue_requests, 1..=QUEUE_MAX),
        ("write_batch_versions", limits.write_batch_versions, 1..=QUEUE_MAX),
        ("persist_registers", limits.persist_registers, 1..=QUEUE_MAX),
        ("backlog_bytes", limits.backlog_bytes, 4 * KIB..=64 * GIB),
        ("disk_cache_bytes", limits.disk_cache_bytes, MIB..=64 * GIB),
        // Of a kill, so many newer versions make a node forget one that nobody released.
        ("history_max_versions", limits.history_max_versions, 20..=QUEUE_MAX),
        ("history_min_versions", limits.history_min_versions, 1..=limits.history_max_versions),
        ("history_days", count(limits.history_days), 1..=36_500),
        ("history_max_bytes", limits.history_max_bytes, 0..=GIB),
    ]
}

/// Of memory that requests hold.
fn memory_ranges(limits: &Limits) -> [Range; 5] {
    let small = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    [
        ("bodies_bytes_per_tenant", limits.bodies_bytes_per_tenant, 0..=limits.bodies_bytes),
        ("bodies_reserved_bytes", limits.bodies_reserved_bytes, 0..=limits.bodies_bytes / 2),
        ("answers_bytes_per_tenant", limits.answers_bytes_per_tenant, 0..=limits.answers_bytes),
        ("body_bytes_per_second", small(limits.body_bytes_per_second), 0..=GIB),
        ("answer_bytes_per_second", small(limits.answer_bytes_per_second), 0..=GIB),
    ]
}

fn replication_ranges(limits: &Limits) -> [Range; 11] {
    let request_ms = usize::try_from(limits.cluster_request_ms).unwrap_or(usize::MAX);
    let value_bytes = limits.config_value_bytes.max(limits.guest_bytes).max(limits.rule_bytes);
    let frame_bytes_min = value_bytes.saturating_add(FRAME_BYTES_BESIDE);
    [
        ("cluster_frame_bytes", limits.cluster_frame_bytes, frame_bytes_min..=GIB),
        ("cluster_inbox_bytes", limits.cluster_inbox_bytes, limits.cluster_frame_bytes..=64 * GIB),
        ("cluster_inbox_frames", limits.cluster_inbox_frames, 16..=QUEUE_MAX),
        ("cluster_link_bytes", limits.cluster_link_bytes, 256 * KIB..=64 * GIB),
        ("cluster_link_frames", limits.cluster_link_frames, 16..=QUEUE_MAX),
        ("cluster_answers", limits.cluster_answers, 1..=KIB),
        ("cluster_answers_per_peer", limits.cluster_answers_per_peer, 1..=limits.cluster_answers),
        ("cluster_peers", limits.cluster_peers, 1..=KIB),
        ("cluster_request_ms", request_ms, 100..=60_000),
        ("cluster_handshakes", limits.cluster_handshakes, 2..=64 * KIB),
        ("cluster_handshakes_per_address", limits.cluster_handshakes_per_address, 2..=limits.cluster_handshakes),
    ]
}

/// As the store is told of them.
pub(crate) fn of_store(limits: &Limits) -> StoreLimits {
    StoreLimits {
        feed_entries: limits.feed_entries,
        feed_bytes: limits.feed_bytes,
        queue_requests: limits.write_queue_requests,
        batch_writes: limits.write_batch_versions,
        persist_registers: limits.persist_registers,
        backlog_bytes: limits.backlog_bytes,
        disk_cache_bytes: limits.disk_cache_bytes,
        history_min_versions: limits.history_min_versions,
        history_max_versions: limits.history_max_versions,
        history_days: limits.history_days,
        history_max_bytes: limits.history_max_bytes,
        ..StoreLimits::default()
    }
}

/// As replication is told of them.
pub(super) fn of_replication(limits: &Limits) -> ReplicationLimits {
    ReplicationLimits {
        frame_bytes: limits.cluster_frame_bytes,
        inbox_bytes: limits.cluster_inbox_bytes,
        inbox_frames: limits.cluster_inbox_frames,
        link_bytes: limits.cluster_link_bytes,
        link_frames: limits.cluster_link_frames,
        answers: limits.cluster_answers,
        answers_per_peer: limits.cluster_answers_per_peer,
        peers: limits.cluster_peers,
        request_timeout: Duration::from_millis(limits.cluster_request_ms),
        handshakes: limits.cluster_handshakes,
        handshakes_per_address: limits.cluster_handshakes_per_address,
        ..ReplicationLimits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_toml(text: &str) -> Result<Limits, ConfigError> {
        read(&Options::from_toml(&format!("[limits]\n{text}\n")).unwrap())
    }

    #[test]
    fn store_and_replication_know_the_same_defaults() {
        assert_eq!(of_store(&Limits::default()), StoreLimits::default());
        assert_eq!(of_replication(&Limits::default()), ReplicationLimits::default());
    }

    #[test]
    fn each_end_of_a_range_may_be_and_nothing_beyond() {
        let defaults = Limits::default();
        let ranges = store_ranges(&defaults).into_iter().chain(replication_ranges(&defaults));
        for (field, value, range) in ranges.chain(memory_ranges(&defaults)) {
            let (least, most) = (*range.start(), *range.end());
            assert!(range.contains(&value), "the default of {field}");
            let refused = |value: usize| read_toml(&format!("{field} = {value}")).err();
            for beyond in [least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
                let error = refused(beyond).unwrap();
                assert_eq!(error.field, field);
                assert!(error.reason.contains(&beyond.to_string()), "{error}");
            }
            // what another limit depends on may name that one
            for end in [least, most] {
                assert_ne!(refused(end).map(|error| error.field).as_deref(), Some(field), "{field} = {end}");
            }
        }
    }

    #[test]
    fn a_frame_holds_the_largest_value() {
        let error = read_toml("config_value_bytes = 41943040").unwrap_err();
        assert_eq!(error.field, "cluster_frame_bytes");
        read_toml("config_value_bytes = 41943040\ncluster_frame_bytes = 50331648").unwrap();
    }

    #[test]
    fn what_is_no_number_or_no_limit_is_named() {
        for (text, name) in
            [("feed_entries = 'many'", "many"), ("link_bytes = 1", "link_bytes"), ("peers = -1", "peers")]
        {
            let error = Options::from_toml(&format!("[limits]\n{text}\n")).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
