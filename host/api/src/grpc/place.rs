//! Who asks about which environment: a token, or where the operator allows it, nobody in particular.

use std::sync::Arc;

use burgee_engine::Snapshot;
use burgee_model::Key;
use http::{HeaderMap, header, request::Parts};

use super::status::{Code, Status};
use crate::{
    access::{self, Caller, Source},
    admin::environment,
    error::ApiError,
    http::{Api, budget::Holder},
    selector,
    view::View,
};

/// An environment, and who asks about it.
pub(super) struct Place {
    pub(super) tenant: Key,
    pub(super) environment: Key,
    pub(super) caller: Caller,
    pub(super) view: View,
}

/// Who calls, by the head of a call: known before any of its message is read.
pub(super) struct Calling<'a> {
    caller: Caller,
    /// Whether it shows nothing, and the environment is an open one.
    anonymous: bool,
    /// The environment where it names none.
    default: Option<&'a (Key, Key)>,
}

impl<'a> Calling<'a> {
    /// Refuses whoever is not known, and is not allowed to be so.
    pub(super) async fn of(api: &'a Api, parts: &Parts) -> Result<Self, Status> {
        let (headers, open) = (&parts.headers, api.auth.grpc_open.as_ref());
        let anonymous = !api.auth.open && !shows_token(headers);
        let (caller, default) = if anonymous {
            let open = open.ok_or_else(no_token)?;
            (held(api, access::anybody_in(api, &open.0, &open.1)).await?, Some(open))
        } else {
            let default = if api.auth.open { open.or(api.auth.open_environment.as_ref()) } else { None };
            (held(api, access::authenticate(api, headers, &parts.extensions, Source::BearerOrKey)).await?, default)
        };
        Ok(Self { caller, anonymous, default })
    }

    /// Who holds the memory of the call.
    pub(super) fn holder(&self, api: &Api) -> Holder {
        self.caller.holder(&api.access)
    }
}

impl Place {
    /// The environment that a call means: the selector's, the header before the request; else that of the token;
    /// else the open one.
    pub(super) async fn of(api: &Api, who: Calling<'_>, headers: &HeaderMap, selector: &str) -> Result<Self, Status> {
        let Calling { caller, anonymous, default } = who;
        let selected = selector::read(headers, selector).map_err(Status::invalid)?;
        let own = || caller.principal.place().map(|(tenant, key)| (tenant.clone(), key.clone()));
        let meant = selected.or_else(own).or_else(|| default.cloned());
        let (tenant, environment) = meant.ok_or_else(no_environment)?;
        if anonymous && default != Some(&(tenant.clone(), environment.clone())) {
            return Err(no_token());
        }
        held(api, access::admit_evaluation(api, &caller, &tenant, &environment)).await?;
        Ok(Self { view: View::of(&caller), tenant, environment, caller })
    }

    /// Who holds the memory of the call.
    pub(super) fn holder(&self, api: &Api) -> Holder {
        self.caller.holder(&api.access)
    }

    /// What its evaluations read now.
    pub(super) fn snapshot(&self, api: &Api) -> Result<Arc<Snapshot>, Status> {
        let Self { tenant, environment, .. } = self;
        api.snapshots.get(tenant, environment).ok_or_else(|| {
            match environment::read(&api.store.read(), api.store.now(), tenant, environment) {
                Ok(_) => Status::new(Code::Unavailable, "the environment is being made ready"),
                Err(missing) => Status::new(Code::NotFound, missing.to_string()),
            }
        })
    }
}

/// The same, after a moment where it is a refusal that is held back.
async fn held<T>(api: &Api, decided: Result<T, ApiError>) -> Result<T, ApiError> {
    if let Err(error) = &decided {
        access::hold(api, error.is_held()).await;
    }
    decided
}

fn shows_token(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-api-key")
}

fn no_token() -> Status {
    Status::new(Code::Unauthenticated, "this needs `authorization: Bearer TOKEN` with a token that this node knows")
}

fn no_environment() -> Status {
    Status::invalid("environment_required: the token names no environment, select `flagSetId=TENANT/ENVIRONMENT`")
}
