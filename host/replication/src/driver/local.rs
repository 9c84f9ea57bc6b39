//! Local writes from the store's feed, gathered into hints.

use std::{future, sync::Arc};

use burgee_store::{FeedEntry, FeedEvent, FeedReader, Op, Origin, Store, Version};

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
                FeedEvent::Conflict(_) => {}
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
        self.gathered.is_empty() || self.gathered_bytes + entry.version.weight() <= self.hint_bytes
    }

    fn gather(&mut self, entry: &FeedEntry) {
        // A register that died by a floor comes with the floor's version, which has an entry of its own.
        let written = entry.origin == Origin::Local && entry.op != Op::Expire;
        if written && entry.register == entry.version.register {
            self.gathered_bytes += entry.version.weight();
            self.gathered.push(Arc::clone(&entry.version));
        }
    }
}
