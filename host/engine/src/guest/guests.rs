//! The guests of a node: prepared when they are uploaded, called by rules.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use burgee_model::{Context, Digest, Key, Value};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{
    callers::Callers,
    config::GuestConfig,
    convert,
    desk::Job,
    entry::Entry,
    fault::{Counters, GuestFault, GuestFaults},
    library::{Absent, GuestModules, Library, Wanted},
    pool::Pool,
    runtime::{Compiled, Runtime},
    size,
    suspension::{GuestId, Suspects},
    ticker::Ticker,
    wrap::{self, ModuleError},
};
use crate::engine::EngineError;

/// How long a call with a fixture waits for a thread.
const TRIAL_WAIT: Duration = Duration::from_secs(2);

/// Where modules lie: the replica.
pub trait Modules: Send + Sync {
    /// The bytes of a guest's module; none where they are not here, or not yet.
    fn module(&self, tenant: &Key, guest: &str, digest: &Digest) -> Option<Bytes>;

    /// A config entry, as rules see it; null where there is none.
    fn config(&self, tenant: &Key, environment: &Key, key: &str) -> Entry;
}

/// One call of a guest.
pub struct GuestCall<'a> {
    /// Whose guest it is.
    pub tenant: &'a Key,
    /// The guest's name.
    pub guest: &'a str,
    /// Its module, as the guest's register names it.
    pub digest: [u8; 32],
    /// The key of the flag that is evaluated.
    pub flag: &'a str,
    /// The evaluation's time, in seconds since 1970-01-01T00:00:00Z.
    pub timestamp_seconds: u64,
    /// The evaluation's context.
    pub context: &'a Context,
    /// The arguments that the rule gives.
    pub arguments: &'a [Value],
    /// The config entries of the flag's environment, null where there is none. Called on the caller's thread,
    /// while the guest waits.
    pub config: &'a dyn Fn(&str) -> Entry,
}

/// An upload that can run: a component of the world, compiled.
#[derive(Clone)]
pub struct Prepared {
    /// The component, which is what is stored.
    pub component: Bytes,
    /// The component's SHA-256.
    pub digest: Digest,
    compiled: Arc<Compiled>,
}

/// The guests of a node. One per process serves all tenants.
pub struct Guests {
    runtime: Arc<Runtime>,
    library: Library,
    pool: Pool,
    callers: Callers,
    suspects: Suspects,
    faults: Counters,
    modules: Arc<dyn Modules>,
}

impl Guests {
    /// Starts the threads.
    pub fn new(config: GuestConfig, modules: Arc<dyn Modules>) -> Result<Arc<Self>, EngineError> {
        let runtime = Arc::new(Runtime::new(config)?);
        let engine = runtime.engine.clone();
        let ticker = Arc::new(Ticker::start(move || engine.increment_epoch())?);
        Ok(Arc::new(Self {
            library: Library::start(runtime.clone(), modules.clone())?,
            pool: Pool::start(&runtime, &ticker)?,
            callers: Callers::new(runtime.config.callers, runtime.config.callers_per_tenant),
            suspects: Suspects::default(),
            faults: Counters::default(),
            runtime,
            modules,
        }))
    }

    /// Calls a guest, and waits for its answer: for as long as a call may run, as it may wait for a thread, and
    /// as its module may take to be compiled where this is the first call since the start. Blocks.
    ///
    /// # Errors
    /// See [`GuestFault`]; each is counted.
    pub fn call(&self, call: &GuestCall<'_>) -> Result<Value, GuestFault> {
        let id = GuestId { tenant: call.tenant.clone(), guest: call.guest.into(), digest: call.digest };
        let answer = self.try_call(&id, call);
        if let Err(fault) = answer {
            self.faults.count(fault);
            if fault.is_misbehaviour() && self.suspects.note(&id, Instant::now(), &self.runtime.config) {
                let (tenant, guest) = (call.tenant.as_str(), call.guest);
                tracing::warn!(tenant, guest, fault = fault.kind(), "a guest failed too often and is suspended");
            }
        }
        answer
    }

    /// Counts a call that was not made, because guests took as long as they may for its request.
    pub(crate) fn refuse(&self) -> GuestFault {
        self.faults.count(GuestFault::Request);
        GuestFault::Request
    }

    fn try_call(&self, id: &GuestId, call: &GuestCall<'_>) -> Result<Value, GuestFault> {
        let now = Instant::now();
        if self.suspects.is_suspended(id, now) {
            return Err(GuestFault::Suspended);
        }
        let _place = self.callers.enter(call.tenant).ok_or(GuestFault::Crowded)?;
        let deadline = now + self.runtime.config.time_limit;
        let wanted = Wanted { tenant: call.tenant, guest: call.guest, digest: call.digest };
        let compiled = self.library.find(wanted, None, deadline).map_err(|absent| match absent {
            Absent::Missing | Absent::Waiting => GuestFault::Missing,
            Absent::Refused(_) => GuestFault::Import,
        })?;
        let config = &self.runtime.config;
        self.run(id, compiled, call, Instant::now() + config.wall_limit.max(config.time_limit))
    }

    fn run(
        &self,
        id: &GuestId,
        compiled: Arc<Compiled>,
        call: &GuestCall<'_>,
        deadline: Instant,
    ) -> Result<Value, GuestFault> {
        let permit = self.pool.enter(id, deadline)?;
        permit.work(Job { id: id.clone(), compiled, call: Some(convert::call(call)) }, call.config)
    }

    /// A config entry that a guest asks for.
    #[must_use]
    pub fn config(&self, tenant: &Key, environment: &Key, key: &str) -> Entry {
        self.modules.config(tenant, environment, key)
    }

    /// Has a module compiled, should it be here and not be compiled yet, so that the first call need not wait for
    /// it. Does not wait.
    pub fn warm(&self, tenant: &Key, guest: &str, digest: [u8; 32]) {
        self.library.warm(Wanted { tenant, guest, digest });
    }

    /// Makes a component of a tenant's upload, checks it, and compiles it. Blocks, for as long as
    /// [`GuestConfig::prepare_limit`] says.
    ///
    /// # Errors
    /// Bytes that are no guest's module, each reason with its text.
    pub fn prepare(&self, tenant: &Key, guest: &str, upload: &[u8]) -> Result<Prepared, ModuleError> {
        let component = Bytes::from(wrap::component(upload)?);
        size::check(&component, &self.runtime.config)?;
        let digest = Digest(Sha256::digest(&component).into());
        let deadline = Instant::now() + self.runtime.config.prepare_limit;
        let wanted = Wanted { tenant, guest, digest: digest.0 };
        let compiled = self.library.find(wanted, Some(&component), deadline);
        let compiled = compiled.map_err(|absent| match absent {
            Absent::Refused(error) => error,
            Absent::Missing | Absent::Waiting => ModuleError::Busy,
        })?;
        Ok(Prepared { component, digest, compiled })
    }

    /// Calls an upload that is not live yet. Nothing is counted, and nothing is suspended. Blocks.
    ///
    /// # Errors
    /// As of a live call.
    pub fn try_out(&self, prepared: &Prepared, call: &GuestCall<'_>) -> Result<Value, GuestFault> {
        let id = GuestId { tenant: call.tenant.clone(), guest: call.guest.into(), digest: prepared.digest.0 };
        self.run(&id, prepared.compiled.clone(), call, Instant::now() + TRIAL_WAIT)
    }

    /// Makes one instance of an upload that is not live yet, within the limits of a call, and drops it. Nothing is counted.
    /// Blocks.
    ///
    /// # Errors
    /// As of a live call: what fails here can never be called.
    pub fn try_start(&self, prepared: &Prepared, tenant: &Key, guest: &str) -> Result<(), GuestFault> {
        let id = GuestId { tenant: tenant.clone(), guest: guest.into(), digest: prepared.digest.0 };
        let permit = self.pool.enter(&id, Instant::now() + TRIAL_WAIT)?;
        let job = Job { id, compiled: prepared.compiled.clone(), call: None };
        permit.work(job, &|_| Entry::default()).map(drop)
    }

    /// What there is of compiled modules.
    #[must_use]
    pub fn modules(&self) -> GuestModules {
        self.library.counts()
    }

    /// How many calls failed since the start, by kind.
    #[must_use]
    pub fn faults(&self) -> Vec<GuestFaults> {
        self.faults.totals()
    }
}
