//! Writes that clients may send again: with an idempotency key they are carried out once, and answered the same.

use std::sync::Arc;

use axum::response::Response;
use burgee_model::Millis;
use burgee_store::{Draft, Receipt, Table, Version, WriteScope};
use http::{HeaderValue, StatusCode};
use tokio::sync::oneshot;

use super::write;
use crate::{
    admin::{
        Refusal,
        idempotency::{Answer, Keyed, Make},
    },
    error::ApiError,
    http::{Call, idempotency::REPLAYED, reply},
};

/// How a request's change is asked for: where, why, and by which key.
pub(super) struct Asked {
    pub(super) scope: WriteScope,
    pub(super) note: Option<String>,
    pub(super) keyed: Option<Keyed>,
}

/// What a plan came to.
enum Told {
    /// It was planned; this makes its answer.
    Made(Make),
    /// It had been carried out before.
    Kept(Answer),
}

/// Writes a change, or finds that it was written before. `admit` says whether the caller may; `plan` gives the change
/// and what makes its answer of the versions written.
pub(super) async fn write_once<A, P, M>(
    api: &Call,
    asked: Asked,
    admit: A,
    plan: P,
) -> Result<(Receipt, Response), ApiError>
where
    A: FnOnce(&Table, Millis) -> Result<(), Refusal> + Send + 'static,
    P: FnOnce(&Table, Millis) -> Result<(Draft, M), Refusal> + Send + 'static,
    M: Fn(&[Arc<Version>]) -> Answer + Send + Sync + 'static,
{
    let Asked { scope, note, keyed } = asked;
    // two requests with one key must see each other, whatever else they write
    let scope = keyed.as_ref().map_or(scope, |keyed| WriteScope::Tenant(keyed.tenant().clone()));
    let limits = api.limits.clone();
    let (tell, told) = oneshot::channel();
    let planned = move |table: &Table, now: Millis| {
        admit(table, now)?;
        let kept = keyed.as_ref().map(|keyed| keyed.kept(table, now)).transpose()?.flatten();
        // without a receiver nobody wants to know
        if let Some(kept) = kept {
            let _ = tell.send(Told::Kept(kept));
            return Ok(Draft::default());
        }
        let (draft, make) = plan(table, now)?;
        let make: Make = Arc::new(make);
        let _ = tell.send(Told::Made(make.clone()));
        match keyed {
            Some(keyed) => keyed.keep(draft, table, now, &limits, make),
            None => Ok(draft),
        }
    };
    let receipt = write(api, scope, note, planned).await?;
    let response = match told.await {
        Ok(Told::Made(make)) => response(&make(&receipt.versions))?,
        Ok(Told::Kept(kept)) => replayed(&kept)?,
        Err(_) => return Err(ApiError::Internal("a write was planned and not told of".into())),
    };
    Ok((receipt, response))
}

/// The tag of what a change wrote first.
pub(super) fn tag_of(versions: &[Arc<Version>]) -> Option<String> {
    versions.first().map(|version| version.stamp.to_string())
}

fn replayed(kept: &Answer) -> Result<Response, ApiError> {
    let mut response = response(kept)?;
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn response(answer: &Answer) -> Result<Response, ApiError> {
    let status = StatusCode::from_u16(answer.status).map_err(|error| ApiError::Internal(error.to_string()))?;
    let response = match &answer.body {
        Some(body) => reply::json(status, body)?,
        None => reply::empty(status),
    };
    Ok(match &answer.tag {
        Some(tag) => reply::with_tag(response, tag),
        None => response,
    })
}
