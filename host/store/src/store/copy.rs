//! Taking a backup of a store in use.

use tokio::sync::oneshot;

use super::Store;
use crate::{Backup, BackupError, BackupHeader, backup::BACKUP_FORMAT, writer::Message};

impl Store {
    /// All that the store holds at one moment, once everything is on disk that was acknowledged or merged before.
    /// `node_name` says in it whose it is.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub async fn backup(&self, node_name: &str) -> Result<Backup, BackupError> {
        self.flushed().await;
        let (reply, copy) = oneshot::channel();
        self.0.send(Message::Copy(reply)).map_err(|_| BackupError::Closed)?;
        let (source, mark) = copy.await.map_err(|_| BackupError::Closed)?.map_err(BackupError::Disk)?;
        let versions = self.read().counts().versions as u64;
        let header = BackupHeader {
            format: BACKUP_FORMAT,
            node_name: node_name.to_owned(),
            node: self.node_id(),
            taken_at: self.now(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
            mark,
            versions,
        };
        Ok(Backup::new(header, source))
    }
}
