//! A wall clock that is wrong, and can be set while its process runs: by `libfaketime`.

use std::{fs, path::Path, sync::Arc};

use tempfile::TempDir;

/// Where distributions put the library.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// A wrong wall clock. The monotonic one stays right.
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<TempDir>);

impl FakeClock {
    /// A clock that differs from the machine's so: `+3h`, `-0.2`, `+0`; or that stands still at a moment in UTC:
    /// `2030-01-01 00:00:00`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let clock = Self(Arc::new(tempfile::Builder::new().prefix("burgee-test-").tempdir().unwrap()));
        clock.set(text);
        clock
    }

    /// Sets it, also for processes that run.
    pub fn set(&self, text: &str) {
        // by renaming, because it is read at every look at the clock
        let new = self.0.path().join("new");
        fs::write(&new, format!("{text}\n")).unwrap();
        fs::rename(&new, self.0.path().join("time")).unwrap();
    }

    /// What a process needs in its environment to believe it. Panics where the library is not installed.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let library = LIBRARIES.into_iter().find(|path| Path::new(path).exists());
        let library = library.expect("this test needs libfaketime: install the package `faketime`");
        let file = self.0.path().join("time").display().to_string();
        let pairs = [
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
            ("TZ", "UTC"),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}
