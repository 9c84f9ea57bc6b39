//! `/api/v1/tenants/{tenant}/conflicts`.

use axum::body::Body;
use burgee_model::{Key, RegisterId};
use burgee_store::Table;
use http::HeaderMap;
use serde_json::Value as Json;

use super::{
    Asked, Reply,
    history::{rewrite, sees, settle_rest, settled},
    shapes,
};
use crate::{
    admin::{
        Refusal,
        address::Named,
        conflict,
        members::{Members, TEXT_BYTES_MAX},
    },
    error::ProblemDocument,
    http::{
        body,
        conditions::preconditions,
        page::{Filling, Page, PageParams},
        params::Keys,
        query::Params,
        reply,
    },
};

/// Lists the writes that a concurrent one overwrote and that nobody settled, by register.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/conflicts", tag = "history",
    params(("tenant" = String, Path), PageParams), responses(
    (status = 200, body = shapes::ConflictList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_conflicts(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Reply {
    let page = Page::try_from(params)?;
    let mut filling = Filling::new(&page);
    {
        let table = api.store.read();
        for found in conflict::list(&table, api.store.now(), &tenant, page.after.as_ref())? {
            if !sees(&api, &found.register) {
                continue;
            }
            if !filling.push(&found.register.address, || found.document()) {
                break;
            }
        }
    }
    reply::list(&headers, &filling.finish())
}

/// Settles a conflict in favour of what stands. A version names seven losers, so one of more is settled by
/// several, at most 16; `losersLeft` says how many still stand then.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/conflicts/dismiss", tag = "history",
    params(("tenant" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = shapes::DismissRequest, responses(
    (status = 200, body = shapes::Settled, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn dismiss_conflict(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let (id, note) = read_dismiss(body::document(&headers, body, &api).await?, &tenant)?;
    let (planned, conditions) = (id.clone(), preconditions(&headers));
    let permit = api.permit(&conditions);
    let plan = move |table: &Table, now| {
        permit.register(table, now, &planned)?;
        conflict::dismiss(table, now, &planned, &conditions)
    };
    let written = rewrite(&api, &id, note.clone(), plan).await?;
    let written = settle_rest(&api, &id, note, written).await?;
    settled(&api, written)
}

fn read_dismiss(document: Json, tenant: &Key) -> Result<(RegisterId, Option<String>), Refusal> {
    let mut members = Members::root(document)?;
    let named = Named::take(&mut members);
    let note = members.text("note", TEXT_BYTES_MAX).value();
    members.finish()?;
    let named = named.ok_or_else(|| Refusal::Invalid(Vec::new()))?;
    Ok((named.id(tenant)?, note))
}
