//! The options of `--discovery nats`.

use std::{fmt, time::Duration};

use super::{ConfigError, check_attempts, check_period};

/// The most bytes of a subject.
const SUBJECT_BYTES_MAX: usize = 255;

/// A subject of NATS over which nodes say where they are.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsConfig {
    /// The server, `nats://` or `tls://`, with user and password or a token where it wants them (`discovery-nats-url`).
    pub url: String,
    /// The subject (`discovery-nats-subject`).
    pub subject: String,
    /// How long an attempt to reach the server may take, and other nodes' answers (`discovery-nats-timeout`).
    pub timeout: Duration,
    /// How often the server is tried in a row until the look has failed (`discovery-nats-attempts`).
    pub attempts: u32,
    /// Between two of them (`discovery-nats-reconnect-wait`).
    pub reconnect_wait: Duration,
}

impl NatsConfig {
    /// What is not said otherwise: one second, five attempts two seconds apart.
    #[must_use]
    pub fn new(url: &str, subject: &str) -> Self {
        Self {
            url: url.to_owned(),
            subject: subject.to_owned(),
            timeout: Duration::from_secs(1),
            attempts: 5,
            reconnect_wait: Duration::from_secs(2),
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        check_url(&self.url)?;
        check_subject(&self.subject)?;
        check_period("discovery-nats-timeout", self.timeout)?;
        check_attempts("discovery-nats-attempts", self.attempts)?;
        check_period("discovery-nats-reconnect-wait", self.reconnect_wait)
    }
}

/// The URL may hold a password.
impl fmt::Debug for NatsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsConfig").field("subject", &self.subject).finish_non_exhaustive()
    }
}

fn check_subject(subject: &str) -> Result<(), ConfigError> {
    let refuse = |reason: &str| Err(ConfigError::new("discovery-nats-subject", format!("`{subject}` {reason}")));
    match subject {
        "" => Err(ConfigError::new("discovery-nats-subject", "is empty")),
        _ if subject.len() > SUBJECT_BYTES_MAX => refuse(&format!("has more than {SUBJECT_BYTES_MAX} bytes")),
        _ if subject.split('.').any(str::is_empty) => refuse("has an empty part"),
        _ if subject.split('.').any(|part| part == "*" || part == ">") => refuse("is a pattern, not one subject"),
        _ if subject.chars().any(|c| c.is_whitespace() || c.is_control()) => refuse("holds white space"),
        _ => Ok(()),
    }
}

#[cfg(feature = "nats")]
fn check_url(url: &str) -> Result<(), ConfigError> {
    // The text is not repeated: it may hold a password.
    let refuse = |reason: &str| Err(ConfigError::new("discovery-nats-url", reason));
    match url.parse::<async_nats::ServerAddr>() {
        _ if url.is_empty() => refuse("is missing"),
        Ok(address) if !["nats", "tls"].contains(&address.scheme()) => refuse("is neither nats:// nor tls://"),
        Ok(address) if address.host().is_empty() => refuse("names no host"),
        Ok(_) => Ok(()),
        Err(_) => refuse("is no nats://HOST:PORT"),
    }
}

#[cfg(not(feature = "nats"))]
fn check_url(_: &str) -> Result<(), ConfigError> {
    Err(ConfigError::new("discovery", "`nats` was left out of this build"))
}

#[cfg(feature = "nats")]
#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut NatsConfig)) -> String {
        let mut config = NatsConfig::new("nats://127.0.0.1:4222", "burgee.nodes");
        assert_eq!(config.validate(), Ok(()));
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn a_bad_value_names_its_field() {
        for url in ["", "http://127.0.0.1", "nats://", "nats://a:b@c:x", "ws://127.0.0.1"] {
            assert!(refused(|nats| nats.url = url.into()).starts_with("discovery-nats-url: "), "{url}");
        }
        for subject in ["", "a..b", ".a", "a.*", ">", "a b", "a.b\n"] {
            let text = refused(|nats| nats.subject = subject.into());
            assert!(text.starts_with("discovery-nats-subject: "), "{subject}: {text}");
        }
        assert!(refused(|nats| nats.timeout = Duration::ZERO).starts_with("discovery-nats-timeout: "));
        assert!(refused(|nats| nats.attempts = 101).starts_with("discovery-nats-attempts: "));
        assert!(refused(|nats| nats.reconnect_wait = Duration::ZERO).starts_with("discovery-nats-reconnect-wait: "));
    }

    #[test]
    fn a_password_is_not_repeated() {
        let refused = refused(|nats| nats.url = "nats://user:secret@host:x".into());
        assert!(!refused.contains("secret"), "{refused}");
        let config = NatsConfig::new("nats://user:secret@host", "x");
        assert!(config.validate().is_ok() && !format!("{config:?}").contains("secret"));
    }
}
