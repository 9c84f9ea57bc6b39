//! How a call can fail.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a guest gave no value. The flag that called it answers its default variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum GuestFault {
    /// It did what WebAssembly forbids, or gave up.
    #[error("the guest trapped")]
    Trap,
    /// It ran for longer than it may.
    #[error("the guest took too long")]
    Timeout,
    /// It wanted more memory, or larger tables, than it may have.
    #[error("the guest wanted too much memory")]
    Memory,
    /// It called itself too deeply.
    #[error("the guest exhausted its stack")]
    Stack,
    /// Its answer is none: no UTF-8, no JSON, no finite number, or too large.
    #[error("the guest's answer is not a value")]
    BadResult,
    /// Its module is none, or imports or exports what guests may not.
    #[error("the guest's module is not one that may run")]
    Import,
    /// It failed too often, and is not called for a while.
    #[error("the guest failed too often and is suspended")]
    Suspended,
    /// It read more config entries, or more of their bytes, than one call may.
    #[error("the guest read more config entries than it may")]
    Lookups,
    /// All threads, or the tenant's share of them, were busy for as long as a call may take.
    #[error("too many guests were running")]
    Busy,
    /// As many evaluations as may be wait for guests already, or as many of this tenant's.
    #[error("too many evaluations wait for guests")]
    Crowded,
    /// Its module is not here, or not compiled yet.
    #[error("the guest's module is not there")]
    Missing,
    /// It answered with an error of its own.
    #[error("the guest answered an error")]
    Failed,
    /// Guests took as long as they may for one request.
    #[error("guests took too long for one request")]
    Request,
}

impl GuestFault {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Trap,
        Self::Timeout,
        Self::Memory,
        Self::Stack,
        Self::BadResult,
        Self::Import,
        Self::Suspended,
        Self::Busy,
        Self::Missing,
        Self::Failed,
        Self::Request,
        Self::Lookups,
        Self::Crowded,
    ];

    /// The kind's name in metrics.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::BadResult => "bad_result",
            Self::Import => "import",
            Self::Suspended => "suspended",
            Self::Busy => "busy",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Request => "request",
            Self::Lookups => "lookups",
            Self::Crowded => "crowded",
        }
    }

    /// Whether the guest itself is to blame, so that it may be suspended. An error of its own is an answer.
    pub(super) fn is_misbehaviour(self) -> bool {
        matches!(self, Self::Trap | Self::Timeout | Self::Memory | Self::Stack | Self::BadResult | Self::Lookups)
    }
}

/// How often calls failed since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestFaults {
    /// The kind of fault.
    pub kind: &'static str,
    /// How often.
    pub count: u64,
}

/// Counts faults.
#[derive(Debug, Default)]
pub(super) struct Counters([AtomicU64; GuestFault::ALL.len()]);

impl Counters {
    pub(super) fn count(&self, fault: GuestFault) {
        let at = GuestFault::ALL.iter().position(|kind| *kind == fault);
        if let Some(counter) = at.and_then(|at| self.0.get(at)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn totals(&self) -> Vec<GuestFaults> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        GuestFault::ALL.iter().zip(counts).map(|(fault, count)| GuestFaults { kind: fault.kind(), count }).collect()
    }
}
