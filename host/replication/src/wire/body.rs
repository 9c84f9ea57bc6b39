//! The bodies of frames.

use std::{borrow::Cow, sync::Arc};

use burgee_model::{Millis, NodeId, Stamp, TokenId};
use burgee_store::{
    PageCursor, Version,
    digest::{Realm, Sum},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Message,
    packed::{
        pack_paths, pack_places, pack_prefixes, pack_twigs, unpack_paths, unpack_places, unpack_prefixes, unpack_twigs,
    },
};
use crate::message::{Answer, Check, News, NodeInfo, Question, Twigs};

/// A message, as it is written. The order of the variants is part of the format: append only.
#[derive(Serialize, Deserialize)]
pub(super) enum Body<'a> {
    Beat {
        seq: u64,
        #[serde(borrow)]
        info: Info<'a>,
        remembers: u64,
        forgotten: bool,
    },
    Hint {
        seq: u64,
        #[serde(borrow)]
        versions: Vec<Raw<'a>>,
    },
    Compare {
        history_since: u32,
    },
    Branches {
        realm: Option<u32>,
        #[serde(borrow)]
        prefixes: Raw<'a>,
    },
    Days {
        since: u32,
        sum: [u8; 16],
    },
    Versions {
        realm: Option<u32>,
        #[serde(borrow)]
        paths: Raw<'a>,
    },
    Page {
        #[serde(borrow)]
        cursor: Option<Raw<'a>>,
    },
    Offer {
        #[serde(borrow)]
        versions: Vec<Raw<'a>>,
    },
    Endpoints {
        nodes: Vec<NodeId>,
    },
    Compared {
        seq: u64,
        ready: bool,
        wall: Millis,
        versions: u64,
        root: [u8; 16],
        horizon: Stamp,
        history_since: u32,
        history: [u8; 16],
    },
    TheirBranches(#[serde(borrow)] Vec<(bool, Raw<'a>)>),
    TheirDays(Vec<(u32, Check)>),
    TheirVersions {
        paths: u32,
        #[serde(borrow)]
        versions: Vec<Raw<'a>>,
    },
    TheirPage {
        #[serde(borrow)]
        versions: Vec<Raw<'a>>,
        #[serde(borrow)]
        next: Option<Raw<'a>>,
    },
    Taken(bool),
    TheirEndpoints(Vec<(NodeId, String)>),
    Uses(Vec<TokenId>),
    TheirUses(Vec<(TokenId, Millis)>),
}

/// What a node says about itself, in all versions of the protocol.
#[derive(Serialize, Deserialize)]
pub(super) struct Info<'a> {
    name: Cow<'a, str>,
    endpoint: Option<Cow<'a, str>>,
    ready: bool,
    resync: bool,
    versions: u64,
    written: u64,
    root: [u8; 16],
    horizon: Stamp,
    started_at: Millis,
}

impl<'a> Info<'a> {
    fn of(info: &'a NodeInfo) -> Self {
        Self {
            name: Cow::Borrowed(&info.name),
            endpoint: info.endpoint.as_deref().map(Cow::Borrowed),
            ready: info.ready,
            resync: info.resync,
            versions: info.versions,
            written: info.written,
            root: sum_bytes(info.root),
            horizon: info.horizon,
            started_at: info.started_at,
        }
    }

    fn info(self) -> NodeInfo {
        NodeInfo {
            name: self.name.into_owned(),
            endpoint: self.endpoint.map(Cow::into_owned),
            ready: self.ready,
            resync: self.resync,
            versions: self.versions,
            written: self.written,
            root: sum(self.root),
            horizon: self.horizon,
            started_at: self.started_at,
            reaches: None,
        }
    }
}

impl Message {
    pub(super) fn versions(&self) -> &[Arc<Version>] {
        match self {
            Self::News(News::Hint { versions, .. })
            | Self::Question(Question::Offer { versions, .. })
            | Self::Answer(Answer::Versions { versions, .. } | Answer::Page { versions, .. }) => versions,
            _ => &[],
        }
    }

    /// How many versions it held of kinds that this release does not know.
    #[must_use]
    pub fn unknown(&self) -> u32 {
        match self {
            Self::News(News::Hint { unknown, .. })
            | Self::Question(Question::Offer { unknown, .. })
            | Self::Answer(Answer::Versions { unknown, .. } | Answer::Page { unknown, .. }) => *unknown,
            _ => 0,
        }
    }
}

impl<'a> Body<'a> {
    /// `versions` are those of the message, written.
    pub(super) fn of(message: &'a Message, versions: Vec<Raw<'a>>) -> Self {
        match message {
            Message::News(news) => Self::of_news(news, versions),
            Message::Question(question) => Self::of_question(question, versions),
            Message::Answer(answer) => Self::of_answer(answer, versions),
            Message::AskUses(tokens) => Self::Uses(tokens.clone()),
            Message::Uses(uses) => Self::TheirUses(uses.clone()),
        }
    }

    fn of_news(news: &'a News, versions: Vec<Raw<'a>>) -> Self {
        match news {
            News::Beat { seq, info, remembers, forgotten } => {
                Self::Beat { seq: *seq, info: Info::of(info), remembers: *remembers, forgotten: *forgotten }
            }
            News::Hint { seq, .. } => Self::Hint { seq: *seq, versions },
        }
    }

    fn of_question(question: &'a Question, versions: Vec<Raw<'a>>) -> Self {
        match question {
            Question::Compare { history_since } => Self::Compare { history_since: *history_since },
            Question::Branches { realm, prefixes } => {
                Self::Branches { realm: day(*realm), prefixes: owned(pack_prefixes(prefixes)) }
            }
            Question::Days { since, sum } => Self::Days { since: *since, sum: sum_bytes(*sum) },
            Question::Versions { realm, paths } => {
                Self::Versions { realm: day(*realm), paths: owned(pack_paths(paths)) }
            }
            Question::Page { cursor } => Self::Page { cursor: cursor.as_ref().map(borrowed) },
            Question::Offer { .. } => Self::Offer { versions },
            Question::Endpoints { nodes } => Self::Endpoints { nodes: nodes.clone() },
        }
    }

    fn of_answer(answer: &'a Answer, versions: Vec<Raw<'a>>) -> Self {
        match answer {
            Answer::Compared { seq, ready, wall, versions, root, horizon, history_since, history } => Self::Compared {
                seq: *seq,
                ready: *ready,
                wall: *wall,
                versions: *versions,
                root: sum_bytes(*root),
                horizon: *horizon,
                history_since: *history_since,
                history: sum_bytes(*history),
            },
            Answer::Branches(branches) => Self::TheirBranches(branches.iter().map(packed).collect()),
            Answer::Days(days) => Self::TheirDays(days.clone()),
            Answer::Versions { paths, .. } => Self::TheirVersions { paths: *paths, versions },
            Answer::Page { next, .. } => Self::TheirPage { versions, next: next.as_ref().map(borrowed) },
            Answer::Taken(taken) => Self::Taken(*taken),
            Answer::Endpoints(endpoints) => Self::TheirEndpoints(endpoints.clone()),
        }
    }

    /// The message; none where its parts make no sense.
    pub(super) fn message(self) -> Option<Message> {
        Some(match self {
            Self::Beat { seq, info, remembers, forgotten } => {
                Message::News(News::Beat { seq, info: info.info(), remembers, forgotten })
            }
            Self::Hint { seq, versions } => {
                let (versions, unknown) = decode_all(&versions)?;
                Message::News(News::Hint { seq, versions, unknown })
            }
            Self::Compare { history_since } => Message::Question(Question::Compare { history_since }),
            Self::Branches { realm: day, prefixes } => {
                Message::Question(Question::Branches { realm: realm(day), prefixes: unpack_prefixes(&prefixes.0)? })
            }
            Self::Days { since, sum: bytes } => Message::Question(Question::Days { since, sum: sum(bytes) }),
            Self::Versions { realm: day, paths } => {
                Message::Question(Question::Versions { realm: realm(day), paths: unpack_paths(&paths.0)? })
            }
            Self::Page { cursor } => Message::Question(Question::Page { cursor: cursor.map(cursor_of) }),
            Self::Offer { versions } => {
                let (versions, unknown) = decode_all(&versions)?;
                Message::Question(Question::Offer { versions, unknown })
            }
            Self::Endpoints { nodes } => Message::Question(Question::Endpoints { nodes }),
            Self::Uses(tokens) => Message::AskUses(tokens),
            Self::TheirUses(uses) => Message::Uses(uses),
            answer => Message::Answer(answer.answer()?),
        })
    }

    fn answer(self) -> Option<Answer> {
        Some(match self {
            Self::Compared { seq, ready, wall, versions, root, horizon, history_since, history } => Answer::Compared {
                seq,
                ready,
                wall,
                versions,
                root: sum(root),
                horizon,
                history_since,
                history: sum(history),
            },
            Self::TheirBranches(branches) => {
                Answer::Branches(branches.into_iter().map(unpacked).collect::<Option<_>>()?)
            }
            Self::TheirDays(days) => Answer::Days(days),
            Self::TheirVersions { paths, versions } => {
                let (versions, unknown) = decode_all(&versions)?;
                Answer::Versions { paths, versions, unknown }
            }
            Self::TheirPage { versions, next } => {
                let (versions, unknown) = decode_all(&versions)?;
                Answer::Page { versions, unknown, next: next.map(cursor_of) }
            }
            Self::Taken(taken) => Answer::Taken(taken),
            Self::TheirEndpoints(endpoints) => Answer::Endpoints(endpoints),
            _ => return None,
        })
    }
}

/// Whether these are places rather than branches, and the bytes of either.
fn packed(twigs: &Twigs) -> (bool, Raw<'static>) {
    match twigs {
        Twigs::Inner(twigs) => (false, owned(pack_twigs(twigs))),
        Twigs::Leaf(places) => (true, owned(pack_places(places))),
    }
}

fn unpacked((is_leaf, bytes): (bool, Raw<'_>)) -> Option<Twigs> {
    Some(if is_leaf { Twigs::Leaf(unpack_places(&bytes.0)?) } else { Twigs::Inner(unpack_twigs(&bytes.0)?) })
}

/// The versions, and how many of them are such as a newer release may have written: these are left out, for all else
/// would be kept from this node with them.
fn decode_all(versions: &[Raw<'_>]) -> Option<(Vec<Arc<Version>>, u32)> {
    let (mut known, mut unknown) = (Vec::with_capacity(versions.len()), 0);
    for raw in versions {
        match Version::decode(&raw.0) {
            Ok(version) => known.push(Arc::new(version)),
            Err(error) if error.is_newer() => unknown += 1,
            Err(_) => return None,
        }
    }
    Some((known, unknown))
}

fn day(realm: Realm) -> Option<u32> {
    match realm {
        Realm::Current => None,
        Realm::History(day) => Some(day),
    }
}

fn realm(day: Option<u32>) -> Realm {
    day.map_or(Realm::Current, Realm::History)
}

/// Sums in fixed length: most of them have no leading zeros to spare.
fn sum_bytes(sum: Sum) -> [u8; 16] {
    sum.0.to_be_bytes()
}

fn sum(bytes: [u8; 16]) -> Sum {
    Sum(u128::from_be_bytes(bytes))
}

fn owned(bytes: Vec<u8>) -> Raw<'static> {
    Raw(Cow::Owned(bytes))
}

fn borrowed(cursor: &PageCursor) -> Raw<'_> {
    Raw(Cow::Borrowed(&cursor.0))
}

fn cursor_of(raw: Raw<'_>) -> PageCursor {
    PageCursor(raw.0.into_owned().into())
}

/// Bytes that are written and read in one piece, and borrowed from the frame where they are read.
pub(super) struct Raw<'a>(pub(super) Cow<'a, [u8]>);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(d).map(|bytes| Raw(Cow::Borrowed(bytes)))
    }
}
