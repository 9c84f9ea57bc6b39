//! What people do with tenants and their tokens: both are made and end. Drawn from dice of its own, so that all else
//! that a seed has people and misfortune do is the same with it and without it.

use std::collections::VecDeque;

use burgee_model::{FlagInField, Key, RegisterId, Scope, TokenId};

use super::{Action, environment, key, tenant};
use crate::{rng::Rng, say, world::World};

/// Tokens that are thought of: the last that were made.
const TOKENS: usize = 24;

/// What these writes are drawn from, and what came of them.
#[derive(Debug)]
pub struct Access {
    /// The dice.
    pub dice: Rng,
    /// The last tokens that somebody was asked to make, the newest at the end.
    tokens: VecDeque<RegisterId>,
}

impl Access {
    /// What a seed makes of them.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { dice: Rng::new(seed ^ 0x70_6b65_6e73), tokens: VecDeque::new() }
    }

    /// A token that never was before.
    fn invent(&mut self, tenant: &Key) -> RegisterId {
        let (high, low) = (self.dice.number(), self.dice.number());
        let id = TokenId((u128::from(high) << 64 | u128::from(low)).to_be_bytes());
        let token = RegisterId::token(tenant, id);
        if self.tokens.len() == TOKENS {
            self.tokens.pop_front();
        }
        self.tokens.push_back(token.clone());
        token
    }

    fn known(&mut self) -> Option<RegisterId> {
        let at = self.dice.index(self.tokens.len());
        self.tokens.get(at).cloned()
    }
}

/// The tenant that ends now and then.
#[must_use]
pub fn passing() -> Key {
    key("u")
}

/// One write of a tenant or token somewhere.
pub fn step(world: &mut World) {
    let slot = world.access.dice.index(world.slots.len());
    let Some(action) = draw(world) else { return };
    if world.serves(slot) {
        if world.trace.is_loud() {
            say!(world, "n{slot} is asked to write {action:?}");
        }
        world.write(slot, action);
    }
}

fn draw(world: &mut World) -> Option<Action> {
    let access = &mut world.access;
    let of = if access.dice.chance(700) { passing() } else { tenant() };
    let value = access.dice.number().to_string();
    let environment = environment();
    let field = |field| RegisterId::flag_in(&passing(), &key("f"), &environment, field);
    let action = match access.dice.below(100) {
        0..30 => {
            let ttl = access.dice.chance(400).then(|| access.dice.between(2_000, 40_000));
            Action::Put(access.invent(&of), value, ttl)
        }
        30..55 => Action::Revoke(access.known()?),
        55..65 => revoke_unseen(world)?,
        65..72 => Action::Put(RegisterId::tenant(&of), value, None),
        72..78 => Action::Put(RegisterId::environment(&passing(), &environment), value, None),
        78..84 => Action::Put(RegisterId::config(&passing(), &environment, &key(&value)), value, Some(30_000)),
        84..89 => Action::Set(field(FlagInField::State), value),
        89..92 => Action::Kill(field(FlagInField::Kill)),
        92..94 => Action::Release(field(FlagInField::Kill)),
        94..99 => Action::Floor(passing(), Scope::Tenant),
        _ => Action::Floor(tenant(), Scope::Tenant),
    };
    Some(action)
}

/// The newest token is revoked by who need not have it yet, so that the revocation may be stamped below it. It bears
/// the token's deadline, as every version of it does.
fn revoke_unseen(world: &World) -> Option<Action> {
    let token = world.access.tokens.back()?;
    let made = world.oracle.versions_of(token).find(|version| version.content.is_some())?;
    Some(Action::RevokeUnseen(token.clone(), made.expires_at))
}
