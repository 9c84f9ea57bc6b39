//! Rates of tenants and tokens, and what becomes of those who go on beyond them.

use std::time::Duration;

use burgee_model::Key;

use super::{
    Caller,
    rate::{Bucket, Rate},
    usage::Usage,
};
use crate::{error::ApiError, http::Api};

/// Refusals for a rate's sake, of one tenant or token in a second, that are answered at once.
const REFUSALS_PER_SECOND: u32 = 10;
/// For how long others are held back at least, in microseconds; and, as a power of two, by how much more at most.
const HOLD_MICROS: u64 = 250_000;
const SPREAD_BITS: u32 = 19;
/// How many are held back at once; and of how many connections one is, so that the others are left.
const HELD_MAX: usize = 10_000;
const HELD_SHARE: usize = 4;

/// How many are held back at once by a node that may have so many connections.
pub(super) fn held_max(connections: usize) -> usize {
    (connections / HELD_SHARE).min(HELD_MAX)
}

/// What applications ask and what people do count apart, so that no flood of the ones, whose tokens may be public, keeps
/// the others from a kill switch.
pub(super) fn within_tenant(api: &Api, caller: &Caller, tenant: &Key) -> Result<(), ApiError> {
    // without a limit there is nothing to remember
    let Some(rate) = Rate::per_second(api.limits.tenant_requests_per_second) else { return Ok(()) };
    let usage = api.access.tenant(tenant);
    let used = if caller.principal.kind.rank() == 0 { &usage.requests } else { &usage.by_people };
    within(api, &usage, used, Some(rate), "the tenant")
}

/// Takes one of a rate; beyond it, notes the refusal.
pub(super) fn within(
    api: &Api,
    usage: &Usage,
    used: &Bucket,
    rate: Option<Rate>,
    who: &'static str,
) -> Result<(), ApiError> {
    let Some(rate) = rate else { return Ok(()) };
    let now = api.access.micros();
    used.take(rate, now).map_err(|retry_seconds| {
        let at_once = Rate::per_second(REFUSALS_PER_SECOND);
        let held = at_once.is_some_and(|at_once| usage.refused.take(at_once, now).is_err());
        ApiError::RateLimited { who, retry_seconds, held }
    })
}

/// Holds a refusal back for a moment, where whoever asks goes on in spite of many: being refused must not take the node's
/// time from others.
pub(crate) async fn hold(api: &Api, held: bool) {
    // beyond the most that are held, answering costs less
    if held && let Ok(_place) = api.access.held.try_acquire() {
        tokio::time::sleep(hold_for(api.access.micros())).await;
    }
}

/// Those that were refused at once come back at different times.
fn hold_for(now_micros: u64) -> Duration {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let spread = now_micros.wrapping_mul(GOLDEN) >> (u64::BITS - SPREAD_BITS);
    Duration::from_micros(HOLD_MICROS + spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_connections_are_left_to_others() {
        assert_eq!([3, 768, 1_000_000].map(held_max), [0, 192, HELD_MAX]);
    }

    #[test]
    fn what_is_held_at_once_comes_back_spread() {
        let mut held: Vec<Duration> = (1_000_000..1_000_400).map(hold_for).collect();
        held.sort_unstable();
        let most = Duration::from_micros(HOLD_MICROS + (1 << SPREAD_BITS));
        assert!(held[0] >= Duration::from_micros(HOLD_MICROS) && held[399] < most);
        let gap = held.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(gap < Duration::from_millis(10), "{gap:?}");
    }
}
