//! Streams: how many may be open, and that each ends with what allowed it.

use std::{sync::Arc, time::Duration};

use burgee_model::{Key, Stamp};
use burgee_store::Store;
use http::Extensions;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{Access, address_of, caller::Caller, usage::OpenStream};
use crate::{
    admin::{environment, tenant, token},
    error::ApiError,
    http::Api,
    state::NodeStatus,
};

/// Between two looks whether a deadline has passed, or the node is isolated. Revocations are heard of at once.
const LOOK: Duration = Duration::from_secs(1);

/// What a stream is about.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) tenant: Key,
    pub(crate) environment: Option<Key>,
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Whoever opened it is nobody any more, or may not be honoured.
    Caller,
    /// What it is about is gone.
    Place,
}

/// One of the streams that the node, the caller and the tenant may have open.
pub(crate) struct StreamPermit {
    _permits: (OwnedSemaphorePermit, OpenStream, Option<OpenStream>),
    /// One of those of the peer's address, where it showed nothing else.
    _of_stranger: Option<OpenStream>,
    caller: Caller,
    access: Arc<Access>,
    store: Store,
    changes: watch::Receiver<u64>,
    status: Arc<dyn NodeStatus>,
    /// Zero honours roles for ever.
    max_isolation: Duration,
    /// With the newest deletion of the environment when it was opened: another one of the name is not it.
    place: Option<(Place, Option<Stamp>)>,
    /// The count of changes at which the place was last found to be there.
    found_at: Option<u64>,
}

impl StreamPermit {
    /// Takes one, where there is one left.
    pub(crate) fn take(api: &Api, caller: &Caller, place: Option<Place>) -> Result<Self, ApiError> {
        let max = api.limits.streams;
        let all = api.streams.clone().try_acquire_owned().map_err(|_| ApiError::TooManyStreams { max })?;
        let max = api.limits.streams_per_token;
        let own = caller.usage.stream(max).ok_or(ApiError::TooManyStreams { max })?;
        let max = api.limits.streams_per_tenant;
        let usage = place.as_ref().map(|place| api.access.tenant(&place.tenant));
        let of_tenant = usage.map(|usage| usage.stream(max).ok_or(ApiError::TooManyStreams { max })).transpose()?;
        let (access, store) = (api.access.clone(), api.store.clone());
        let place = place.map(|place| {
            let deletion = place.deletion(&store);
            (place, deletion)
        });
        Ok(Self {
            _permits: (all, own, of_tenant),
            _of_stranger: None,
            changes: access.directory.changes(),
            caller: caller.clone(),
            access,
            store,
            status: api.status.clone(),
            max_isolation: api.http.max_isolation,
            place,
            found_at: None,
        })
    }

    /// For a stream that was opened by its address alone, which anybody may hold: it is also one of those that the peer's
    /// own address may have.
    pub(crate) fn of_stranger(self, api: &Api, extensions: &Extensions) -> Result<Self, ApiError> {
        let max = api.limits.streams_per_address;
        let usage = api.access.stranger(address_of(extensions)).filter(|_| max > 0);
        let stream = usage.map(|usage| usage.stream(max).ok_or(ApiError::TooManyStreams { max })).transpose()?;
        Ok(Self { _of_stranger: stream, ..self })
    }

    /// Completes once the stream is to end.
    pub(crate) async fn ended(&mut self) -> Ended {
        loop {
            if let Some(ended) = self.look() {
                return ended;
            }
            // an error says that the store is gone, and with it the node
            let _ = tokio::time::timeout(LOOK, self.changes.changed()).await;
        }
    }

    fn look(&mut self) -> Option<Ended> {
        let changes = *self.changes.borrow_and_update();
        // before the caller: a token that is for the place alone goes with it
        if self.found_at != Some(changes) {
            let there = self.place.as_ref().is_none_or(|(place, then)| place.is_there(*then, &self.store));
            self.found_at = there.then_some(changes);
            if !there {
                return Some(Ended::Place);
            }
        }
        let honoured = self.caller.stands(&self.access, self.store.now()) && !self.is_isolated();
        (!honoured).then_some(Ended::Caller)
    }

    fn is_isolated(&self) -> bool {
        let max = self.max_isolation;
        let concerned = !max.is_zero() && self.caller.may_be_revoked();
        concerned && self.status.isolated_for().is_some_and(|time| time > max)
    }
}

impl Place {
    fn deletion(&self, store: &Store) -> Option<Stamp> {
        self.environment.as_ref().and_then(|environment| token::deletion(&store.read(), &self.tenant, environment))
    }

    fn is_there(&self, then: Option<Stamp>, store: &Store) -> bool {
        let (table, now, tenant) = (store.read(), store.now(), &self.tenant);
        match &self.environment {
            None => tenant::read(&table, now, tenant).is_ok(),
            Some(environment) => {
                let same = token::deletion(&table, tenant, environment) == then;
                same && environment::read(&table, now, tenant, environment).is_ok()
            }
        }
    }
}
