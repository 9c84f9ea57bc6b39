//! The options of `--discovery kubernetes`.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{ConfigError, check_period};

/// Where a pod finds its service account.
const ACCOUNT_DIR: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The pods of one namespace that have certain labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesConfig {
    /// The API's URL (`discovery-kubernetes-api`).
    pub api: String,
    /// The namespace (`discovery-kubernetes-namespace`).
    pub namespace: String,
    /// A selector such as `app=burgee,tier in (a, b)` (`discovery-kubernetes-labels`).
    pub labels: String,
    /// The name of the port by which nodes are reached (`discovery-kubernetes-port-name`).
    pub port_name: String,
    /// The file with the token to show, read again while the node runs (`discovery-kubernetes-token`).
    pub token: Option<PathBuf>,
    /// The authority that signs the API's certificate, PEM (`discovery-kubernetes-ca`); none believes whom the system
    /// does.
    pub ca: Option<PathBuf>,
    /// How long a question to the API may take (`discovery-kubernetes-timeout`).
    pub timeout: Duration,
}

/// What a pod is told of the API that it may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The API's URL.
    pub api: Option<String>,
    /// The pod's own namespace.
    pub namespace: Option<String>,
    /// The file with the token.
    pub token: Option<PathBuf>,
    /// The file with the authority.
    pub ca: Option<PathBuf>,
}

impl ServiceAccount {
    /// That of the pod that this process runs in; empty outside of one.
    #[must_use]
    pub fn of_this_pod() -> Self {
        let variable = |name| std::env::var(name).ok();
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"));
        Self::of(host.zip(port), Path::new(ACCOUNT_DIR))
    }

    fn of(address: Option<(String, String)>, dir: &Path) -> Self {
        let file = |name: &str| Some(dir.join(name)).filter(|path| path.is_file());
        let namespace = file("namespace").and_then(|path| std::fs::read_to_string(path).ok());
        Self {
            api: address.map(|(host, port)| match host.parse::<IpAddr>() {
                Ok(IpAddr::V6(address)) => format!("https://[{address}]:{port}"),
                _ => format!("https://{host}:{port}"),
            }),
            namespace: namespace.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            token: file("token"),
            ca: file("ca.crt"),
        }
    }
}

impl KubernetesConfig {
    /// What is not said otherwise: as a pod is told, five seconds.
    #[must_use]
    pub fn new(account: ServiceAccount, labels: &str, port_name: &str) -> Self {
        Self {
            api: account.api.unwrap_or_default(),
            namespace: account.namespace.unwrap_or_default(),
            labels: labels.to_owned(),
            port_name: port_name.to_owned(),
            token: account.token,
            ca: account.ca,
            timeout: Duration::from_secs(5),
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if cfg!(not(feature = "kubernetes")) {
            return Err(ConfigError::new("discovery", "`kubernetes` was left out of this build"));
        }
        self.check_api()?;
        match self.namespace.as_str() {
            "" => Err(ConfigError::new("discovery-kubernetes-namespace", "is missing: this is no pod")),
            name if !is_label(name) => {
                Err(ConfigError::new("discovery-kubernetes-namespace", format!("`{name}` is no namespace")))
            }
            _ => Ok(()),
        }?;
        if self.labels.trim().is_empty() {
            return Err(ConfigError::new("discovery-kubernetes-labels", "is empty: every pod would be meant"));
        }
        if !is_label(&self.port_name) {
            let reason = format!("`{}` is no name of a port", self.port_name);
            return Err(ConfigError::new("discovery-kubernetes-port-name", reason));
        }
        self.check_files()?;
        check_period("discovery-kubernetes-timeout", self.timeout)
    }

    fn check_api(&self) -> Result<(), ConfigError> {
        let refuse = |reason: String| Err(ConfigError::new("discovery-kubernetes-api", reason));
        let Some((scheme, rest)) = self.api.split_once("://") else {
            return match self.api.as_str() {
                "" => refuse("is missing: this is no pod, KUBERNETES_SERVICE_HOST is not set".to_owned()),
                api => refuse(format!("`{api}` is no https://HOST:PORT")),
            };
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let is_bad = |c: char| c.is_whitespace() || c.is_control() || c == '@';
        match scheme {
            _ if authority.is_empty() || self.api.contains(is_bad) => refuse(format!("`{}` names no host", self.api)),
            "https" => Ok(()),
            "http" if is_loopback(authority) => Ok(()),
            "http" => refuse(format!("`{}` would show the token in clear text: use https", self.api)),
            _ => refuse(format!("`{}` is no https://HOST:PORT", self.api)),
        }
    }

    fn check_files(&self) -> Result<(), ConfigError> {
        for (field, path) in [("discovery-kubernetes-token", &self.token), ("discovery-kubernetes-ca", &self.ca)] {
            let Some(path) = path else { continue };
            if let Err(error) = std::fs::File::open(path) {
                return Err(ConfigError::new(field, format!("{}: {error}", path.display())));
            }
        }
        Ok(())
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// As Kubernetes wants names of namespaces and ports: lower-case letters, digits and hyphens.
fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 63 && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(feature = "kubernetes")]
#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> KubernetesConfig {
        let account = ServiceAccount {
            api: Some("https://10.96.0.1:443".into()),
            namespace: Some("flags".into()),
            ..ServiceAccount::default()
        };
        KubernetesConfig::new(account, "app=burgee", "cluster")
    }

    fn field(change: impl FnOnce(&mut KubernetesConfig)) -> &'static str {
        let mut config = config();
        assert_eq!(config.validate(), Ok(()));
        change(&mut config);
        config.validate().unwrap_err().field()
    }

    #[test]
    fn a_bad_value_names_its_field() {
        for api in ["", "10.0.0.1", "https://", "http://10.0.0.1:80", "ftp://a", "https://a b", "https://u:p@a"] {
            assert_eq!(field(|k| k.api = api.into()), "discovery-kubernetes-api", "{api}");
        }
        for namespace in ["", "Flags", "a/b", "-a"] {
            assert_eq!(field(|k| k.namespace = namespace.into()), "discovery-kubernetes-namespace");
        }
        assert_eq!(field(|k| k.labels = " ".into()), "discovery-kubernetes-labels");
        assert_eq!(field(|k| k.port_name = "a b".into()), "discovery-kubernetes-port-name");
        assert_eq!(field(|k| k.token = Some("/nowhere/token".into())), "discovery-kubernetes-token");
        assert_eq!(field(|k| k.ca = Some("/nowhere/ca.crt".into())), "discovery-kubernetes-ca");
        assert_eq!(field(|k| k.timeout = Duration::ZERO), "discovery-kubernetes-timeout");
    }

    #[test]
    fn clear_text_is_for_loopback() {
        for api in ["http://127.0.0.1:8001", "http://localhost", "http://[::1]:8001/k8s"] {
            assert_eq!(KubernetesConfig { api: api.into(), ..config() }.validate(), Ok(()), "{api}");
        }
    }

    #[test]
    fn a_pod_is_told_where_the_api_is() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("namespace", "flags\n"), ("token", "t"), ("ca.crt", "c")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let account = ServiceAccount::of(Some(("fd00::1".into(), "443".into())), dir.path());
        assert_eq!(account.api.as_deref(), Some("https://[fd00::1]:443"));
        assert_eq!(
            (account.namespace.as_deref(), account.token.is_some(), account.ca.is_some()),
            (Some("flags"), true, true)
        );
        assert_eq!(ServiceAccount::of(None, Path::new("/nowhere")), ServiceAccount::default());
    }
}
