//! Frames of a stream, and the ids by which it is resumed: `<node id>.<position>`.

use std::fmt;

use burgee_model::NodeId;
use burgee_store::{FeedConflict, FeedEntry, Position};
use bytes::Bytes;
use serde_json::json;

use crate::admin::{address::Register, conflict::Conflict, history};

/// The most losers that one event names; the list of conflicts has all.
const LOSERS_MAX: usize = 100;

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

/// A conflict that has stood for a while: who wrote what stands, and who wrote what was overwritten; the values
/// are in the list of conflicts.
pub(crate) fn conflict(id: EventId, conflict: &FeedConflict) -> Option<Bytes> {
    let FeedConflict { register, winner, losers, .. } = conflict;
    let conflict = Conflict::new(register.clone(), winner.clone(), losers.clone());
    let losers: Vec<_> = conflict.losers.iter().take(LOSERS_MAX).map(|loser| history::about(loser)).collect();
    let data = json!({
        "register": Register::new(&conflict.register)?,
        "winner": history::about(&conflict.winner),
        "losers": losers,
    });
    Some(format!("id: {id}\nevent: conflict\ndata: {data}\n\n").into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burgee_model::{FlagField, Key, RegisterId, Stamp};
    use burgee_store::{ChangeId, Version};

    use super::*;

    #[test]
    fn a_conflict_names_both_sides_without_their_values() {
        let [tenant, flag] = ["t", "f"].map(|text| Key::new(text).unwrap());
        let register = RegisterId::flag(&tenant, &flag, FlagField::Name);
        let version = |time| {
            let stamp = Stamp { time, id: NodeId([1; 16]) };
            let (parents, change) = (Box::default(), ChangeId(stamp));
            let (register, actor) = (register.clone(), "me".into());
            let version = Version {
                register,
                stamp,
                parents,
                floor_seen: None,
                content: None,
                expires_at: None,
                actor,
                change,
                note: None,
            };
            Arc::new(version)
        };
        let losers = (1..=200).map(version).collect();
        let found = FeedConflict { position: Position(7), register: register.clone(), winner: version(300), losers };
        let frame = conflict(EventId(NodeId([7; 16]), Position(7)), &found).unwrap();
        let text = std::str::from_utf8(&frame).unwrap();
        assert!(text.contains("event: conflict\n") && text.contains(".7\n"), "{text}");
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["register"], json!({ "kind": "flag", "key": "f", "field": "name" }));
        assert_eq!(data["winner"]["stamp"], version(300).stamp.to_string());
        assert_eq!(data["losers"].as_array().unwrap().len(), LOSERS_MAX);
        assert!(data["losers"][0].get("value").is_none() && data["losers"][0]["actor"] == "me");
    }

    #[test]
    fn ids_round_trip_and_others_do_not_parse() {
        let id = EventId(NodeId([7; 16]), Position(42));
        assert_eq!(parse_id(id.to_string().as_bytes()), Some(id));
        for text in ["", "42", "x.42", &format!("{}.x", NodeId([7; 16])), "\u{ff}"] {
            assert_eq!(parse_id(text.as_bytes()), None, "{text}");
        }
    }
}
