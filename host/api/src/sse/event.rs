//! Frames of a stream, and the ids by which it is resumed: `<node id>.<position>`.

use std::fmt;

use burgee_model::NodeId;
use burgee_store::{FeedEntry, Position};
use bytes::Bytes;
use serde_json::json;

use crate::admin::address::Register;

/// A place in one node's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId(pub(crate) NodeId, pub(crate) Position);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1.0)
    }
}

/// Reads an id that a client sends back.
pub(crate) fn parse_id(bytes: &[u8]) -> Option<EventId> {
    let (node, position) = std::str::from_utf8(bytes).ok()?.trim().split_once('.')?;
    Some(EventId(node.parse().ok()?, Position(position.parse().ok()?)))
}

/// The first frame: gives the client an id before anything happens.
pub(crate) fn greeting(id: EventId) -> Bytes {
    format!(": watching\nid: {id}\n\n").into()
}

/// A sign of life, which also moves the client's id on past changes that it did not want.
pub(crate) fn heartbeat(id: EventId) -> Bytes {
    format!(": heartbeat\nid: {id}\n\n").into()
}

/// Changes may be missing.
pub(crate) fn reset(id: EventId, reason: &str) -> Bytes {
    format!("id: {id}\nevent: reset\ndata: {}\n\n", json!({ "reason": reason })).into()
}

/// A change; none where the register has no public address.
pub(crate) fn change(id: EventId, entry: &FeedEntry) -> Option<Bytes> {
    let data = json!({
        "register": Register::new(&entry.register)?,
        "op": entry.op.name(),
        "stamp": entry.version.stamp.to_string(),
        "actor": entry.version.actor,
        "change": entry.version.change.to_string(),
    });
    Some(format!("id: {id}\nevent: change\ndata: {data}\n\n").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_others_do_not_parse() {
        let id = EventId(NodeId([7; 16]), Position(42));
        assert_eq!(parse_id(id.to_string().as_bytes()), Some(id));
        for text in ["", "42", "x.42", &format!("{}.x", NodeId([7; 16])), "\u{ff}"] {
            assert_eq!(parse_id(text.as_bytes()), None, "{text}");
        }
    }
}
