//! Which parts of which snapshots a burst of changes touches.

use std::collections::{HashMap, HashSet};

use burgee_model::{Address, Key, RegisterId};

use super::EnvironmentId;

/// What has to be read again. What a tenant's or an environment's entry covers need not stand elsewhere too.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dirty {
    /// Everything.
    pub(super) all: bool,
    /// Tenants of which the environments, or something that all of them share, changed.
    pub(super) tenants: HashSet<Key>,
    /// Environments whose segments or set changed.
    pub(super) environments: HashSet<EnvironmentId>,
    /// Flags of which something changed, by tenant.
    pub(super) flags: HashMap<Key, HashSet<Key>>,
    /// Config entries that changed, by environment.
    pub(super) config: HashMap<EnvironmentId, HashSet<Key>>,
}

impl Dirty {
    pub(super) fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    pub(super) fn add(&mut self, register: &RegisterId) {
        let tenant = &register.tenant;
        match &register.address {
            Address::Tenant
            | Address::Environment { .. }
            | Address::Segment { .. }
            | Address::Guest { .. }
            | Address::Module { .. } => {
                self.tenants.insert(tenant.clone());
            }
            Address::FlagSet { environment } | Address::SegmentIn { environment, .. } => {
                self.environments.insert((tenant.clone(), environment.clone()));
            }
            Address::Flag { flag, .. } | Address::FlagIn { flag, .. } => {
                self.flags.entry(tenant.clone()).or_default().insert(flag.clone());
            }
            Address::Config { environment, key } => {
                self.config.entry((tenant.clone(), environment.clone())).or_default().insert(key.clone());
            }
            // the registers that a floor killed come as entries of their own
            Address::Floor(_)
            | Address::Member { .. }
            | Address::Forgotten { .. }
            | Address::Horizon
            | Address::Token { .. }
            | Address::SessionKey { .. }
            // rules read the present value alone
            | Address::Rollout { .. }
            | Address::Answer { .. } => {}
        }
    }
}
