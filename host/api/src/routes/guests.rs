//! `/api/v1/tenants/{tenant}/guests`: code that the tenant wrote.

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request},
};
use burgee_engine::guest::{GuestFault, Guests, ModuleError, Prepared};
use burgee_model::{GuestMeta, Key};
use burgee_store::WriteScope;
use bytes::Bytes;
use http::{HeaderMap, header};
use tokio::sync::oneshot;

use super::{Asked, NoteParams, Reply, deleted, listed, shapes, write_flags};
use crate::{
    admin::{
        Refusal,
        fixture::{self, Fixture},
        guest::{self, Found},
        tenant,
    },
    error::{ApiError, ProblemDocument},
    http::{
        Api, Call, Turn, body, budget::BodyShare, conditions::preconditions, page::PageParams, params::Keys,
        query::Params, reply,
    },
};

/// What an upload brings.
struct Upload {
    module: Bytes,
    fixtures: Vec<Fixture>,
    /// What it counts by.
    _held: BodyShare,
}

fn show(api: &Api, tenant: &Key, key: &Key) -> Result<Found, ApiError> {
    Ok(guest::read(&api.store.read(), api.store.now(), tenant, key)?)
}

/// Lists a tenant's guests.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/guests", tag = "guests",
    params(("tenant" = String, Path), PageParams), responses(
    (status = 200, body = shapes::GuestList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_guests(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Reply {
    listed(&api, params, &headers, |table, now, page, filling| {
        tenant::read(table, now, &tenant)?;
        for key in table.guests(&tenant, now, page.after.as_ref()) {
            let Ok(found) = guest::read(table, now, &tenant, key) else { continue };
            if !filling.push(key, || found.document(key)) {
                break;
            }
        }
        Ok(())
    })
}

/// Tells what is known of a guest.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/guests/{guest}", tag = "guests",
    params(("tenant" = String, Path), ("guest" = String, Path)), responses(
    (status = 200, body = shapes::Guest, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_guest(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
) -> Reply {
    let found = show(&api, &tenant, &key)?;
    reply::tagged(&headers, &found.tag(), &found.document(&key))
}

/// Uploads a guest, or its next version: a component, or a core module built against the world, either alone
/// or as the part `module` with a part `fixtures`, a JSON list of `{context, expected, arguments?, config?,
/// flag?, timestamp?}`. It goes live once all fixtures have given what they should.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/guests/{guest}", tag = "guests",
    params(("tenant" = String, Path), ("guest" = String, Path), NoteParams),
    request_body(content(([u8] = "application/wasm"), (shapes::GuestUpload = "multipart/form-data"))), responses(
    (status = 200, body = shapes::Guest, headers(("ETag" = String))),
    (status = 201, body = shapes::Guest, headers(("ETag" = String), ("Location" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn put_guest(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    Params(note): Params<NoteParams>,
    request: Request,
) -> Reply {
    let (note, conditions) = (note.note, preconditions(request.headers()));
    api.require_writable().inspect_err(|error| api.refused.count(error.class().1))?;
    // whoever waits holds no body in memory
    let turn = match api.uploads.take(&tenant).await {
        Ok(turn) => turn,
        Err(refused) => {
            body::discard(request.into_body()).await;
            return Err(refused);
        }
    };
    let upload = read_upload(&api, request).await?;
    guest::may_put(&api.store.read(), api.store.now(), &tenant, &key, &conditions, &api.limits)?;
    let fixtures = upload.fixtures.len();
    let prepared = prepare(&api, &tenant, &key, upload, turn).await?;
    let meta = GuestMeta { digest: prepared.digest, bytes: prepared.component.len(), fixtures };
    let (planned, limits) = ((tenant.clone(), key.clone()), api.limits.clone());
    let (tell, told) = oneshot::channel();
    let plan = move |table: &_, now| {
        guest::may_put(table, now, &planned.0, &planned.1, &conditions, &limits)?;
        // without a receiver nobody wants to know
        let _ = tell.send(guest::read(table, now, &planned.0, &planned.1).is_err());
        Ok(guest::plan_put(table, &planned.0, &planned.1, &meta, &prepared.component))
    };
    write_flags(&api, WriteScope::Tenant(tenant.clone()), note, plan).await?;
    let found = show(&api, &tenant, &key)?;
    if told.await.unwrap_or(false) {
        let location = format!("/api/v1/tenants/{}/guests/{}", reply::segment(&tenant), reply::segment(&key));
        return reply::created(&location, &found.tag(), &found.document(&key));
    }
    reply::shown(&found.tag(), &found.document(&key))
}

/// Deletes a guest. Rules that call it then find none.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/guests/{guest}", tag = "guests",
    params(("tenant" = String, Path), ("guest" = String, Path), NoteParams), responses((status = 204),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn delete_guest(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    Params(note): Params<NoteParams>,
    headers: HeaderMap,
) -> Reply {
    let (planned, conditions) = ((tenant.clone(), key), preconditions(&headers));
    let plan = move |table: &_, now| guest::plan_delete(table, now, &planned.0, &planned.1, &conditions);
    deleted(&api, tenant, note, plan).await
}

async fn read_upload(api: &Call, request: Request) -> Result<Upload, ApiError> {
    let max = api.limits.guest_bytes;
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/wasm" => {
            let (module, held) = body::read(api, request.into_body(), max).await?.into_parts();
            Ok(Upload { module, fixtures: Vec::new(), _held: held })
        }
        "multipart/form-data" => read_parts(api, request).await,
        _ => Err(ApiError::MediaType("application/wasm or multipart/form-data")),
    }
}

/// The whole body is read first, within its limit, so that it is read to its end also where it is refused.
async fn read_parts(api: &Call, request: Request) -> Result<Upload, ApiError> {
    let limits = &api.limits;
    let (parts, whole) = request.into_parts();
    let max = limits.guest_bytes.saturating_add(limits.body_bytes);
    let (whole, held) = body::read(api, whole, max).await?.into_parts();
    let broken = |error: &dyn std::fmt::Display| {
        ApiError::from(Refusal::invalid("", "invalid_parts", format!("the parts cannot be read: {error}")))
    };
    let request = Request::from_parts(parts, Body::from(whole));
    let mut parts = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
    let (mut module, mut fixtures) = (None, Vec::new());
    while let Some(part) = parts.next_field().await.map_err(|error| broken(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|error| broken(&error))?;
        match name.as_str() {
            "module" if bytes.len() > limits.guest_bytes => {
                return Err(ApiError::BodyTooLarge { max: limits.guest_bytes });
            }
            "module" => module = Some(bytes),
            "fixtures" => fixtures = fixture::read(&bytes, body::bounds(limits), limits)?,
            _ => return Err(broken(&format_args!("there is no part `{name}`, but `module` and `fixtures`"))),
        }
    }
    let module = module.ok_or_else(|| Refusal::invalid("/module", "missing", "the part `module` is missing"))?;
    Ok(Upload { module, fixtures, _held: held })
}

/// Compiles an upload and tries its fixtures, on a thread that may block. The turn lasts until that is done, whether
/// anybody still waits for it or not.
async fn prepare(api: &Api, tenant: &Key, key: &Key, upload: Upload, turn: Turn) -> Result<Prepared, ApiError> {
    let (guests, tenant, key) = (api.guests.clone(), tenant.clone(), key.clone());
    let work = move || {
        let prepared = guests.prepare(&tenant, key.as_str(), &upload.module).map_err(|error| refuse(&error))?;
        match upload.fixtures.is_empty() {
            true => try_start(&guests, &prepared, &tenant, &key)?,
            false => fixture::check(&guests, &prepared, &tenant, &key, &upload.fixtures)?,
        }
        drop(turn);
        Ok(prepared)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ApiError::Internal(error.to_string()))?
}

/// Refuses what can never be called, for no instance of it can be made.
fn try_start(guests: &Guests, prepared: &Prepared, tenant: &Key, key: &Key) -> Result<(), ApiError> {
    guests.try_start(prepared, tenant, key.as_str()).map_err(|fault| match fault {
        GuestFault::Busy => ApiError::Overloaded,
        fault => {
            let message = format!("no instance of the module can be made: {fault} ({})", fault.kind());
            Refusal::invalid("/module", "guest_does_not_start", message).into()
        }
    })
}

fn refuse(error: &ModuleError) -> ApiError {
    let code = match error {
        ModuleError::Busy => return ApiError::Overloaded,
        ModuleError::Import(_) => "forbidden_import",
        ModuleError::World(_) => "wrong_world",
        ModuleError::TooLarge { .. } => "too_complex",
        ModuleError::NotWasm(_) | ModuleError::Invalid(_) => "invalid_module",
    };
    Refusal::invalid("/module", code, error.to_string()).into()
}
