//! `/api/v1/tenants/{tenant}/flags`.

use axum::body::Body;
use burgee_model::{Key, materialise::materialise};
use burgee_store::{FlagRead, WriteScope};
use http::{HeaderMap, StatusCode};
use serde_json::Value as Json;
use utoipa::IntoParams;

use super::{Asked, NoteParams, Reply, RuleView, shapes, write_flags};
use crate::{
    admin::{
        flag,
        flag_document::{self, Tagged},
        tenant,
    },
    error::{ApiError, ProblemDocument},
    http::{
        Call, body,
        conditions::preconditions,
        page::{Filling, Page, take_limit},
        params::Keys,
        query::{FromQuery, Params, Query},
        reply,
    },
};

/// Flags that are looked at before the table is let go for others.
const FLAGS_PER_LOOK: usize = 200;

/// Which flags are wanted.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FlagParams {
    /// A text that key, name, description or a tag must hold, in any case.
    search: Option<String>,
    /// A tag that the flag must have.
    tag: Option<String>,
    /// The most items of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl FromQuery for FlagParams {
    fn take(query: &mut Query) -> Self {
        let (search, tag) = (query.text("search"), query.text("tag"));
        Self { search, tag, limit: take_limit(query), cursor: query.text("cursor") }
    }
}

/// The same, ready to compare with.
struct Wanted {
    search: Option<String>,
    tag: Option<String>,
}

impl Wanted {
    fn holds(&self, key: &Key, read: &FlagRead<'_>) -> bool {
        if self.search.is_none() && self.tag.is_none() {
            return true;
        }
        let (flag, _) = materialise(key, &read.registers);
        let texts = [Some(flag.key.as_str()), flag.name.as_deref(), flag.description.as_deref()];
        let mut texts = texts.into_iter().flatten().chain(flag.tags.iter().map(String::as_str));
        let tagged = self.tag.as_ref().is_none_or(|tag| flag.tags.contains(tag));
        tagged && self.search.as_ref().is_none_or(|search| texts.any(|text| text.to_lowercase().contains(search)))
    }
}

fn show(api: &Call, tenant: &Key, key: &Key) -> Result<Tagged, ApiError> {
    let rules = RuleView::of_tenant(api, tenant);
    let problems = |environment: &Key, flag: &str| rules.problems(environment, flag);
    let sees = |environment: &Key| api.sees(environment);
    Ok(flag_document::flag(&api.store.read(), api.store.now(), tenant, key, &sees, &problems)?)
}

/// Lists a tenant's flags.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/flags", tag = "flags",
    params(("tenant" = String, Path), FlagParams), responses(
    (status = 200, body = shapes::FlagList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_flags(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    Params(params): Params<FlagParams>,
    headers: HeaderMap,
) -> Reply {
    let page = Page::new(params.limit, params.cursor.as_deref())?;
    let wanted = Wanted { search: params.search.map(|text| text.to_lowercase()), tag: params.tag };
    tenant::read(&api.store.read(), api.store.now(), &tenant)?;
    let rules = RuleView::of_tenant(&api, &tenant);
    let (mut filling, mut after) = (Filling::new(&page), page.after);
    while let Some(last) = look(&api, &tenant, after.as_ref(), &wanted, &rules, &mut filling) {
        after = Some(last);
        tokio::task::yield_now().await;
    }
    reply::list(&headers, &filling.finish())
}

/// Takes some flags after a key. Gives the last one looked at; none where the page is full or the list at its end.
fn look(
    api: &Call,
    tenant: &Key,
    after: Option<&Key>,
    wanted: &Wanted,
    rules: &RuleView,
    filling: &mut Filling,
) -> Option<Key> {
    let (table, now) = (api.store.read(), api.store.now());
    let mut environments = flag_document::environments(&table, now, tenant);
    environments.retain(|environment| api.sees(environment));
    let problems = |environment: &Key, flag: &str| rules.problems(environment, flag);
    let mut last = None;
    for (count, key) in table.flags(tenant, now, after).enumerate() {
        if count == FLAGS_PER_LOOK {
            return last;
        }
        last = Some(key.clone());
        let Some(read) = table.flag(tenant, key, now).filter(|read| wanted.holds(key, read)) else { continue };
        let problems = || flag_document::all_problems(&environments, key, &problems);
        if !filling.push(key, || Json::Object(flag_document::item(&environments, key, &read, problems()))) {
            return None;
        }
    }
    None
}

/// Creates a flag, and what it is to be in some environments. It is disabled in all others.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/flags", tag = "flags", params(("tenant" = String, Path)),
    request_body = shapes::NewFlag, responses(
    (status = 201, body = shapes::Flag, headers(("ETag" = String), ("Location" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn create_flag(
    Asked(api): Asked,
    Keys(tenant): Keys<Key>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let mut request = flag::read_create(body::document(&headers, body, &api).await?)?;
    let (key, note) = (request.key.clone(), request.note.take());
    let (planned, limits) = (tenant.clone(), api.limits.clone());
    let conditions = preconditions(&headers);
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        flag::may_create(table, now, &planned, &request, &permit)?;
        flag::create(table, now, &planned, request, &conditions, &limits)
    };
    write_flags(&api, WriteScope::Flag(tenant.clone(), key.clone()), note, plan).await?;
    let found = show(&api, &tenant, &key)?;
    let location = format!("/api/v1/tenants/{}/flags/{}", reply::segment(&tenant), reply::segment(&key));
    reply::created(&location, &found.tag, &Json::Object(found.document))
}

/// Reads a flag with its part in every environment.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/flags/{flag}", tag = "flags",
    params(("tenant" = String, Path), ("flag" = String, Path)), responses(
    (status = 200, body = shapes::Flag, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_flag(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
) -> Reply {
    let found = show(&api, &tenant, &key)?;
    reply::tagged(&headers, &found.tag, &Json::Object(found.document))
}

/// Changes what all environments of a flag share: replaces each named member whole, null clears.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}/flags/{flag}", tag = "flags",
    params(("tenant" = String, Path), ("flag" = String, Path)), request_body = shapes::FlagPatch, responses(
    (status = 200, body = shapes::Flag, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn patch_flag(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let mut patch = flag::read_patch(body::document(&headers, body, &api).await?)?;
    let note = patch.note.take();
    let (planned, conditions, limits) = ((tenant.clone(), key.clone()), preconditions(&headers), api.limits.clone());
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        flag::may_patch(table, now, &planned.0, &planned.1, &patch, &permit)?;
        flag::patch(table, now, &planned.0, &planned.1, patch, &conditions, &limits)
    };
    write_flags(&api, WriteScope::Flag(tenant.clone(), key.clone()), note, plan).await?;
    let found = show(&api, &tenant, &key)?;
    reply::shown(&found.tag, &Json::Object(found.document))
}

/// Deletes a flag in all environments.
#[utoipa::path(delete, path = "/api/v1/tenants/{tenant}/flags/{flag}", tag = "flags",
    params(("tenant" = String, Path), ("flag" = String, Path), NoteParams), responses((status = 204),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn delete_flag(
    Asked(api): Asked,
    Keys((tenant, key)): Keys<(Key, Key)>,
    Params(note): Params<NoteParams>,
    headers: HeaderMap,
) -> Reply {
    let (planned, conditions) = ((tenant.clone(), key.clone()), preconditions(&headers));
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        permit.flag(table, now, &planned.0, &planned.1)?;
        flag::delete(table, now, &planned.0, &planned.1, &conditions)
    };
    write_flags(&api, WriteScope::Flag(tenant, key), note.note, plan).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
