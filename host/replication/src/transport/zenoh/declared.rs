//! What a node declares: its token, its readiness to be asked, its wish for hints.
//!
//! Zenoh's routers lose declarations: a router tells a neighbour of them when the neighbour appears among
//! its children in the trees that it computes at most every 100 ms, by comparison with the trees before.
//! Who leaves and returns (or whoever takes its place) between two computations is no new child and is
//! told nothing, for good. So a node declares itself anew after every change of membership, once the trees
//! have settled, and now and then for what went unseen. The new declarations come before the old ones go,
//! under other key expressions of the same meaning, so that nobody misses anything meanwhile.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::task::AbortHandle;
use zenoh::{
    Session, Wait, handlers::Callback, liveliness::LivelinessToken, pubsub::Subscriber, query::Query, query::Queryable,
    sample::Sample,
};

use super::{
    keys::{Keys, Turn},
    members::Members,
    payload,
};
use crate::transport::{InboxSender, Responder};

/// How long after a change the trees have settled, on a busy machine too.
const SETTLED: Duration = Duration::from_millis(300);
/// Between two renewals without a change.
const UNSEEN: Duration = Duration::from_secs(30);

/// Keeps a node declared, until it is stopped or dropped.
pub(super) struct Keeper(AbortHandle);

struct Declared {
    _asked: Queryable<()>,
    _hints: Subscriber<()>,
    _token: LivelinessToken,
}

impl Keeper {
    /// Declares the node for the first time.
    pub(super) async fn start(
        session: Session,
        keys: Keys,
        inbox: InboxSender,
        members: Arc<Members>,
    ) -> zenoh::Result<Self> {
        let declared = declare(&session, &keys, &inbox, Turn::Even).await?;
        let keeping = tokio::spawn(async move { keep(declared, &session, &keys, &inbox, &members).await });
        Ok(Self(keeping.abort_handle()))
    }

    pub(super) fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn keep(mut declared: Declared, session: &Session, keys: &Keys, inbox: &InboxSender, members: &Members) {
    let mut turn = Turn::Even;
    loop {
        if tokio::time::timeout(UNSEEN, members.changed.notified()).await.is_ok() {
            tokio::time::sleep(SETTLED).await;
        }
        match declare(session, keys, inbox, turn.next()).await {
            Ok(renewed) => {
                turn = turn.next();
                // Dropping the old ones undeclares them.
                drop(std::mem::replace(&mut declared, renewed));
            }
            Err(error) => tracing::debug!(%error, "this node was not declared anew"),
        }
    }
}

async fn declare(session: &Session, keys: &Keys, inbox: &InboxSender, turn: Turn) -> zenoh::Result<Declared> {
    let asked = session.declare_queryable(keys.asked(turn)).with(on_query(keys.asked(turn), inbox.clone())).await?;
    let hints = session.declare_subscriber(keys.hints(turn)).with(on_hint(keys.clone(), inbox.clone())).await?;
    // Last: who sees the token may ask.
    let token = session.liveliness().declare_token(keys.token(turn)).await?;
    Ok(Declared { _asked: asked, _hints: hints, _token: token })
}

fn on_query(key: String, inbox: InboxSender) -> Callback<Query> {
    Callback::from(move |query: Query| {
        let (frame, key) = (query.payload().map(payload).unwrap_or_default(), key.clone());
        let responder = Responder::new(move |answer: Bytes| {
            if let Err(error) = query.reply(key, answer).wait() {
                tracing::debug!(%error, "an answer was not sent");
            }
        });
        inbox.frame(frame, Some(responder));
    })
}

fn on_hint(keys: Keys, inbox: InboxSender) -> Callback<Sample> {
    Callback::from(move |sample: Sample| {
        // A subscriber hears its own session too.
        if !keys.is_own_hint(sample.key_expr().as_str()) {
            inbox.frame(payload(sample.payload()), None);
        }
    })
}
