//! Snapshots: a peer's whole replica, page by page, for a node that holds next to nothing.
//!
//! One at a time. The next page is asked for while the last one is merged. A snapshot whose peer vanishes
//! goes on with another peer at the same place: all nodes page in the same order, and what the first one
//! had and the second one has not is left to repair, which follows every snapshot.

use std::{sync::Arc, time::Duration};

use burgee_model::NodeId;
use burgee_store::{
    PageCursor, Version,
    digest::{Prefix, Realm},
};

use super::{Ask, Asked, Core, Merging, Turn, exchange::Stage, walk::Walk};
use crate::message::{Answer, Question};

/// How long the store gets when it did not take a page.
const PAUSE: Duration = Duration::from_millis(200);

/// So many pages in a row may not come.
const FAILURES_MAX: u32 = 3;

/// A snapshot that is being pulled.
#[derive(Debug)]
pub(super) struct Snapshot {
    from: NodeId,
    /// Where what is not merged begins.
    at: Option<PageCursor>,
    /// A page that came before the last one was merged.
    held: Option<Page>,
    /// The page that is being merged, and where the one after it begins.
    merging: Option<Option<PageCursor>>,
    /// Pages in a row that did not come.
    failures: u32,
    /// When to ask for the page at [`at`](Self::at) again.
    again_at: Option<Duration>,
}

#[derive(Debug)]
struct Page {
    versions: Vec<Arc<Version>>,
    next: Option<PageCursor>,
}

impl Core {
    pub(super) fn begin_snapshot(&mut self, from: NodeId, turn: &mut Turn<'_>) {
        if self.snapshot.is_some() {
            return self.fail_exchange(from, turn);
        }
        let at = self.resume.take();
        if let Some(run) = self.run_mut(from) {
            run.stage = Stage::Snapshot;
            self.snapshot =
                Some(Snapshot { from, at: at.clone(), held: None, merging: None, failures: 0, again_at: None });
            self.ask_page(from, at, turn);
        }
    }

    fn ask_page(&mut self, from: NodeId, cursor: Option<PageCursor>, turn: &mut Turn<'_>) {
        self.ask(from, Asked::Page, Question::Page { cursor }, turn);
    }

    /// A page came.
    pub(super) fn page(&mut self, ask: &Ask, answer: Answer, turn: &mut Turn<'_>) {
        let Answer::Page { versions, unknown, next } = answer else { return self.fail_exchange(ask.to, turn) };
        self.left_out(ask.to, unknown);
        let Some(snapshot) = self.snapshot.as_mut().filter(|snapshot| snapshot.from == ask.to) else { return };
        snapshot.failures = 0;
        let page = Page { versions, next };
        if snapshot.merging.is_some() {
            snapshot.held = Some(page);
        } else {
            self.merge_page(page, turn);
        }
    }

    fn merge_page(&mut self, page: Page, turn: &mut Turn<'_>) {
        let Some(snapshot) = &mut self.snapshot else { return };
        let from = snapshot.from;
        snapshot.merging = Some(page.next.clone());
        self.merge(page.versions, from, Merging::Page(from), turn);
        if page.next.is_some() {
            self.ask_page(from, page.next, turn);
        }
    }

    /// A page is merged, or not.
    pub(super) fn page_merged(&mut self, from: NodeId, taken: bool, turn: &mut Turn<'_>) {
        let Some(snapshot) = self.snapshot.as_mut().filter(|snapshot| snapshot.from == from) else { return };
        let Some(next) = snapshot.merging.take() else { return };
        if !taken {
            snapshot.held = None;
            snapshot.again_at = Some(turn.now.mono + PAUSE);
            self.asks.retain(|_, ask| ask.what != Asked::Page);
            return;
        }
        let done = next.is_none();
        snapshot.at = next;
        if done {
            return self.end_snapshot(from, turn);
        }
        if let Some(page) = snapshot.held.take() {
            self.merge_page(page, turn);
        }
    }

    fn end_snapshot(&mut self, from: NodeId, turn: &mut Turn<'_>) {
        self.snapshot = None;
        self.walk(from, Walk::new(Realm::Current, Prefix::ROOT, true), Vec::new(), turn);
    }

    /// A page did not come: it is asked for again once what is being merged is. Says whether to go on.
    pub(super) fn page_unanswered(&mut self, from: NodeId, turn: &Turn<'_>) -> bool {
        let Some(snapshot) = self.snapshot.as_mut().filter(|snapshot| snapshot.from == from) else { return false };
        snapshot.failures += 1;
        snapshot.again_at = Some(turn.now.mono);
        snapshot.failures < FAILURES_MAX
    }

    /// Asks again for what the store did not take.
    pub(super) fn resume_snapshot(&mut self, turn: &mut Turn<'_>) {
        let Some(snapshot) = &mut self.snapshot else { return };
        if snapshot.merging.is_none() && snapshot.again_at.is_some_and(|at| turn.now.mono >= at) {
            snapshot.again_at = None;
            let (from, at) = (snapshot.from, snapshot.at.clone());
            self.ask_page(from, at, turn);
        }
    }

    /// The exchange that pulled it failed: the next one goes on where it stopped.
    pub(super) fn drop_snapshot_of(&mut self, node: NodeId) {
        if let Some(snapshot) = self.snapshot.take_if(|snapshot| snapshot.from == node) {
            self.resume = snapshot.at;
        }
    }
}
