//! A request, and its answer, until the last of it is taken.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use burgee_api::Asking;

use super::activity::Activity;

/// A request whose answer is not over.
#[derive(Debug)]
pub(super) struct Asked {
    activity: Arc<Activity>,
    admitted: AtomicBool,
}

impl Asked {
    /// A request begins.
    pub(super) fn new(activity: &Arc<Activity>) -> Arc<Self> {
        activity.idle.begins(activity.now());
        Arc::new(Self { activity: activity.clone(), admitted: AtomicBool::new(false) })
    }
}

impl Asking for Asked {
    fn admit(&self) -> bool {
        if self.admitted.load(Ordering::Relaxed) {
            return true;
        }
        // one task looks at who asks
        let admitted = self.activity.idle.admits();
        self.admitted.store(admitted, Ordering::Relaxed);
        admitted
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.activity.idle.ends(*self.admitted.get_mut(), self.activity.now());
    }
}

/// An answer that is given: to its last part that is not taken.
#[derive(Debug)]
pub(super) struct Answer {
    asked: Arc<Asked>,
    id: u64,
}

impl Answer {
    pub(super) fn new(asked: Arc<Asked>) -> Arc<Self> {
        let id = asked.activity.unread.begins(asked.activity.now());
        Arc::new(Self { asked, id })
    }

    /// It is asked for more; it has nothing at the moment, or something.
    pub(super) fn asked(&self, waits: bool) {
        self.activity().unread.asked(self.id, waits, self.activity().now());
    }

    /// It gave a part.
    pub(super) fn gave(&self) {
        self.activity().unread.gave(self.id, self.activity().now());
    }

    /// A part of so many bytes was taken.
    pub(super) fn taken(&self, bytes: usize) {
        self.activity().unread.taken(self.id, bytes, self.activity().now());
    }

    fn activity(&self) -> &Activity {
        &self.asked.activity
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.activity().unread.ends(self.id);
    }
}
