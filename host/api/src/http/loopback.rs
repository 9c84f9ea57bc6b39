//! A node without login serves only who names it by a loopback address: else any web page could reach it under
//! a name of its own that resolves to this machine, or post forms to it.

use std::net::IpAddr;

use http::{HeaderMap, Method, Uri, header};

use crate::error::ApiError;

/// Refuses requests to other hosts, and writes that pages of other hosts send.
pub(crate) fn check(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    let named =
        headers.get(header::HOST).and_then(|value| value.to_str().ok()).or_else(|| uri.authority().map(|a| a.as_str()));
    if !named.is_some_and(is_loopback) {
        return Err(ApiError::Forbidden("without a login this node answers on localhost only"));
    }
    let origin = headers.get(header::ORIGIN);
    let foreign = origin.is_some_and(|origin| !origin.to_str().is_ok_and(is_loopback_origin));
    if foreign && !method.is_safe() {
        return Err(ApiError::Forbidden("without a login this node takes no writes from other sites"));
    }
    Ok(())
}

/// Whether an `Origin` is a page of this machine.
pub(crate) fn is_loopback_origin(origin: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(is_loopback)
}

/// Whether a host, with or without port, is this machine.
fn is_loopback(authority: &str) -> bool {
    let host = host_of(authority);
    let name = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    name || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn host_of(authority: &str) -> &str {
    if let Some((inside, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside;
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names() {
        for host in
            ["localhost", "localhost:8080", "127.0.0.1:1", "127.9.9.9", "[::1]:8080", "a.localhost:80", "LOCALHOST"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "10.0.0.1:80",
            "[::2]",
            "127.0.0.1.example.org",
            "evil-localhost",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn other_sites_may_read_nothing_and_write_nothing() {
        let headers = |origin: &str| {
            HeaderMap::from_iter([
                (header::HOST, "localhost:8080".parse().unwrap()),
                (header::ORIGIN, origin.parse().unwrap()),
            ])
        };
        let uri = Uri::from_static("/");
        assert!(check(&Method::POST, &uri, &headers("http://127.0.0.1:5173")).is_ok());
        assert!(check(&Method::GET, &uri, &headers("https://example.org")).is_ok());
        assert!(check(&Method::POST, &uri, &headers("https://example.org")).is_err());
        assert!(check(&Method::DELETE, &uri, &headers("null")).is_err());
    }
}
