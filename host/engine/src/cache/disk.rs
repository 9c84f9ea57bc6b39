//! The files of the code cache: never changed in place, and bounded in their sum.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use super::CacheConfig;
use crate::code::Name;

const EXTENSION: &str = "code";
const UNFINISHED: &str = "unfinished";
/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A directory of files that are named by what they hold.
pub(super) struct Disk {
    dir: PathBuf,
    bytes_max: u64,
    /// Bytes of all files together.
    bytes: Mutex<u64>,
}

impl Disk {
    pub(super) fn open(config: &CacheConfig) -> io::Result<Self> {
        let CacheConfig { dir, bytes_max } = config.clone();
        make_private_dir(&dir)?;
        for left_over in with_extension(&dir, UNFINISHED)? {
            let _ = fs::remove_file(left_over.path);
        }
        let disk = Self { dir, bytes_max, bytes: Mutex::default() };
        disk.prune(0)?;
        Ok(disk)
    }

    /// A whole file; none where there is none.
    pub(super) fn read(&self, name: &Name) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(name);
        // looked at before it is opened, for to open a pipe waits until somebody writes
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_file() => {}
            Ok(_) => return Err(invalid("it is no regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let file = fs::File::open(&path)?;
        let mut bytes = Vec::new();
        (&file).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(invalid("the file is too large"));
        }
        // so that what is in use is deleted last; a disk that does not take it is no reason not to use the file
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Writes a file whole or not at all, and makes room for it first.
    pub(super) fn write(&self, name: &Name, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        if length > self.bytes_max.min(FILE_BYTES_MAX) {
            return Ok(());
        }
        let mut held = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if held.saturating_add(length) > self.bytes_max {
            drop(held);
            self.prune(length)?;
            held = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        }
        let (path, unfinished) = (self.path(name), self.dir.join(format!("{name}.{UNFINISHED}")));
        let before = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file).map_or(0, |about| about.len());
        let written = write_private(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            // a full disk is not filled further by what cannot be used
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        *held = held.saturating_add(length).saturating_sub(before);
        Ok(())
    }

    /// Deletes the files that were not used for longest, until there is room for so many bytes more. Where anything
    /// must go, a quarter goes, so that a full cache does not look through its directory at each write.
    fn prune(&self, room: u64) -> io::Result<()> {
        let mut files = with_extension(&self.dir, EXTENSION)?;
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        if bytes.saturating_add(room) > self.bytes_max {
            files.sort_by_key(|file| file.used);
            let target = (self.bytes_max - self.bytes_max / 4).saturating_sub(room);
            for file in files {
                if bytes <= target {
                    break;
                }
                fs::remove_file(&file.path)?;
                bytes -= file.bytes;
            }
        }
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        Ok(())
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.dir.join(format!("{name}.{EXTENSION}"))
    }
}

struct Found {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The regular files of this kind. Others are none of the cache's.
fn with_extension(dir: &Path, extension: &str) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|known| known == extension) {
            let about = fs::symlink_metadata(&path)?;
            if about.is_file() {
                found.push(Found { path, bytes: about.len(), used: about.modified()? });
            }
        }
    }
    Ok(found)
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Writes a file that its owner alone may read.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
