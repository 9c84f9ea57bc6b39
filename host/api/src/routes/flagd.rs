//! `/api/v1/tenants/{tenant}/environments/{environment}/flagd.json`.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use burgee_model::{
    Bucketing, Format, Key, Limits, Problem,
    flagd::{self as document, Document},
    import::Plan,
    yaml,
};
use burgee_store::{Draft, DraftWrite, WriteScope};
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;
use utoipa::IntoParams;

use super::{Asked, Reply, shapes, write_flags};
use crate::{
    admin::{
        address::Register,
        flagd::{self, Import},
        permit::Permit,
    },
    error::{ApiError, ProblemDocument},
    http::{
        Call, body,
        conditions::{has_already, preconditions},
        params::Keys,
        query::{FromQuery, Params, Query},
        reply,
    },
};

/// How a document is imported.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ImportParams {
    /// Says what would change, and changes nothing.
    dry_run: Option<bool>,
    /// Takes flags that are configured here but not in the document out of the environment.
    prune: Option<bool>,
    /// How the document is written; `Content-Type` says so too.
    #[param(inline, value_type = Option<shapes::DocumentFormat>)]
    format: Option<Format>,
}

impl FromQuery for ImportParams {
    fn take(query: &mut Query) -> Self {
        Self { dry_run: query.boolean("dryRun"), prune: query.boolean("prune"), format: query.format() }
    }
}

/// How a document is exported.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// How the document is to be written; as JSON unless another is named.
    #[param(inline, value_type = Option<shapes::DocumentFormat>)]
    format: Option<Format>,
}

impl FromQuery for ExportParams {
    fn take(query: &mut Query) -> Self {
        Self { format: query.format() }
    }
}

/// Reads the environment as a flagd document: what is configured there. A killed flag is DISABLED in it.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments/{environment}/flagd.json", tag = "flagd",
    params(("tenant" = String, Path), ("environment" = String, Path), ExportParams), responses(
    (status = 200, content((Object = "application/json"), (Object = "application/yaml")), headers(("ETag" = String))),
    (status = 304),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_flagd(
    Asked(api): Asked,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    Params(params): Params<ExportParams>,
    headers: HeaderMap,
) -> Reply {
    let format = params.format.unwrap_or_default();
    let (found, tag) = {
        let (table, now) = (api.store.read(), api.store.now());
        crate::admin::environment::read(&table, now, &tenant, &environment)?;
        let tag = tag_in(flagd::tag(&table, now, &tenant, &environment), format);
        if has_already(&headers, &tag) {
            return Ok(reply::with_tag(reply::empty(StatusCode::NOT_MODIFIED), &tag));
        }
        (flagd::export(&table, now, &tenant, &environment, &api.limits)?, tag)
    };
    Ok(reply::with_tag(written(&Json::Object(found), format)?, &tag))
}

/// The tag of one way to write the document: bytes that differ have tags that do. Conditions of writes are about the
/// document, however it is written.
fn tag_in(tag: String, format: Format) -> String {
    match format {
        Format::Json => tag,
        Format::Yaml => format!("{tag}.yaml"),
    }
}

fn written(document: &Json, format: Format) -> Reply {
    match format {
        Format::Json => reply::json(StatusCode::OK, document),
        Format::Yaml => {
            let text = yaml::text(document).map_err(|error| ApiError::Internal(error.to_string()))?;
            Ok(reply::bytes_of(StatusCode::OK, text.into_bytes(), format.media()))
        }
    }
}

/// Imports a flagd document into the environment. Other environments answer what they answered before.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/environments/{environment}/flagd.json", tag = "flagd",
    params(("tenant" = String, Path), ("environment" = String, Path), ImportParams),
    request_body(content((Object = "application/json"), (Object = "application/yaml"))), responses(
    (status = 200, body = shapes::ImportReport, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn put_flagd(
    Asked(api): Asked,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    Params(params): Params<ImportParams>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let stated = body::format(&headers)?;
    let format = params.format.or(stated).unwrap_or_default();
    // the body first, which its tenant's share bounds: nobody waits for one that does not come
    let text = body::read(&api, body, api.limits.import_bytes).await?;
    let _turn = api.imports.take(&tenant).await?;
    let limits = api.limits.clone();
    let bucketing = crate::admin::environment::bucketing(&api.store.read(), api.store.now(), &tenant, &environment);
    let read = tokio::task::spawn_blocking(move || read_document(&text, format, bucketing, &limits)).await;
    let (document, problems) = read.map_err(|error| ApiError::Internal(error.to_string()))??;
    let conditions = preconditions(&headers);
    let dry_run = params.dry_run.unwrap_or(false);
    let permit = api.permit(&conditions);
    let import = Import {
        tenant,
        environment,
        document,
        prune: params.prune.unwrap_or(false),
        // what changes nothing need not say what it was made from
        permit: Permit { stated: permit.stated || dry_run, ..permit },
        conditions,
        limits: api.limits.clone(),
    };
    if dry_run {
        let (table, now) = (api.store.read(), api.store.now());
        let plan = import.plan(&table, now)?;
        // so that the import can be made over just what this looked at
        let tag = flagd::tag(&table, now, &import.tenant, &import.environment);
        return Ok(reply::with_tag(reply::json(StatusCode::OK, &report(true, &plan, &problems))?, &tag));
    }
    apply(&api, import, &problems).await
}

/// The document with the faults of its rules.
fn read_document(
    text: &[u8],
    format: Format,
    bucketing: Bucketing,
    limits: &Limits,
) -> Result<(Arc<Document>, Vec<Problem>), ApiError> {
    let mut document = document::read(text, format, limits)?;
    let noted = flagd::take_notes(&mut document);
    flagd::check_sizes(&document, limits)?;
    let mut problems = burgee_rules::check::document(&document, bucketing, limits);
    problems.extend(flagd::other_bucketing(noted, bucketing));
    Ok((Arc::new(document), problems))
}

async fn apply(api: &Call, import: Import, problems: &[Problem]) -> Reply {
    let (tenant, environment) = (import.tenant.clone(), import.environment.clone());
    let (tell, told) = oneshot::channel();
    let plan = move |table: &_, now| {
        let plan = import.plan(table, now)?;
        let writes = plan.writes.iter().cloned().map(DraftWrite::from).collect();
        // the receiver lives as long as the request; without it nobody wants the summary
        let _ = tell.send(plan);
        Ok(Draft::of(writes))
    };
    write_flags(api, WriteScope::Tenant(tenant.clone()), None, plan).await?;
    let plan = told.await.map_err(|_| ApiError::Internal("the import was planned by nobody".into()))?;
    let tag = flagd::tag(&api.store.read(), api.store.now(), &tenant, &environment);
    let response: Response = reply::json(StatusCode::OK, &report(false, &plan, problems))?;
    Ok(reply::with_tag(response, &tag))
}

fn report(dry_run: bool, plan: &Plan, problems: &[Problem]) -> Json {
    let changes: Vec<Json> = plan
        .writes
        .iter()
        .filter_map(|write| {
            let op = if write.value.is_some() { "put" } else { "delete" };
            Some(json!({ "register": Register::new(&write.register)?, "op": op }))
        })
        .collect();
    let mut out = json!({ "dryRun": dry_run });
    if let (Json::Object(out), Json::Object(summary)) = (&mut out, json!(plan.summary)) {
        out.extend(summary);
    }
    out["diff"] = json!(plan.diff);
    out["changes"] = json!(changes);
    let kept = plan.summary.kept.iter().map(flagd::kept_segment);
    out["problems"] = json!(problems.iter().cloned().chain(kept).collect::<Vec<_>>());
    out
}
