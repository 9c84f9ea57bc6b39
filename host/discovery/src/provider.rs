//! What a provider is.

use std::{collections::BTreeSet, future::Future};

/// One directory that knows where nodes are.
pub trait Provider: Send + 'static {
    /// Waits until there is something to say: the endpoints, as `SCHEME/HOST:PORT`, at which nodes are found now. Those
    /// that were found before and are not among them are gone. After a failure it begins anew with the next call.
    ///
    /// # Errors
    /// See [`Failure`]. What was found before still counts then.
    fn next(&mut self) -> impl Future<Output = Result<BTreeSet<String>, Failure>> + Send;

    /// The node stops: says so where that is of use to others.
    fn leave(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Why a provider finds nobody for now. The texts are for operators, and hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It answered, and knows of nobody, not even of this node: its name, subject or labels may be wrong.
    #[error("nobody is found: {0}")]
    Nobody(String),
    /// It is not reached.
    #[error("not reached: {0}")]
    Unreachable(String),
    /// It does not answer in time.
    #[error("no answer in time: {0}")]
    TimedOut(String),
    /// It answers that this node may not ask so.
    #[error("refused: {0}")]
    Refused(String),
}
