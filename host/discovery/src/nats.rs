//! `nats`: nodes say over one subject where they are, and ask who else is there.
//!
//! Each node says at each interval where it is reached, at once when it has connected, and soon after somebody asked.
//! It hears itself too, which proves that the server carries what is said. Who was not heard for three intervals is
//! gone; while the server is away nobody is, for nobody could be heard. Whoever may publish to the subject can have
//! nodes dial where he likes, and no more than that: who is there shows a certificate of the cluster's authority.

mod announcement;
mod voice;

use std::{collections::BTreeSet, ops::ControlFlow, time::Duration};

use async_nats::Message;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep, sleep_until};

use self::{
    announcement::{Announcement, Heard, What},
    voice::{Session, Voice},
};
use crate::{
    backoff::{jitter, random},
    config::{DiscoveryConfig, NatsConfig},
    provider::{Failure, Provider},
};

/// Intervals after which who is not heard is gone.
const INTERVALS_KEPT: u32 = 3;
/// A node answers a question after this time, or half as long again: not all at the same moment, and none more often.
const ANSWER_AFTER: Duration = Duration::from_millis(100);

/// Announces this node and hears others.
pub(crate) struct Nats {
    voice: Voice,
    heard: Heard,
    attempts: u32,
    reconnect_wait: Duration,
    session: Option<Session>,
}

impl Nats {
    pub(crate) fn new(config: &NatsConfig, common: &DiscoveryConfig, own: Option<&str>) -> Self {
        Self {
            voice: Voice::new(config, common, own),
            heard: Heard::new(common.interval * INTERVALS_KEPT, common.endpoints_max),
            attempts: config.attempts,
            reconnect_wait: config.reconnect_wait,
            session: None,
        }
    }

    /// So many attempts, one after the other; the failure is the last one's.
    async fn connect(&mut self) -> Result<Session, Failure> {
        for attempt in 1..self.attempts {
            match self.voice.connect().await {
                Ok(session) => return Ok(session),
                Err(failure) => tracing::debug!(attempt, "NATS: {failure}"),
            }
            sleep(jitter(self.reconnect_wait, random())).await;
        }
        self.voice.connect().await
    }
}

/// Waits for the next thing that happens; breaks where it is to be told.
async fn step(voice: &Voice, heard: &mut Heard, session: &mut Session) -> Result<ControlFlow<()>, Failure> {
    let announce_at = session.announce_at;
    let tell_at = session.tell_at.unwrap_or(announce_at);
    tokio::select! {
        () = voice::is_lost(&mut session.lost) => Err(voice.lost()),
        message = session.messages.next() => match message {
            Some(message) => Ok(told(hear(voice, heard, &message, session))),
            None => Err(voice.lost()),
        },
        () = sleep_until(tell_at), if session.tell_at.is_some() => {
            session.tell_at = None;
            Ok(told(true))
        }
        () = sleep_until(announce_at) => {
            session.announce_at = voice.next_announcement();
            voice.say(&session.client, What::Is).await?;
            Ok(told(heard.expire(Instant::now().into_std())))
        }
    }
}

fn told(is_news: bool) -> ControlFlow<()> {
    if is_news { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Takes what somebody said; says whether that changes anything.
fn hear(voice: &Voice, heard: &mut Heard, message: &Message, session: &mut Session) -> bool {
    let Some(says) = Announcement::read(&message.payload, voice.cluster()) else {
        tracing::debug!(bytes = message.payload.len(), "NATS: what was heard is no announcement of this cluster");
        return false;
    };
    if says.what == What::Asks && !voice.is_own(&says) {
        let soon = Instant::now() + jitter(ANSWER_AFTER, random());
        session.announce_at = session.announce_at.min(soon);
    }
    heard.hear(&says, Instant::now().into_std())
}

impl Provider for Nats {
    async fn next(&mut self) -> Result<BTreeSet<String>, Failure> {
        if self.session.is_none() {
            self.session = Some(self.connect().await?);
            // nobody could be heard meanwhile
            self.heard.forgive(Instant::now().into_std());
        }
        // it stays in its place meanwhile, so that who stops can still say so
        while let Some(session) = &mut self.session {
            match step(&self.voice, &mut self.heard, session).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(failure) => {
                    self.session = None;
                    return Err(failure);
                }
            }
        }
        Ok(self.heard.endpoints())
    }

    async fn leave(&mut self) {
        if let Some(session) = &self.session {
            // where it is not heard, the others miss this node in time
            let _ = self.voice.say(&session.client, What::Leaves).await;
            let _ = session.client.flush().await;
        }
    }
}
