//! Evaluating where it may take a while: guests are waited for, rules are large, or a large
//! context is gone through again and again.

use burgee_engine::Snapshot;
use burgee_model::Context;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::Api;
use crate::error::ApiError;

/// What is evaluated, with a context.
pub(crate) struct Work<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) context: &'a Context,
    /// One flag, or all.
    pub(crate) flag: Option<&'a str>,
}

/// Evaluates, without keeping this thread's other requests waiting where it may take long. How many wait for guests is
/// bounded where they wait (`guest_callers`, `guest_callers_per_tenant`): beyond that calls fail at once. Of those that take
/// long by themselves, or are of many flags (`long_bulk_flags`), whether they call guests or not, few run at once
/// (`long_evaluations`), so that processors are left to those that do not; tenants take turns at it.
///
/// # Errors
/// Where too many wait for their turn.
pub(crate) async fn evaluating<T>(api: &Api, work: Work<'_>, evaluate: impl FnOnce() -> T) -> Result<T, ApiError> {
    let Work { snapshot, context, flag } = work;
    let are_many = flag.is_none() && snapshot.flags().len() > api.limits.long_bulk_flags;
    let is_long = are_many || snapshot.may_take_long(context, flag);
    if !is_long && !snapshot.calls_guests() {
        return Ok(evaluate());
    }
    // who only waits for guests needs no processor: a turn would be lost on him
    let _turn = if is_long { Some(api.long_evaluations.take(snapshot.tenant()).await?) } else { None };
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
