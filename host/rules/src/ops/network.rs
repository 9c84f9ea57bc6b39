//! `in_network`: whether an IP address lies in a network.

use core::net::IpAddr;

use burgee_model::Value;

/// A network in CIDR notation: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// The network of a text like `10.0.0.0/8`, `2001:db8::/32` or a single address.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let plain = |bits: &str| bits.bytes().all(|b| b.is_ascii_digit());
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().ok().filter(|parsed| *parsed <= most && plain(bits))?,
        };
        Some(Self { address, bits }.canonical())
    }

    /// A network of IPv4 addresses that are written as IPv6 is that of IPv4: so are addresses taken.
    fn canonical(self) -> Self {
        const MAPPED_BITS: u8 = 96;
        match (self.address.to_canonical(), self.bits.checked_sub(MAPPED_BITS)) {
            (address @ IpAddr::V4(_), Some(bits)) if self.address.is_ipv6() => Self { address, bits },
            _ => self,
        }
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

/// Whether an address lies in any of the networks; null where it is no address. An IPv4 address that is written as
/// IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
pub(super) fn in_network(address: &Value, networks: &[Network]) -> Value {
    let Value::Text(text) = address else { return Value::Null };
    match text.parse::<IpAddr>() {
        Ok(address) => Value::Bool(networks.iter().any(|network| network.holds(address.to_canonical()))),
        Err(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_networks() {
        for (address, network, expected) in [
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.99/24", true),
            ("10.1.2.3", "0.0.0.0/0", true),
            ("::ffff:10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "::ffff:10.0.0.0/104", true),
            ("::ffff:11.1.2.3", "::ffff:10.0.0.0/104", false),
            ("2001:db8::1", "2001:db8::/32", true),
            ("2001:db9::1", "2001:db8::/32", false),
            ("2001:db8::1", "::/0", true),
            ("10.1.2.3", "::/0", false),
        ] {
            let found = in_network(&Value::text(address), &[Network::read(network).unwrap()]);
            assert_eq!(found, Value::Bool(expected), "{address} in {network}");
        }
        assert_eq!(in_network(&Value::text("x"), &[]), Value::Null);
        assert_eq!(in_network(&Value::Number(1.0), &[]), Value::Null);
    }

    #[test]
    fn what_is_no_network() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "::/129", "x/8", "10.0.0.0/8/8"] {
            assert_eq!(Network::read(text), None, "{text}");
        }
    }
}
