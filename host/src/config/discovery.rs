//! What the options say about finding other nodes.

use std::time::Duration;

use burgee_discovery::{
    DiscoveryConfig, ProviderConfig, Scheme,
    config::{DnsConfig, Family, KubernetesConfig, NatsConfig, Records, ServiceAccount},
};
use burgee_replication::ReplicationConfig;

use super::ConfigError;
use crate::options::{DiscoveryOptions, Options};

/// Over which subject of NATS nodes announce themselves.
const SUBJECT: &str = "burgee.nodes";
/// What labels and which port pods have, as in the manifests that come with the product.
const LABELS: &str = "app.kubernetes.io/name=burgee";
const PORT_NAME: &str = "cluster";

/// A node to join: a bare `HOST:PORT` is reached as this node is.
pub(super) fn endpoint(options: &Options, text: &str) -> String {
    let has_scheme = text.contains('/') || !text.contains(':');
    if has_scheme {
        return text.to_owned();
    }
    match scheme(options.cluster_listen.as_deref(), options.cluster_cert.is_some()) {
        Scheme::Tcp => format!("tcp/{text}"),
        Scheme::Quic => format!("quic/{text}"),
    }
}

/// That of the node's own endpoint; one that does not listen has certificates where it speaks QUIC.
fn scheme(listen: Option<&str>, has_certificate: bool) -> Scheme {
    match listen {
        Some(listen) if listen.starts_with("tcp/") => Scheme::Tcp,
        None if !has_certificate => Scheme::Tcp,
        _ => Scheme::Quic,
    }
}

pub(super) fn config(
    options: &DiscoveryOptions,
    replication: &ReplicationConfig,
) -> Result<DiscoveryConfig, ConfigError> {
    let default = DiscoveryConfig::default();
    if let Some(field) = without_provider(options) {
        return Err(ConfigError::new(field, &"has no effect without its --discovery"));
    }
    let providers = options.discovery.iter().map(|name| provider(name, options, replication));
    Ok(DiscoveryConfig {
        scheme: scheme(replication.listen.as_deref(), replication.cert.is_some()),
        cluster: replication.cluster_name.clone(),
        node: replication.node_name.clone(),
        interval: duration("discovery-interval", options.discovery_interval.as_deref(), default.interval)?,
        endpoints_max: options.discovery_endpoints.unwrap_or(default.endpoints_max),
        providers: providers.collect::<Result<_, _>>()?,
    })
}

/// The first option that a provider needs which is not asked for: better refused than silently without effect.
fn without_provider(options: &DiscoveryOptions) -> Option<&'static str> {
    let lacks = |provider: &str| !options.discovery.iter().any(|name| name == provider);
    let given = [
        ("dns", "discovery-dns-name", options.discovery_dns_name.is_some()),
        ("nats", "discovery-nats-url", options.discovery_nats_url.is_some()),
        ("kubernetes", "discovery-kubernetes-labels", options.discovery_kubernetes_labels.is_some()),
    ];
    given.into_iter().find(|(provider, _, given)| *given && lacks(provider)).map(|(_, field, _)| field)
}

fn provider(
    name: &str,
    options: &DiscoveryOptions,
    replication: &ReplicationConfig,
) -> Result<ProviderConfig, ConfigError> {
    match name {
        "static" => Ok(ProviderConfig::Static(replication.join.clone())),
        "dns" => dns(options, replication).map(ProviderConfig::Dns),
        "nats" => nats(options).map(ProviderConfig::Nats),
        "kubernetes" => kubernetes(options).map(ProviderConfig::Kubernetes),
        other => {
            let reason = format!("`{other}` is none of `static`, `dns`, `nats` and `kubernetes`");
            Err(ConfigError::new("discovery", &reason))
        }
    }
}

fn dns(options: &DiscoveryOptions, replication: &ReplicationConfig) -> Result<DnsConfig, ConfigError> {
    let name = options.discovery_dns_name.as_deref().unwrap_or_default();
    let own_port = replication.listen.as_deref().and_then(|listen| listen.rsplit_once(':')?.1.parse().ok());
    let port = options.discovery_dns_port.or(own_port).unwrap_or_default();
    let mut dns = DnsConfig::new(name, port);
    if let Some(records) = &options.discovery_dns_records {
        let choices = [("address", Records::Addresses), ("srv", Records::Services)];
        dns.records = one_of("discovery-dns-records", records, choices)?;
    }
    if let Some(family) = &options.discovery_dns_family {
        dns.family = one_of("discovery-dns-family", family, [("ipv4", Family::Ipv4), ("ipv6", Family::Ipv6)])?;
    }
    if let Some(server) = &options.discovery_dns_server {
        let read = server.parse();
        let wrong = |_| ConfigError::new("discovery-dns-server", &format!("`{server}` is no ADDRESS:PORT"));
        dns.server = Some(read.map_err(wrong)?);
    }
    dns.timeout = duration("discovery-dns-timeout", options.discovery_dns_timeout.as_deref(), dns.timeout)?;
    dns.attempts = options.discovery_dns_attempts.unwrap_or(dns.attempts);
    Ok(dns)
}

fn nats(options: &DiscoveryOptions) -> Result<NatsConfig, ConfigError> {
    let url = options.discovery_nats_url.as_deref().unwrap_or_default();
    let mut nats = NatsConfig::new(url, options.discovery_nats_subject.as_deref().unwrap_or(SUBJECT));
    nats.timeout = duration("discovery-nats-timeout", options.discovery_nats_timeout.as_deref(), nats.timeout)?;
    nats.attempts = options.discovery_nats_attempts.unwrap_or(nats.attempts);
    let wait = options.discovery_nats_reconnect_wait.as_deref();
    nats.reconnect_wait = duration("discovery-nats-reconnect-wait", wait, nats.reconnect_wait)?;
    Ok(nats)
}

/// What is not given is as this pod is told. A token for one API is not shown to another one: whoever names the API
/// names the token too.
fn kubernetes(options: &DiscoveryOptions) -> Result<KubernetesConfig, ConfigError> {
    let pod = ServiceAccount::of_this_pod();
    let is_own = options.discovery_kubernetes_api.is_none();
    let account = ServiceAccount {
        api: options.discovery_kubernetes_api.clone().or(pod.api),
        namespace: options.discovery_kubernetes_namespace.clone().or(pod.namespace),
        token: options.discovery_kubernetes_token.clone().or(pod.token.filter(|_| is_own)),
        ca: options.discovery_kubernetes_ca.clone().or(pod.ca.filter(|_| is_own)),
    };
    let labels = options.discovery_kubernetes_labels.as_deref().unwrap_or(LABELS);
    let port_name = options.discovery_kubernetes_port_name.as_deref().unwrap_or(PORT_NAME);
    let mut kubernetes = KubernetesConfig::new(account, labels, port_name);
    let timeout = options.discovery_kubernetes_timeout.as_deref();
    kubernetes.timeout = duration("discovery-kubernetes-timeout", timeout, kubernetes.timeout)?;
    Ok(kubernetes)
}

fn one_of<T: Copy>(field: &str, text: &str, choices: [(&str, T); 2]) -> Result<T, ConfigError> {
    let chosen = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
    let [(one, _), (other, _)] = choices;
    chosen.ok_or_else(|| ConfigError::new(field, &format!("`{text}` is neither `{one}` nor `{other}`")))
}

fn duration(field: &str, text: Option<&str>, default: Duration) -> Result<Duration, ConfigError> {
    let Some(text) = text else { return Ok(default) };
    let read = burgee_model::duration::parse(text).map(Duration::from_millis);
    read.map_err(|error| ConfigError::new(field, &format!("`{text}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Mode};

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn by(provider: &str) -> DiscoveryOptions {
        DiscoveryOptions { discovery: vec![provider.to_owned()], ..DiscoveryOptions::default() }
    }

    fn with(discovery: DiscoveryOptions) -> Options {
        let listen = text("tcp/127.0.0.1:7447");
        Options { discovery, ephemeral: true, cluster_listen: listen, ..Options::default() }
    }

    fn field(discovery: DiscoveryOptions) -> String {
        Config::new(Mode::Serve, with(discovery)).unwrap_err().field
    }

    #[test]
    fn a_bad_value_names_its_field() {
        assert_eq!(field(by("magic")), "discovery");
        assert_eq!(field(by("static")), "join");
        assert_eq!(field(by("dns")), "discovery-dns-name");
        assert_eq!(field(by("nats")), "discovery-nats-url");
        assert_eq!(field(by("kubernetes")), "discovery-kubernetes-api");
        let dns = || DiscoveryOptions { discovery_dns_name: text("nodes.example"), ..by("dns") };
        let lone = DiscoveryOptions { discovery: Vec::new(), ..dns() };
        assert_eq!(field(lone), "discovery-dns-name", "without effect");
        for (options, name) in [
            (DiscoveryOptions { discovery_dns_records: text("mx"), ..dns() }, "discovery-dns-records"),
            (DiscoveryOptions { discovery_dns_family: text("6"), ..dns() }, "discovery-dns-family"),
            (DiscoveryOptions { discovery_dns_server: text("dns.example"), ..dns() }, "discovery-dns-server"),
            (DiscoveryOptions { discovery_dns_timeout: text("1"), ..dns() }, "discovery-dns-timeout"),
            (DiscoveryOptions { discovery_interval: text("often"), ..dns() }, "discovery-interval"),
            (DiscoveryOptions { discovery_endpoints: Some(0), ..dns() }, "discovery-endpoints"),
        ] {
            assert_eq!(field(options), name);
        }
    }

    #[test]
    fn what_is_not_said_comes_of_the_cluster_port() {
        let options = with(DiscoveryOptions { discovery_dns_name: text("nodes.example"), ..by("dns") });
        let config = Config::new(Mode::Serve, options).unwrap();
        assert_eq!((config.discovery.scheme, config.replication.discovers), (Scheme::Tcp, true));
        let [ProviderConfig::Dns(dns)] = config.discovery.providers.as_slice() else { panic!("one provider") };
        assert_eq!((dns.port, dns.family, dns.records), (7447, Family::Ipv4, Records::Addresses));
    }

    #[test]
    fn a_host_is_joined_as_this_node_is_reached() {
        let join = vec!["127.0.0.1:7448".to_owned(), "tcp/[::1]:7449".to_owned(), "[::1]:7450".to_owned()];
        let options = Options { join, ..with(by("static")) };
        let config = Config::new(Mode::Serve, options).unwrap();
        let endpoints = ["tcp/127.0.0.1:7448", "tcp/[::1]:7449", "tcp/[::1]:7450"].map(str::to_owned);
        assert_eq!(config.replication.join, endpoints);
        assert_eq!(config.discovery.providers, [ProviderConfig::Static(endpoints.into())]);
        let quic = Options { cluster_listen: text("quic/10.0.0.1:7447"), ..Options::default() };
        assert_eq!(endpoint(&quic, "10.0.0.2:7447"), "quic/10.0.0.2:7447");
    }

    #[test]
    fn a_file_has_a_key_for_each_option() {
        let file = "discovery = ['dns', 'nats']\ndiscovery-dns-name = 'nodes.example'\nnode-name = 'a'\n";
        let options = Options::from_toml(file).unwrap();
        assert_eq!(options.discovery.discovery, ["dns", "nats"]);
        assert_eq!((options.discovery.discovery_dns_name, options.node_name), (text("nodes.example"), text("a")));
        let unknown = Options::from_toml("discovery-magic = 1").unwrap_err().to_string();
        assert!(unknown.contains("discovery-magic"), "{unknown}");
        assert!(Options::from_toml("nonsense = 1").is_err() && Options::from_toml("=").is_err());
    }
}
