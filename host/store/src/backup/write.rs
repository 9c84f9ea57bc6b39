//! Taking a backup.

use std::io::Write;

use sha2::{Digest, Sha256};

use super::{BackupError, BackupHeader, MAGIC};
use crate::{Table, persist::Snapshot};

/// Registers that are looked at in one go, where there is no disk.
const REGISTERS_AT_ONCE: usize = 4_096;

/// A store as it was at one moment, to be written to a file.
///
/// While one is held, the data file keeps the pages of that moment beside the newer ones.
#[derive(Debug)]
pub struct Backup {
    header: BackupHeader,
    source: Source,
}

#[derive(Debug)]
pub(crate) enum Source {
    /// The data file at a commit.
    Disk(Snapshot),
    /// A copy of a table that lies on no disk.
    Memory(Box<Table>),
}

impl Backup {
    pub(crate) fn new(header: BackupHeader, source: Source) -> Self {
        Self { header, source }
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &BackupHeader {
        &self.header
    }

    /// Writes it; answers how many versions it holds. Blocks for as long as that takes.
    ///
    /// # Errors
    /// Where the data file cannot be read, or `out` takes no more.
    pub fn write_to(self, out: impl Write) -> Result<u64, BackupError> {
        let mut file = Frames { out, digest: Sha256::new(), versions: 0 };
        file.begin(&self.header)?;
        match self.source {
            Source::Disk(snapshot) => snapshot.each(|version| file.version(version))?,
            Source::Memory(table) => all_of(&table, &mut file)?,
        }
        file.end()
    }
}

fn all_of(table: &Table, file: &mut Frames<impl Write>) -> Result<(), BackupError> {
    let mut after = None;
    loop {
        let (retained, last) = table.retained_after(after.as_ref(), REGISTERS_AT_ONCE);
        for (_, version) in retained.iter().flat_map(|retained| &retained.versions) {
            file.version(version)?;
        }
        after = match last {
            Some(last) => Some(last),
            None => return Ok(()),
        };
    }
}

/// A file that is being written.
struct Frames<W> {
    out: W,
    digest: Sha256,
    versions: u64,
}

impl<W: Write> Frames<W> {
    fn begin(&mut self, header: &BackupHeader) -> Result<(), BackupError> {
        let header = serde_json::to_vec(header).map_err(std::io::Error::from)?;
        self.put(MAGIC)?;
        self.put(&header)?;
        self.put(b"\n")
    }

    /// A version in its canonical bytes.
    fn version(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        let length = u32::try_from(bytes.len()).map_err(|_| BackupError::Disk("a version is too large".to_owned()))?;
        self.versions += 1;
        self.put(&length.to_le_bytes())?;
        self.put(bytes)
    }

    fn end(mut self) -> Result<u64, BackupError> {
        self.put(&0_u32.to_le_bytes())?;
        self.put(&self.versions.to_le_bytes())?;
        let digest = self.digest.finalize();
        self.out.write_all(&digest)?;
        self.out.flush()?;
        Ok(self.versions)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.digest.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }
}
