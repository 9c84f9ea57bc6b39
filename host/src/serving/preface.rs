//! What a connection speaks, by its first bytes.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Reads until it is clear what is spoken; gives back what was read. Whoever ends before that speaks HTTP/1: there is
/// nothing to serve.
pub(super) async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<(Version, Bytes)> {
    let mut first = BytesMut::with_capacity(HTTP2.len());
    while first.len() < HTTP2.len() {
        let mut part = [0; HTTP2.len()];
        let room = part.get_mut(..HTTP2.len() - first.len()).unwrap_or_default();
        let read = io.read(room).await?;
        first.extend_from_slice(room.get(..read).unwrap_or_default());
        if read == 0 || !HTTP2.starts_with(&first) {
            return Ok((Version::Http1, first.freeze()));
        }
    }
    Ok((Version::Http2, first.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_told_by_its_first_bytes() {
        for (sent, version) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"[..], Version::Http2),
            (b"GET / HTTP/1.1\r\n\r\n", Version::Http1),
            (b"PRI * HTTP/1.1\r\n\r\n", Version::Http1),
            (b"P", Version::Http1),
            (b"", Version::Http1),
        ] {
            let mut rest = sent;
            let (found, first) = read(&mut rest).await.unwrap();
            assert_eq!(found, version, "{sent:?}");
            assert_eq!([&first[..], rest].concat(), sent);
        }
    }
}
