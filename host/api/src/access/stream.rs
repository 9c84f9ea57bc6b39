//! Streams: how many may be open, and that each ends with what allowed it.

use std::{sync::Arc, time::Duration};

use burgee_model::Key;
use burgee_store::Store;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{Access, caller::Caller, usage::OpenStream};
use crate::{error::ApiError, http::Api};

/// Between two looks whether a deadline has passed. Revocations are heard of at once.
const LOOK: Duration = Duration::from_secs(1);

/// One of the streams that the node, the caller and the tenant may have open.
pub(crate) struct StreamPermit {
    _permits: (OwnedSemaphorePermit, OpenStream, Option<OpenStream>),
    caller: Caller,
    access: Arc<Access>,
    store: Store,
    changes: watch::Receiver<u64>,
}

impl StreamPermit {
    /// Takes one, where there is one left.
    pub(crate) fn take(api: &Api, caller: &Caller, tenant: Option<&Key>) -> Result<Self, ApiError> {
        let max = api.limits.streams;
        let all = api.streams.clone().try_acquire_owned().map_err(|_| ApiError::TooManyStreams { max })?;
        let max = api.limits.streams_per_token;
        let own = caller.usage.stream(max).ok_or(ApiError::TooManyStreams { max })?;
        let max = api.limits.streams_per_tenant;
        let usage = tenant.map(|tenant| api.access.tenant(tenant));
        let of_tenant = usage.map(|usage| usage.stream(max).ok_or(ApiError::TooManyStreams { max })).transpose()?;
        let (access, store) = (api.access.clone(), api.store.clone());
        let changes = access.directory.changes();
        Ok(Self { _permits: (all, own, of_tenant), caller: caller.clone(), access, store, changes })
    }

    /// Completes once the caller is nobody any more.
    pub(crate) async fn ended(&mut self) {
        if self.caller.is_lasting() {
            std::future::pending::<()>().await;
        }
        while self.caller.stands(&self.access, self.store.now()) {
            // an error says that the store is gone, and with it the node
            let _ = tokio::time::timeout(LOOK, self.changes.changed()).await;
        }
    }
}
