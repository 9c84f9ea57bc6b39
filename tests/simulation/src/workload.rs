//! What people do: writes of every kind, on any node that takes them.

pub mod access;

use std::sync::Arc;

use burgee_model::{Blob, FlagField, FlagInField, Key, Kill, Media, Millis, NodeId, RegisterId, Scope};
use burgee_replication::core::SystemWrite;
use burgee_store::{Draft, DraftWrite, Request, Stamping, Table, WriteScope};
use bytes::Bytes;
use serde::Serialize;

use crate::{rng::Rng, say, world::World};

/// Config keys, flags, environments and tenants that the workload uses: few, so that writes meet.
const KEYS: usize = 12;
const FLAGS: usize = 3;
/// Config keys of which each is written seldom: what one node alone writes of them is not overwritten soon.
const SELDOM: u64 = 96;

/// A write that somebody asks for.
#[derive(Clone, Debug)]
pub enum Action {
    /// A config entry gets a value, for so many milliseconds where it is not for good.
    Put(RegisterId, String, Option<Millis>),
    /// A register gets a tombstone.
    Delete(RegisterId),
    /// A register gets a tombstone, whether or not the node holds anything of it.
    DeleteUnseen(RegisterId),
    /// A token is revoked.
    Revoke(RegisterId),
    /// A token with some deadline is revoked, whether or not the node holds it.
    RevokeUnseen(RegisterId, Option<Millis>),
    /// Everything in a scope is deleted.
    Floor(Key, Scope),
    /// A flag is created with all its fields.
    CreateFlag(Key, Key),
    /// A field of a flag gets a value.
    Set(RegisterId, String),
    /// A flag is killed.
    Kill(RegisterId),
    /// A kill is released.
    Release(RegisterId),
    /// The newest conflict of a register is settled: its value restored, or dismissed.
    Settle {
        /// Of which register.
        register: RegisterId,
        /// Whether the loser's value comes back.
        restore: bool,
    },
    /// What a node had set aside is written again.
    Repeat,
    /// A register of the cluster's own.
    System(SystemWrite),
}

fn key(text: &str) -> Key {
    // All texts here are keys; were one not, the system's tenant would show.
    Key::new(text).unwrap_or_else(|_| Key::system_tenant())
}

/// The tenant of most writes.
#[must_use]
pub fn tenant() -> Key {
    key("t")
}

/// The environment of most writes.
#[must_use]
pub fn environment() -> Key {
    key("e")
}

/// A config entry.
#[must_use]
pub fn entry(name: &str) -> RegisterId {
    RegisterId::config(&tenant(), &environment(), &key(name))
}

/// A flag's field in the environment.
#[must_use]
pub fn flag_in(flag: &str, field: FlagInField) -> RegisterId {
    RegisterId::flag_in(&tenant(), &key(flag), &environment(), field)
}

fn json(value: &impl Serialize) -> Blob {
    Blob { media: Media::Json, bytes: Bytes::from(serde_json::to_vec(value).unwrap_or_default()) }
}

impl Action {
    /// A config entry gets a value for good.
    #[must_use]
    pub fn put(name: &str, value: &str) -> Self {
        Self::Put(entry(name), value.to_owned(), None)
    }

    /// What it writes, as the product's API plans it; none where there is nothing to do.
    #[must_use]
    pub fn draft(&self, own: NodeId, table: &Table, now: Millis) -> Option<(Request, Draft)> {
        let mut draft = Draft::default();
        match self {
            Self::Put(register, value, ttl) => {
                let expires_at = ttl.map(|ttl| now + ttl);
                draft.writes.push(DraftWrite { expires_at, ..DraftWrite::put(register.clone(), json(value)) });
            }
            Self::Delete(register) => {
                table.current(register, now)?;
                draft.writes.push(DraftWrite::delete(register.clone()));
            }
            Self::DeleteUnseen(register) => draft.writes.push(DraftWrite::delete(register.clone())),
            Self::Revoke(token) => {
                let expires_at = table.current(token, now)?.expires_at;
                draft.writes.push(DraftWrite { expires_at, ..DraftWrite::delete(token.clone()) });
            }
            Self::RevokeUnseen(token, deadline) => {
                draft.writes.push(DraftWrite { expires_at: *deadline, ..DraftWrite::delete(token.clone()) });
            }
            Self::Floor(tenant, scope) => draft.floors.push((tenant.clone(), scope.clone())),
            Self::CreateFlag(tenant, flag) => {
                let field = |field| DraftWrite::put(RegisterId::flag(tenant, flag, field), json(&format!("{field:?}")));
                draft.writes.extend(FlagField::ALL.map(field));
            }
            Self::Set(register, value) => draft.writes.push(DraftWrite::put(register.clone(), json(value))),
            Self::Kill(register) => draft.writes.push(kill(register, true)),
            Self::Release(register) => {
                table.current(register, now)?;
                draft.writes.push(kill(register, false));
            }
            Self::Settle { register, restore } => draft.writes.push(settle(table, register, *restore)?),
            Self::Repeat => return None,
            Self::System(write) => return Some(write.request(own)),
        }
        let request =
            Request { scope: WriteScope::Everything, actor: Arc::from("sim"), note: None, stamping: Stamping::Local };
        Some((request, draft))
    }

    /// Whether the cluster asks for it itself: then it is written also where nobody is served.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(self, Self::System(_))
    }
}

fn kill(register: &RegisterId, killed: bool) -> DraftWrite {
    DraftWrite::put(register.clone(), json(&Kill { killed, reason: None }))
}

fn settle(table: &Table, register: &RegisterId, restore: bool) -> Option<DraftWrite> {
    let loser = table.conflicts(register).into_iter().next()?;
    let content = if restore { loser.content.clone() } else { table.latest(register)?.content.clone() };
    Some(DraftWrite { register: register.clone(), content, expires_at: None, settles: vec![loser.stamp] })
}

/// One write of any kind.
pub fn random(rng: &mut Rng) -> Action {
    let entry_of = |n: usize| entry(&format!("{}{n}", if n < KEYS / 2 { "a/" } else { "b/" }));
    let often = entry_of(rng.index(KEYS));
    let flag = format!("f{}", rng.index(FLAGS));
    let number = rng.number();
    let register = if number.is_multiple_of(3) { entry(&format!("c/{}", number / 3 % SELDOM)) } else { often };
    let value = number.to_string();
    let field = [FlagInField::State, FlagInField::DefaultVariant, FlagInField::Targeting];
    let field = rng.pick(&field).copied().unwrap_or(FlagInField::State);
    match rng.below(100) {
        0..35 => Action::Put(register, value, None),
        35..45 => Action::Put(register, value, Some(rng.between(200, 20_000))),
        45..58 => Action::Delete(register),
        58..73 => Action::Set(flag_in(&flag, field), value),
        73..79 => Action::Kill(flag_in(&flag, FlagInField::Kill)),
        79..85 => Action::Release(flag_in(&flag, FlagInField::Kill)),
        85..90 => Action::Settle { register: flag_in(&flag, field), restore: rng.chance(500) },
        90..94 => Action::CreateFlag(tenant(), key(&flag)),
        94..96 => Action::Floor(tenant(), Scope::Flag { flag: key(&flag) }),
        96..98 => {
            let prefix = if rng.chance(500) { "a/" } else { "b/" };
            Action::Floor(tenant(), Scope::Config { environment: environment(), prefix: prefix.into() })
        }
        98 => Action::Floor(tenant(), Scope::Environment { environment: environment() }),
        _ => Action::Set(RegisterId::environment(&tenant(), &environment()), value),
    }
}

/// One write somewhere; most often where the last one was, since people read what they wrote.
pub fn step(world: &mut World) {
    let slot = world.rng.index(world.slots.len());
    let action = random(&mut world.rng);
    if world.serves(slot) {
        if world.trace.is_loud() {
            say!(world, "n{slot} is asked to write {action:?}");
        }
        world.write(slot, action);
    }
}
