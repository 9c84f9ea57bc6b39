//! The pure core: what a set of versions means.

use std::{collections::BTreeMap, sync::Arc};

use burgee_model::{
    Blob, EnvironmentMeta, Key, Millis, RegisterId, Stamp, TenantMeta, materialise::FlagRegisters,
};
use serde_json::Value as Json;

use crate::Version;

/// All retained versions.
#[derive(Debug, Default)]
pub struct Table {}

/// What a table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Registers, floors aside.
    pub registers: usize,
    /// Registers whose newest version is a tombstone or has expired.
    pub tombstones: usize,
    /// Floors.
    pub floors: usize,
    /// Config entries that are neither deleted nor expired.
    pub config_entries: usize,
    /// Versions, floors included.
    pub versions: usize,
}

/// A flag's registers, as `materialise` wants them.
#[derive(Clone, Debug, Default)]
pub struct FlagRead<'a> {
    /// The values; of environments only those that exist and have something of the flag.
    pub registers: FlagRegisters<'a>,
    /// Every register read, in order, with the stamp of its newest version; a kill with those of all its heads.
    pub stamps: Vec<(RegisterId, Stamp)>,
}

impl Table {
    /// The register's value: none where it is deleted, expired or was never written.
    #[must_use]
    pub fn current(&self, _id: &RegisterId, _now: Millis) -> Option<Arc<Version>> {
        todo!()
    }

    /// The version with the greatest stamp, be it a tombstone or expired.
    #[must_use]
    pub fn latest(&self, _id: &RegisterId) -> Option<Arc<Version>> {
        todo!()
    }

    /// The versions that no other retained version names as a parent, greatest stamp first.
    #[must_use]
    pub fn heads(&self, _id: &RegisterId) -> Vec<Arc<Version>> {
        todo!()
    }

    /// All retained versions, newest first.
    pub fn history(&self, _id: &RegisterId) -> impl Iterator<Item = Arc<Version>> + '_ {
        std::iter::empty()
    }

    /// The versions that a concurrent one overwrote and nobody settled, newest first.
    #[must_use]
    pub fn conflicts(&self, _id: &RegisterId) -> Vec<Arc<Version>> {
        todo!()
    }

    /// The existing tenants after a key.
    pub fn tenants(&self, _now: Millis, _after: Option<&Key>) -> impl Iterator<Item = (&Key, TenantMeta, Stamp)> {
        std::iter::empty()
    }

    /// The existing environments of a tenant.
    pub fn environments(&self, _tenant: &Key, _now: Millis) -> impl Iterator<Item = (&Key, EnvironmentMeta, Stamp)> {
        std::iter::empty()
    }

    /// The existing flags of a tenant after a key.
    pub fn flags(&self, _tenant: &Key, _now: Millis, _after: Option<&Key>) -> impl Iterator<Item = &Key> {
        std::iter::empty()
    }

    /// A flag's registers; none where the flag does not exist.
    #[must_use]
    pub fn flag(&self, _tenant: &Key, _flag: &Key, _now: Millis) -> Option<FlagRead<'_>> {
        todo!()
    }

    /// The segments as they are in an environment: its own rule wins over the tenant's.
    #[must_use]
    pub fn segments(&self, _tenant: &Key, _environment: &Key, _now: Millis) -> BTreeMap<Key, Json> {
        todo!()
    }

    /// What an imported flagd document held beside its flags.
    #[must_use]
    pub fn flag_set(&self, _tenant: &Key, _environment: &Key, _now: Millis) -> Option<&Blob> {
        todo!()
    }

    /// The config entries of an environment whose keys begin with a prefix, after a key, in key order.
    pub fn config<'a>(
        &'a self,
        _tenant: &Key,
        _environment: &Key,
        _prefix: &'a str,
        _after: Option<&Key>,
        _now: Millis,
    ) -> impl Iterator<Item = (&'a Key, Arc<Version>)> + use<'a> {
        std::iter::empty()
    }

    /// What the table holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        todo!()
    }

    /// Whether an environment exists or ever did, as far as this table knows.
    #[must_use]
    pub fn ever_existed(&self, _tenant: &Key, _environment: &Key) -> bool {
        todo!()
    }
}
