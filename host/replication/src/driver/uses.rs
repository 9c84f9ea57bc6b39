//! When tokens were last used, over all live nodes: asked when somebody wants to know, and answered beside the protocol,
//! for nothing that the core decides depends on it.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use burgee_model::{Millis, TokenId};
use tokio::{
    sync::{Semaphore, broadcast, mpsc},
    time::{Instant, timeout_at},
};

use super::{Driver, execute::read};
use crate::{
    message::USES_MAX,
    transport::Transport,
    wire::{Message, Refusal, USES_SINCE},
};

/// How long peers may take to answer; those that take longer are left out.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(300);

/// Inquiries under way at once; beyond it nobody is asked.
const INQUIRIES_MAX: usize = 8;

/// Answers of peers that may wait to be read.
const ANSWERS_WAITING: usize = 16;

/// Tells when a node itself last heard of tokens, by cluster time; those that it did not hear of are left out.
pub type OwnUses = Box<dyn Fn(&[TokenId]) -> Vec<(TokenId, Millis)> + Send + Sync>;

/// What is asked of all live peers.
#[derive(Clone)]
pub(crate) struct Inquiry {
    tokens: Arc<[TokenId]>,
    /// Once all copies are dropped, everybody has answered who will.
    answers: mpsc::Sender<Vec<(TokenId, Millis)>>,
}

/// What a node tells of the use of tokens, and how it asks others.
pub(crate) struct Uses {
    own: OnceLock<OwnUses>,
    inquiries: broadcast::Sender<Inquiry>,
    turns: Semaphore,
}

impl Default for Uses {
    fn default() -> Self {
        let inquiries = broadcast::Sender::new(INQUIRIES_MAX);
        Self { own: OnceLock::new(), inquiries, turns: Semaphore::new(INQUIRIES_MAX) }
    }
}

impl Uses {
    /// What the driver asks the peers.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Inquiry> {
        self.inquiries.subscribe()
    }

    /// Takes what tells of this node; only the first counts.
    pub(crate) fn tell(&self, own: OwnUses) {
        let _ = self.own.set(own);
    }

    /// What this node tells others.
    pub(super) fn own(&self, tokens: &[TokenId]) -> Vec<(TokenId, Millis)> {
        let mut uses = self.own.get().map(|own| own(tokens)).unwrap_or_default();
        uses.truncate(USES_MAX);
        uses
    }

    /// When the live peers last heard of tokens: the latest of what those say that answer in time. Beyond the first
    /// [`USES_MAX`] tokens nothing is asked.
    pub(crate) async fn elsewhere(&self, tokens: &[TokenId]) -> BTreeMap<TokenId, Millis> {
        let mut latest = BTreeMap::new();
        let Ok(_turn) = self.turns.try_acquire() else { return latest };
        let (answers, mut told) = mpsc::channel(ANSWERS_WAITING);
        let asked = tokens.iter().copied().take(USES_MAX).collect();
        // without a driver there is nobody to ask, and what was to be sent is dropped
        let _ = self.inquiries.send(Inquiry { tokens: asked, answers });
        let end = Instant::now() + ANSWER_TIMEOUT;
        while let Ok(Some(uses)) = timeout_at(end, told.recv()).await {
            for (token, at) in uses.into_iter().filter(|(token, _)| tokens.contains(token)) {
                latest.entry(token).and_modify(|latest: &mut Millis| *latest = at.max(*latest)).or_insert(at);
            }
        }
        latest
    }
}

impl<T: Transport> Driver<T> {
    /// Asks those live peers that know the question.
    pub(super) fn inquire(&self, inquiry: &Inquiry) {
        for peer in self.core.live_peers() {
            if self.transport.protocol(peer).min(self.protocol_max) < USES_SINCE {
                continue;
            }
            let frame = self.encode(peer, &Message::AskUses(inquiry.tokens.to_vec()));
            let (transport, codec, answers) = (Arc::clone(&self.transport), self.codec, inquiry.answers.clone());
            let (refusals, traffic) = (Arc::clone(&self.refusals), Arc::clone(&self.traffic));
            tokio::spawn(async move {
                let Ok(frame) = transport.request(peer, frame, ANSWER_TIMEOUT).await else { return };
                match read(&frame, codec, &refusals, &traffic) {
                    // who asked may have gone
                    Some(Message::Uses(uses)) => drop(answers.send(uses).await),
                    Some(_) => refusals.count(Refusal::Garbage, frame.len()),
                    None => {}
                }
            });
        }
    }
}
