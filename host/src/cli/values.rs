//! Values of options and arguments that are refused before a node is asked.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use burgee_model::{Key, register::is_reserved_tenant};
use ureq::http::Uri;

use super::Failure;

/// Bytes of a file beyond which it is not sent: more than any node takes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

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

/// An entity tag, with or without its quotes; it is given back as a header has it.
pub(super) fn tag(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    match bare {
        "*" => Ok("*".to_owned()),
        _ if !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') => {
            Ok(format!("\"{bare}\""))
        }
        _ => Err("a tag is of printable ASCII characters without spaces".to_owned()),
    }
}

/// What keys begin with.
pub(super) fn prefix(text: &str) -> Result<String, String> {
    Key::check_prefix(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// An idempotency key, as nodes take it.
pub(super) fn idempotency_key(text: &str) -> Result<String, String> {
    burgee_api::admin::idempotency::check_key(text.as_bytes()).map(|()| text.to_owned())
}

/// A tenant of people's, and not the cluster's own.
pub(super) fn tenant(text: &str) -> Result<String, String> {
    if is_reserved_tenant(text) {
        return Err("tenants that begin with `$` are the cluster's own".to_owned());
    }
    key(text)
}

/// The bytes of a file; `-` is stdin.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::Refused(format!("burgee: file: {}: {why}", path.display()));
    let from: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(path).map_err(|e| failed(&e))?),
    };
    let mut bytes = Vec::new();
    from.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(&format_args!("more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
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
