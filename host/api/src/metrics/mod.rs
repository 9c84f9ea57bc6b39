//! What a node tells to a monitoring system: counters and gauges in Prometheus' text format.

mod refused;
mod text;

pub(crate) use refused::Refused;
pub(crate) use text::{Kind, Text};

use std::collections::BTreeMap;

use burgee_engine::guest::GuestModules;
use burgee_store::{Counts, Health};

use crate::{
    cluster::{ClusterDiscovery, ClusterNode, ClusterNodeState, ClusterView},
    http::Api,
    state::NodeFigures,
};

/// Why frames of other nodes may be refused; all are shown, so that an alert can be written before the first.
const FRAME_REFUSALS: [&str; 8] =
    ["version", "cluster", "garbage", "oversized", "truncated", "overflow", "certificate", "identity"];

/// The node's metrics as they are now. `whole` adds what counts the doings of all tenants together; without it no sample
/// counts what another tenant does. (A great load of any shows in how far nodes are behind, and in frames that overflow.)
pub(crate) fn render(api: &Api, whole: bool) -> String {
    let (view, figures, health) = (api.status.cluster(), api.status.figures(), api.store.health());
    let mut text = Text::default();
    node(&mut text, api, &figures);
    let help = "1 while the disk takes what is written.";
    text.family("burgee_store_writable", Kind::Gauge, help).value(u64::from(health.writable));
    cluster(&mut text, &view, &figures);
    discovery(&mut text, &view.discovery);
    if whole {
        let (counts, conflicts) = {
            let table = api.store.read();
            (table.counts(), table.conflict_count())
        };
        served(&mut text, api, &figures);
        evaluations(&mut text, api, &figures);
        compiler(&mut text, &figures);
        store(&mut text, counts, conflicts, &health);
        traffic(&mut text, &view, &figures);
    }
    text.finish()
}

fn node(text: &mut Text, api: &Api, figures: &NodeFigures) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    text.family("burgee_build_info", Kind::Gauge, "The running program.").labelled(&version, 1);
    let ready = api.status.ready().ready && !api.status.draining();
    text.family("burgee_ready", Kind::Gauge, "1 while the node serves and takes writes.").value(u64::from(ready));
    let help = "By how much the machine's clock is ahead of cluster time.";
    text.family("burgee_clock_skew_seconds", Kind::Gauge, help).seconds(&[], figures.clock_skew_ms);
    let help = "1 while the node refuses writes because its clock is ahead.";
    let ahead = api.status.clock_ahead().is_some();
    text.family("burgee_clock_ahead", Kind::Gauge, help).value(u64::from(ahead));
    let help = "How often cluster time was set outright.";
    text.family("burgee_clock_sets_total", Kind::Counter, help).value(figures.clock_sets);
}

fn served(text: &mut Text, api: &Api, figures: &NodeFigures) {
    text.family("burgee_streams", Kind::Gauge, "Event streams that are open.").value(api.streams_open() as u64);
    let help = "Connections of the HTTP and gRPC ports that are open.";
    text.family("burgee_connections", Kind::Gauge, help).value(figures.connections as u64);
    let help = "Connections that the node ended by itself or did not take, by reason.";
    let mut shed = text.family("burgee_connections_shed_total", Kind::Counter, help);
    for (reason, count) in &figures.connections_shed {
        shed.labelled(&[("reason", reason)], *count);
    }
    let help = "Requests refused because there was no room for their bodies, or for their answers.";
    let mut no_room = text.family("burgee_no_room_total", Kind::Counter, help);
    for (what, count) in [("bodies", api.bodies.refused()), ("answers", api.answers.refused())] {
        no_room.labelled(&[("of", what)], count);
    }
    let mut refused =
        text.family("burgee_writes_refused_total", Kind::Counter, "Writes that this node refused, by reason.");
    for (reason, count) in api.refused.totals() {
        refused.labelled(&[("reason", reason)], count);
    }
}

fn evaluations(text: &mut Text, api: &Api, figures: &NodeFigures) {
    let help = "Flags evaluated, by what answered and with what result.";
    let mut evaluated = text.family("burgee_evaluations_total", Kind::Counter, help);
    for evaluations in &figures.evaluations {
        let labels = [("tier", evaluations.tier.name()), ("result", evaluations.result)];
        evaluated.labelled(&labels, evaluations.count);
    }
    let help = "Calls of guests that gave no value, by kind of fault.";
    let mut faults = text.family("burgee_guest_faults_total", Kind::Counter, help);
    for fault in api.guests.faults() {
        faults.labelled(&[("kind", fault.kind)], fault.count);
    }
    guest_modules(text, api.guests.modules());
}

fn guest_modules(text: &mut Text, modules: GuestModules) {
    let mut gauge = |name, help, value: usize| text.family(name, Kind::Gauge, help).value(value as u64);
    gauge("burgee_guest_modules", "Modules of guests that are compiled.", modules.compiled);
    gauge("burgee_guest_code_bytes", "Bytes of their machine code.", modules.code_bytes);
    gauge("burgee_guest_compile_queue", "Modules of guests that wait for the compiler.", modules.waiting);
    let help = "Modules of guests given up: compiled ones for others, and those that found too many waiting.";
    let mut dropped = text.family("burgee_guest_modules_dropped_total", Kind::Counter, help);
    for (reason, count) in [("evicted", modules.evicted), ("queue_full", modules.refused)] {
        dropped.labelled(&[("reason", reason)], count);
    }
}

fn compiler(text: &mut Text, figures: &NodeFigures) {
    let help = "Groups of rules that wait for the compiler; the interpreter serves them meanwhile.";
    text.family("burgee_compile_queue", Kind::Gauge, help).value(figures.compile_queue as u64);
    let help = "Groups of rules made ready to run compiled, whether compiled or loaded.";
    text.family("burgee_compilations_total", Kind::Counter, help).value(figures.compilations);
    let Some(cache) = figures.code_cache else { return };
    let help = "Compiled code looked for on disk, by what came of it.";
    let mut asked = text.family("burgee_code_cache_total", Kind::Counter, help);
    let results = [("hit", cache.hits), ("miss", cache.misses), ("refused", cache.refused), ("failed", cache.failed)];
    for (result, count) in results {
        asked.labelled(&[("result", result)], count);
    }
}

fn store(text: &mut Text, counts: Counts, conflicts: usize, health: &Health) {
    let mut gauge = |name, help, value: usize| text.family(name, Kind::Gauge, help).value(value as u64);
    gauge("burgee_tombstones", "Registers that are deleted or expired, and not collected yet.", counts.tombstones);
    gauge("burgee_conflicts", "Registers with writes that a concurrent one overwrote, not settled yet.", conflicts);
    gauge("burgee_store_registers", "Registers held.", counts.registers);
    gauge("burgee_store_versions", "Versions held, history included.", counts.versions);
    gauge("burgee_store_floors", "Deletions of whole containers held.", counts.floors);
    gauge("burgee_config_entries", "Config entries that are neither deleted nor expired.", counts.config_entries);
    gauge("burgee_store_backlog_bytes", "Bytes from other nodes that are not on disk yet.", health.backlog_bytes);
}

fn cluster(text: &mut Text, view: &ClusterView, figures: &NodeFigures) {
    nodes(text, &view.nodes);
    let help = "How far this node is behind a live peer.";
    let mut lag = text.family("burgee_replication_lag_seconds", Kind::Gauge, help);
    for (peer, ms) in peers(view).filter_map(|peer| Some((peer, i64::try_from(peer.lag_ms?).ok()?))) {
        lag.seconds(&[("peer", &peer.name)], ms);
    }
    let help = "By how much a live peer's clock is ahead of this node's.";
    let mut skew = text.family("burgee_peer_clock_skew_seconds", Kind::Gauge, help);
    for (peer, ms) in peers(view).filter_map(|peer| Some((peer, peer.skew_ms?))) {
        skew.seconds(&[("peer", &peer.name)], ms);
    }
    let help = "Frames of other nodes that were not read, by reason.";
    let mut refused = text.family("burgee_frames_refused_total", Kind::Counter, help);
    let mut totals = BTreeMap::from(FRAME_REFUSALS.map(|reason| (reason, 0)));
    totals.extend(&figures.frames_refused);
    for (reason, count) in totals {
        refused.labelled(&[("reason", reason)], count);
    }
}

fn discovery(text: &mut Text, providers: &[ClusterDiscovery]) {
    let help = "Where nodes were found when the provider last answered, this one included.";
    let mut found = text.family("burgee_discovery_endpoints", Kind::Gauge, help);
    for status in providers {
        found.labelled(&[("provider", status.provider)], status.endpoints.len() as u64);
    }
    let help = "1 while the provider finds nobody, because it is not reached or for another reason.";
    let mut failing = text.family("burgee_discovery_failing", Kind::Gauge, help);
    for status in providers {
        failing.labelled(&[("provider", status.provider)], u64::from(status.failing.is_some()));
    }
    let help = "How often the provider failed.";
    let mut failures = text.family("burgee_discovery_failures_total", Kind::Counter, help);
    for status in providers {
        failures.labelled(&[("provider", status.provider)], status.failures);
    }
}

fn traffic(text: &mut Text, view: &ClusterView, figures: &NodeFigures) {
    let help = "Stamps merged although they lie beyond the tolerated clock skew.";
    text.family("burgee_stamps_ahead_total", Kind::Counter, help).value(view.stamps_ahead.unwrap_or_default());
    let help = "How often versions were left out of frames that are of kinds which a newer release brought.";
    text.family("burgee_versions_unknown_total", Kind::Counter, help).value(view.versions_unknown.unwrap_or_default());
    let help = "How often versions were left out of frames that no node which keeps the rules writes.";
    text.family("burgee_versions_invalid_total", Kind::Counter, help).value(view.versions_invalid.unwrap_or_default());
    let all =
        figures.traffic.iter().map(|traffic| ([("kind", traffic.kind), ("direction", traffic.direction)], traffic));
    let mut frames = text.family("burgee_frames_total", Kind::Counter, "Frames exchanged with other nodes.");
    all.clone().for_each(|(labels, traffic)| frames.labelled(&labels, traffic.frames));
    let mut bytes = text.family("burgee_frame_bytes_total", Kind::Counter, "Bytes of those frames.");
    all.for_each(|(labels, traffic)| bytes.labelled(&labels, traffic.bytes));
    let help = "Versions that repair brought, in both directions.";
    text.family("burgee_versions_repaired_total", Kind::Counter, help).value(figures.versions_repaired);
}

fn nodes(text: &mut Text, nodes: &[ClusterNode]) {
    let mut family =
        text.family("burgee_nodes", Kind::Gauge, "Known nodes of the cluster, this one included, by state.");
    let states = [
        ("live", ClusterNodeState::Live),
        ("gone", ClusterNodeState::Gone),
        ("forgotten", ClusterNodeState::Forgotten),
    ];
    for (name, state) in states {
        let count = nodes.iter().filter(|node| node.state == state).count();
        family.labelled(&[("state", name)], count as u64);
    }
}

/// The live nodes but this one. Names are unique among live nodes, so they can be labels.
fn peers(view: &ClusterView) -> impl Iterator<Item = &ClusterNode> {
    let live = view.nodes.iter().filter(|node| node.state == ClusterNodeState::Live);
    live.filter(|node| node.name != view.this && !node.name.is_empty())
}
