//! How Zenoh is configured.

use serde_json::{Value, json};
use zenoh::Config;

use crate::{config::ReplicationConfig, endpoint::Endpoint};

/// After how much silence a link is dead, in milliseconds; links say that they live four times as often.
const LEASE_MS: u64 = 2000;
/// The first and the longest wait before a seed is dialled again, in milliseconds.
const RETRY_MS: (u64, u64) = (100, 400);
/// How long opening a link may take, in milliseconds: a black hole must not keep a dial for longer.
const OPEN_MS: u64 = 3000;
/// How long a page may wait for a congested link before the link is given up, in microseconds.
const BLOCK_US: u64 = 2_000_000;
/// Batches (of 64 KiB) that may wait for a link: room for a burst of hints, the bound for a peer that
/// does not read.
const QUEUED_BATCHES: u64 = 16;

/// What the session, and those that introduce it to new seeds, are opened with.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Where this node listens, with the bound port.
    pub(super) listen: Option<String>,
    join: Vec<String>,
    /// The object at `transport/link/tls`, where there are certificates.
    tls: Option<Value>,
}

impl Settings {
    pub(super) fn new(config: &ReplicationConfig, listen: Option<&Endpoint>) -> Self {
        let tls = config.certificates().map(|files| {
            json!({
                "root_ca_certificate": files.ca,
                "enable_mtls": true,
                "listen_certificate": files.cert,
                "listen_private_key": files.key,
                "connect_certificate": files.cert,
                "connect_private_key": files.key,
                "verify_name_on_connect": true,
                "close_link_on_expiration": true,
            })
        });
        Self { listen: listen.map(ToString::to_string), join: config.join.clone(), tls }
    }

    /// For the node's own session.
    pub(super) fn config(&self) -> zenoh::Result<Config> {
        let listen: Vec<&String> = self.listen.iter().collect();
        self.build(&json!(listen), &json!(self.join), &json!(["router"]))
    }

    /// For a session that connects to two endpoints and nothing else.
    pub(super) fn introducer(&self, endpoints: [&str; 2]) -> zenoh::Result<Config> {
        self.build(&json!([]), &json!(endpoints), &json!([]))
    }

    fn build(&self, listen: &Value, connect: &Value, autoconnect: &Value) -> zenoh::Result<Config> {
        let mut config = Config::default();
        for (path, value) in [
            ("mode", json!("router")),
            ("listen/endpoints", listen.clone()),
            ("listen/exit_on_failure", json!(true)),
            ("connect/endpoints", connect.clone()),
            ("connect/timeout_ms", json!(-1)),
            ("connect/exit_on_failure", json!(false)),
            ("connect/retry", retry()),
            ("open/return_conditions/connect_scouted", json!(false)),
            ("open/return_conditions/declares", json!(false)),
            // Nobody is scouted for: opening need not wait for answers.
            ("scouting/delay", json!(0)),
            ("scouting/multicast/enabled", json!(false)),
            ("scouting/gossip", gossip(autoconnect)),
            // Versions carry stamps of our own.
            ("timestamping/enabled", json!(false)),
            ("transport/unicast/open_timeout", json!(OPEN_MS)),
            ("transport/unicast/accept_timeout", json!(OPEN_MS)),
            ("transport/link/protocols", json!(["tcp", "quic"])),
            ("transport/link/tx/lease", json!(LEASE_MS)),
            ("transport/link/tx/queue/size/data", json!(QUEUED_BATCHES)),
            ("transport/link/tx/queue/congestion_control/block/wait_before_close", json!(BLOCK_US)),
        ] {
            config.insert_json5(path, &value.to_string())?;
        }
        if let Some(tls) = &self.tls {
            config.insert_json5("transport/link/tls", &tls.to_string())?;
        }
        Ok(config)
    }
}

fn retry() -> Value {
    json!({ "period_init_ms": RETRY_MS.0, "period_max_ms": RETRY_MS.1, "period_increase_factor": 2 })
}

/// Of two nodes that learn of each other, the one with the greater id dials, so that they do not meet
/// halfway.
fn gossip(autoconnect: &Value) -> Value {
    let greater = json!({ "to_router": "greater-zid", "to_peer": "greater-zid" });
    json!({
        "enabled": true,
        "autoconnect": { "router": autoconnect, "peer": [] },
        "autoconnect_strategy": { "router": greater, "peer": greater },
    })
}
