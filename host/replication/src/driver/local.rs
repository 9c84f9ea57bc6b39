//! Local writes from the store's feed, gathered into hints.

use std::{future, sync::Arc};

use burgee_store::{FeedEntry, FeedEvent, FeedReader, Op, Origin, Store, Version};

/// What a version weighs beside its content and texts, in bytes.
const VERSION_BYTES: usize = 256;

/// What was written here.
#[derive(Debug)]
pub(super) enum Written {
    /// Versions, all there were up to the size of a hint.
    Versions(Vec<Arc<Version>>),
    /// More than the feed remembers: nobody will hint at it.
    Missed,
}

/// The reader of the feed.
pub(super) struct LocalChanges {
    reader: FeedReader,
    hint_bytes: usize,
    /// What did not fit the last hint, or ended it.
    held: Option<FeedEvent>,
    gathered: Vec<Arc<Version>>,
    gathered_bytes: usize,
}

impl LocalChanges {
    pub(super) fn new(store: &Store, hint_bytes: usize) -> Self {
        let reader = store.feed().subscribe(None);
        Self { reader, hint_bytes, held: None, gathered: Vec::new(), gathered_bytes: 0 }
    }

    /// The next versions, with all that have come since. Safe to cancel.
    pub(super) async fn next(&mut self) -> Written {
        loop {
            let event = match self.held.take() {
                Some(event) => event,
                None if self.gathered.is_empty() => self.reader.next().await,
                None => tokio::select! {
                    biased;
                    event = self.reader.next() => event,
                    () = future::ready(()) => return self.take(),
                },
            };
            match event {
                FeedEvent::Reset(_) if self.gathered.is_empty() => return Written::Missed,
                FeedEvent::Change(entry) if self.fits(&entry) => self.gather(&entry),
                event => {
                    self.held = Some(event);
                    return self.take();
                }
            }
        }
    }

    fn take(&mut self) -> Written {
        self.gathered_bytes = 0;
        Written::Versions(std::mem::take(&mut self.gathered))
    }

    fn fits(&self, entry: &FeedEntry) -> bool {
        self.gathered.is_empty() || self.gathered_bytes + weight(&entry.version) <= self.hint_bytes
    }

    fn gather(&mut self, entry: &FeedEntry) {
        // A register that died by a floor comes with the floor's version, which has an entry of its own.
        let written = entry.origin == Origin::Local && entry.op != Op::Expire;
        if written && entry.register == entry.version.register {
            self.gathered_bytes += weight(&entry.version);
            self.gathered.push(Arc::clone(&entry.version));
        }
    }
}

/// About how many bytes a version takes in a frame.
fn weight(version: &Version) -> usize {
    let content = version.content.as_ref().map_or(0, |blob| blob.bytes.len());
    let note = version.note.as_ref().map_or(0, |note| note.len());
    VERSION_BYTES + content + note + version.actor.len() + version.parents.len() * 24
}
