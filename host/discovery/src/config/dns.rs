//! The options of `--discovery dns`.

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::proto::rr::Name;

use super::{ConfigError, check_attempts, check_period};

/// Which records tell where nodes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Addresses (A or AAAA); all nodes listen on one port.
    Addresses,
    /// Services (SRV): names with ports, whose addresses are looked up.
    Services,
}

/// Which addresses are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A records.
    Ipv4,
    /// AAAA records.
    Ipv6,
}

/// Names of DNS, looked up again at each interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsConfig {
    /// The name (`discovery-dns-name`).
    pub name: String,
    /// What is looked up for it (`discovery-dns-records`).
    pub records: Records,
    /// Which addresses (`discovery-dns-family`).
    pub family: Family,
    /// The port of nodes that only an address is known of (`discovery-dns-port`).
    pub port: u16,
    /// Who is asked (`discovery-dns-server`); none asks whom the system does.
    pub server: Option<SocketAddr>,
    /// How long one attempt may take (`discovery-dns-timeout`).
    pub timeout: Duration,
    /// How often a question is asked until the look has failed (`discovery-dns-attempts`).
    pub attempts: u32,
}

impl DnsConfig {
    /// What is not said otherwise: one second, two attempts, IPv4, the system's servers. A name that begins with an
    /// underscore is a service's.
    #[must_use]
    pub fn new(name: &str, port: u16) -> Self {
        Self {
            records: if name.starts_with('_') { Records::Services } else { Records::Addresses },
            name: name.to_owned(),
            family: Family::Ipv4,
            port,
            server: None,
            timeout: Duration::from_secs(1),
            attempts: 2,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.name.is_empty() || self.name == "." {
            return Err(ConfigError::new("discovery-dns-name", "is missing"));
        }
        Name::from_utf8(&self.name)
            .map_err(|error| ConfigError::new("discovery-dns-name", format!("`{}`: {error}", self.name)))?;
        if self.port == 0 && self.records == Records::Addresses {
            return Err(ConfigError::new("discovery-dns-port", "is missing: an address is not enough to reach a node"));
        }
        if self.server.is_some_and(|server| server.port() == 0) {
            return Err(ConfigError::new("discovery-dns-server", "needs a port other than 0"));
        }
        check_period("discovery-dns-timeout", self.timeout)?;
        check_attempts("discovery-dns-attempts", self.attempts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(change: impl FnOnce(&mut DnsConfig)) -> &'static str {
        let mut config = DnsConfig::new("nodes.example", 7447);
        assert_eq!(config.validate(), Ok(()));
        change(&mut config);
        config.validate().unwrap_err().field()
    }

    #[test]
    fn a_bad_value_names_its_field() {
        assert_eq!(field(|dns| dns.name = String::new()), "discovery-dns-name");
        assert_eq!(field(|dns| dns.name = "a..b".into()), "discovery-dns-name");
        assert_eq!(field(|dns| dns.name = "x".repeat(300)), "discovery-dns-name");
        assert_eq!(field(|dns| dns.port = 0), "discovery-dns-port");
        assert_eq!(field(|dns| dns.server = "127.0.0.1:0".parse().ok()), "discovery-dns-server");
        assert_eq!(field(|dns| dns.timeout = Duration::ZERO), "discovery-dns-timeout");
        assert_eq!(field(|dns| dns.attempts = 0), "discovery-dns-attempts");
    }

    #[test]
    fn the_name_of_a_service_is_known_by_its_underscore() {
        let service = DnsConfig::new("_cluster._udp.burgee", 0);
        assert_eq!((service.records, service.validate()), (Records::Services, Ok(())));
        assert_eq!(DnsConfig::new("burgee", 1).records, Records::Addresses);
    }
}
