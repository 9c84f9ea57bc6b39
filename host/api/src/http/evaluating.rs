//! Evaluating where it may take a while: guests are waited for.

use burgee_engine::Snapshot;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Evaluates; where rules call guests, without keeping this thread's other requests waiting. How many wait at once is
/// bounded where they wait (`guest_callers`, `guest_callers_per_tenant`): beyond that calls fail at once.
pub(crate) fn evaluating<T>(snapshot: &Snapshot, evaluate: impl FnOnce() -> T) -> T {
    let may_hand_over = || Handle::try_current().is_ok_and(|here| here.runtime_flavor() == RuntimeFlavor::MultiThread);
    if snapshot.calls_guests() && may_hand_over() { tokio::task::block_in_place(evaluate) } else { evaluate() }
}
