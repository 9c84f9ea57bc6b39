//! `/api/v1/tenants/{tenant}/flags/{flag}/environments/{environment}`.

use axum::body::Body;
use burgee_model::Key;
use burgee_store::WriteScope;
use http::HeaderMap;
use serde_json::Value as Json;

use super::{Asked, Reply, RuleView, shapes, write_flags};
use crate::{
    admin::{
        flag_document::{self, Tagged},
        flag_in::{self, Place},
    },
    error::{ApiError, ProblemDocument},
    http::{Api, body, conditions::preconditions, params::Keys, query::Params, reply},
};

fn show(api: &Api, place: &Place) -> Result<Tagged, ApiError> {
    let rules = RuleView::of_environment(api, &place.tenant, &place.environment);
    let problems = |environment: &Key, flag: &str| rules.problems(environment, flag);
    Ok(flag_document::flag_in(&api.store.read(), api.store.now(), place, &problems)?)
}

/// Reads what a flag is in an environment.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/flags/{flag}/environments/{environment}", tag = "flags",
    params(("tenant" = String, Path), ("flag" = String, Path), ("environment" = String, Path)), responses(
    (status = 200, body = shapes::FlagIn, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_flag_in(
    Asked(api): Asked,
    Keys((tenant, flag, environment)): Keys<(Key, Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
) -> Reply {
    let found = show(&api, &Place { tenant, flag, environment })?;
    reply::tagged(&headers, &found.tag, &Json::Object(found.document))
}

/// Changes a flag in an environment: replaces each named member whole, null clears. `kill` is touched by
/// nothing but `kill`.
#[utoipa::path(patch, path = "/api/v1/tenants/{tenant}/flags/{flag}/environments/{environment}", tag = "flags",
    params(("tenant" = String, Path), ("flag" = String, Path), ("environment" = String, Path)),
    request_body = shapes::FlagInPatch, responses(
    (status = 200, body = shapes::FlagIn, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn patch_flag_in(
    Asked(api): Asked,
    Keys((tenant, flag, environment)): Keys<(Key, Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let request = flag_in::read_patch(body::document(&headers, body, &api).await?)?;
    let place = Place { tenant, flag, environment };
    let (planned, conditions, limits) = (place.clone(), preconditions(&headers), api.limits.clone());
    let scope = WriteScope::Flag(place.tenant.clone(), place.flag.clone());
    let permit = api.permit(&conditions);
    let plan = move |table: &_, now| {
        flag_in::may_patch(table, now, &planned, &request.patch, &permit)?;
        flag_in::patch(table, now, &planned, request.patch, &conditions, &limits)
    };
    write_flags(&api, scope, request.note, plan).await?;
    let found = show(&api, &place)?;
    reply::shown(&found.tag, &Json::Object(found.document))
}
