//! What lies in data directories: copies, and many entries written there without a node.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use burgee_model::{Blob, Key, Media, RegisterId};
use burgee_store::{Draft, DraftWrite, Request, Stamping, Store, StoreConfig, StoreLimits, WriteScope};

/// Entries of one change.
const CHANGE: usize = 5_000;

/// Copies a data directory that no node has open; what was at the target is gone.
pub fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Writes config entries `bulk/000000000` and on into tenant `demo`, environment `development` of a data
/// directory that no node has open, as that node's own writes: a hundred times faster than by HTTP.
pub fn fill(dir: &Path, entries: usize, value_bytes: usize) {
    let config = StoreConfig { dir: Some(dir.to_owned()), limits: StoreLimits::default(), digest_key: 0 };
    let store = Store::open(config, Arc::new(wall_clock)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for first in (0..entries).step_by(CHANGE) {
        let writes = (first..entries.min(first + CHANGE)).map(|number| put(number, value_bytes)).collect();
        let plan = |_: &_, _| Ok::<_, std::convert::Infallible>(Draft::of(writes));
        let request =
            Request { scope: WriteScope::Everything, actor: "test".into(), note: None, stamping: Stamping::Local };
        runtime.block_on(store.write(request, plan)).unwrap();
    }
    runtime.block_on(store.close());
}

fn put(number: usize, value_bytes: usize) -> DraftWrite {
    let key = |text: &str| Key::new(text).unwrap();
    let register = RegisterId::config(&key("demo"), &key("development"), &key(&format!("bulk/{number:09}")));
    DraftWrite::put(register, Blob { media: Media::Octets, bytes: vec![b'x'; value_bytes].into() })
}

fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap()
}
