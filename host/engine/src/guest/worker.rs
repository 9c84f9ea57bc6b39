//! A thread that runs guests, with the instances that it keeps for the next call.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use burgee_model::Value;

use super::{
    desk::{Answer, Desk, Job},
    fault::GuestFault,
    instance::Instance,
    runtime::Runtime,
    suspension::GuestId,
    ticker::Ticker,
};

/// Bytes of stack beside what a guest may use: for the host's own functions.
const HOST_STACK_BYTES: usize = 1024 * 1024;

/// Starts a thread that runs what comes to a desk, until that is closed.
pub(super) fn start(runtime: &Arc<Runtime>, ticker: &Arc<Ticker>, desk: &Arc<Desk>) -> std::io::Result<()> {
    let (runtime, ticker, desk) = (runtime.clone(), ticker.clone(), desk.clone());
    let stack_bytes = runtime.config.stack_bytes + HOST_STACK_BYTES;
    let thread = thread::Builder::new().name("burgee-guest".into()).stack_size(stack_bytes);
    thread.spawn(move || Worker { runtime, ticker, desk, kept: Vec::new() }.run())?;
    Ok(())
}

struct Worker {
    runtime: Arc<Runtime>,
    ticker: Arc<Ticker>,
    desk: Arc<Desk>,
    /// The instances kept, that of the latest call last.
    kept: Vec<(GuestId, Instance)>,
}

impl Worker {
    fn run(mut self) {
        while let Some(job) = self.desk.next() {
            let answer = catch_unwind(AssertUnwindSafe(|| self.answer(&job))).unwrap_or_else(|_| {
                tracing::error!("running a guest failed in the host");
                self.kept.clear();
                Err(GuestFault::Trap)
            });
            // what the job holds is let go before the caller goes on
            drop(job);
            self.desk.finish(answer);
        }
    }

    fn answer(&mut self, job: &Job) -> Answer {
        let ticker = self.ticker.clone();
        let _running = ticker.begin();
        let Some(call) = &job.call else {
            return Instance::new(&self.runtime, &job.compiled, &self.desk).map(|_| Value::Null);
        };
        let mut instance = match self.take(&job.id) {
            Some(instance) => instance,
            None => Instance::new(&self.runtime, &job.compiled, &self.desk)?,
        };
        let answer = instance.call(call, &self.runtime.config);
        if matches!(answer, Ok(_) | Err(GuestFault::Failed)) && !instance.is_worn(&self.runtime.config) {
            self.keep(job.id.clone(), instance);
        }
        answer
    }

    /// The instance kept of a guest. One of another version is dropped.
    fn take(&mut self, id: &GuestId) -> Option<Instance> {
        let same = |(kept, _): &(GuestId, Instance)| kept.tenant == id.tenant && kept.guest == id.guest;
        let at = self.kept.iter().rposition(same)?;
        let (kept, instance) = self.kept.remove(at);
        (kept == *id).then_some(instance)
    }

    /// Keeps an instance, in the place of those that were not called for longest.
    fn keep(&mut self, id: GuestId, instance: Instance) {
        self.kept.push((id, instance));
        let config = &self.runtime.config;
        let mut bytes: usize = self.kept.iter().map(|(_, instance)| instance.memory_bytes()).sum();
        let mut count = self.kept.len();
        let worn = self.kept.iter().take_while(|(_, instance)| {
            let over = count > config.instances_per_thread || bytes > config.kept_bytes_per_thread;
            count -= 1;
            bytes -= instance.memory_bytes();
            over
        });
        let worn = worn.count();
        self.kept.drain(..worn);
    }
}
