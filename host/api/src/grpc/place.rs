//! Who asks about which environment: a token, or where the operator allows it, nobody in particular.

use std::sync::Arc;

use burgee_engine::Snapshot;
use burgee_model::Key;
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;

use super::status::{Code, Status};
use crate::{
    access::{self, Caller, Source},
    admin::environment,
    http::Api,
    view::View,
};

/// An environment, and who asks about it.
pub(super) struct Place {
    pub(super) tenant: Key,
    pub(super) environment: Key,
    pub(super) caller: Caller,
    pub(super) view: View,
}

impl Place {
    /// The environment that a call means: the selector's, the header before the request; else that of the token;
    /// else the open one.
    pub(super) fn of(api: &Api, headers: &HeaderMap, selector: &str) -> Result<Self, Status> {
        let selected = selected(headers, selector)?;
        let open = api.auth.grpc_open.as_ref();
        let anonymous = !api.auth.open && !shows_token(headers);
        let (caller, default) = if anonymous {
            let open = open.ok_or_else(no_token)?;
            (access::anybody_in(api, &open.0, &open.1), Some(open))
        } else {
            let default = if api.auth.open { open.or(api.auth.open_environment.as_ref()) } else { None };
            (access::authenticate(api, headers, Source::BearerOrKey)?, default)
        };
        let own = || caller.principal.place().map(|(tenant, key)| (tenant.clone(), key.clone()));
        let meant = selected.or_else(own).or_else(|| default.cloned());
        let (tenant, environment) = meant.ok_or_else(no_environment)?;
        if anonymous && open != Some(&(tenant.clone(), environment.clone())) {
            return Err(no_token());
        }
        access::admit_evaluation(api, &caller, &tenant, &environment)?;
        Ok(Self { view: View::of(&caller), tenant, environment, caller })
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

fn shows_token(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-api-key")
}

fn no_token() -> Status {
    Status::new(Code::Unauthenticated, "this needs `authorization: Bearer TOKEN` with a token that this node knows")
}

fn no_environment() -> Status {
    Status::invalid("environment_required: the token names no environment, select `flagSetId=TENANT/ENVIRONMENT`")
}

/// The environment that a selector names. Slashes and percent signs of a tenant's key are percent-encoded.
fn selected(headers: &HeaderMap, of_request: &str) -> Result<Option<(Key, Key)>, Status> {
    let header = headers.get("flagd-selector").map(|value| value.to_str());
    let text = match header {
        Some(text) => text.map_err(|_| wrong_selector())?.trim(),
        None => of_request.trim(),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let (tenant, environment) =
        text.strip_prefix("flagSetId=").and_then(|place| place.split_once('/')).ok_or_else(wrong_selector)?;
    let key = |raw: &str| Key::new(&percent_decode_str(raw).decode_utf8().ok()?).ok();
    key(tenant).zip(key(environment)).map(Some).ok_or_else(wrong_selector)
}

fn wrong_selector() -> Status {
    Status::invalid("the selector must be `flagSetId=TENANT/ENVIRONMENT`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&'static str>, of_request: &str) -> Result<Option<(String, String)>, Code> {
        let headers = header.map(|text| (http::HeaderName::from_static("flagd-selector"), text.parse().unwrap()));
        let found = selected(&headers.into_iter().collect(), of_request).map_err(|status| status.code)?;
        Ok(found.map(|(tenant, environment)| (tenant.to_string(), environment.to_string())))
    }

    #[test]
    fn the_header_beats_the_request() {
        let place = |tenant: &str, environment: &str| Ok(Some((tenant.to_owned(), environment.to_owned())));
        assert_eq!(read(None, ""), Ok(None));
        assert_eq!(read(None, "flagSetId=a/b"), place("a", "b"));
        assert_eq!(read(Some("flagSetId=c/d"), "flagSetId=a/b"), place("c", "d"));
        assert_eq!(read(Some(""), "flagSetId=a/b"), Ok(None));
        assert_eq!(read(None, "flagSetId=a%2Fb/c/d"), place("a/b", "c/d"));
    }

    #[test]
    fn other_selectors_are_refused() {
        for wrong in ["flagSetId=", "flagSetId=a", "source=a/b", "a/b", "flagSetId=/b", "flagSetId=a/", "x=y"] {
            assert_eq!(read(None, wrong), Err(Code::InvalidArgument), "{wrong}");
        }
    }
}
