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
    /// With which of this node's credentials it was made, where this node dialled; 0 otherwise.
    pub(super) credentials: u64,
}

impl Wire {
    pub(super) fn tcp(stream: TcpStream) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self { reader: Box::new(reader), writer: Box::new(writer), quic: None, credentials: 0 })
    }

    pub(super) fn quic(
        connection: quinn::Connection,
        (writer, reader): (quinn::SendStream, quinn::RecvStream),
        credentials: u64,
    ) -> Self {
        Self { reader: Box::new(reader), writer: Box::new(writer), quic: Some(connection), credentials }
    }

    /// What the other side proved itself with.
    pub(super) fn chain(&self) -> Option<Chain> {
        let identity = self.quic.as_ref()?.peer_identity()?;
        identity.downcast::<Chain>().ok().map(|chain| *chain)
    }
}
