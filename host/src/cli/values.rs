//! Values of options and arguments that are refused before a node is asked.

use burgee_model::{Key, register::is_reserved_tenant};
use ureq::http::Uri;

/// The base URL of a node: its scheme, its host, and a path where a proxy puts one in front.
pub(super) fn url(text: &str) -> Result<String, String> {
    let uri: Uri = text.parse().map_err(|error| format!("not a URL: {error}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("a URL begins with http:// or https://".to_owned());
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err("the URL names no host".to_owned());
    }
    if !has_right_port(&uri) {
        return Err("the URL's port is none".to_owned());
    }
    if uri.query().is_some() || text.contains('#') {
        return Err("a base URL ends before `?` and `#`".to_owned());
    }
    Ok(text.to_owned())
}

/// The library reads past a port that is no number.
fn has_right_port(uri: &Uri) -> bool {
    let after_host = uri.authority().zip(uri.host()).and_then(|(all, host)| all.as_str().split_once(host));
    after_host.is_none_or(|(_, rest)| rest.is_empty() || uri.port_u16().is_some())
}

/// A key.
pub(super) fn key(text: &str) -> Result<String, String> {
    Key::check(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// What keys begin with.
pub(super) fn prefix(text: &str) -> Result<String, String> {
    Key::check_prefix(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// A tenant of people's, and not the cluster's own.
pub(super) fn tenant(text: &str) -> Result<String, String> {
    if is_reserved_tenant(text) {
        return Err("tenants that begin with `$` are the cluster's own".to_owned());
    }
    key(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for text in ["http://127.0.0.1:8080", "https://flags.example.org/burgee/", "http://[::1]:1", "http://a"] {
            assert_eq!(url(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "garbage",
            "127.0.0.1:8080",
            "localhost:8080",
            "ftp://a",
            "http://",
            "http:///x",
            "http://a b",
            "http://a?x",
            "http://a#x",
            "http://a:99999",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
