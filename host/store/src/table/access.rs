//! Who may ask: tokens, and the keys that sessions are signed with.

use std::{
    ops::Bound::{Included, Unbounded},
    sync::Arc,
};

use burgee_model::{Address, Key, RegisterId, TokenId};

use super::Table;
use crate::Version;

const FIRST: TokenId = TokenId([0; 16]);

impl Table {
    /// Grows with every change of a token or of a key that sessions are signed with, and of tenants and environments,
    /// which tokens and streams are for.
    #[must_use]
    pub fn access_changes(&self) -> u64 {
        self.access
    }

    /// The newest versions of a tenant's tokens, by id; revoked and expired ones too, as long as they are remembered.
    pub fn tokens(&self, tenant: &Key) -> impl Iterator<Item = (TokenId, Arc<Version>)> + use<'_> {
        self.newest_from(tenant, Address::Token { token: FIRST }).map_while(|(address, version)| match address {
            Address::Token { token } => Some((token, version)),
            _ => None,
        })
    }

    /// The same of all tenants, the system's own included.
    pub fn all_tokens(&self) -> impl Iterator<Item = (&Key, TokenId, Arc<Version>)> {
        self.tenants.keys().flat_map(|tenant| self.tokens(tenant).map(move |(token, held)| (tenant, token, held)))
    }

    /// The newest versions of the keys that sessions are signed with, by id.
    pub fn session_keys(&self) -> impl Iterator<Item = (TokenId, Arc<Version>)> + use<'_> {
        let from = Address::SessionKey { key: FIRST };
        self.newest_from(&Key::system_tenant(), from).map_while(|(address, version)| match address {
            Address::SessionKey { key } => Some((key, version)),
            _ => None,
        })
    }

    fn newest_from(&self, tenant: &Key, from: Address) -> impl Iterator<Item = (Address, Arc<Version>)> + use<'_> {
        let (held, tenant) = (self.tenants.get(tenant), tenant.clone());
        let registers = held.into_iter().flat_map(move |held| held.registers.range(Included(&from), Unbounded));
        registers.filter_map(move |(address, register)| {
            let id = RegisterId::new(&tenant, address);
            let version = register.versions(&id).next()?;
            Some((id.address, version))
        })
    }
}
