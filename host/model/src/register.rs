//! Registers: the smallest units that are written, merged and remembered, and how they are addressed.

use serde::{Deserialize, Serialize};

use crate::{Digest, Key, NodeId, Stamp, TokenId};

/// The address of a register. The order of ids is the order of listings: by tenant, then by kind,
/// then by key; config entries of an environment stand together, and so do the fields of a flag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RegisterId {
    /// The tenant it belongs to: everything replicated carries its tenant first.
    pub tenant: Key,
    /// What it is within the tenant.
    pub address: Address,
}

/// What a register is within its tenant. The order of the variants is part of the disk and wire format:
/// append only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Address {
    /// The tenant itself: [`crate::TenantMeta`]. Its presence is the tenant's existence.
    Tenant,
    /// An environment: [`crate::EnvironmentMeta`]. Its presence is the environment's existence.
    Environment {
        /// The environment's key.
        environment: Key,
    },
    /// What an imported flagd document holds beside its flags: an object of its top-level members.
    FlagSet {
        /// The environment's key.
        environment: Key,
    },
    /// A field of a flag that all environments share.
    Flag {
        /// The flag's key.
        flag: Key,
        /// Which field.
        field: FlagField,
    },
    /// A field of a flag in one environment.
    FlagIn {
        /// The flag's key.
        flag: Key,
        /// The environment's key.
        environment: Key,
        /// Which field.
        field: FlagInField,
    },
    /// A segment: a rule shared by the tenant's flags.
    Segment {
        /// The segment's key.
        segment: Key,
    },
    /// An environment's own rule for a segment of the same name.
    SegmentIn {
        /// The segment's key.
        segment: Key,
        /// The environment's key.
        environment: Key,
    },
    /// A config entry.
    Config {
        /// The environment's key.
        environment: Key,
        /// The entry's key.
        key: Key,
    },
    /// A floor: everything in its scope that is not newer is dead.
    Floor(Scope),
    /// A node's entry in the cluster's roster: [`MemberMeta`]. Only that node writes it, and the version's
    /// stamp is the node's promise: what it writes later is stamped above it. In the system's tenant only.
    Member {
        /// The node.
        node: NodeId,
    },
    /// A node that an operator had forgotten: [`ForgottenMeta`]. Never deleted. In the system's tenant only.
    Forgotten {
        /// The node.
        node: NodeId,
    },
    /// The cluster's horizon: the version's own stamp is up to where all nodes have collected. Holds `{}`.
    /// In the system's tenant only.
    Horizon,
    /// A guest: code that the tenant wrote, under a name that its rules call. Holds [`crate::GuestMeta`], which
    /// names the module by digest.
    Guest {
        /// The guest's name.
        guest: Key,
    },
    /// A module of a guest: a WebAssembly component.
    Module {
        /// The guest's name.
        guest: Key,
        /// The digest of its bytes.
        digest: Digest,
    },
    /// A token: [`crate::TokenMeta`]. Written once; a tombstone beats any value, whatever the stamps. Those of the
    /// system's tenant are for all tenants.
    Token {
        /// Its id.
        token: TokenId,
    },
    /// A key that sessions are signed with: [`crate::SigningKey`]. In the system's tenant only.
    SessionKey {
        /// Its id.
        key: TokenId,
    },
    /// The rollout of a config entry's next value: [`crate::Rollout`]. It stands over one version of the entry and
    /// counts for nothing once another one counts there.
    Rollout {
        /// The environment's key.
        environment: Key,
        /// The entry's key.
        key: Key,
    },
    /// What was answered to a write that bore an idempotency key: [`crate::KeptAnswer`].
    Answer {
        /// The environment's key.
        environment: Key,
        /// The digest of the idempotency key.
        request: Digest,
    },
}

/// What a member of the cluster says in the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberMeta {
    /// Its label.
    pub name: String,
    /// Where peers reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The least of all members' promises that it knew when it began a round of repair with each of them
    /// which it has durably finished: every version up to there that any of them had, it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked: Option<Stamp>,
    /// Whether it only begins to join, and need not hold yet what the others hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joining: bool,
    /// Up to where the peer that it joined by had said by then that it holds everything: what was collected up to
    /// there, was with this member's entry known or without need of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Stamp>,
    /// Whether what it pulled when it joined need not all be on its disk yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The newest version of the protocol that it speaks, which tells what kinds of registers it knows; one that says
    /// nothing speaks 3 or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u8>,
}

/// What remains of a forgotten member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForgottenMeta {
    /// Its label.
    pub name: String,
}

/// The tenant of the cluster's own registers.
pub const SYSTEM_TENANT: &str = "$cluster";

/// Whether a tenant's key is one that only the cluster itself may use: it begins with `$`. API, imports and
/// command line refuse it.
#[must_use]
pub fn is_reserved_tenant(key: &str) -> bool {
    key.starts_with('$')
}

/// The fields that all environments of a flag share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FlagField {
    /// The container: its presence is the flag's existence. Holds `{}`.
    Exists,
    /// A text or null.
    Name,
    /// A text or null.
    Description,
    /// A list of texts or null.
    Tags,
    /// An object of texts, numbers and booleans, or null.
    Metadata,
    /// An object: variant name to value.
    Variants,
}

impl FlagField {
    /// All of them. Creating a flag writes each, so that nothing of an earlier life shows.
    pub const ALL: [Self; 6] =
        [Self::Exists, Self::Name, Self::Description, Self::Tags, Self::Metadata, Self::Variants];

    /// The name under which other programs know the field; the container has none.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Exists => None,
            Self::Name => Some("name"),
            Self::Description => Some("description"),
            Self::Tags => Some("tags"),
            Self::Metadata => Some("metadata"),
            Self::Variants => Some("variants"),
        }
    }
}

/// The fields of a flag in one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FlagInField {
    /// `"ENABLED"` or `"DISABLED"`.
    State,
    /// A variant's name or null.
    DefaultVariant,
    /// A rule or null.
    Targeting,
    /// [`crate::Kill`].
    Kill,
    /// Variants that differ here from the flag's own (from an import), or null.
    Variants,
    /// Metadata that differs here from the flag's own (from an import), or null.
    Metadata,
    /// Members of the imported flag that Burgee does not know, kept for the export, or null.
    Extra,
}

impl FlagInField {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::State, Self::DefaultVariant, Self::Targeting, Self::Kill, Self::Variants, Self::Metadata, Self::Extra];

    /// The name under which other programs know the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::DefaultVariant => "defaultVariant",
            Self::Targeting => "targeting",
            Self::Kill => "kill",
            Self::Variants => "variants",
            Self::Metadata => "metadata",
            Self::Extra => "extra",
        }
    }
}

/// What a floor covers, within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// The whole tenant.
    Tenant,
    /// An environment: itself, its part of every flag and segment, its config entries.
    Environment {
        /// The environment's key.
        environment: Key,
    },
    /// A flag with all its fields in all environments.
    Flag {
        /// The flag's key.
        flag: Key,
    },
    /// The config entries of an environment whose keys begin with a prefix.
    Config {
        /// The environment's key.
        environment: Key,
        /// The prefix; empty covers all entries.
        prefix: Box<str>,
    },
}

impl Scope {
    /// Whether the scope is a container, so that also versions whose author had not seen the floor are dead.
    #[must_use]
    pub fn is_container(&self) -> bool {
        !matches!(self, Self::Config { .. })
    }

    /// Whether a register of the same tenant lies in the scope. Floors lie in none: they are what
    /// keeps the dead dead.
    #[must_use]
    pub fn covers(&self, address: &Address) -> bool {
        match (self, address) {
            (_, Address::Floor(_)) => false,
            (Self::Tenant, _) => true,
            (Self::Environment { environment }, _) => address.environment() == Some(environment),
            (Self::Flag { flag }, Address::Flag { flag: f, .. } | Address::FlagIn { flag: f, .. }) => flag == f,
            (Self::Config { environment, prefix }, Address::Config { environment: e, key }) => {
                environment == e && key.as_str().starts_with(&**prefix)
            }
            _ => false,
        }
    }
}

impl Address {
    /// The environment that the register belongs to, where it belongs to one.
    #[must_use]
    pub fn environment(&self) -> Option<&Key> {
        match self {
            Self::Environment { environment }
            | Self::FlagSet { environment }
            | Self::FlagIn { environment, .. }
            | Self::SegmentIn { environment, .. }
            | Self::Config { environment, .. }
            | Self::Rollout { environment, .. }
            | Self::Answer { environment, .. }
            | Self::Floor(Scope::Environment { environment } | Scope::Config { environment, .. }) => Some(environment),
            _ => None,
        }
    }

    /// Whether the register keeps its earlier versions: all do but config entries, floors, kept answers, modules and
    /// tokens (which have none) and the cluster's own.
    #[must_use]
    pub fn keeps_history(&self) -> bool {
        let single = matches!(
            self,
            Self::Config { .. } | Self::Floor(_) | Self::Module { .. } | Self::Token { .. } | Self::Answer { .. }
        );
        !single && !self.is_system()
    }

    /// The first version of the protocol between nodes whose speakers know this kind of register.
    #[must_use]
    pub fn since(&self) -> u8 {
        match self {
            Self::Rollout { .. } | Self::Answer { .. } => 4,
            _ => 0,
        }
    }

    /// Whether the register is one of the cluster's own, which its tenant alone has.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(self, Self::Member { .. } | Self::Forgotten { .. } | Self::Horizon | Self::SessionKey { .. })
    }

    /// Whether the register may be the system's tenant's: its own are nowhere else, tokens are everywhere.
    #[must_use]
    pub fn may_be_of(&self, tenant: &Key) -> bool {
        let system = tenant.as_str() == SYSTEM_TENANT;
        matches!(self, Self::Token { .. }) || self.is_system() == system
    }

    /// Whether a tombstone of the register stands above any value, whatever their stamps: only a token's does.
    #[must_use]
    pub fn is_revocable(&self) -> bool {
        matches!(self, Self::Token { .. })
    }

    /// Whether the register decides who may ask.
    #[must_use]
    pub fn is_of_access(&self) -> bool {
        let container = |scope: &Scope| matches!(scope, Scope::Tenant | Scope::Environment { .. });
        match self {
            Self::Token { .. } | Self::SessionKey { .. } | Self::Environment { .. } | Self::Tenant => true,
            // tokens are for environments, and end with them
            Self::Floor(scope) => container(scope),
            _ => false,
        }
    }

    /// Whether all of the register's heads count as current: only a kill's do.
    #[must_use]
    pub fn keeps_heads(&self) -> bool {
        matches!(self, Self::FlagIn { field: FlagInField::Kill, .. })
    }
}

impl RegisterId {
    /// A register of the cluster's own tenant.
    #[must_use]
    pub fn system(address: Address) -> Self {
        Self { tenant: Key::system_tenant(), address }
    }

    /// A register of a tenant.
    #[must_use]
    pub fn new(tenant: &Key, address: Address) -> Self {
        Self { tenant: tenant.clone(), address }
    }

    /// The tenant's own register.
    #[must_use]
    pub fn tenant(tenant: &Key) -> Self {
        Self::new(tenant, Address::Tenant)
    }

    /// An environment's own register.
    #[must_use]
    pub fn environment(tenant: &Key, environment: &Key) -> Self {
        Self::new(tenant, Address::Environment { environment: environment.clone() })
    }

    /// A shared field of a flag.
    #[must_use]
    pub fn flag(tenant: &Key, flag: &Key, field: FlagField) -> Self {
        Self::new(tenant, Address::Flag { flag: flag.clone(), field })
    }

    /// A field of a flag in an environment.
    #[must_use]
    pub fn flag_in(tenant: &Key, flag: &Key, environment: &Key, field: FlagInField) -> Self {
        Self::new(tenant, Address::FlagIn { flag: flag.clone(), environment: environment.clone(), field })
    }

    /// A config entry.
    #[must_use]
    pub fn config(tenant: &Key, environment: &Key, key: &Key) -> Self {
        Self::new(tenant, Address::Config { environment: environment.clone(), key: key.clone() })
    }

    /// The rollout of a config entry.
    #[must_use]
    pub fn rollout(tenant: &Key, environment: &Key, key: &Key) -> Self {
        Self::new(tenant, Address::Rollout { environment: environment.clone(), key: key.clone() })
    }

    /// What was answered to a write, by the digest of its idempotency key.
    #[must_use]
    pub fn answer(tenant: &Key, environment: &Key, request: Digest) -> Self {
        Self::new(tenant, Address::Answer { environment: environment.clone(), request })
    }

    /// A guest.
    #[must_use]
    pub fn guest(tenant: &Key, guest: &Key) -> Self {
        Self::new(tenant, Address::Guest { guest: guest.clone() })
    }

    /// A module of a guest.
    #[must_use]
    pub fn module(tenant: &Key, guest: &Key, digest: Digest) -> Self {
        Self::new(tenant, Address::Module { guest: guest.clone(), digest })
    }

    /// A token.
    #[must_use]
    pub fn token(tenant: &Key, token: TokenId) -> Self {
        Self::new(tenant, Address::Token { token })
    }

    /// A floor.
    #[must_use]
    pub fn floor(tenant: &Key, scope: Scope) -> Self {
        Self::new(tenant, Address::Floor(scope))
    }

    /// The scopes of the floors that may cover this register, config prefixes aside.
    pub fn containers(&self) -> impl Iterator<Item = Scope> + '_ {
        let flag = match &self.address {
            Address::Flag { flag, .. } | Address::FlagIn { flag, .. } => Some(Scope::Flag { flag: flag.clone() }),
            _ => None,
        };
        let environment = self.address.environment().map(|e| Scope::Environment { environment: e.clone() });
        let any = !matches!(self.address, Address::Floor(_));
        [any.then_some(Scope::Tenant), environment.filter(|_| any), flag].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[test]
    fn scopes_cover_what_they_contain_and_nothing_else() {
        let (t, env, other, flag) = (key("t"), key("prod"), key("dev"), key("f"));
        let kill = RegisterId::flag_in(&t, &flag, &env, FlagInField::Kill).address;
        let name = RegisterId::flag(&t, &flag, FlagField::Name).address;
        let entry = RegisterId::config(&t, &env, &key("a/b")).address;
        let floor = Address::Floor(Scope::Flag { flag: flag.clone() });
        let in_env = Scope::Environment { environment: env.clone() };
        let in_other = Scope::Environment { environment: other };
        let of_flag = Scope::Flag { flag };
        let prefix = |p: &str| Scope::Config { environment: env.clone(), prefix: p.into() };
        assert!(Scope::Tenant.covers(&kill) && in_env.covers(&kill) && of_flag.covers(&kill));
        assert!(of_flag.covers(&name) && !in_env.covers(&name) && !in_other.covers(&kill));
        assert!(prefix("a/").covers(&entry) && prefix("").covers(&entry) && !prefix("b").covers(&entry));
        assert!(!Scope::Tenant.covers(&floor));
    }

    #[test]
    fn the_containers_of_a_register_cover_it() {
        let id = RegisterId::flag_in(&key("t"), &key("f"), &key("e"), FlagInField::State);
        assert_eq!(id.containers().count(), 3);
        assert!(id.containers().all(|scope| scope.covers(&id.address)));
    }
}
