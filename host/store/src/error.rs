//! What can go wrong, one small enum for each operation.

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process (or another store of this one) has the data directory open.
    #[error("the data directory is in use by another process")]
    Locked,
    /// The data file is not whole; the text says what was found.
    #[error("the data file is corrupt: {0}")]
    Corrupt(String),
    /// The data directory cannot be read or written.
    #[error("the data directory cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// The data file holds versions of a kind or format that this release does not know. It is left as it is.
    #[error("a newer release wrote the data file: it holds kinds of data that this release does not know")]
    Newer,
    /// A newer release wrote the data file, in another format. It is left as it is.
    #[error("a newer release wrote the data file: it has format {found}, this release knows formats up to {known}")]
    Format {
        /// The format found.
        found: u32,
        /// The newest that this release reads.
        known: u32,
    },
}

/// Why a write did not happen. Nothing of it is applied, unless noted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The plan itself refused.
    #[error("{0}")]
    Refused(E),
    /// What the plan drafted cannot be written.
    #[error("{0}")]
    Draft(DraftError),
    /// The queue of writes is full: try again later.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The disk refused; the text is its answer. The write was neither applied nor fed, and what may have
    /// reached the disk is taken back before anything else is written. Only where the process ends before
    /// the disk took that, the write may be there at the next start.
    #[error("the disk refused the write: {0}")]
    Disk(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a draft cannot become versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A draft writes the same register twice.
    #[error("the draft writes a register twice")]
    Duplicate,
    /// A draft writes a register or a floor outside the scope of its request.
    #[error("the draft writes outside the scope of its request")]
    OutOfScope,
    /// A draft writes a floor as if it were a register.
    #[error("floors are not written as registers")]
    FloorRegister,
    /// A value is larger than any version may be.
    #[error("the value is too large")]
    TooLarge,
    /// More stamps to settle than a version can name.
    #[error("a version settles too many others")]
    TooManyParents,
    /// No stamp before the year 2100 lies above what the register holds.
    #[error("no stamp is left above what the register holds")]
    NoStamp,
    /// The clock shows a time that no stamp can bear.
    #[error("the clock shows a time after the year 2099")]
    ClockOutOfRange,
    /// The plan panicked.
    #[error("planning the write failed")]
    Panicked,
}

/// Why versions of another node were not merged. None of them was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}
