//! Reading a backup.

use std::io::{self, BufRead, Read};

use sha2::{Digest, Sha256};

use super::{BACKUP_FORMAT, BackupHeader, HEADER_BYTES_MAX, MAGIC, RestoreError};
use crate::{Version, version::VERSION_BYTES_MAX};

/// The first line, as far as releases agree on it.
#[derive(serde::Deserialize)]
struct Format {
    format: u32,
}

/// Reads a backup to its end and gives each version to `take`; answers what it says of itself, and how many versions
/// there were. What was taken counts only once this answers.
pub(crate) fn read(file: impl BufRead, mut take: impl FnMut(Version)) -> Result<(BackupHeader, u64), RestoreError> {
    let mut file = Hashed { file, digest: Sha256::new() };
    let header = header(&mut file)?;
    let mut versions: u64 = 0;
    let mut bytes = Vec::new();
    while let Some(length) = file.length()? {
        bytes.resize(length, 0);
        file.fill(&mut bytes, "a version is missing")?;
        take(version(&bytes)?);
        versions += 1;
    }
    let mut count = [0; 8];
    file.fill(&mut count, "its end is missing")?;
    let digest = file.digest.finalize();
    let mut expected = [0; 32];
    fill(&mut file.file, &mut expected, "its checksum is missing")?;
    if digest[..] != expected || u64::from_le_bytes(count) != versions {
        return Err(RestoreError::Damaged("its checksum does not match"));
    }
    if fill(&mut file.file, &mut [0], "").is_ok() {
        return Err(RestoreError::Damaged("something stands behind its end"));
    }
    Ok((header, versions))
}

fn header(file: &mut Hashed<impl BufRead>) -> Result<BackupHeader, RestoreError> {
    let mut magic = [0; MAGIC.len()];
    let begins = file.fill(&mut magic, "");
    match begins {
        Err(RestoreError::CutShort(_)) => return Err(RestoreError::NoBackup),
        Err(other) => return Err(other),
        Ok(()) if magic != *MAGIC => return Err(RestoreError::NoBackup),
        Ok(()) => {}
    }
    let line = file.line()?;
    let Format { format } = serde_json::from_slice(&line).map_err(|_| RestoreError::NoBackup)?;
    if format > BACKUP_FORMAT {
        return Err(RestoreError::Format { found: format, known: BACKUP_FORMAT });
    }
    serde_json::from_slice(&line).map_err(|_| RestoreError::Damaged("its first line does not say what it is"))
}

fn version(bytes: &[u8]) -> Result<Version, RestoreError> {
    match Version::decode(bytes) {
        Ok(version) if version.is_sane() => Ok(version),
        Err(error) if error.is_newer() => Err(RestoreError::Newer),
        _ => Err(RestoreError::Damaged("a version breaks the rules")),
    }
}

struct Hashed<R> {
    file: R,
    digest: Sha256,
}

impl<R: BufRead> Hashed<R> {
    fn line(&mut self) -> Result<Vec<u8>, RestoreError> {
        let mut line = Vec::new();
        let most = u64::try_from(HEADER_BYTES_MAX).unwrap_or(u64::MAX);
        self.file.by_ref().take(most).read_until(b'\n', &mut line)?;
        self.digest.update(&line);
        match line.pop() {
            Some(b'\n') => Ok(line),
            _ => Err(RestoreError::NoBackup),
        }
    }

    /// The length of the next version; none at the end.
    fn length(&mut self) -> Result<Option<usize>, RestoreError> {
        let mut length = [0; 4];
        self.fill(&mut length, "its end is missing")?;
        match usize::try_from(u32::from_le_bytes(length)) {
            Ok(0) => Ok(None),
            Ok(length) if length <= VERSION_BYTES_MAX => Ok(Some(length)),
            _ => Err(RestoreError::Damaged("a version is too large")),
        }
    }

    fn fill(&mut self, bytes: &mut [u8], missing: &'static str) -> Result<(), RestoreError> {
        fill(&mut self.file, bytes, missing)?;
        self.digest.update(&*bytes);
        Ok(())
    }
}

fn fill(file: &mut impl Read, bytes: &mut [u8], missing: &'static str) -> Result<(), RestoreError> {
    file.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => RestoreError::CutShort(missing),
        _ => RestoreError::Io(error),
    })
}
