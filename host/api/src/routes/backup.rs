//! `/api/v1/backup`: all that the node holds, in one file.

use std::io::{self, Write};

use axum::{body::Body, response::Response};
use burgee_store::{Backup, BackupError};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderValue, header};
use tokio::sync::mpsc;

use super::{Asked, Reply};
use crate::{
    error::{ApiError, ProblemDocument},
    http::{Turn, query::Params},
};

/// Bytes of one piece of a backup.
const PIECE_BYTES: usize = 256 * 1024;

/// Pieces that wait for whoever reads.
const PIECES_WAITING: usize = 4;

impl From<BackupError> for ApiError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Closed => Self::NotReady(vec!["shutting_down".into()]),
            BackupError::Disk(answer) => Self::Storage(answer),
            BackupError::Write(error) => Self::Internal(error.to_string()),
        }
    }
}

/// Takes a backup: everything that this node holds at one moment, of all tenants, tokens included (as hashes), in one
/// file that `burgee restore` reads.
///
/// Whoever reads it knows at its end, and not before, that it is whole.
#[utoipa::path(get, path = "/api/v1/backup", tag = "cluster", responses(
    (status = 200, content_type = "application/octet-stream", body = [u8]),
    (status = "default", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn get_backup(Asked(api): Asked, _: Params<()>) -> Reply {
    api.require_ready()?;
    let turn = api.backups.take_any().await?;
    let backup = api.store.backup(&api.status.cluster().this).await?;
    let name = format!("attachment; filename=\"burgee-{}.backup\"", backup.header().taken_at);
    let mut response = Response::new(pieces(backup, turn));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// What is written on a thread of its own, as it is read.
fn pieces(backup: Backup, turn: Turn) -> Body {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mut pieces = Pieces { piece: BytesMut::new(), sender };
        if let Err(error) = backup.write_to(&mut pieces) {
            tracing::warn!(%error, "a backup ended early");
            // Who reads it is told so by an answer that breaks off; or is gone.
            let _ = pieces.sender.blocking_send(Err(io::Error::other(error)));
        }
    });
    Body::from_stream(stream::unfold(receiver, |mut pieces| async move { Some((pieces.recv().await?, pieces)) }))
}

/// Hands on what is written, in pieces.
struct Pieces {
    piece: BytesMut,
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        let piece = self.piece.split().freeze();
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.send() }
    }
}
