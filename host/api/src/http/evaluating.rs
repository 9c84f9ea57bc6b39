//! Evaluating where it may take a while: guests are waited for, or a large context is gone through again and again.

use burgee_engine::Snapshot;
use burgee_model::Context;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::Api;
use crate::error::ApiError;

/// What is evaluated: one flag or all, with a context.
pub(crate) struct Work<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) context: &'a Context,
    pub(crate) all: bool,
}

/// Evaluates, without keeping this thread's other requests waiting where it may take long. How many wait for guests is
/// bounded where they wait (`guest_callers`, `guest_callers_per_tenant`): beyond that calls fail at once. Of others that
/// take long, or are of many flags (`long_bulk_flags`), few run at once (`long_evaluations`), of a tenant half of them, so
/// that processors are left to those that do not.
///
/// # Errors
/// Where too many wait for their turn.
pub(crate) async fn evaluating<T>(api: &Api, work: Work<'_>, evaluate: impl FnOnce() -> T) -> Result<T, ApiError> {
    let guests = work.snapshot.calls_guests();
    let many = work.all && work.snapshot.flags().len() > api.limits.long_bulk_flags;
    if !guests && !many && !work.snapshot.may_take_long(work.context, work.all) {
        return Ok(evaluate());
    }
    // who waits for guests needs no processor: a turn would be lost on him
    let _turn = if guests { None } else { Some(api.long_evaluations.take(work.snapshot.tenant()).await?) };
    let may_hand_over = Handle::try_current().is_ok_and(|here| here.runtime_flavor() == RuntimeFlavor::MultiThread);
    Ok(if may_hand_over { tokio::task::block_in_place(evaluate) } else { evaluate() })
}

/// How many long evaluations run at once: so many as are wanted, or one less than there are processors.
pub(super) fn at_once(wanted: usize) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(1, |count| count.get().saturating_sub(1).max(1)),
        wanted => wanted,
    }
}
