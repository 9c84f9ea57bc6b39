//! One call of a handler: what all share, and who asks.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRequestParts;
use burgee_model::Key;
use http::request::Parts;

use super::Api;
use crate::{
    access::{Caller, StreamPermit, StreamPlace},
    admin::{Preconditions, permit::Permit},
    error::ApiError,
};

/// One call.
#[derive(Clone)]
pub(crate) struct Call {
    api: Arc<Api>,
    pub(crate) caller: Caller,
}

/// A call as handlers take it. The guard has admitted its caller; without one nobody comes in.
pub(crate) struct Asked(pub(crate) Call);

impl FromRequestParts<Arc<Api>> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Caller>().cloned().ok_or(ApiError::Unauthorized)?;
        Ok(Self(Call { api: api.clone(), caller }))
    }
}

impl Call {
    /// What the caller may write, of a request with these conditions.
    pub(crate) fn permit(&self, conditions: &Preconditions) -> Permit {
        let principal = &self.caller.principal;
        let permit = Permit { role: principal.kind, environments: principal.environments.clone(), stated: false };
        permit.stating(conditions)
    }

    /// Whether the caller may see an environment of the tenant.
    pub(crate) fn sees(&self, environment: &Key) -> bool {
        self.caller.principal.sees(environment)
    }

    /// Takes one of the streams that may be open at once.
    pub(crate) fn stream_permit(&self, place: Option<StreamPlace>) -> Result<StreamPermit, ApiError> {
        StreamPermit::take(&self.api, &self.caller, place)
    }
}

impl Deref for Call {
    type Target = Api;
    fn deref(&self) -> &Api {
        &self.api
    }
}
