//! `/api/v1/tenants/{tenant}/environments/{environment}/rollouts`: how next values of config entries come to their
//! readers.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use burgee_model::{Blob, By, Key, Limits, duration, json};
use burgee_store::Version;
use http::HeaderMap;
use serde_json::{Value as Json, json};
use utoipa::IntoParams;

use super::{
    Asked, Reply,
    config::{ConfigParams, admission, item, media_type, scope, settle},
    entries::ReadParams,
    once::{self, tag_of, write_once},
    shapes,
};
use crate::{
    admin::{
        Refusal,
        config::Place,
        environment,
        idempotency::Answer,
        members::{Members, TEXT_BYTES_MAX},
        rollout::{self, Action, Pace, Start},
    },
    error::ProblemDocument,
    http::{
        body,
        conditions::preconditions,
        idempotency::keyed,
        page::{Filling, Page},
        params::Keys,
        query::{FromQuery, Params, Query},
        reply,
    },
};

/// How a rollout is started.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StartParams {
    /// The share of readers in percent over time, as the members of a rule's `ramp`; it never falls.
    #[param(example = r#"{"start":"2026-12-01T08:00:00Z","end":"2026-12-01T20:00:00Z","steps":4}"#)]
    ramp: Option<String>,
    /// In place of a ramp: evenly from none to all within this time from now on.
    #[param(example = "2h", pattern = "^[0-9]+(ms|s|m|h|d)$")]
    during: Option<String>,
    /// What readers are told apart by: `instance`, their whole names, or `group`, what stands before the first slash.
    #[param(value_type = Option<String>, default = "instance")]
    by: Option<By>,
    /// Why; kept with the change.
    note: Option<String>,
}

impl FromQuery for StartParams {
    fn take(query: &mut Query) -> Self {
        let by = |name: &str| By::named(name).ok_or_else(|| "`by` is `instance` or `group`".to_owned());
        Self { ramp: query.text("ramp"), during: query.text("during"), by: query.read("by", by), note: query.note() }
    }
}

impl StartParams {
    fn pace(&self, limits: &Limits) -> Result<Pace, Refusal> {
        let wrong = |path: &str, code: &str, message: String| Err(Refusal::invalid(path, code, message));
        match (&self.ramp, &self.during) {
            (Some(text), None) => match json::document(text.as_bytes(), body::bounds(limits)) {
                Ok(members) => Ok(Pace::Ramp(members)),
                Err(error) => wrong("/ramp", "invalid_ramp", error.to_string()),
            },
            (None, Some(text)) => match duration::parse(text) {
                Ok(ms) => Ok(Pace::During(ms)),
                Err(error) => wrong("/during", "invalid_duration", format!("`{text}`: {error}")),
            },
            (None, None) => wrong("/ramp", "missing", "`ramp` or `during` says how the share of readers grows".into()),
            (Some(_), Some(_)) => wrong("/during", "contradiction", "there is a `ramp` already".into()),
        }
    }
}

/// Lists the rollouts that go on, in the order of their entries' keys.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments/{environment}/rollouts", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ConfigParams), responses(
    (status = 200, body = shapes::RolloutList, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list_rollouts(
    Asked(api): Asked,
    Keys((tenant, environment)): Keys<(Key, Key)>,
    Params(params): Params<ConfigParams>,
    headers: HeaderMap,
) -> Reply {
    let page = Page::new(params.limit, params.cursor.as_deref())?;
    let prefix = params.prefix.unwrap_or_default();
    let mut filling = Filling::new(&page);
    let body = {
        let (table, now) = (api.store.read(), api.store.now());
        environment::read(&table, now, &tenant, &environment)?;
        for (key, _) in table.rollouts(&tenant, &environment, &prefix, page.after.as_ref(), now) {
            let place = Place { tenant: tenant.clone(), environment: environment.clone(), key };
            let Ok(going) = rollout::read(&table, now, &place, &api.limits) else { continue };
            if !filling.push(&place.key, || going.document(now, &place.key)) {
                break;
            }
        }
        filling.finish()
    };
    reply::list(&headers, &body)
}

/// Tells how far a rollout is. Slashes in the key may stand as they are.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/environments/{environment}/rollouts/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path), ReadParams), responses(
    (status = 200, body = shapes::Rollout, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_rollout(
    Asked(api): Asked,
    Keys((tenant, environment, key)): Keys<(Key, Key, Key)>,
    Params(params): Params<ReadParams>,
) -> Reply {
    let place = Place { tenant, environment, key };
    let (table, now) = (api.store.read(), api.store.now());
    let going = rollout::read(&table, now, &place, &api.limits)?;
    let mut body = going.document(now, &place.key);
    if let Some(reader) = &params.reader {
        body["as"] = going.reader(now, &place.key, reader);
    }
    reply::shown(&going.version.stamp.to_string(), &body)
}

/// Starts a rollout: the body is the next value of an entry that there is. `If-Match` speaks of the entry,
/// `If-None-Match: *` of the rollout.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/environments/{environment}/rollouts/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path), StartParams,
        ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = [u8], content_type = "application/octet-stream"), responses(
    (status = 201, body = shapes::RolloutWritten, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn start_rollout(
    Asked(api): Asked,
    Keys((tenant, environment, key)): Keys<(Key, Key, Key)>,
    Params(params): Params<StartParams>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let (pace, media) = (params.pace(&api.limits)?, media_type(&headers)?);
    let read = body::read(&api, body, api.limits.config_value_bytes).await?;
    let bytes = Bytes::clone(&read);
    let by = params.by.unwrap_or_default();
    let texts = [&params.ramp, &params.during, &params.note].map(|text| text.as_deref().unwrap_or_default().as_bytes());
    let [ramp, during, note] = texts;
    let request = [b"START", key.as_str().as_bytes(), ramp, during, by.name().as_bytes(), note, &bytes];
    let keyed = keyed(&headers, &tenant, &environment, &request)?;
    let place = Place { tenant, environment, key };
    let (planned, conditions, limits) = (place.clone(), preconditions(&headers), api.limits.clone());
    let admit = admission(&api, &place.tenant, &place.environment, &conditions);
    let start = Start { next: Blob { media, bytes }, pace, by, actor: api.caller.principal.actor.clone() };
    let plan = move |table: &_, now| {
        let draft = rollout::start(table, now, &planned, start, &conditions, &limits)?;
        Ok((draft, move |versions: &[Arc<Version>]| told(201, &planned.key, "started", versions)))
    };
    let asked = once::Asked { scope: scope(&place), note: params.note, keyed };
    Ok(write_once(&api, asked, admit, plan).await?.1)
}

/// Pauses, resumes, aborts or finishes a rollout. `If-Match` speaks of the rollout.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/environments/{environment}/rollouts/{*key}", tag = "config",
    params(("tenant" = String, Path), ("environment" = String, Path), ("key" = String, Path),
        ("Idempotency-Key" = Option<String>, Header)),
    request_body = shapes::RolloutAction, responses(
    (status = 200, body = shapes::RolloutWritten, headers(("ETag" = String))),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn act_on_rollout(
    Asked(api): Asked,
    Keys((tenant, environment, key)): Keys<(Key, Key, Key)>,
    _: Params<()>,
    headers: HeaderMap,
    body: Body,
) -> Reply {
    let (action, note) = read_action(body::document(&headers, body, &api).await?)?;
    let (name, text) = (done(action), note.as_deref().unwrap_or_default());
    let request = [b"ACT", key.as_str().as_bytes(), name.as_bytes(), text.as_bytes()];
    let keyed = keyed(&headers, &tenant, &environment, &request)?;
    let place = Place { tenant, environment, key };
    let (planned, conditions, limits) = (place.clone(), preconditions(&headers), api.limits.clone());
    let admit = admission(&api, &place.tenant, &place.environment, &conditions);
    let plan = move |table: &_, now| {
        let draft = rollout::act(table, now, &planned, action, &conditions, &limits)?;
        Ok((draft, move |versions: &[Arc<Version>]| told(200, &planned.key, name, versions)))
    };
    let asked = once::Asked { scope: scope(&place), note, keyed };
    let (receipt, response) = write_once(&api, asked, admit, plan).await?;
    settle(&api, &place, receipt.position).await;
    Ok(response)
}

fn read_action(document: Json) -> Result<(Action, Option<String>), Refusal> {
    let mut members = Members::root(document)?;
    let name = members.required("action", TEXT_BYTES_MAX);
    let action = name.as_deref().map(Action::named);
    if action == Some(None) {
        let known = Action::ALL.map(|(name, _)| format!("`{name}`")).join(", ");
        members.fault("/action".into(), "invalid_action", format!("an action is one of {known}"));
    }
    let note = members.text("note", TEXT_BYTES_MAX).value();
    members.finish()?;
    action.flatten().map(|action| (action, note)).ok_or_else(|| Refusal::Invalid(Vec::new()))
}

fn done(action: Action) -> &'static str {
    match action {
        Action::Pause => "paused",
        Action::Resume => "resumed",
        Action::Abort => "aborted",
        Action::Finish => "finished",
    }
}

/// What is answered to whoever wrote one; what was written first is the rollout, or the entry where that is finished.
fn told(status: u16, key: &Key, done: &str, versions: &[Arc<Version>]) -> Answer {
    let tag = tag_of(versions);
    let mut body = json!({ "key": key, "done": done, "stamp": tag });
    if let (Some(entry), "finished") = (versions.first(), done) {
        body["entry"] = item(key, entry);
    }
    Answer { status, tag, body: Some(body) }
}
