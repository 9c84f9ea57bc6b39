//! Addresses of this machine that nobody else uses.

use std::{
    net::Ipv4Addr,
    process::id,
    sync::atomic::{AtomicU32, Ordering},
};

/// An address of loopback of one's own: whoever asks gets another one, so any port of it is free. (Processes that run
/// at the same time have different numbers, but for their higher digits.)
#[must_use]
pub fn address() -> Ipv4Addr {
    static ADDRESSES: AtomicU32 = AtomicU32::new(2);
    let number = (id() & 0x3fff) << 8 | ADDRESSES.fetch_add(1, Ordering::Relaxed) & 0xff;
    let [_, high, middle, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 64 | high, middle, low)
}
