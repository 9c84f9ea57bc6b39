//! What an operator says about discovery, checked before anything is bound.

mod dns;
mod kubernetes;
mod nats;

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

pub use self::{
    dns::{DnsConfig, Family, Records},
    kubernetes::{KubernetesConfig, ServiceAccount},
    nats::NatsConfig,
};

/// The most attempts in a row that an operator may ask for.
const ATTEMPTS_MAX: u32 = 100;
/// The least time between two attempts or answers: directories serve others too.
const PERIOD_MIN: Duration = Duration::from_millis(100);

/// How endpoints that are found are reached: as the node's own is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Clear text, on loopback alone.
    Tcp,
    /// QUIC with certificates.
    Quic,
}

impl Scheme {
    /// The endpoint of an address.
    pub(crate) fn endpoint(self, address: IpAddr, port: u16) -> String {
        let scheme = match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
        };
        // this writes IPv6 in brackets
        format!("{scheme}/{}", SocketAddr::new(address, port))
    }
}

/// All providers, and what holds for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveryConfig {
    /// How what is found is reached.
    pub scheme: Scheme,
    /// The cluster's name: what is told on behalf of another one is not for this node.
    pub cluster: String,
    /// The node's name, as other nodes are told.
    pub node: String,
    /// Between two looks of providers that are not told of changes, and the longest pause after a failure
    /// (`discovery-interval`).
    pub interval: Duration,
    /// Endpoints that are taken, of all providers together (`discovery-endpoints`).
    pub endpoints_max: usize,
    /// The providers (`discovery`); none where this is empty.
    pub providers: Vec<ProviderConfig>,
}

impl Default for DiscoveryConfig {
    fn default() -> Self {
        Self {
            scheme: Scheme::Quic,
            cluster: "burgee".to_owned(),
            node: String::new(),
            interval: Duration::from_secs(10),
            endpoints_max: 256,
            providers: Vec::new(),
        }
    }
}

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderConfig {
    /// Endpoints that are given.
    Static(Vec<String>),
    /// Names of DNS.
    Dns(DnsConfig),
    /// Nodes that announce themselves over a subject of NATS.
    Nats(NatsConfig),
    /// Pods of Kubernetes.
    Kubernetes(KubernetesConfig),
}

impl ProviderConfig {
    /// Its name in options, metrics and the view of the cluster.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Static(_) => "static",
            Self::Dns(_) => "dns",
            Self::Nats(_) => "nats",
            Self::Kubernetes(_) => "kubernetes",
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Static(endpoints) if endpoints.is_empty() => {
                Err(ConfigError::new("join", "is missing: `--discovery static` finds whom it names"))
            }
            Self::Static(_) => Ok(()),
            Self::Dns(dns) => dns.validate(),
            Self::Nats(nats) => nats.validate(),
            Self::Kubernetes(kubernetes) => kubernetes.validate(),
        }
    }
}

/// A value that cannot be used, with the name of the option that holds it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ConfigError {
    field: &'static str,
    reason: String,
}

impl ConfigError {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }

    /// The option's name, without dashes in front.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with it.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl DiscoveryConfig {
    /// Checks every value; asks nobody.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check_period("discovery-interval", self.interval)?;
        if self.endpoints_max == 0 {
            return Err(ConfigError::new("discovery-endpoints", "is more than 0"));
        }
        for (at, provider) in self.providers.iter().enumerate() {
            let name = provider.name();
            if self.providers[..at].iter().any(|before| before.name() == name) {
                return Err(ConfigError::new("discovery", format!("`{name}` is named twice")));
            }
            provider.validate()?;
        }
        Ok(())
    }
}

fn check_period(field: &'static str, period: Duration) -> Result<(), ConfigError> {
    match period < PERIOD_MIN {
        true => Err(ConfigError::new(field, format!("is at least {}ms", PERIOD_MIN.as_millis()))),
        false => Ok(()),
    }
}

fn check_attempts(field: &'static str, attempts: u32) -> Result<(), ConfigError> {
    match (1..=ATTEMPTS_MAX).contains(&attempts) {
        true => Ok(()),
        false => Err(ConfigError::new(field, format!("is from 1 to {ATTEMPTS_MAX}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(providers: Vec<ProviderConfig>) -> String {
        DiscoveryConfig { providers, ..DiscoveryConfig::default() }.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_default_finds_nobody_and_is_valid() {
        assert_eq!(DiscoveryConfig::default().validate(), Ok(()));
    }

    #[test]
    fn names_the_field_and_the_reason() {
        let fixed = || ProviderConfig::Static(vec!["quic/10.0.0.1:7447".to_owned()]);
        assert_eq!(refused(vec![fixed(), fixed()]), "discovery: `static` is named twice");
        assert!(refused(vec![ProviderConfig::Static(Vec::new())]).starts_with("join: is missing"));
        let at_once = DiscoveryConfig { interval: Duration::ZERO, ..DiscoveryConfig::default() };
        assert_eq!(at_once.validate().unwrap_err().field(), "discovery-interval");
        let none = DiscoveryConfig { endpoints_max: 0, ..DiscoveryConfig::default() };
        assert_eq!(none.validate().unwrap_err().field(), "discovery-endpoints");
    }
}
