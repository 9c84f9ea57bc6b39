//! Who the node is, and what it does when the cluster has gone on without it.

use std::{convert::Infallible, future::Future, sync::Arc};

use burgee_model::{NodeId, Stamp};
use tokio::sync::oneshot;

use super::{Store, random, refusal};
use crate::{Draft, Missed, Request, Stamping, Version, WriteError, WriteScope, shared::Identity, writer::Message};

impl Store {
    /// Gives the node a new random id, sets aside what it may have to write again, and notes that it must
    /// resynchronise, all in one durable transaction; answers the id. Stamps bear it from then on.
    pub fn reidentify(
        &self,
        missed: Missed,
    ) -> impl Future<Output = Result<NodeId, WriteError<Infallible>>> + Send + use<> {
        let id = random().map(NodeId).map_err(|error| WriteError::Disk(error.to_string()));
        let done = id.map(|id| (id, self.identify(Identity::New(id, missed))));
        async move {
            let (id, done) = done?;
            done.await.map(|()| id)
        }
    }

    /// Takes the note back, durably: the node is in line with its cluster again.
    pub fn resynchronised(&self) -> impl Future<Output = Result<(), WriteError<Infallible>>> + Send + use<> {
        self.identify(Identity::Resynchronised)
    }

    /// Whether something is set aside that may have to be written again.
    #[must_use]
    pub fn has_set_aside(&self) -> bool {
        self.0.shared.aside().is_some()
    }

    /// Writes again what the others lack of what is set aside, which nothing is from then on; says how many registers
    /// that were. Where it ends early, what is done is not done again the next time.
    ///
    /// # Errors
    /// Where a write is not taken.
    pub async fn repeat(&self) -> Result<usize, WriteError<Infallible>> {
        let Some(aside) = self.0.shared.aside() else { return Ok(0) };
        let mut repeated = 0;
        for part in aside.parts() {
            loop {
                let written = self.repeat_part(part, Arc::clone(&aside)).await?;
                if written == 0 {
                    break;
                }
                repeated += written;
            }
        }
        self.identify(Identity::Repeated).await.map(|()| repeated)
    }

    /// Writes as much of a part as goes into one change.
    async fn repeat_part(
        &self,
        part: &[Arc<Version>],
        aside: Arc<crate::Aside>,
    ) -> Result<usize, WriteError<Infallible>> {
        let Some(first) = part.first() else { return Ok(0) };
        let request = Request {
            scope: WriteScope::Everything,
            actor: Arc::clone(&first.actor),
            note: first.note.clone(),
            stamping: Stamping::Local,
        };
        let part = part.to_vec();
        let written = self.write(request, move |table, now| Ok(Draft::of(aside.writes(&part, table, now))));
        Ok(written.await?.versions.len())
    }

    /// Notes that a peer has all that this node wrote up to a change; on disk a moment later.
    pub fn told(&self, peer: NodeId, up_to: Stamp) {
        self.0.shared.told(peer, up_to);
        self.wake();
    }

    fn identify(&self, identity: Identity) -> impl Future<Output = Result<(), WriteError<Infallible>>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let queued = self.0.send(Message::Identify(identity, reply));
        async move {
            queued.map_err(refusal)?;
            answer.await.map_err(|_| WriteError::Closed)?.map_err(WriteError::Disk)
        }
    }
}
