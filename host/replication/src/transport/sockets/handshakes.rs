//! Places for connections that have not said who they are yet: few in all, and fewer for one address.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::config::ReplicationLimits;

/// The places, and who has them.
#[derive(Debug)]
pub(super) struct Handshakes {
    most: usize,
    most_per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Those that have any, so at most as many as there are places.
    by_address: BTreeMap<IpAddr, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    handshakes: Arc<Handshakes>,
    address: IpAddr,
}

impl Handshakes {
    pub(super) fn new(limits: &ReplicationLimits) -> Self {
        let (most, most_per_address) = (limits.handshakes, limits.handshakes_per_address);
        Self { most, most_per_address, taken: Mutex::default() }
    }

    /// A place, where there is one for this address.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Turn> {
        let address = block(address);
        let mut taken = self.lock();
        let own = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.all >= self.most || own >= self.most_per_address {
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, own + 1);
        Some(Turn { handshakes: Arc::clone(self), address })
    }

    /// Whether half of the places are taken, of all or of this address: an address that is not proved may then be
    /// somebody else's, and use up what is that one's.
    pub(super) fn is_tight_for(&self, address: IpAddr) -> bool {
        let taken = self.lock();
        let own = taken.by_address.get(&block(address)).copied().unwrap_or(0);
        taken.all > self.most / 2 || own >= self.most_per_address / 2
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.handshakes.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.by_address.get_mut(&self.address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: of IPv6 the network, since a machine has as many addresses there as it likes.
fn block(address: IpAddr) -> IpAddr {
    const HOST_BITS: u32 = 64;
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 30;
    const MOST_PER_ADDRESS: usize = 6;

    fn handshakes() -> Arc<Handshakes> {
        let limits = ReplicationLimits {
            handshakes: MOST,
            handshakes_per_address: MOST_PER_ADDRESS,
            ..ReplicationLimits::default()
        };
        Arc::new(Handshakes::new(&limits))
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn one_address_leaves_room_for_others() {
        let handshakes = handshakes();
        let silent: Vec<Turn> = (0..100).filter_map(|_| handshakes.take(address(1))).collect();
        assert_eq!(silent.len(), MOST_PER_ADDRESS);
        assert!(handshakes.is_tight_for(address(1)) && !handshakes.is_tight_for(address(2)));
        let other = handshakes.take(address(2));
        assert!(other.is_some());
        drop((silent, other));
        assert!(handshakes.take(address(1)).is_some());
        assert!(handshakes.lock().by_address.is_empty() && handshakes.lock().all == 0, "what is given back is free");
    }

    #[test]
    fn all_addresses_together_are_bounded() {
        let handshakes = handshakes();
        let turns: Vec<Turn> = (0..100).filter_map(|last| handshakes.take(address(last))).collect();
        assert_eq!(turns.len(), MOST);
        assert!(handshakes.is_tight_for(address(200)));
    }

    #[test]
    fn the_addresses_of_one_network_count_as_one() {
        let handshakes = handshakes();
        let of = |host: u16| -> IpAddr { [0x2001, 0xdb8, 0, 0, 0, 0, 0, host].into() };
        let turns: Vec<Turn> = (0..100).filter_map(|host| handshakes.take(of(host))).collect();
        assert_eq!(turns.len(), MOST_PER_ADDRESS);
        let mapped: IpAddr = [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201].into();
        assert_eq!(block(mapped), address(1));
    }
}
