//! The manifest API of OpenFeature's command line, version 0: `/openfeature/v0/manifest`, for the environment that the
//! token names, or below `/e/{tenant}/{environment}`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequestParts, RawPathParams, Request},
    middleware::Next,
    response::Response,
};
use burgee_model::{Key, TokenKind};
use burgee_store::WriteScope;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};

use super::{Asked, Reply, shapes, write_flags};
use crate::{
    access,
    admin::{
        Refusal, flag,
        manifest::{self, Place},
    },
    error::ApiError,
    http::{Api, Call, body, conditions::preconditions, query::Params, reply},
    instant,
};

/// What the token that was shown may do here.
const CAPABILITIES: &str = "x-manifest-capabilities";
/// The statuses of the protocol for ours that it does not know.
const STATUSES: [(StatusCode, StatusCode); 2] = [
    (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST),
    // the protocol has no conditions: what would need one cannot be done by it
    (StatusCode::PRECONDITION_REQUIRED, StatusCode::CONFLICT),
];

/// Who asks, about which environment, and about which flag where the path names one.
pub(crate) struct In {
    api: Call,
    place: Place,
    flag: Option<Key>,
}

impl FromRequestParts<Arc<Api>> for In {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let Asked(call) = Asked::from_request_parts(parts, api).await?;
        let params = RawPathParams::from_request_parts(parts, api).await;
        let params = params.map_err(|error| ApiError::InvalidPath(error.to_string()))?;
        let key = |wanted: &str| {
            let text = params.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text);
            let wrong = |error: burgee_model::KeyError| Refusal::invalid("", "invalid_key", error.to_string());
            text.map(|text| Key::new(text).map_err(wrong)).transpose()
        };
        let place = match (key("tenant")?, key("environment")?) {
            (Some(tenant), Some(environment)) => Place { tenant, environment },
            _ => of_token(&call)?,
        };
        Ok(Self { flag: key("key")?, api: call, place })
    }
}

/// The environment that the token names; without login, the one that OFREP takes too.
fn of_token(call: &Call) -> Result<Place, ApiError> {
    let open = call.auth.open_environment.as_ref().filter(|_| call.auth.open).map(|(tenant, key)| (tenant, key));
    let why = "a token of one environment says which one is meant; others ask below `/e/{tenant}/{environment}`";
    let (tenant, environment) =
        call.caller.principal.place().or(open).ok_or_else(|| Refusal::invalid("", "environment_required", why))?;
    access::admit_evaluation(call, &call.caller, tenant, environment)?;
    Ok(Place { tenant: tenant.clone(), environment: environment.clone() })
}

impl In {
    fn flag(&self) -> Result<Key, ApiError> {
        self.flag.clone().ok_or(ApiError::NoRoute)
    }

    fn answer(&self, status: StatusCode, body: &Json) -> Reply {
        let principal = &self.api.caller.principal;
        let may = match (principal.kind.rank() >= TokenKind::Editor.rank(), principal.environments.is_empty()) {
            (false, _) => "read",
            (true, false) => "read,write",
            (true, true) => "read,write,delete",
        };
        let mut response = reply::json(status, body)?;
        response.headers_mut().insert(CAPABILITIES, HeaderValue::from_static(may));
        Ok(response)
    }

    fn shown(&self, status: StatusCode, key: &Key) -> Reply {
        let (flag, changed) = manifest::flag(&self.api.store.read(), self.api.store.now(), &self.place, key)?;
        self.answer(status, &json!({ "flag": flag, "updatedAt": instant::rfc3339(changed) }))
    }

    fn all(&self) -> Reply {
        let flags = manifest::flags(&self.api.store.read(), self.api.store.now(), &self.place)?;
        self.answer(StatusCode::OK, &json!({ "flags": flags }))
    }

    async fn create(self, headers: &HeaderMap, body: Body) -> Reply {
        let request = manifest::read(body::document(headers, body, &self.api).await?, true)?;
        let (place, key) = (self.place.clone(), request.key.clone());
        let (conditions, limits) = (preconditions(headers), self.api.limits.clone());
        let permit = self.api.permit(&conditions);
        let plan = move |table: &_, now| manifest::create(table, now, &place, request, &permit, &conditions, &limits);
        write_flags(&self.api, self.scope(&key), None, plan).await?;
        self.shown(StatusCode::CREATED, &key)
    }

    async fn update(self, headers: &HeaderMap, body: Body) -> Reply {
        let (key, document) = (self.flag()?, body::document(headers, body, &self.api).await?);
        let request = manifest::read(document, false)?;
        if request.key != key {
            return Err(Refusal::invalid("/key", "mismatch", "the keys of path and document differ").into());
        }
        let (place, conditions, limits) = (self.place.clone(), preconditions(headers), self.api.limits.clone());
        let permit = self.api.permit(&conditions);
        let plan = move |table: &_, now| manifest::update(table, now, &place, request, (&permit, &conditions), &limits);
        write_flags(&self.api, self.scope(&key), None, plan).await?;
        self.shown(StatusCode::OK, &key)
    }

    async fn delete(self, headers: &HeaderMap) -> Reply {
        let (key, conditions) = (self.flag()?, preconditions(headers));
        let (tenant, permit, planned) = (self.place.tenant.clone(), self.api.permit(&conditions), key.clone());
        let plan = move |table: &_, now| {
            manifest::refuse_archived(table, now, &tenant, &planned)?;
            permit.flag(table, now, &tenant, &planned)?;
            flag::delete(table, now, &tenant, &planned, &conditions)
        };
        write_flags(&self.api, self.scope(&key), None, plan).await?;
        let message = format!("Flag \"{key}\" deleted.");
        let at = instant::rfc3339(self.api.store.now());
        self.answer(StatusCode::OK, &json!({ "message": message, "archivedAt": at }))
    }

    fn scope(&self, key: &Key) -> WriteScope {
        WriteScope::Flag(self.place.tenant.clone(), key.clone())
    }
}

/// Gives problems the protocol's own shape and statuses, whoever refused.
pub(crate) async fn in_its_shape(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t == "application/problem+json");
    if !is_problem {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // a problem is in memory already, and small
    let problem: Json = match body.collect().await {
        Ok(body) => serde_json::from_slice(&body.to_bytes()).unwrap_or_default(),
        Err(_) => Json::Null,
    };
    let faults = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let known = STATUSES.iter().find(|(ours, _)| *ours == parts.status).map_or(parts.status, |(_, theirs)| *theirs);
    let conflicts = [manifest::TYPE_CHANGED, manifest::ARCHIVED];
    let conflicts = faults.iter().any(|fault| conflicts.iter().any(|code| fault["code"] == *code));
    parts.status = if conflicts { StatusCode::CONFLICT } else { known };
    let detail = |fault: &Json| {
        let field = fault["path"].as_str().unwrap_or_default().trim_start_matches('/').replace('/', ".");
        json!({ "field": field, "code": fault["code"], "message": fault["message"] })
    };
    let details: Vec<Json> = faults.iter().map(detail).collect();
    let error = json!({ "message": problem["detail"], "status": parts.status.as_u16(), "details": details });
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(json!({ "error": error }).to_string()))
}

/// Lists the flags of the environment that the token names, as code generators want them.
#[utoipa::path(get, path = "/openfeature/v0/manifest", tag = "manifest", responses(
    (status = 200, body = shapes::Manifest, headers(("X-Manifest-Capabilities" = String))),
    (status = "default", body = shapes::ManifestProblem)))]
pub(crate) async fn get_manifest(asked: In, _: Params<()>) -> Reply {
    asked.all()
}

/// Lists the flags of an environment, as code generators want them.
#[utoipa::path(get, path = "/e/{tenant}/{environment}/openfeature/v0/manifest", tag = "manifest",
    params(("tenant" = String, Path), ("environment" = String, Path)), responses(
    (status = 200, body = shapes::Manifest, headers(("X-Manifest-Capabilities" = String))),
    (status = "default", body = shapes::ManifestProblem)))]
pub(crate) async fn get_manifest_in(asked: In, _: Params<()>) -> Reply {
    asked.all()
}

/// Creates a flag that is on, with the value by default, in the environment that the token names.
#[utoipa::path(post, path = "/openfeature/v0/manifest/flags", tag = "manifest", request_body = shapes::NewManifestFlag,
    responses((status = 201, body = shapes::ManifestFlagShown, headers(("X-Manifest-Capabilities" = String))),
    (status = "default", body = shapes::ManifestProblem)))]
pub(crate) async fn create_manifest_flag(asked: In, _: Params<()>, headers: HeaderMap, body: Body) -> Reply {
    asked.create(&headers, body).await
}

/// Creates a flag that is on, with the value by default, in an environment.
#[utoipa::path(post, path = "/e/{tenant}/{environment}/openfeature/v0/manifest/flags", tag = "manifest",
    params(("tenant" = String, Path), ("environment" = String, Path)), request_body = shapes::NewManifestFlag,
    responses((status = 201, body = shapes::ManifestFlagShown, headers(("X-Manifest-Capabilities" = String))),
    (status = "default", body = shapes::ManifestProblem)))]
pub(crate) async fn create_manifest_flag_in(asked: In, _: Params<()>, headers: HeaderMap, body: Body) -> Reply {
    asked.create(&headers, body).await
}

/// Changes a flag's name, description, and value by default in the environment that the token names. An absent
/// description clears it.
#[utoipa::path(put, path = "/openfeature/v0/manifest/flags/{key}", tag = "manifest", params(("key" = String, Path)),
    request_body = shapes::ManifestFlagChange, responses(
    (status = 200, body = shapes::ManifestFlagShown, headers(("X-Manifest-Capabilities" = String))),
    (status = "default", body = shapes::ManifestProblem)))]
pub(crate) async fn update_manifest_flag(asked: In, _: Params<()>, headers: HeaderMap, body: Body) -> Reply {
    asked.update(&headers, body).await
}

/// Changes a flag's name, description, and value by default in an environment. An absent description clears it.
#[utoipa::path(put, path = "/e/{tenant}/{environment}/openfeature/v0/manifest/flags/{key}", tag = "manifest",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path)),
    request_body = shapes::ManifestFlagChange, responses(
    (status = 200, body = shapes::ManifestFlagShown, headers(("X-Manifest-Capabilities" = String))),
    (status = "default", body = shapes::ManifestProblem)))]
pub(crate) async fn update_manifest_flag_in(asked: In, _: Params<()>, headers: HeaderMap, body: Body) -> Reply {
    asked.update(&headers, body).await
}

/// Deletes a flag in all environments of the tenant that the token names.
#[utoipa::path(delete, path = "/openfeature/v0/manifest/flags/{key}", tag = "manifest", params(("key" = String, Path)),
    responses((status = 200, body = shapes::ManifestFlagGone, headers(("X-Manifest-Capabilities" = String))),
    (status = "default", body = shapes::ManifestProblem)))]
pub(crate) async fn delete_manifest_flag(asked: In, _: Params<()>, headers: HeaderMap) -> Reply {
    asked.delete(&headers).await
}

/// Deletes a flag in all environments of a tenant.
#[utoipa::path(delete, path = "/e/{tenant}/{environment}/openfeature/v0/manifest/flags/{key}", tag = "manifest",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path)), responses(
    (status = 200, body = shapes::ManifestFlagGone, headers(("X-Manifest-Capabilities" = String))),
    (status = "default", body = shapes::ManifestProblem)))]
pub(crate) async fn delete_manifest_flag_in(asked: In, _: Params<()>, headers: HeaderMap) -> Reply {
    asked.delete(&headers).await
}
