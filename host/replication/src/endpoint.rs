//! Endpoints as operators write them: `SCHEME/HOST:PORT`.

use std::{fmt, net::IpAddr};

use crate::config::ENDPOINT_BYTES_MAX;

/// How an endpoint is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Clear text; on loopback only.
    Tcp,
    /// QUIC with certificates on both sides.
    Quic,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
        }
    }
}

/// A checked endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: Scheme,
    /// A name or an address, IPv6 in brackets.
    host: String,
    port: u16,
}

impl Endpoint {
    /// Reads an endpoint; the error is a reason that follows the quoted text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > ENDPOINT_BYTES_MAX {
            return Err(format!("has more than {ENDPOINT_BYTES_MAX} bytes"));
        }
        let (scheme, address) = text.split_once('/').ok_or("is not of the form SCHEME/HOST:PORT")?;
        let scheme = match scheme {
            "tcp" => Scheme::Tcp,
            "quic" => Scheme::Quic,
            other => return Err(format!("has the scheme {other}: use quic, or tcp on loopback")),
        };
        let (host, port) = address.rsplit_once(':').ok_or("has no port")?;
        let port = port.parse().map_err(|_| "has a port that is not a number up to 65535")?;
        check_host(host)?;
        let endpoint = Self { scheme, host: host.to_owned(), port };
        if scheme == Scheme::Tcp && !endpoint.is_loopback() {
            return Err("is off loopback in clear text: use quic with certificates".to_owned());
        }
        Ok(endpoint)
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `HOST:PORT`, as sockets take it.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The same endpoint with another port.
    pub(crate) fn with_port(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    /// Another host and port of the same scheme; the error is a reason that follows the quoted text.
    pub(crate) fn at(&self, address: &str) -> Result<Self, String> {
        Self::parse(&format!("{}/{address}", self.scheme.name()))
    }

    /// Whether it names every address of the machine, and so none that anybody else could dial.
    pub(crate) fn is_unspecified(&self) -> bool {
        self.ip().is_some_and(|ip| ip.to_canonical().is_unspecified()) || self.host == "0"
    }

    fn ip(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    pub(crate) fn needs_certificates(&self) -> bool {
        self.scheme == Scheme::Quic
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let good = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    };
    if good { Ok(()) } else { Err("has a host that is neither a name nor an address".to_owned()) }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.scheme.name(), self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["tcp/127.0.0.1:0", "tcp/[::1]:7447", "quic/10.0.0.1:7447", "quic/node-0.nodes:7447"] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_host_and_port() {
        for text in [
            "tcp/",
            "tcp/127.0.0.1",
            "tcp/127.0.0.1:70000",
            "quic/a?b:1",
            "quic/a#c=d:1",
            "udp/127.0.0.1:1",
            "quic/[x]:1",
            "quic/:1",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
