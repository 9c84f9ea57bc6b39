//! Guests of a few tenants, in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use burgee_engine::guest::{Entry, GuestCall, GuestConfig, GuestFault, Guests, Modules};
use burgee_model::{Context, Digest, Key, Limits, Value};
use bytes::Bytes;

/// The modules of all tenants.
#[derive(Default)]
struct Shelf(Mutex<HashMap<Digest, Bytes>>);

impl Modules for Shelf {
    fn module(&self, _tenant: &Key, _guest: &str, digest: &Digest) -> Option<Bytes> {
        self.0.lock().unwrap().get(digest).cloned()
    }

    fn config(&self, _: &Key, _: &Key, _: &str) -> Entry {
        Entry::default()
    }
}

/// A node's guests, and their modules.
#[derive(Clone)]
pub(super) struct Node {
    shelf: Arc<Shelf>,
    pub(super) guests: Arc<Guests>,
}

/// A guest that is live.
#[derive(Clone)]
pub(super) struct Live {
    tenant: Key,
    name: &'static str,
    digest: Digest,
}

impl Live {
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }
}

pub(super) fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

impl Node {
    pub(super) fn new() -> Self {
        Self::with(GuestConfig::default())
    }

    pub(super) fn with(config: GuestConfig) -> Self {
        let shelf = Arc::new(Shelf::default());
        Self { guests: Guests::new(config, shelf.clone()).unwrap(), shelf }
    }

    /// Another node with the same modules, none of which it has compiled.
    pub(super) fn restarted(&self, config: GuestConfig) -> Self {
        Self { guests: Guests::new(config, self.shelf.clone()).unwrap(), shelf: self.shelf.clone() }
    }

    /// Uploads a guest.
    pub(super) fn put(&self, tenant: &str, name: &'static str, module: &[u8]) -> Live {
        let tenant = Key::new(tenant).unwrap();
        let prepared = self.guests.prepare(&tenant, name, module).unwrap();
        self.shelf.0.lock().unwrap().insert(prepared.digest, prepared.component);
        Live { tenant, name, digest: prepared.digest }
    }

    /// Empties the replica.
    pub(super) fn lose_all(&self) {
        self.shelf.0.lock().unwrap().clear();
    }

    /// Calls a guest with a context and arguments, JSON both.
    pub(super) fn ask(&self, guest: &Live, context: &str, arguments: &str) -> Result<Value, GuestFault> {
        self.ask_with(guest, context, arguments, &|_| Value::Null)
    }

    pub(super) fn ask_with(
        &self,
        guest: &Live,
        context: &str,
        arguments: &str,
        config: &dyn Fn(&str) -> Value,
    ) -> Result<Value, GuestFault> {
        self.ask_entries(guest, context, arguments, &|key| Entry::from(config(key)))
    }

    pub(super) fn ask_entries(
        &self,
        guest: &Live,
        context: &str,
        arguments: &str,
        config: &dyn Fn(&str) -> Entry,
    ) -> Result<Value, GuestFault> {
        let context = Context::new(value(context), &Limits::default()).unwrap();
        let Value::List(arguments) = value(arguments) else { panic!("a list") };
        self.guests.call(&GuestCall {
            tenant: &guest.tenant,
            guest: guest.name,
            digest: guest.digest.0,
            flag: "flag",
            timestamp_seconds: 1_700_000_000,
            context: &context,
            arguments: &arguments,
            config,
        })
    }

    /// Has a guest compiled.
    pub(super) fn warm(&self, guest: &Live) {
        self.guests.warm(&guest.tenant, guest.name, guest.digest.0);
    }

    /// Calls a guest with nothing.
    pub(super) fn call(&self, guest: &Live) -> Result<Value, GuestFault> {
        self.ask(guest, "{}", "[]")
    }

    /// How often a kind of fault was counted.
    pub(super) fn faults(&self, fault: GuestFault) -> u64 {
        self.guests.faults().into_iter().find(|faults| faults.kind == fault.kind()).unwrap().count
    }
}
