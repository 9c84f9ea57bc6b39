//! Shorthands and generators for the tests.

use std::sync::Arc;

use burgee_model::{
    Address, Blob, Digest, FlagField, FlagInField, Key, Media, NodeId, RegisterId, Scope, Stamp, TokenId,
};
use bytes::Bytes;
use proptest::prelude::*;

use crate::{ChangeId, Version};

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

/// An entry of tenant `t`, environment `e`.
pub(crate) fn config(text: &str) -> RegisterId {
    RegisterId::config(&key("t"), &key("e"), &key(text))
}

pub(crate) fn flag_in(field: FlagInField) -> RegisterId {
    RegisterId::flag_in(&key("t"), &key("f"), &key("e"), field)
}

pub(crate) fn json(text: &str) -> Blob {
    Blob { media: Media::Json, bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

pub(crate) fn stamp(time: u64) -> Stamp {
    Stamp { time, id: NodeId([1; 16]) }
}

pub(crate) fn version(register: RegisterId, time: u64, content: &str) -> Version {
    Version {
        register,
        stamp: stamp(time),
        parents: Box::default(),
        floor_seen: None,
        content: Some(json(content)),
        expires_at: None,
        actor: Arc::from("a"),
        change: ChangeId(stamp(time)),
        note: None,
    }
}

/// A floor of tenant `t`.
pub(crate) fn floor(scope: Scope, time: u64) -> Version {
    version(RegisterId::floor(&key("t"), scope), time, "{}")
}

fn any_stamp() -> impl Strategy<Value = Stamp> {
    (1..1u64 << 60, any::<[u8; 16]>()).prop_map(|(time, id)| Stamp { time, id: NodeId(id) })
}

fn any_key() -> impl Strategy<Value = Key> {
    "[a-c/ü]{1,4}".prop_map(|text| key(&text))
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(Scope::Tenant),
        any_key().prop_map(|environment| Scope::Environment { environment }),
        any_key().prop_map(|flag| Scope::Flag { flag }),
        (any_key(), "[a-c/]{0,3}")
            .prop_map(|(environment, prefix)| Scope::Config { environment, prefix: prefix.into() }),
    ]
}

pub(crate) fn any_address() -> impl Strategy<Value = Address> {
    let field = prop::sample::select(FlagField::ALL.to_vec());
    let own = prop::sample::select(FlagInField::ALL.to_vec());
    prop_oneof![
        Just(Address::Tenant),
        any_key().prop_map(|environment| Address::Environment { environment }),
        (any_key(), field).prop_map(|(flag, field)| Address::Flag { flag, field }),
        (any_key(), any_key(), own).prop_map(|(flag, environment, field)| Address::FlagIn { flag, environment, field }),
        any_key().prop_map(|segment| Address::Segment { segment }),
        (any_key(), any_key()).prop_map(|(environment, key)| Address::Config { environment, key }),
        any_scope().prop_map(Address::Floor),
        any_key().prop_map(|guest| Address::Guest { guest }),
        (any_key(), any::<u8>()).prop_map(|(guest, byte)| Address::Module { guest, digest: Digest([byte; 32]) }),
        any::<u8>().prop_map(|byte| Address::Token { token: TokenId([byte; 16]) }),
        (any_key(), any_key()).prop_map(|(environment, key)| Address::Rollout { environment, key }),
        (any_key(), any::<u8>())
            .prop_map(|(environment, byte)| Address::Answer { environment, request: Digest([byte; 32]) }),
    ]
}

fn any_blob() -> impl Strategy<Value = Blob> {
    let media = prop_oneof![
        Just(Media::Json),
        Just(Media::Text),
        Just(Media::Octets),
        "[a-z]{1,5}/[a-z]{1,5}".prop_map(|text| Media::new(&text)),
    ];
    (media, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(media, bytes)| Blob { media, bytes: bytes.into() })
}

prop_compose! {
    /// Any version at all, kept rules or not.
    pub(crate) fn any_version()(
        tenant in any_key(),
        address in any_address(),
        stamp in any_stamp(),
        parents in prop::collection::vec(any_stamp(), 0..=8),
        floor_seen in prop::option::of(any_stamp()),
        content in prop::option::of(any_blob()),
        expires_at in prop::option::of(any::<u64>()),
        actor in "[a-z]{0,5}",
        change in prop::option::of(any_stamp()),
        note in prop::option::of("[a-z]{0,5}"),
    ) -> Version {
        Version {
            register: RegisterId { tenant, address },
            stamp,
            parents: parents.into(),
            floor_seen,
            content,
            expires_at,
            actor: actor.into(),
            change: ChangeId(change.unwrap_or(stamp)),
            note: note.map(Into::into),
        }
    }
}
