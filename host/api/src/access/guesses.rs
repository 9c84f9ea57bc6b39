//! Credentials that nobody has, counted by the address that they come from.
//!
//! Tokens that were made here cannot be guessed, so whoever shows one is let in whatever others try. The node's own key
//! is a text that somebody chose: where it is short, it is not taken either from an address with too many wrong attempts.
//! From one that it was shown from before ten times as many are too many: behind a proxy all have one address, whoever
//! guesses and whose key it is.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use super::{rate::Rate, usages::Usages};
use crate::error::ApiError;

/// Addresses that are remembered to have shown the node's own key. Beyond it others are as any.
const HOMES_MAX: usize = 1_000;
/// How many times as many wrong ones may come from such an address before the right one is not taken either.
const HOME_TIMES: u32 = 10;
/// Of an address of IPv6, what one customer has.
const NETWORK: u128 = !(u64::MAX as u128);

/// Wrong credentials of late.
#[derive(Default)]
pub(super) struct Guesses {
    by_address: Usages<IpAddr>,
    homes: Mutex<HashSet<IpAddr>>,
}

impl Guesses {
    /// Notes a wrong one, at an instant in microseconds; gives what is to be said of it.
    pub(super) fn wrong(&self, address: Option<IpAddr>, rate: Option<Rate>, now: u64) -> ApiError {
        let Some((address, rate)) = address.map(whose).zip(rate) else { return ApiError::Unauthorized };
        let usage = self.by_address.of(&address, now);
        // counted beyond the rate too; whether there is room is asked where the key is shown
        let _ = usage.by_people.take(rate.times(HOME_TIMES), now);
        usage.requests.take(rate, now).map_or_else(refused, |()| ApiError::Unauthorized)
    }

    /// Whether the node's own key is taken from an address.
    pub(super) fn own_key(&self, address: Option<IpAddr>, rate: Option<Rate>, now: u64) -> Result<(), ApiError> {
        let Some((address, rate)) = address.map(whose).zip(rate) else { return Ok(()) };
        let mut homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = self.by_address.of(&address, now);
        if homes.contains(&address) {
            return usage.by_people.peek(rate.times(HOME_TIMES), now).map_err(refused);
        }
        usage.requests.peek(rate, now).map_err(refused)?;
        if homes.len() < HOMES_MAX {
            homes.insert(address);
        }
        Ok(())
    }
}

fn refused(retry_seconds: u32) -> ApiError {
    ApiError::RateLimited { who: "showing wrong tokens from this address", retry_seconds, held: true }
}

/// Whom an address stands for.
pub(super) fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn who_guesses_is_refused_and_nobody_else() {
        let (guesses, rate) = (Guesses::default(), Rate::per_minute(2));
        let wrong = |from: &str| matches!(guesses.wrong(address(from), rate, 0), ApiError::Unauthorized);
        assert_eq!(["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"].map(wrong), [true, true, false, true]);
        assert_eq!(
            ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::3"].map(wrong),
            [true, true, false, true]
        );
        assert!((0..9).all(|_| matches!(guesses.wrong(None, rate, 0), ApiError::Unauthorized)));
    }

    #[test]
    fn the_own_key_is_taken_where_it_was_before_or_nobody_guessed() {
        let (guesses, rate) = (Guesses::default(), Rate::per_minute(1));
        let [home, other] = ["192.0.2.1", "192.0.2.2"].map(address);
        assert!(guesses.own_key(home, rate, 0).is_ok());
        for from in [home, other] {
            assert!(matches!(guesses.wrong(from, rate, 0), ApiError::Unauthorized));
        }
        assert!(guesses.own_key(home, rate, 0).is_ok());
        // who guesses behind the same proxy is stopped all the same
        for _ in 0..HOME_TIMES {
            guesses.wrong(home, rate, 0);
        }
        assert!(matches!(guesses.own_key(home, rate, 0), Err(ApiError::RateLimited { .. })));
        assert!(guesses.own_key(home, rate, 6_000_000).is_ok());
        assert!(matches!(guesses.own_key(other, rate, 0), Err(ApiError::RateLimited { retry_seconds: 60, .. })));
        assert!(guesses.own_key(other, rate, 60_000_000).is_ok());
    }
}
