//! `dns`: addresses of a name, or services with their names' addresses; looked up again at each interval.

use std::{collections::BTreeSet, net::IpAddr};

use futures_util::{StreamExt, TryStreamExt, stream};
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{RData, RecordType},
    },
};
use tokio::time::{Instant, sleep_until};

use crate::{
    backoff::{jitter, random},
    config::{DiscoveryConfig, DnsConfig, Family, Records, Scheme},
    provider::{Failure, Provider},
};

/// Names of services that are looked up at once.
const LOOKUPS: usize = 8;

/// Looks names up.
pub(crate) struct Dns {
    config: DnsConfig,
    scheme: Scheme,
    interval: std::time::Duration,
    endpoints_max: usize,
    /// When to look again; at once at the start and after a failure, which is paced elsewhere.
    due: Option<Instant>,
}

/// What one name was found to have.
enum Answer {
    Records(Vec<RData>),
    /// The name is not there, or has nothing of the kind.
    Nothing,
}

impl Dns {
    pub(crate) fn new(config: &DnsConfig, common: &DiscoveryConfig) -> Self {
        Self {
            config: config.clone(),
            scheme: common.scheme,
            interval: common.interval,
            endpoints_max: common.endpoints_max,
            due: None,
        }
    }

    async fn look(&self) -> Result<BTreeSet<String>, Failure> {
        // made anew each time, so that it goes by the system's configuration as it is now
        let resolver = self.resolver()?;
        let found = match self.config.records {
            Records::Addresses => self.addresses(&resolver, &self.config.name, self.config.port).await,
            Records::Services => self.services(&resolver).await,
        }?;
        match found.is_empty() {
            true => Err(Failure::Nobody(format!("`{}` has no {}", self.config.name, self.wanted()))),
            false => Ok(found),
        }
    }

    fn resolver(&self) -> Result<TokioResolver, Failure> {
        let failed = |error: NetError| Failure::Unreachable(error.to_string());
        let mut builder = match self.config.server {
            None => TokioResolver::builder_tokio().map_err(failed)?,
            Some(server) => {
                let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                connections.iter_mut().for_each(|connection| connection.port = server.port());
                let server = NameServerConfig::new(server.ip(), true, connections.into());
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = self.config.timeout;
        options.attempts = usize::try_from(self.config.attempts).unwrap_or(usize::MAX);
        // the interval says how fresh answers are
        options.cache_size = 0;
        options.try_tcp_on_error = true;
        if self.config.server.is_some() {
            options.use_hosts_file = ResolveHosts::Never;
        }
        builder.build().map_err(failed)
    }

    /// What is asked of the name that was given.
    fn wanted(&self) -> RecordType {
        match self.config.records {
            Records::Services => RecordType::SRV,
            Records::Addresses => self.of_family(),
        }
    }

    /// The records of addresses.
    fn of_family(&self) -> RecordType {
        match self.config.family {
            Family::Ipv4 => RecordType::A,
            Family::Ipv6 => RecordType::AAAA,
        }
    }

    async fn addresses(&self, resolver: &TokioResolver, name: &str, port: u16) -> Result<BTreeSet<String>, Failure> {
        let Answer::Records(records) = ask(resolver, name, self.of_family()).await? else { return Ok(BTreeSet::new()) };
        let addresses = records.iter().filter_map(address);
        Ok(addresses.map(|address| self.scheme.endpoint(address, port)).collect())
    }

    /// A name without addresses adds nothing; one that is not looked up in time fails the whole look, since nodes would
    /// seem to be gone otherwise.
    async fn services(&self, resolver: &TokioResolver) -> Result<BTreeSet<String>, Failure> {
        let Answer::Records(records) = ask(resolver, &self.config.name, RecordType::SRV).await? else {
            return Ok(BTreeSet::new());
        };
        let services: BTreeSet<(String, u16)> = records.iter().filter_map(service).take(self.endpoints_max).collect();
        let lookups = services.into_iter().map(|(name, port)| self.owned_addresses(resolver, name, port));
        let lookups: Vec<_> = lookups.collect();
        let found: Vec<BTreeSet<String>> = stream::iter(lookups).buffer_unordered(LOOKUPS).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn owned_addresses(
        &self,
        resolver: &TokioResolver,
        name: String,
        port: u16,
    ) -> Result<BTreeSet<String>, Failure> {
        self.addresses(resolver, &name, port).await
    }
}

impl Provider for Dns {
    async fn next(&mut self) -> Result<BTreeSet<String>, Failure> {
        if let Some(due) = self.due.take() {
            sleep_until(due).await;
        }
        let found = self.look().await?;
        self.due = Some(Instant::now() + jitter(self.interval, random()));
        Ok(found)
    }
}

fn address(record: &RData) -> Option<IpAddr> {
    match record {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

/// A service of the name `.` says that there is none.
fn service(record: &RData) -> Option<(String, u16)> {
    match record {
        RData::SRV(service) if !service.target.is_root() && service.port != 0 => {
            Some((service.target.to_ascii(), service.port))
        }
        _ => None,
    }
}

async fn ask(resolver: &TokioResolver, name: &str, wanted: RecordType) -> Result<Answer, Failure> {
    match resolver.lookup(name, wanted).await {
        Ok(lookup) => Ok(Answer::Records(lookup.answers().iter().map(|record| record.data.clone()).collect())),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(Answer::Nothing),
            code => Err(Failure::Refused(format!("`{name}`: {code}"))),
        },
        Err(NetError::Timeout) => Err(Failure::TimedOut(format!("`{name}`"))),
        Err(NetError::Dns(error)) => Err(Failure::Refused(format!("`{name}`: {error}"))),
        Err(error) => Err(Failure::Unreachable(format!("`{name}`: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use hickory_resolver::proto::rr::{
        Name,
        rdata::{A, AAAA, SRV, TXT},
    };

    use super::*;

    #[test]
    fn records_become_endpoints() {
        assert_eq!(Scheme::Tcp.endpoint(IpAddr::from([10, 0, 0, 1]), 7447), "tcp/10.0.0.1:7447");
        assert_eq!(Scheme::Tcp.endpoint(IpAddr::V6(Ipv6Addr::LOCALHOST), 1), "tcp/[::1]:1");
        assert_eq!(address(&RData::A(A::new(10, 0, 0, 1))), Some(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(address(&RData::AAAA(AAAA(Ipv6Addr::LOCALHOST))), Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        assert_eq!(address(&RData::TXT(TXT::new(vec!["10.0.0.1".to_owned()]))), None);
    }

    #[test]
    fn a_service_has_a_name_and_a_port() {
        let record = |port, target: &str| RData::SRV(SRV::new(0, 0, port, Name::from_utf8(target).unwrap()));
        assert_eq!(service(&record(7447, "a.nodes.")), Some(("a.nodes.".to_owned(), 7447)));
        assert_eq!(service(&record(7447, ".")), None, "there is no such service");
        assert_eq!(service(&record(0, "a.nodes.")), None);
    }
}
