//! A connection, whatever carries it.

use rustls::pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// The reading half.
pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// The writing half.
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;
/// A node's certificate and those that lead to its authority.
pub(super) type Chain = Vec<CertificateDer<'static>>;

/// A stream of bytes in both directions. Dropping it closes the connection.
pub(super) struct Wire {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    /// None in clear text.
    pub(super) quic: Option<quinn::Connection>,
}

impl Wire {
    pub(super) fn tcp(stream: TcpStream) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self { reader: Box::new(reader), writer: Box::new(writer), quic: None })
    }

    pub(super) fn quic(connection: quinn::Connection, streams: (quinn::SendStream, quinn::RecvStream)) -> Self {
        let (writer, reader) = streams;
        Self { reader: Box::new(reader), writer: Box::new(writer), quic: Some(connection) }
    }

    /// What the other side proved itself with.
    pub(super) fn chain(&self) -> Option<Chain> {
        let identity = self.quic.as_ref()?.peer_identity()?;
        identity.downcast::<Chain>().ok().map(|chain| *chain)
    }
}
