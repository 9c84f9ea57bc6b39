//! Writes of the cluster's own registers, as the store takes them.

use std::sync::Arc;

use burgee_model::{Address, Blob, ForgottenMeta, Media, NodeId, RegisterId};
use burgee_store::{Draft, DraftWrite, Request, Stamping, WriteScope};
use serde::Serialize;

use super::SystemWrite;

impl SystemWrite {
    /// The request and the draft that write it, on the node `own`.
    #[must_use]
    pub fn request(&self, own: NodeId) -> (Request, Draft) {
        let (address, content, stamping) = match self {
            Self::Member(entry) => (Address::Member { node: own }, json(entry), Stamping::Local),
            Self::Horizon(stamp) => (Address::Horizon, json(&serde_json::json!({})), Stamping::At(*stamp)),
            Self::Forgotten { node, name } => {
                (Address::Forgotten { node: *node }, json(&ForgottenMeta { name: name.clone() }), Stamping::Local)
            }
        };
        let register = RegisterId::system(address);
        let scope = WriteScope::Tenant(register.tenant.clone());
        let request = Request { scope, actor: Arc::from("burgee"), note: None, stamping };
        (request, Draft::of(vec![DraftWrite::put(register, content)]))
    }
}

/// Writing plain data to memory cannot fail.
fn json(value: &impl Serialize) -> Blob {
    Blob { media: Media::Json, bytes: serde_json::to_vec(value).unwrap_or_default().into() }
}
