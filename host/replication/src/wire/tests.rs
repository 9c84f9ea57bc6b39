//! The format does not change silently, and reading it is total.

use std::{fmt::Write, sync::Arc};

use burgee_model::{Blob, Key, Media, NodeId, RegisterId, Stamp, TokenId};
use burgee_store::{
    ChangeId, PageCursor, Version,
    digest::{Prefix, Realm, Sum},
};
use proptest::prelude::*;

use super::*;
use crate::message::{Check, NodeInfo, Twigs};

const GOLDEN: &str = include_str!("golden.txt");

fn stamp(time: u64) -> Stamp {
    Stamp { time, id: NodeId([7; 16]) }
}

fn version() -> Arc<Version> {
    let [tenant, environment, key] = ["t", "e", "k"].map(|text| Key::new(text).unwrap());
    Arc::new(Version {
        register: RegisterId::config(&tenant, &environment, &key),
        stamp: stamp(9),
        parents: Box::new([stamp(3)]),
        floor_seen: None,
        content: Some(Blob { media: Media::Text, bytes: "value".into() }),
        expires_at: Some(1_000),
        actor: Arc::from("somebody"),
        change: ChangeId(stamp(9)),
        note: None,
    })
}

fn info(reaches: Option<Vec<NodeId>>) -> NodeInfo {
    NodeInfo {
        name: "a".to_owned(),
        endpoint: Some("quic/a:1".to_owned()),
        ready: true,
        resync: false,
        versions: 300,
        written: 1 << 40,
        root: Sum(0x0123_4567_89ab_cdef),
        horizon: stamp(2),
        started_at: 1_700_000_000_000,
        reaches,
    }
}

/// One of each kind.
fn messages() -> Vec<Message> {
    let beat = News::Beat { seq: 5, info: info(Some(vec![NodeId([8; 16])])), remembers: 4, forgotten: false };
    let questions = [
        Question::Compare { history_since: 19_000 },
        Question::Branches { realm: Realm::Current, prefixes: vec![Prefix::ROOT, Prefix::of(0x1230 << 48, 3)] },
        Question::Branches { realm: Realm::History(20_000), prefixes: vec![Prefix::of(u64::MAX, 16)] },
        Question::Days { since: 7, sum: Sum(1) },
        Question::Versions { realm: Realm::Current, paths: vec![1, u64::MAX] },
        Question::Page { cursor: Some(PageCursor(Box::new([1, 2, 3]))) },
        Question::Page { cursor: None },
        Question::Offer { versions: vec![version()], unknown: 0 },
        Question::Endpoints { nodes: vec![NodeId([9; 16])] },
    ];
    let answers = [
        Answer::Compared {
            seq: 1,
            ready: true,
            wall: 2,
            versions: 3,
            root: Sum(4),
            horizon: stamp(5),
            history_since: 6,
            history: Sum(7),
        },
        Answer::Branches(vec![
            Twigs::Inner(vec![(Prefix::of(0x1200 << 48, 2), Check(1)), (Prefix::of(0x1300 << 48, 2), Check(2))]),
            Twigs::Leaf(vec![(3, Check(4))]),
        ]),
        Answer::Days(vec![(20_000, Check(1))]),
        Answer::Versions { paths: 1, versions: vec![version()], unknown: 0 },
        Answer::Page { versions: vec![version()], unknown: 0, next: Some(PageCursor(Box::new([4]))) },
        Answer::Taken(true),
        Answer::Endpoints(vec![(NodeId([9; 16]), "quic/b:2".to_owned())]),
    ];
    let news = [beat, News::Hint { seq: 6, versions: vec![version()], unknown: 0 }];
    let news = news.into_iter().map(Message::News);
    let all = news.chain(questions.into_iter().map(Message::Question)).chain(answers.into_iter().map(Message::Answer));
    let token = TokenId([6; 16]);
    all.chain([Message::AskUses(vec![token]), Message::Uses(vec![(token, 1_700_000_000_000)])]).collect()
}

fn codec() -> Codec {
    Codec::new(1 << 20)
}

/// What an older version leaves out.
fn without_reaches(message: Message) -> Message {
    match message {
        Message::News(News::Beat { seq, info, remembers, forgotten }) => {
            Message::News(News::Beat { seq, info: NodeInfo { reaches: None, ..info }, remembers, forgotten })
        }
        other => other,
    }
}

#[test]
fn the_bytes_of_every_kind_in_every_version_are_those_of_old() {
    let mut text = String::new();
    for protocol in PROTOCOL_MIN..=PROTOCOL {
        let known = |message: &Message| message.kind() != "uses" || protocol >= USES_SINCE;
        for message in messages().into_iter().filter(known) {
            let hex = codec().encode(protocol, &message).iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
            writeln!(text, "{} {hex}", message.kind()).unwrap();
        }
    }
    assert_eq!(text, GOLDEN, "the format changed: a new version of the protocol, or a mistake");
}

#[test]
fn every_kind_is_read_as_it_was_written() {
    for message in messages() {
        for protocol in [3, 4, 5] {
            assert_eq!(codec().decode(&codec().encode(protocol, &message)), Ok(message.clone()));
        }
        assert_eq!(codec().decode(&codec().encode(2, &message)), Ok(without_reaches(message)));
    }
}

#[test]
fn other_versions_large_frames_and_too_long_questions_are_refused() {
    let frame = |protocol| codec().encode(protocol, &messages()[2]);
    assert_eq!(codec().decode(&frame(1)), Err(Refusal::Protocol(1)));
    assert_eq!(codec().decode(&frame(6)), Err(Refusal::Protocol(6)));
    assert_eq!(codec().decode(&[]), Err(Refusal::Garbage));
    assert_eq!(Codec::new(2).decode(&frame(3)), Err(Refusal::Oversized));
    let long = Message::Question(Question::Versions { realm: Realm::Current, paths: vec![1; PATHS_MAX + 1] });
    assert_eq!(codec().decode(&codec().encode(3, &long)), Err(Refusal::Garbage));
    let token = TokenId([6; 16]);
    for (count, fits) in [(USES_MAX, true), (USES_MAX + 1, false)] {
        for uses in [Message::AskUses(vec![token; count]), Message::Uses(vec![(token, 1); count])] {
            assert_eq!(codec().decode(&codec().encode(PROTOCOL, &uses)).is_ok(), fits, "{count}");
        }
    }
}

/// What a newer release writes: two versions that this one knows, and between them one of another kind, or of another
/// format.
fn of_a_newer_release(message: &Message, newer: fn(&mut [u8])) -> Vec<u8> {
    let mut versions: Vec<Vec<u8>> = message.versions().iter().map(|version| version.encode()).collect();
    newer(&mut versions[1]);
    let raw = versions.iter().map(|bytes| Raw(bytes.as_slice().into())).collect();
    postcard::to_extend(&Body::of(message, raw), vec![PROTOCOL]).unwrap()
}

/// Of a message, what is left where the second of three versions is left out.
fn without_the_second(message: &Message) -> Message {
    let mut left = message.clone();
    if let Message::News(News::Hint { versions, unknown, .. })
    | Message::Question(Question::Offer { versions, unknown })
    | Message::Answer(Answer::Versions { versions, unknown, .. } | Answer::Page { versions, unknown, .. }) =
        &mut left
    {
        versions.remove(1);
        *unknown += 1;
    }
    left
}

#[test]
fn check_64_of_a_frame_with_a_newer_kind_the_rest_is_read() {
    let nth = |n: u64| Arc::new(Version { stamp: stamp(9 + n), ..(*version()).clone() });
    let versions = || vec![nth(1), nth(2), nth(3)];
    let kind: fn(&mut [u8]) = |bytes| {
        assert_eq!(bytes[3], 7, "the kind follows the format and the tenant");
        bytes[3] = 100;
    };
    let format: fn(&mut [u8]) = |bytes| bytes[0] = 2;
    // no letter at all
    let damage: fn(&mut [u8]) = |bytes| bytes[2] = 0xff;
    for message in [
        Message::News(News::Hint { seq: 6, versions: versions(), unknown: 0 }),
        Message::Question(Question::Offer { versions: versions(), unknown: 0 }),
        Message::Answer(Answer::Versions { paths: 3, versions: versions(), unknown: 0 }),
        Message::Answer(Answer::Page { versions: versions(), unknown: 0, next: None }),
    ] {
        for newer in [kind, format] {
            let read = codec().decode(&of_a_newer_release(&message, newer)).unwrap();
            assert_eq!((&read, read.unknown()), (&without_the_second(&message), 1));
        }
        assert_eq!(codec().decode(&of_a_newer_release(&message, damage)), Err(Refusal::Garbage));
    }
}

proptest! {
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), known in any::<bool>()) {
        let mut bytes = bytes;
        if let (true, Some(first)) = (known, bytes.first_mut()) {
            *first = PROTOCOL;
        }
        let _ = codec().decode(&bytes);
    }

    #[test]
    fn damage_never_panics_and_every_cut_is_refused(
        kind in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
        protocol in PROTOCOL_MIN..=PROTOCOL,
    ) {
        let mut frame = codec().encode(protocol, kind.get(&messages()));
        let at = at.index(frame.len());
        prop_assert!(codec().decode(&frame[..at]).is_err());
        frame[at] ^= flip;
        let _ = codec().decode(&frame);
        let trailing = [codec().encode(protocol, kind.get(&messages())), vec![0]].concat();
        prop_assert_eq!(codec().decode(&trailing), Err(Refusal::Garbage));
    }

    #[test]
    fn prefixes_travel_packed(path in any::<u64>(), nibbles in 0..=16u8) {
        let prefixes = vec![Prefix::of(path, nibbles), Prefix::ROOT];
        let question = Message::Question(Question::Branches { realm: Realm::Current, prefixes });
        prop_assert_eq!(codec().decode(&codec().encode(PROTOCOL, &question)), Ok(question));
    }
}

#[test]
fn names_and_endpoints_that_no_node_could_have_are_refused() {
    let beat = |name: usize, endpoint: usize| {
        let info = NodeInfo { name: "n".repeat(name), endpoint: Some("e".repeat(endpoint)), ..info(None) };
        Message::News(News::Beat { seq: 0, info, remembers: 0, forgotten: false })
    };
    let answer = |endpoint: usize| Message::Answer(Answer::Endpoints(vec![(NodeId([9; 16]), "e".repeat(endpoint))]));
    let decoded = |message: &Message| codec().decode(&codec().encode(PROTOCOL, message));
    for good in [beat(NODE_NAME_BYTES_MAX, ENDPOINT_BYTES_MAX), answer(ENDPOINT_BYTES_MAX)] {
        assert_eq!(decoded(&good), Ok(good));
    }
    for bad in [beat(NODE_NAME_BYTES_MAX + 1, 1), beat(1, ENDPOINT_BYTES_MAX + 1), answer(ENDPOINT_BYTES_MAX + 1)] {
        assert_eq!(decoded(&bad), Err(Refusal::Garbage));
    }
}
