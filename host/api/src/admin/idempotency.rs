//! Writes that may come again: what was answered is kept beside what was written, in the same change, so that a
//! request with the same key is answered the same and not carried out twice.
//!
//! A refusal changes nothing and is not kept. Two nodes that have not heard of each other yet both carry the request
//! out: what stands then is what merging makes of two writes, and so is the answer that is kept.

use std::sync::Arc;

use burgee_model::{Blob, Digest, KeptAnswer, Key, Limits, Millis, RegisterId};
use burgee_store::{Draft, DraftWrite, Last, Table, Version};
use serde_json::Value as Json;

use super::Refusal;

/// Where faults of a key are shown.
pub const PLACE: &str = "/Idempotency-Key";

/// For how long an answer is kept, in milliseconds of cluster time.
pub const KEPT_MS: Millis = 24 * 3600 * 1000;

/// The most bytes of a key.
pub const KEY_BYTES_MAX: usize = 255;

/// Checks an idempotency key; the error says what is wrong with it.
///
/// # Errors
/// A key that is empty, too long, or holds more than printable ASCII.
pub fn check_key(key: &[u8]) -> Result<(), String> {
    match key {
        [] => Err("an idempotency key is not empty".to_owned()),
        key if key.len() > KEY_BYTES_MAX => Err(format!("an idempotency key has at most {KEY_BYTES_MAX} bytes")),
        key if !key.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
            Err("an idempotency key is of printable ASCII characters".to_owned())
        }
        _ => Ok(()),
    }
}

/// What a write answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The entity tag, without quotes.
    pub tag: Option<String>,
    /// The JSON body.
    pub body: Option<Json>,
}

/// Makes the answer of a change's versions, floors first.
pub type Make = Arc<dyn Fn(&[Arc<Version>]) -> Answer + Send + Sync>;

/// A write that bears a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    tenant: Key,
    register: RegisterId,
    request: Digest,
}

impl Keyed {
    /// Of an environment, by the digests of the key and of the request.
    #[must_use]
    pub fn new(tenant: &Key, environment: &Key, key: Digest, request: Digest) -> Self {
        Self { tenant: tenant.clone(), register: RegisterId::answer(tenant, environment, key), request }
    }

    /// The tenant whose key it is.
    #[must_use]
    pub fn tenant(&self) -> &Key {
        &self.tenant
    }

    /// What was answered when the request came before; refuses where another request bore the key.
    pub fn kept(&self, table: &Table, now: Millis) -> Result<Option<Answer>, Refusal> {
        let Some(version) = table.current(&self.register, now) else { return Ok(None) };
        // what is no answer is none that a request could be told again
        let Some(kept) = version.content.as_ref().and_then(|blob| blob.read::<KeptAnswer>()) else { return Ok(None) };
        if kept.request != self.request {
            let message = "another request bore this key within the last 24 hours";
            return Err(Refusal::invalid(PLACE, "idempotency_key_reused", message));
        }
        Ok(Some(Answer { status: kept.status, tag: kept.tag, body: kept.body }))
    }

    /// Has the answer to a change kept with it.
    pub fn keep(
        &self,
        draft: Draft,
        table: &Table,
        now: Millis,
        limits: &Limits,
        make: Make,
    ) -> Result<Draft, Refusal> {
        if !table.all_speak(self.register.address.since()) {
            return Err(Refusal::Upgrading("idempotency keys"));
        }
        let max = limits.idempotency_keys_per_tenant;
        if !table.has_fewer_answers(&self.tenant, max, now) {
            let message = format!("a tenant has at most {max} idempotency keys in 24 hours");
            return Err(Refusal::invalid(PLACE, "too_many_idempotency_keys", message));
        }
        let (register, request) = (self.register.clone(), self.request);
        let last = Last::new(move |versions| {
            let Answer { status, tag, body } = make(versions);
            let content = Blob::of(&KeptAnswer { request, status, tag, body })?;
            let expires_at = Some(now.saturating_add(KEPT_MS));
            Some(DraftWrite { expires_at, ..DraftWrite::put(register.clone(), content) })
        });
        Ok(Draft { last: Some(last), ..draft })
    }
}
