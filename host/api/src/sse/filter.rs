//! Which changes a stream shows.

use burgee_model::{Address, Key, RegisterId};
use burgee_store::FeedEntry;
use utoipa::ToSchema;

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Kind {
    Flag,
    Config,
    Segment,
    Environment,
    Tenant,
    Guest,
}

impl Kind {
    /// What requests call them.
    pub(crate) const NAMES: [&'static str; 5] = ["flag", "config", "segment", "environment", "tenant"];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let kinds = [Self::Flag, Self::Config, Self::Segment, Self::Environment, Self::Tenant];
        Self::NAMES.into_iter().zip(kinds).find(|(known, _)| *known == name).map(|(_, kind)| kind)
    }
}

/// The changes that a stream shows.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) tenant: Key,
    /// Only what belongs to these environments, or to all of the tenant's; empty is any.
    pub(crate) environments: Box<[Key]>,
    pub(crate) kind: Option<Kind>,
    /// What the key of the changed thing begins with.
    pub(crate) prefix: String,
}

impl Filter {
    pub(crate) fn wants(&self, entry: &FeedEntry) -> bool {
        // a version that lost changes nothing, but that each head of a kill switch counts
        (entry.current || entry.register.address.keeps_heads()) && self.wants_register(&entry.register)
    }

    /// Whether what happens to a register is wanted.
    pub(crate) fn wants_register(&self, id: &RegisterId) -> bool {
        id.tenant == self.tenant && self.wants_address(&id.address)
    }

    fn wants_address(&self, address: &Address) -> bool {
        let Some((kind, key)) = subject(address, &self.tenant) else { return false };
        let wanted = |found: &Key| self.environments.is_empty() || self.environments.contains(found);
        let here = address.environment().is_none_or(wanted);
        here && self.kind.is_none_or(|wanted| wanted == kind) && key.as_str().starts_with(&self.prefix)
    }
}

/// What a register is a part of. Floors are nothing by themselves: what dies by them is fed too; nor are modules.
fn subject<'a>(address: &'a Address, tenant: &'a Key) -> Option<(Kind, &'a Key)> {
    Some(match address {
        Address::Tenant => (Kind::Tenant, tenant),
        Address::Environment { environment } | Address::FlagSet { environment } => (Kind::Environment, environment),
        Address::Flag { flag, .. } | Address::FlagIn { flag, .. } => (Kind::Flag, flag),
        Address::Segment { segment } | Address::SegmentIn { segment, .. } => (Kind::Segment, segment),
        Address::Config { key, .. } | Address::Rollout { key, .. } => (Kind::Config, key),
        Address::Guest { guest } => (Kind::Guest, guest),
        Address::Floor(_)
        | Address::Module { .. }
        | Address::Member { .. }
        | Address::Forgotten { .. }
        | Address::Horizon
        | Address::Token { .. }
        | Address::SessionKey { .. }
        | Address::Answer { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use burgee_model::{FlagField, FlagInField};

    use super::*;

    #[test]
    fn an_environment_sees_its_own_and_what_it_shares() {
        let [tenant, prod, dev, flag, entry] =
            ["t", "prod", "dev", "web/f", "app/x"].map(|text| Key::new(text).unwrap());
        let filter = |kind, prefix: &str| Filter {
            tenant: tenant.clone(),
            environments: [prod.clone()].into(),
            kind,
            prefix: prefix.into(),
        };
        let name = RegisterId::flag(&tenant, &flag, FlagField::Name).address;
        let here = RegisterId::flag_in(&tenant, &flag, &prod, FlagInField::State).address;
        let there = RegisterId::flag_in(&tenant, &flag, &dev, FlagInField::State).address;
        let config = RegisterId::config(&tenant, &prod, &entry).address;
        let all = filter(None, "");
        assert!(all.wants_address(&name) && all.wants_address(&here) && all.wants_address(&config));
        assert!(!all.wants_address(&there));
        assert!(!filter(Some(Kind::Flag), "").wants_address(&config));
        assert!(filter(Some(Kind::Config), "app/").wants_address(&config));
        assert!(!filter(Some(Kind::Config), "web/").wants_address(&config));
    }
}
