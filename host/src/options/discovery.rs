//! The options of discovery. All begin with `discovery`, in files too.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

/// How a node finds others, beside those that it was told to join.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct DiscoveryOptions {
    /// How to find other nodes; may be given more than once. `static`: those of --join. `dns`: the addresses or services
    /// of a name. `nats`: nodes that announce themselves over a subject. `kubernetes`: pods with certain labels.
    /// E.g. --discovery dns --discovery-dns-name burgee.flags.svc
    #[arg(long, env = "BURGEE_DISCOVERY", value_name = "static|dns|nats|kubernetes", value_delimiter = ',')]
    pub discovery: Vec<String>,
    /// Between two looks (dns) or announcements (nats), and the longest pause after a failure [default: 10s]
    #[arg(long, env = "BURGEE_DISCOVERY_INTERVAL", value_name = "DURATION")]
    pub discovery_interval: Option<String>,
    /// Endpoints that are taken, of all ways together [default: 256]
    #[arg(long, env = "BURGEE_DISCOVERY_ENDPOINTS", value_name = "ENDPOINTS")]
    pub discovery_endpoints: Option<usize>,
    /// dns: the name, such as burgee.flags.svc.cluster.local or _cluster._udp.burgee.example
    #[arg(long, env = "BURGEE_DISCOVERY_DNS_NAME", value_name = "NAME")]
    pub discovery_dns_name: Option<String>,
    /// dns: what is looked up: addresses (A or AAAA), or services (SRV) [default: services where the name begins with an
    /// underscore]
    #[arg(long, env = "BURGEE_DISCOVERY_DNS_RECORDS", value_name = "address|srv")]
    pub discovery_dns_records: Option<String>,
    /// dns: which addresses are used [default: ipv4]
    #[arg(long, env = "BURGEE_DISCOVERY_DNS_FAMILY", value_name = "ipv4|ipv6")]
    pub discovery_dns_family: Option<String>,
    /// dns: the port of nodes that only an address is known of [default: that of --cluster-listen]
    #[arg(long, env = "BURGEE_DISCOVERY_DNS_PORT", value_name = "PORT")]
    pub discovery_dns_port: Option<u16>,
    /// dns: the server to ask [default: whom the system asks]
    #[arg(long, env = "BURGEE_DISCOVERY_DNS_SERVER", value_name = "ADDRESS:PORT")]
    pub discovery_dns_server: Option<String>,
    /// dns: how long an attempt may take [default: 1s]
    #[arg(long, env = "BURGEE_DISCOVERY_DNS_TIMEOUT", value_name = "DURATION")]
    pub discovery_dns_timeout: Option<String>,
    /// dns: attempts until a look has failed [default: 2]
    #[arg(long, env = "BURGEE_DISCOVERY_DNS_ATTEMPTS", value_name = "ATTEMPTS")]
    pub discovery_dns_attempts: Option<u32>,
    /// nats: the server, e.g. nats://user:password@nats.example:4222, or tls://…
    #[arg(long, env = "BURGEE_DISCOVERY_NATS_URL", value_name = "URL", hide_env_values = true)]
    pub discovery_nats_url: Option<String>,
    /// nats: the subject [default: burgee.nodes]
    #[arg(long, env = "BURGEE_DISCOVERY_NATS_SUBJECT", value_name = "SUBJECT")]
    pub discovery_nats_subject: Option<String>,
    /// nats: how long an attempt to reach the server may take, and other nodes' answers [default: 1s]
    #[arg(long, env = "BURGEE_DISCOVERY_NATS_TIMEOUT", value_name = "DURATION")]
    pub discovery_nats_timeout: Option<String>,
    /// nats: attempts in a row until a look has failed [default: 5]
    #[arg(long, env = "BURGEE_DISCOVERY_NATS_ATTEMPTS", value_name = "ATTEMPTS")]
    pub discovery_nats_attempts: Option<u32>,
    /// nats: between two of them [default: 2s]
    #[arg(long, env = "BURGEE_DISCOVERY_NATS_RECONNECT_WAIT", value_name = "DURATION")]
    pub discovery_nats_reconnect_wait: Option<String>,
    /// kubernetes: the pods' namespace [default: this pod's own]
    #[arg(long, env = "BURGEE_DISCOVERY_KUBERNETES_NAMESPACE", value_name = "NAMESPACE")]
    pub discovery_kubernetes_namespace: Option<String>,
    /// kubernetes: the pods' labels, a selector [default: app.kubernetes.io/name=burgee]
    #[arg(long, env = "BURGEE_DISCOVERY_KUBERNETES_LABELS", value_name = "SELECTOR")]
    pub discovery_kubernetes_labels: Option<String>,
    /// kubernetes: the name of the pods' port that --cluster-listen is for [default: cluster]
    #[arg(long, env = "BURGEE_DISCOVERY_KUBERNETES_PORT_NAME", value_name = "NAME")]
    pub discovery_kubernetes_port_name: Option<String>,
    /// kubernetes: the API [default: as a pod is told]
    #[arg(long, env = "BURGEE_DISCOVERY_KUBERNETES_API", value_name = "URL")]
    pub discovery_kubernetes_api: Option<String>,
    /// kubernetes: the token to show [default: the service account's]
    #[arg(long, env = "BURGEE_DISCOVERY_KUBERNETES_TOKEN", value_name = "FILE")]
    pub discovery_kubernetes_token: Option<PathBuf>,
    /// kubernetes: the authority of the API's certificate, PEM [default: the service account's]
    #[arg(long, env = "BURGEE_DISCOVERY_KUBERNETES_CA", value_name = "FILE")]
    pub discovery_kubernetes_ca: Option<PathBuf>,
    /// kubernetes: how long a question may take [default: 5s]
    #[arg(long, env = "BURGEE_DISCOVERY_KUBERNETES_TIMEOUT", value_name = "DURATION")]
    pub discovery_kubernetes_timeout: Option<String>,
}

impl DiscoveryOptions {
    /// These options, with what they leave open taken from others.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            discovery: super::non_empty(self.discovery, other.discovery),
            discovery_interval: self.discovery_interval.or(other.discovery_interval),
            discovery_endpoints: self.discovery_endpoints.or(other.discovery_endpoints),
            discovery_dns_name: self.discovery_dns_name.or(other.discovery_dns_name),
            discovery_dns_records: self.discovery_dns_records.or(other.discovery_dns_records),
            discovery_dns_family: self.discovery_dns_family.or(other.discovery_dns_family),
            discovery_dns_port: self.discovery_dns_port.or(other.discovery_dns_port),
            discovery_dns_server: self.discovery_dns_server.or(other.discovery_dns_server),
            discovery_dns_timeout: self.discovery_dns_timeout.or(other.discovery_dns_timeout),
            discovery_dns_attempts: self.discovery_dns_attempts.or(other.discovery_dns_attempts),
            discovery_nats_url: self.discovery_nats_url.or(other.discovery_nats_url),
            discovery_nats_subject: self.discovery_nats_subject.or(other.discovery_nats_subject),
            discovery_nats_timeout: self.discovery_nats_timeout.or(other.discovery_nats_timeout),
            discovery_nats_attempts: self.discovery_nats_attempts.or(other.discovery_nats_attempts),
            discovery_nats_reconnect_wait: self.discovery_nats_reconnect_wait.or(other.discovery_nats_reconnect_wait),
            discovery_kubernetes_namespace: self
                .discovery_kubernetes_namespace
                .or(other.discovery_kubernetes_namespace),
            discovery_kubernetes_labels: self.discovery_kubernetes_labels.or(other.discovery_kubernetes_labels),
            discovery_kubernetes_port_name: self
                .discovery_kubernetes_port_name
                .or(other.discovery_kubernetes_port_name),
            discovery_kubernetes_api: self.discovery_kubernetes_api.or(other.discovery_kubernetes_api),
            discovery_kubernetes_token: self.discovery_kubernetes_token.or(other.discovery_kubernetes_token),
            discovery_kubernetes_ca: self.discovery_kubernetes_ca.or(other.discovery_kubernetes_ca),
            discovery_kubernetes_timeout: self.discovery_kubernetes_timeout.or(other.discovery_kubernetes_timeout),
        }
    }
}
