//! What this node may have missed of revocations: for how long it has heard of no other node, and whether it slept.
//!
//! A node that starts among members has heard of nobody yet, so it counts as isolated for ever until it does: for how
//! long it was away is written nowhere. One that wakes has not heard what was revoked meanwhile, however fresh its view of the
//! cluster looks.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use burgee_model::{Millis, NodeId};

/// Between two ticks, and between two looks at the view of the cluster.
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// A gap between two ticks from which on the node slept: within less, links stand, and what they carried waits in them.
const SLEEP_MS: u64 = 2_000;
/// One from which on it may have missed what waits in its links: that is read first, and nothing more is waited for.
const NAP_MS: u64 = 700;
/// After waking, for how long what waits in links is read before any of it counts.
const SETTLE_MS: u64 = 500;
/// How long a node that woke waits to hear of another one where none is reached, and where one is that it is behind.
const ALONE_MS: u64 = 5_000;
const BEHIND_MS: u64 = 30_000;

/// No instant.
const NEVER: u64 = u64::MAX;
/// Before the start.
const BEFORE: u64 = u64::MAX - 1;

/// What the node sees of the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Those that are reached: how often each was heard, and whether this node has all that it has.
    pub(crate) live: BTreeMap<NodeId, (u64, bool)>,
    /// Whether some member is not reached.
    pub(crate) missed: bool,
}

impl Seen {
    /// How often one was heard.
    fn beats(&self, node: &NodeId) -> u64 {
        self.live.get(node).map_or(0, |(beats, _)| *beats)
    }

    /// Whether somebody spoke since, or there is nobody who is not heard.
    fn is_news(&self, before: &Self) -> bool {
        !self.missed || self.live.iter().any(|(node, (beats, _))| *beats > before.beats(node))
    }

    /// Whether there is nobody who could have revoked anything.
    fn has_nobody(&self) -> bool {
        self.live.is_empty() && !self.missed
    }
}

/// Whether the node hears of others. Cheap to clone and to read.
#[derive(Clone, Debug)]
pub(crate) struct Isolation(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    wall_started: Millis,
    /// Milliseconds from the start to the moment since which nobody is heard; [`NEVER`] where somebody is reached, or
    /// where there is nobody else. It is told once nobody is reached any more, some seconds later.
    since: AtomicU64,
    /// When it was last awake, by either clock: milliseconds from the start, of which only differences count.
    ticked: AtomicU64,
    ticked_wall: AtomicU64,
    /// Since when it is awake and has not heard; [`NEVER`] where it has.
    woke: AtomicU64,
    /// Whether links stood all the time, so that what they carried is all there is to hear.
    napped: AtomicBool,
    looks: Mutex<Looks>,
}

/// What was seen of the others.
#[derive(Debug, Default)]
struct Looks {
    /// The latest time.
    latest: Seen,
    /// When there was news by it: milliseconds from the start.
    heard: u64,
    /// While it was last known that nothing was missed.
    settled: Seen,
}

/// An instant, by the clock that never leaps and by the one that goes on while a machine sleeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) steady: Instant,
    pub(crate) wall: Millis,
}

impl Isolation {
    /// That of a node which starts now, among other members or not.
    pub(crate) fn new(now: Moment, among_others: bool) -> Self {
        let since = if among_others { BEFORE } else { NEVER };
        Self(Arc::new(Inner {
            started: now.steady,
            wall_started: now.wall,
            since: AtomicU64::new(since),
            ticked: AtomicU64::new(0),
            ticked_wall: AtomicU64::new(0),
            woke: AtomicU64::new(NEVER),
            napped: AtomicBool::new(false),
            looks: Mutex::default(),
        }))
    }

    /// The node is awake. To be said every [`LOOK`] by somebody who waits for nothing else: a table that is locked for
    /// long is no sleep.
    pub(crate) fn tick(&self, now: Moment) {
        let inner = &*self.0;
        let (at, wall) = inner.millis(now);
        let gap = inner.gap(at, wall);
        if gap >= NAP_MS {
            let is_awake = inner.woke.load(Ordering::Relaxed) == NEVER;
            inner.napped.store(gap < SLEEP_MS && (is_awake || inner.napped.load(Ordering::Relaxed)), Ordering::Release);
            // what was heard before counts from here
            inner.woke.store(at, Ordering::Release);
        }
        inner.ticked.store(at, Ordering::Release);
        inner.ticked_wall.store(wall, Ordering::Release);
    }

    /// Takes note of what is seen of the others.
    pub(crate) fn look(&self, seen: &Seen, now: Moment) {
        let inner = &*self.0;
        let (at, _) = inner.millis(now);
        let mut looks = inner.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_news(&looks.latest) {
            looks.heard = at;
        }
        looks.latest.clone_from(seen);
        let woke = inner.woke.load(Ordering::Acquire);
        let awake_ms = at.saturating_sub(woke);
        if woke == NEVER || awake_ms < SETTLE_MS {
            looks.settled.clone_from(seen);
        }
        let napped = inner.napped.load(Ordering::Acquire) && awake_ms >= SETTLE_MS;
        if woke != NEVER && (napped || heard_since(&looks.settled, seen, awake_ms)) {
            looks.settled.clone_from(seen);
            inner.woke.store(NEVER, Ordering::Release);
        }
        if !seen.live.is_empty() || !seen.missed {
            inner.since.store(NEVER, Ordering::Relaxed);
        } else if inner.since.load(Ordering::Relaxed) == NEVER {
            inner.since.store(looks.heard, Ordering::Relaxed);
        }
    }

    /// For how long nobody was heard; none where somebody is.
    pub(crate) fn lasts(&self, now: Moment) -> Option<Duration> {
        match self.0.since.load(Ordering::Relaxed) {
            NEVER => None,
            BEFORE => Some(Duration::MAX),
            since => Some(Duration::from_millis(self.0.millis(now).0.saturating_sub(since))),
        }
    }

    /// Whether it slept, and has not heard since.
    pub(crate) fn is_waking(&self, now: Moment) -> bool {
        let (at, wall) = self.0.millis(now);
        let woke = self.0.woke.load(Ordering::Acquire) != NEVER || self.0.gap(at, wall) >= NAP_MS;
        woke && !self.0.looks.lock().unwrap_or_else(PoisonError::into_inner).settled.has_nobody()
    }
}

impl Inner {
    fn millis(&self, now: Moment) -> (u64, u64) {
        let steady = now.steady.saturating_duration_since(self.started).as_millis();
        (u64::try_from(steady).unwrap_or(BEFORE - 1), now.wall.saturating_sub(self.wall_started))
    }

    /// For how long it has said nothing, by the clock that says more.
    fn gap(&self, at: u64, wall: u64) -> u64 {
        let gap = at.saturating_sub(self.ticked.load(Ordering::Acquire));
        gap.max(wall.saturating_sub(self.ticked_wall.load(Ordering::Acquire)))
    }
}

/// Whether what is seen some milliseconds after waking says that nothing older can be missing: somebody spoke since, and this
/// node has what it has; or there is nobody who could.
fn heard_since(before: &Seen, seen: &Seen, ms: u64) -> bool {
    let heard = seen.live.iter().any(|(node, (beats, in_line))| *in_line && *beats > before.beats(node));
    let nobody = seen.live.is_empty() && (!seen.missed || ms >= ALONE_MS);
    ms >= SETTLE_MS && heard || nobody || ms >= BEHIND_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId([1; 16]);

    /// A node, and its clocks.
    struct World(Isolation, Moment);

    impl World {
        fn new(among_others: bool) -> Self {
            let now = Moment { steady: Instant::now(), wall: 1_000_000 };
            Self(Isolation::new(now, among_others), now)
        }

        fn at(&self, ms: u64) -> Moment {
            Moment { steady: self.1.steady + Duration::from_millis(ms), wall: self.1.wall + ms }
        }

        /// Looks every quarter of a second from one moment to another.
        fn look(&self, from: u64, to: u64, seen: &Seen) {
            for ms in (from..=to).step_by(250) {
                self.0.tick(self.at(ms));
                self.0.look(seen, self.at(ms));
            }
        }
    }

    fn alone() -> Seen {
        Seen { missed: true, ..Seen::default() }
    }

    fn heard(beats: u64, in_line: bool) -> Seen {
        Seen { live: BTreeMap::from([(NODE, (beats, in_line))]), missed: true }
    }

    #[test]
    fn it_lasts_from_the_last_that_was_heard_until_the_next() {
        let world = World::new(false);
        world.look(0, 1_000, &Seen::default());
        assert_eq!(world.0.lasts(world.at(9_000)), None);
        for (ms, beats) in [(1_250, 1), (1_500, 2), (1_750, 2), (3_250, 2)] {
            world.look(ms, ms, &heard(beats, true));
            assert_eq!(world.0.lasts(world.at(9_000)), None, "it is still reached");
        }
        world.look(3_500, 5_000, &alone());
        assert_eq!(world.0.lasts(world.at(9_500)), Some(Duration::from_secs(8)), "from its last word on");
        world.look(5_250, 5_250, &heard(2, true));
        assert_eq!(world.0.lasts(world.at(11_000)), None);
    }

    #[test]
    fn that_one_of_several_silent_ones_is_given_up_is_no_word_of_another() {
        let world = World::new(false);
        let both = Seen { live: BTreeMap::from([(NODE, (5, true)), (NodeId([2; 16]), (7, true))]), missed: false };
        world.look(0, 1_000, &both);
        world.look(1_250, 3_000, &Seen { missed: true, ..both });
        world.look(3_250, 3_500, &heard(5, true));
        world.look(3_750, 4_000, &alone());
        assert_eq!(world.0.lasts(world.at(9_000)), Some(Duration::from_secs(8)));
    }

    #[test]
    fn who_starts_among_others_was_isolated_until_it_hears_of_one() {
        let world = World::new(true);
        assert_eq!(world.0.lasts(world.at(0)), Some(Duration::MAX));
        world.look(0, 1_000, &alone());
        assert_eq!(world.0.lasts(world.at(1_000)), Some(Duration::MAX));
        world.look(1_250, 1_250, &heard(1, false));
        assert_eq!(world.0.lasts(world.at(1_250)), None);
    }

    #[test]
    fn who_wakes_is_awake_once_somebody_spoke_and_nothing_is_behind() {
        let world = World::new(true);
        world.look(0, 1_000, &heard(7, true));
        assert!(!world.0.is_waking(world.at(1_600)));
        // before anything was looked at
        assert!(world.0.is_waking(world.at(60_000)));
        world.look(60_000, 61_000, &heard(7, true));
        assert!(world.0.is_waking(world.at(61_000)), "the view is that of before");
        world.look(61_250, 62_000, &heard(9, false));
        assert!(world.0.is_waking(world.at(62_000)), "something may be on its way");
        world.look(62_250, 62_250, &heard(9, true));
        assert!(!world.0.is_waking(world.at(62_250)));
    }

    #[test]
    fn who_waits_for_the_table_does_not_sleep() {
        let world = World::new(true);
        world.look(0, 1_000, &heard(7, true));
        (1_250..=9_000).step_by(250).for_each(|ms| world.0.tick(world.at(ms)));
        world.0.look(&heard(7, true), world.at(9_000));
        assert!(!world.0.is_waking(world.at(9_000)));
    }

    #[test]
    fn who_naps_reads_what_waits_in_its_links_and_goes_on() {
        let world = World::new(true);
        world.look(0, 1_000, &heard(7, true));
        assert!(world.0.is_waking(world.at(2_300)));
        world.look(2_300, 2_550, &heard(7, true));
        assert!(world.0.is_waking(world.at(2_600)));
        world.look(2_800, 2_800, &heard(7, true));
        assert!(!world.0.is_waking(world.at(2_800)));
        // a nap within a waking makes it no shorter
        world.look(60_000, 60_000, &heard(7, true));
        world.look(61_000, 62_000, &heard(7, true));
        assert!(world.0.is_waking(world.at(62_000)));
    }

    #[test]
    fn what_waited_in_links_is_nothing_that_was_heard_since() {
        let world = World::new(true);
        world.look(0, 1_000, &heard(7, true));
        world.look(60_000, 60_250, &heard(9, true));
        world.look(60_500, 61_000, &heard(9, true));
        assert!(world.0.is_waking(world.at(61_000)));
        world.look(61_250, 61_250, &heard(10, true));
        assert!(!world.0.is_waking(world.at(61_250)));
    }

    #[test]
    fn who_wakes_and_reaches_nobody_goes_on_after_a_while() {
        let world = World::new(true);
        world.look(0, 1_000, &heard(7, true));
        world.look(60_000, 64_750, &alone());
        assert!(world.0.is_waking(world.at(64_750)));
        world.look(65_000, 65_000, &alone());
        assert!(!world.0.is_waking(world.at(65_000)));
        // one that never had anybody never waits for anybody
        let world = World::new(false);
        world.look(0, 0, &Seen::default());
        world.look(60_000, 60_000, &Seen::default());
        assert!(!world.0.is_waking(world.at(60_000)));
    }

    #[test]
    fn a_machine_that_slept_shows_it_by_its_wall_clock() {
        let world = World::new(true);
        world.look(0, 1_000, &heard(7, true));
        let woken = Moment { wall: world.1.wall + 60_000, ..world.at(1_250) };
        assert!(world.0.is_waking(woken));
    }
}
