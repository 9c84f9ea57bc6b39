//! The admin API, one file a resource. Handlers read the request, run a planner of [`crate::admin`], answer.

pub(crate) mod backup;
pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod conflicts;
pub(crate) mod entries;
pub(crate) mod environments;
pub(crate) mod evaluate;
pub(crate) mod flag_in;
pub(crate) mod flagd;
pub(crate) mod flags;
pub(crate) mod guests;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod manifest;
pub(crate) mod metrics;
mod once;
pub(crate) mod rollouts;
pub(crate) mod segments;
pub(crate) mod session;
pub(crate) mod shapes;
pub(crate) mod tenants;
pub(crate) mod tokens;
pub(crate) mod watch;

use std::{collections::BTreeMap, sync::Arc};

use axum::response::Response;
use burgee_engine::Snapshot;
use burgee_model::{Key, Millis, Problem};
use burgee_store::{Draft, Receipt, Request, Stamping, Table, WriteScope};
use http::{HeaderMap, StatusCode};
use utoipa::IntoParams;

use crate::{
    admin::{Refusal, flag_document},
    error::ApiError,
    http::{
        Api, Call,
        page::{Filling, Page, PageParams},
        query::{FromQuery, Query},
        reply,
    },
};

pub(crate) use crate::http::Asked;

/// What handlers give back.
pub(crate) type Reply = Result<Response, ApiError>;

/// The reason for a change, where it has no document to stand in.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NoteParams {
    /// Why the change is made; kept in the history.
    #[param(max_length = 4096)]
    pub(crate) note: Option<String>,
}

impl FromQuery for NoteParams {
    fn take(query: &mut Query) -> Self {
        Self { note: query.note() }
    }
}

/// A page of a list, which `fill` fills from the table, up to the item that finds no room.
fn listed<F>(api: &Api, params: PageParams, headers: &HeaderMap, fill: F) -> Reply
where
    F: FnOnce(&Table, Millis, &Page, &mut Filling) -> Result<(), Refusal>,
{
    let page = Page::try_from(params)?;
    let mut filling = Filling::new(&page);
    fill(&api.store.read(), api.store.now(), &page, &mut filling)?;
    reply::list(headers, &filling.finish())
}

/// Writes the end of something that evaluations read.
async fn deleted<P>(api: &Call, tenant: Key, note: NoteParams, plan: P) -> Reply
where
    P: FnOnce(&Table, Millis) -> Result<Draft, Refusal> + Send + 'static,
{
    write_flags(api, WriteScope::Tenant(tenant), note.note, plan).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// Plans and writes a change.
pub(crate) async fn write<P>(api: &Call, scope: WriteScope, note: Option<String>, plan: P) -> Result<Receipt, ApiError>
where
    P: FnOnce(&Table, Millis) -> Result<Draft, Refusal> + Send + 'static,
{
    let written = try_write(api, scope, note, plan).await;
    written.inspect_err(|error| api.refused.count(error.class().1))
}

async fn try_write<P>(api: &Call, scope: WriteScope, note: Option<String>, plan: P) -> Result<Receipt, ApiError>
where
    P: FnOnce(&Table, Millis) -> Result<Draft, Refusal> + Send + 'static,
{
    api.require_writable()?;
    let request = Request {
        scope,
        actor: api.caller.principal.actor.clone(),
        note: note.map(String::into_boxed_str),
        stamping: Stamping::Local,
    };
    let receipt = api.store.write(request, plan).await?;
    // what changes who may ask counts here once it is answered
    api.access.directory.refresh().await;
    Ok(receipt)
}

/// The same for what evaluations read: answered once this node's evaluations show it.
pub(crate) async fn write_flags<P>(
    api: &Call,
    scope: WriteScope,
    note: Option<String>,
    plan: P,
) -> Result<Receipt, ApiError>
where
    P: FnOnce(&Table, Millis) -> Result<Draft, Refusal> + Send + 'static,
{
    let receipt = write(api, scope, note, plan).await?;
    if !receipt.versions.is_empty() {
        api.caught_up(receipt.position).await;
    }
    Ok(receipt)
}

/// What the served snapshots of a tenant know of its flags' rules. Taken before the table is looked at.
pub(crate) struct RuleView(BTreeMap<Key, Arc<Snapshot>>);

impl RuleView {
    pub(crate) fn of_tenant(api: &Api, tenant: &Key) -> Self {
        let environments = flag_document::environments(&api.store.read(), api.store.now(), tenant);
        let found =
            environments.into_iter().filter_map(|key| api.snapshots.get(tenant, &key).map(|found| (key, found)));
        Self(found.collect())
    }

    pub(crate) fn of_environment(api: &Api, tenant: &Key, environment: &Key) -> Self {
        Self(api.snapshots.get(tenant, environment).map(|found| (environment.clone(), found)).into_iter().collect())
    }

    /// The faults of a flag's rule in an environment.
    pub(crate) fn problems(&self, environment: &Key, flag: &str) -> Vec<Problem> {
        let of_rule = self.0.get(environment).map(|snapshot| snapshot.problems(flag)).unwrap_or_default();
        of_rule.into_iter().map(|problem| Problem { path: format!("/targeting{}", problem.path), ..problem }).collect()
    }
}
