//! Where guests find their modules: in the replica.

use burgee_engine::guest::Modules;
use burgee_model::{Digest, Key, RegisterId, Value};
use burgee_store::Store;
use bytes::Bytes;

/// The modules of a replica.
#[derive(Clone)]
pub struct StoredModules(pub Store);

impl Modules for StoredModules {
    fn module(&self, tenant: &Key, guest: &str, digest: &Digest) -> Option<Bytes> {
        let id = RegisterId::module(tenant, &Key::new(guest).ok()?, *digest);
        let version = self.0.read().current(&id, self.0.now())?;
        version.content.as_ref().map(|blob| blob.bytes.clone())
    }

    fn config(&self, tenant: &Key, environment: &Key, key: &str) -> Value {
        let read = || {
            let id = RegisterId::config(tenant, environment, &Key::new(key).ok()?);
            self.0.read().current(&id, self.0.now())?.content.as_ref()?.value()
        };
        read().unwrap_or_default()
    }
}
