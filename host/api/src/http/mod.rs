//! What all routes share: who may ask, what they send, what they get back.

pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod call;
pub(crate) mod conditions;
pub(crate) mod cors;
pub(crate) mod evaluating;
mod fair;
pub(crate) mod guard;
pub(crate) mod idempotency;
pub(crate) mod loopback;
pub(crate) mod page;
pub(crate) mod params;
pub(crate) mod query;
pub(crate) mod reply;
mod turns;

use std::{ops::Deref, sync::Arc};

use axum::extract::State;
use burgee_model::stamp::MILLIS_MAX;
use tokio::sync::Semaphore;

pub(crate) use self::{
    budget::{Answers, Bodies},
    call::{Asked, Call},
    fair::FairTurns,
    turns::{Turn, Turns},
};
use crate::{
    ApiState,
    access::Access,
    error::ApiError,
    metrics::Refused,
    state::{Caught, Readiness},
};

/// What the router shares among its handlers.
pub(crate) struct Api {
    state: ApiState,
    /// Who may do what.
    pub(crate) access: Arc<Access>,
    /// One permit for each stream that may be open.
    pub(crate) streams: Arc<Semaphore>,
    /// Uploads of guests.
    pub(crate) uploads: Turns,
    /// Evaluations of earlier instants.
    pub(crate) looks_back: FairTurns,
    /// Evaluations that may take long.
    pub(crate) long_evaluations: FairTurns,
    /// Bodies of requests that are held.
    pub(crate) bodies: Arc<Bodies>,
    /// Large answers that wait to be read.
    pub(crate) answers: Arc<Answers>,
    /// Imports of documents.
    pub(crate) imports: Turns,
    /// Backups of everything.
    pub(crate) backups: Turns,
    /// Writes that this node refused.
    pub(crate) refused: Refused,
}

/// The shared state as handlers take it.
pub(crate) type Shared = State<Arc<Api>>;

impl Api {
    pub(crate) fn new(state: ApiState) -> Self {
        let streams = Arc::new(Semaphore::new(state.limits.streams.min(Semaphore::MAX_PERMITS)));
        let limits = &state.limits;
        let uploads = Turns::new("uploads of guests", limits.guest_uploads, limits.guest_uploads_waiting);
        let looks_back = FairTurns::new(
            "evaluations of earlier instants and explanations",
            limits.looks_back,
            limits.looks_back_waiting,
        );
        let long_evaluations = FairTurns::new(
            "evaluations with many steps or flags, or with loops or patterns over large contexts",
            evaluating::at_once(limits.long_evaluations),
            limits.long_evaluations_waiting,
        );
        let (bodies, answers) = (Bodies::new(limits), Answers::new(limits));
        let imports = Turns::new("imports", limits.imports, limits.imports_waiting);
        let backups = Turns::new("backups", limits.backups, limits.backups_waiting);
        let access = Arc::new(Access::new(&state.store, limits.connections));
        Self {
            state,
            access,
            streams,
            uploads,
            looks_back,
            long_evaluations,
            bodies,
            answers,
            imports,
            backups,
            refused: Refused::default(),
        }
    }

    /// Refuses unless the node serves evaluations and takes writes.
    pub(crate) fn require_ready(&self) -> Result<(), ApiError> {
        match self.status.ready() {
            Readiness { ready: true, .. } => Ok(()),
            Readiness { reasons, .. } => Err(ApiError::NotReady(reasons)),
        }
    }

    /// Refuses unless the node takes writes: ready, and with a clock that others can live with.
    pub(crate) fn require_writable(&self) -> Result<(), ApiError> {
        self.require_ready()?;
        if self.store.now() >= MILLIS_MAX {
            return Err(ApiError::ClockOutOfRange);
        }
        self.status.clock_ahead().map_or(Ok(()), |ms| Err(ApiError::ClockAhead(ms)))
    }

    /// Whether the node has heard of no other for longer than roles are honoured.
    pub(crate) fn is_isolated(&self) -> bool {
        let max = self.http.max_isolation;
        !max.is_zero() && self.status.isolated_for().is_some_and(|time| time > max)
    }

    /// How many streams are open.
    pub(crate) fn streams_open(&self) -> usize {
        self.limits.streams.min(Semaphore::MAX_PERMITS).saturating_sub(self.streams.available_permits())
    }

    /// Waits, but not for ever, until this node's evaluations show what was written.
    pub(crate) async fn caught_up(&self, position: burgee_store::Position) {
        let caught: Caught<'_> = self.snapshots.caught_up(position);
        if tokio::time::timeout(self.http.caught_up_timeout, caught).await.is_err() {
            tracing::warn!(position = position.0, "a write was answered before this node's snapshots show it");
        }
    }
}

impl Deref for Api {
    type Target = ApiState;
    fn deref(&self) -> &ApiState {
        &self.state
    }
}
