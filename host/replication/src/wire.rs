//! Frames: messages as bytes.

/// The newest version of the protocol that this release speaks.
pub const PROTOCOL: u8 = 2;

/// Why a frame, or a link, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// It speaks no version of the protocol that this release speaks; the field is the newest it offers.
    #[error("protocol version {0}, this release speaks {PROTOCOL}")]
    Protocol(u8),
    /// It is of another cluster.
    #[error("it is of another cluster")]
    Cluster,
    /// It is larger than any frame may be.
    #[error("it is too large")]
    Oversized,
    /// Its bytes are no message.
    #[error("its bytes are no message")]
    Garbage,
    /// It came faster than it could be handled.
    #[error("too many frames wait")]
    Overflow,
    /// Its certificate is not signed by an authority of this cluster, or there is none.
    #[error("its certificate is not trusted")]
    Certificate,
    /// It claims to be a node that it is not.
    #[error("it claims an identity that is not its own")]
    Identity,
}

impl Refusal {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Protocol(_) => "version",
            Self::Cluster => "cluster",
            Self::Oversized => "oversized",
            Self::Garbage => "garbage",
            Self::Overflow => "overflow",
            Self::Certificate => "certificate",
            Self::Identity => "identity",
        }
    }
}
