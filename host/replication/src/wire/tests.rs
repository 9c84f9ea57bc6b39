//! Frames: what is written is read, and whatever else comes is refused.

use burgee_model::{Blob, Key, NodeId, RegisterId, Stamp};
use burgee_store::ChangeId;
use proptest::prelude::*;

use super::*;

const FROM: PeerId = PeerId { node: NodeId([3; 16]), incarnation: 42 };

fn codec() -> Codec {
    Codec::new("burgee", 1 << 20)
}

fn version(value: &str, time: u64) -> Arc<Version> {
    let key = Key::new("k").unwrap();
    let stamp = Stamp { time, id: FROM.node };
    Arc::new(Version {
        register: RegisterId::config(&key, &key, &key),
        stamp,
        parents: Box::new([Stamp { time: 1, id: FROM.node }]),
        floor_seen: Some(Stamp { time: 2, id: FROM.node }),
        content: Some(Blob::json(&serde_json::json!(value))),
        expires_at: Some(time),
        actor: Arc::from("anna"),
        change: ChangeId(stamp),
        note: Some("why".into()),
    })
}

fn message() -> impl Strategy<Value = Message> {
    let info = (".{0,20}", prop::option::of("[a-z/:.0-9]{0,20}"), any::<bool>(), any::<bool>())
        .prop_map(|(name, endpoint, ready, holds_data)| NodeInfo { name, endpoint, ready, holds_data });
    let versions = || prop::collection::vec((".{0,40}", 1..1u64 << 60).prop_map(|(v, t)| version(&v, t)), 0..5);
    let cursor = || prop::option::of(prop::collection::vec(any::<u8>(), 0..50).prop_map(|b| Cursor(b.into())));
    prop_oneof![
        (info.clone(), any::<u64>(), versions()).prop_map(|(info, seq, versions)| Message::Hint(Hint {
            info,
            seq,
            versions
        })),
        cursor().prop_map(|cursor| Message::PageRequest(PageRequest { cursor })),
        (info, any::<u64>(), versions(), cursor()).prop_map(|(info, seq, versions, next)| Message::Page(Page {
            info,
            seq,
            versions,
            next
        })),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in message()) {
        let frame = codec().encode(FROM, &message);
        prop_assert_eq!(codec().decode(&frame), Ok(Frame { from: FROM, message }));
    }

    #[test]
    fn garbage_is_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut frame = vec![PROTOCOL];
        frame.extend(&bytes);
        prop_assert!(codec().decode(&frame).is_err());
        let _ = codec().decode(&bytes);
    }

    #[test]
    fn a_truncated_or_extended_frame_is_refused(message in message(), at: prop::sample::Index) {
        let mut frame = codec().encode(FROM, &message);
        prop_assert!(codec().decode(&frame[..at.index(frame.len())]).is_err());
        frame.push(0);
        prop_assert_eq!(codec().decode(&frame), Err(Refusal::Garbage));
    }

    #[test]
    fn a_flipped_bit_never_panics(message in message(), at: prop::sample::Index, bit in 0..8u8) {
        let mut frame = codec().encode(FROM, &message);
        let at = at.index(frame.len());
        frame[at] ^= 1 << bit;
        let _ = codec().decode(&frame);
    }
}

#[test]
fn another_version_cluster_or_size_is_told_apart() {
    let request = Message::PageRequest(PageRequest { cursor: None });
    let frame = codec().encode(FROM, &request);
    assert_eq!(Codec::new("other", 1 << 20).decode(&frame), Err(Refusal::Cluster));
    assert_eq!(Codec::new("burgee", frame.len() - 1).decode(&frame), Err(Refusal::Oversized));
    let mut newer = frame;
    newer[0] = PROTOCOL + 1;
    assert_eq!(codec().decode(&newer), Err(Refusal::Protocol(PROTOCOL + 1)));
    assert_eq!(codec().decode(&[]), Err(Refusal::Garbage));
}

/// A length that promises more than there is must not be believed.
#[test]
fn a_huge_length_costs_nothing() {
    let mut frame = codec().encode(FROM, &Message::PageRequest(PageRequest { cursor: Some(Cursor(Box::default())) }));
    frame.pop();
    frame.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(codec().decode(&frame), Err(Refusal::Garbage));
}

/// The layout of a frame is a contract with other releases: it changes only with [`PROTOCOL`].
#[test]
fn the_layout_is_fixed() {
    let from = PeerId { node: NodeId([0xaa; 16]), incarnation: 5 };
    let info = NodeInfo { name: "n".into(), endpoint: Some("e".into()), ready: true, holds_data: false };
    let hint = codec().encode(from, &Message::Hint(Hint { info, seq: 300, versions: Vec::new() }));
    let mut expected = vec![1, 6];
    expected.extend(b"burgee");
    expected.extend([0xaa; 16]);
    expected.extend([5, 0, 1, b'n', 1, 1, b'e', 1, 0, 0xac, 2, 0]);
    assert_eq!(hint, expected);
}
