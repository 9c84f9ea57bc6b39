//! What is sent and received, counted by the kind of the message.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::status;

/// The counters of one node.
#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<BTreeMap<&'static str, status::Traffic>>);

impl Traffic {
    pub(super) fn sent(&self, kind: &'static str, bytes: usize) {
        self.count(kind, |traffic| {
            traffic.frames_sent += 1;
            traffic.bytes_sent += bytes as u64;
        });
    }

    pub(super) fn received(&self, kind: &'static str, bytes: usize) {
        self.count(kind, |traffic| {
            traffic.frames_received += 1;
            traffic.bytes_received += bytes as u64;
        });
    }

    fn count(&self, kind: &'static str, count: impl FnOnce(&mut status::Traffic)) {
        count(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default());
    }

    /// All of them, by kind.
    pub(super) fn totals(&self) -> BTreeMap<&'static str, status::Traffic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
