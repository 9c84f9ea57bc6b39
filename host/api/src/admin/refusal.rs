//! Why a domain operation was refused.

use std::fmt;

use burgee_model::{Key, Problem, Stamp};

/// What kind of thing a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tenant.
    Tenant,
    /// An environment.
    Environment,
    /// A flag.
    Flag,
    /// A segment.
    Segment,
    /// A config entry.
    Entry,
    /// The rollout of a config entry.
    Rollout,
    /// A guest.
    Guest,
    /// A token.
    Token,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Environment => "environment",
            Self::Flag => "flag",
            Self::Segment => "segment",
            Self::Entry => "config entry",
            Self::Rollout => "rollout of",
            Self::Guest => "guest",
            Self::Token => "token",
        })
    }
}

/// Why a request changes nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// What the request is about, or what contains it, does not exist.
    #[error("there is no {0} `{1}`")]
    NotFound(Kind, Key),
    /// What should be created exists.
    #[error("there is a {0} `{1}` already")]
    AlreadyExists(Kind, Key),
    /// The register has, or kept, no version with this stamp.
    #[error("the register has no version {0}, or no longer")]
    NoVersion(Stamp),
    /// The register has no conflict.
    #[error("the register has no conflict")]
    NoConflict,
    /// Only the current version of such a register is kept; the text is the place of the member that names it.
    #[error("no history is kept of config entries")]
    HistoryNotKept(&'static str),
    /// What was asked for as of an instant is not known as of then.
    #[error("no history is kept that reaches back to then")]
    HistoryTooShort,
    /// A precondition does not hold; the text is the current tag, where there is one.
    #[error("it is not, or no longer, what the request was made from")]
    Stale(Option<String>),
    /// A member of the cluster is of a release that does not know yet what would be written; the text says what.
    #[error("not every node of the cluster knows {0} yet: upgrade them all first")]
    Upgrading(&'static str),
    /// Whoever asks may not do that; the text says why.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The request must say what it was made from: the environment is protected.
    #[error("`{0}` is protected: a change of it says by `If-Match` what it was made from")]
    PreconditionRequired(Key),
    /// Members of the request are wrong; each fault has its place.
    #[error("{}", first(.0))]
    Invalid(Vec<Problem>),
    /// A rule of the request is wrong; each fault has its place.
    #[error("{}", first(.0))]
    InvalidRule(Vec<Problem>),
    /// A value has more bytes than allowed.
    #[error("{what} has {bytes} bytes, {max} are allowed")]
    TooLarge {
        /// What was measured.
        what: &'static str,
        /// What it has.
        bytes: usize,
        /// What is allowed.
        max: usize,
    },
}

fn first(problems: &[Problem]) -> &str {
    problems.first().map_or("the request is not valid", |problem| problem.message.as_str())
}

impl Refusal {
    /// One fault of the request.
    #[must_use]
    pub fn invalid(path: &str, code: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(path, code, message)])
    }
}
