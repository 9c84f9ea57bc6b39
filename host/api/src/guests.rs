//! Where guests find their modules: in the replica.

use burgee_engine::guest::{Entry, Modules};
use burgee_model::{Blob, Digest, Key, RegisterId};
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

    fn config(&self, tenant: &Key, environment: &Key, key: &str) -> Entry {
        let find = || {
            let id = RegisterId::config(tenant, environment, &Key::new(key).ok()?);
            self.0.read().current(&id, self.0.now())
        };
        // the table is let go before what may be a mebibyte is read
        let Some(version) = find() else { return Entry::default() };
        let blob = version.content.as_ref();
        let value = blob.and_then(Blob::value).unwrap_or_default();
        Entry { value, bytes: blob.map_or(0, |blob| blob.bytes.len()) }
    }
}
