//! The node's key: made at the first start, kept beside the code, readable by its owner alone.

use std::{fs, io, path::Path};

use super::{disk, seal::KEY_BYTES};

const FILE: &str = "key";

/// Reads the key. Where there is none, or it cannot be one, makes another: what was sealed under a former key is
/// compiled again.
pub(super) fn load_or_make(dir: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let path = dir.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => {
            if let Ok(key) = bytes.try_into() {
                return Ok(key);
            }
            tracing::warn!("the key of the code cache is damaged; making another");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    disk::write_private(&path, &key)?;
    Ok(key)
}
