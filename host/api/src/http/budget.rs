//! Memory that requests hold: bodies that come in, and answers that wait to be read. All together may hold so much,
//! and each holder, a tenant or an address, a share of it, so that nobody takes it from all others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use axum::body::Bytes;
use burgee_model::Limits;

use crate::error::ApiError;

/// Bodies up to this size are small: kills, logins, evaluations of one flag. Room is kept for them.
const SMALL_BYTES: usize = 16 * 1024;
/// What a holder may have where no limit says it: of how many parts of all one.
const SHARE: usize = 4;
/// The same of what is kept for small bodies.
const RESERVE: usize = 8;
/// Of how many parts of what a holder may have its applications are left without one, which is for people.
const PEOPLES: usize = 4;
/// Milliseconds between two lines of the log about one kind of memory.
const SAID_MS: u64 = 1_000;

/// What one holder has of one kind of memory.
#[derive(Debug, Default)]
pub(crate) struct Held {
    all: AtomicUsize,
    /// That of applications: their tokens may be public, and must not keep people from a kill switch.
    by_applications: AtomicUsize,
}

impl Held {
    pub(crate) fn is_nothing(&self) -> bool {
        self.all.load(Ordering::Relaxed) == 0
    }
}

/// What one holder has, by kind.
#[derive(Debug, Default)]
pub(crate) struct Holdings([Held; 3]);

impl Holdings {
    pub(crate) fn are_none(&self) -> bool {
        self.0.iter().all(Held::is_nothing)
    }
}

/// Who holds memory.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    holdings: Arc<dyn AsHoldings>,
    application: bool,
    /// As the log says it.
    name: Arc<str>,
}

/// What has holdings: the usage of a tenant, or of an address.
pub(crate) trait AsHoldings: std::fmt::Debug + Send + Sync {
    fn holdings(&self) -> &Holdings;
}

impl Holder {
    pub(crate) fn new(holdings: Arc<dyn AsHoldings>, application: bool, name: Arc<str>) -> Self {
        Self { holdings, application, name }
    }
}

/// A kind of memory.
#[derive(Clone, Copy, Debug)]
enum Kind {
    SmallBodies,
    LargeBodies,
    Answers,
}

/// One kind of memory. Units are bytes.
#[derive(Debug)]
struct Pool {
    kind: Kind,
    max: usize,
    per_holder: usize,
    held: AtomicUsize,
}

impl Pool {
    fn new(kind: Kind, max: usize, per_holder: usize) -> Arc<Self> {
        Arc::new(Self { kind, max, per_holder, held: AtomicUsize::new(0) })
    }

    /// Takes so many for a holder, or tells how many may be held that would be exceeded.
    fn take(&self, holder: &Holder, bytes: usize) -> Result<(), usize> {
        let held = self.of(holder);
        let for_applications = self.per_holder - self.per_holder / PEOPLES;
        let mut counters = vec![(&self.held, self.max), (&held.all, self.per_holder)];
        if holder.application {
            counters.push((&held.by_applications, for_applications));
        }
        for (index, (counter, max)) in counters.iter().enumerate() {
            let more = |held: usize| held.checked_add(bytes).filter(|held| held <= max);
            if counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
                for (taken, _) in &counters[..index] {
                    taken.fetch_sub(bytes, Ordering::Relaxed);
                }
                return Err(*max);
            }
        }
        Ok(())
    }

    fn give_back(&self, holder: &Holder, bytes: usize) {
        let held = self.of(holder);
        if holder.application {
            held.by_applications.fetch_sub(bytes, Ordering::Relaxed);
        }
        held.all.fetch_sub(bytes, Ordering::Relaxed);
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn of<'a>(&self, holder: &'a Holder) -> &'a Held {
        let Holdings(kinds) = holder.holdings.holdings();
        let [small, large, answers] = kinds;
        match self.kind {
            Kind::SmallBodies => small,
            Kind::LargeBodies => large,
            Kind::Answers => answers,
        }
    }
}

/// What somebody holds of one kind; dropped, it is given back.
#[derive(Debug)]
struct Taken {
    pool: Arc<Pool>,
    holder: Holder,
    bytes: usize,
}

impl Taken {
    fn grow(&mut self, bytes: usize) -> Result<(), usize> {
        self.pool.take(&self.holder, bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    fn shrink_to(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.pool.give_back(&self.holder, less);
        self.bytes -= less;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.pool.give_back(&self.holder, self.bytes);
    }
}

/// Refusals for lack of room: counted, and said seldom.
#[derive(Debug)]
struct Refusals {
    what: &'static str,
    started: Instant,
    count: AtomicU64,
    /// Until when nothing is said, in milliseconds since the start.
    silent_until: AtomicU64,
}

impl Refusals {
    fn new(what: &'static str) -> Self {
        Self { what, started: Instant::now(), count: AtomicU64::new(0), silent_until: AtomicU64::new(0) }
    }

    fn count(&self, holder: &Holder) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.may_say(now) {
            tracing::warn!(what = self.what, who = %holder.name, count, "there is no room: requests are refused");
        }
    }

    fn may_say(&self, now: u64) -> bool {
        let next = |until: u64| (until <= now).then(|| now.saturating_add(SAID_MS));
        self.silent_until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    fn total(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// Memory for the bodies of requests. Bytes count once they have come, so that whoever announces much and sends little
/// keeps nobody from it.
#[derive(Debug)]
pub(crate) struct Bodies {
    small: Arc<Pool>,
    large: Arc<Pool>,
    refusals: Refusals,
}

impl Bodies {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let all = limits.bodies_bytes;
        let reserve = or(limits.bodies_reserved_bytes, all / RESERVE).min(all / 2);
        let large = all - reserve;
        // one body of the largest kind is always let in
        let largest = limits.import_bytes.max(limits.body_bytes);
        let share = or(limits.bodies_bytes_per_tenant, (all / SHARE).max(largest.saturating_mul(2))).min(large);
        Arc::new(Self {
            small: Pool::new(Kind::SmallBodies, reserve, (reserve / SHARE).max(1)),
            large: Pool::new(Kind::LargeBodies, large, share),
            refusals: Refusals::new("bodies"),
        })
    }

    /// What a holder's next body has, which is nothing yet.
    pub(crate) fn share(self: &Arc<Self>, holder: &Holder) -> BodyShare {
        let taken = Taken { pool: self.small.clone(), holder: holder.clone(), bytes: 0 };
        BodyShare { bodies: self.clone(), taken }
    }

    /// How many were refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refusals.total()
    }
}

fn or(wanted: usize, default: usize) -> usize {
    if wanted == 0 { default } else { wanted }
}

/// What one body has; dropped, it is given back.
#[derive(Debug)]
pub(crate) struct BodyShare {
    bodies: Arc<Bodies>,
    taken: Taken,
}

impl BodyShare {
    /// Takes so many more. One that is small no more leaves the room of small ones.
    ///
    /// # Errors
    /// Where all together, or its holder, would have more than they may.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        let whole = self.taken.bytes.saturating_add(bytes);
        let is_small = matches!(self.taken.pool.kind, Kind::SmallBodies);
        let grown = if is_small && whole > SMALL_BYTES {
            let mut large = Taken { pool: self.bodies.large.clone(), holder: self.taken.holder.clone(), bytes: 0 };
            large.grow(whole).map(|()| self.taken = large)
        } else {
            self.taken.grow(bytes)
        };
        grown.map_err(|max| {
            self.bodies.refusals.count(&self.taken.holder);
            ApiError::TooManyBodies { max }
        })
    }
}

/// Memory for large answers that wait to be read.
#[derive(Debug)]
pub(crate) struct Answers {
    pool: Arc<Pool>,
    refusals: Refusals,
}

impl Answers {
    /// From how many bytes on an answer counts: smaller ones are bounded by connections and their requests.
    pub(crate) const LARGE_BYTES: usize = 16 * 1024;

    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let share = or(limits.answers_bytes_per_tenant, limits.answers_bytes / SHARE).min(limits.answers_bytes);
        let pool = Pool::new(Kind::Answers, limits.answers_bytes, share);
        Arc::new(Self { pool, refusals: Refusals::new("answers") })
    }

    /// What an answer for a holder has, which is nothing yet.
    pub(crate) fn share(self: &Arc<Self>, holder: &Holder) -> AnswerShare {
        let taken = Taken { pool: self.pool.clone(), holder: holder.clone(), bytes: 0 };
        AnswerShare { answers: self.clone(), taken }
    }

    /// How many were refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refusals.total()
    }
}

/// What one answer has; dropped, it is given back.
#[derive(Debug)]
pub(crate) struct AnswerShare {
    answers: Arc<Answers>,
    taken: Taken,
}

impl AnswerShare {
    /// Has as many as these, where the answer is large.
    ///
    /// # Errors
    /// Where all together, or the holder's, would have more than they may.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), ApiError> {
        let more = bytes.saturating_sub(self.taken.bytes);
        if more == 0 || bytes < Answers::LARGE_BYTES {
            return Ok(());
        }
        self.taken.grow(more).map_err(|max| {
            self.answers.refusals.count(&self.taken.holder);
            ApiError::TooManyAnswers { max }
        })
    }

    /// A finished answer, which counts for as long as any part of it is held.
    ///
    /// # Errors
    /// As for growing.
    pub(crate) fn sealed(mut self, mut answer: Vec<u8>) -> Result<Bytes, ApiError> {
        answer.shrink_to_fit();
        let bytes = answer.capacity();
        if bytes < Answers::LARGE_BYTES {
            return Ok(answer.into());
        }
        self.grow_to(bytes)?;
        self.taken.shrink_to(bytes);
        Ok(Bytes::from_owner(Sealed { answer, _share: self }))
    }
}

struct Sealed {
    answer: Vec<u8>,
    _share: AnswerShare,
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Own(Holdings);

    impl AsHoldings for Own {
        fn holdings(&self) -> &Holdings {
            &self.0
        }
    }

    fn holder(application: bool) -> Holder {
        Holder::new(Arc::new(Own::default()), application, "x".into())
    }

    const KIB: usize = 1024;

    fn bodies() -> Arc<Bodies> {
        Bodies::new(&Limits {
            bodies_bytes: 800 * KIB,
            bodies_reserved_bytes: 160 * KIB,
            bodies_bytes_per_tenant: 200 * KIB,
            ..Limits::default()
        })
    }

    fn grown(bodies: &Arc<Bodies>, holder: &Holder, bytes: usize) -> Option<BodyShare> {
        let mut share = bodies.share(holder);
        share.grow(bytes).is_ok().then_some(share)
    }

    #[test]
    fn a_holder_has_its_share_and_others_have_theirs() {
        let (bodies, one, other) = (bodies(), holder(false), holder(false));
        let first = grown(&bodies, &one, 150 * KIB).unwrap();
        let mut second = grown(&bodies, &one, 50 * KIB).unwrap();
        assert!(matches!(second.grow(1), Err(ApiError::TooManyBodies { max }) if max == 200 * KIB));
        assert!(second.grow(usize::MAX).is_err());
        assert_eq!(bodies.refused(), 2);
        assert!(grown(&bodies, &other, 200 * KIB).is_some());
        drop(first);
        assert!(second.grow(150 * KIB).is_ok());
        drop(second);
        assert!(one.holdings.holdings().are_none());
        assert_eq!(bodies.large.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn small_ones_have_room_of_their_own_until_they_are_large() {
        let bodies = bodies();
        let full: Vec<_> = (0..4).map(|_| grown(&bodies, &holder(false), 160 * KIB).unwrap()).collect();
        assert!(grown(&bodies, &holder(false), 17 * KIB).is_none(), "all of the rest is taken");
        let mut small = grown(&bodies, &holder(false), 16 * KIB).unwrap();
        assert!(small.grow(1).is_err());
        drop(full);
        assert!(small.grow(1).is_ok());
        assert_eq!(bodies.small.held.load(Ordering::Relaxed), 0);
        assert_eq!(bodies.large.held.load(Ordering::Relaxed), 16 * KIB + 1);
    }

    #[test]
    fn applications_leave_room_to_the_people_of_their_tenant() {
        let (bodies, tenant) = (bodies(), Arc::new(Own::default()));
        let (applications, people) =
            (Holder::new(tenant.clone(), true, "x".into()), Holder::new(tenant, false, "x".into()));
        let _most = grown(&bodies, &applications, 150 * KIB).unwrap();
        assert!(grown(&bodies, &applications, 17 * KIB).is_none());
        assert!(grown(&bodies, &people, 50 * KIB).is_some());
    }

    #[test]
    fn an_answer_counts_until_its_last_part_is_dropped() {
        let limits = Limits { answers_bytes: 400 * KIB, ..Limits::default() };
        let (answers, one) = (Answers::new(&limits), holder(false));
        let mut share = answers.share(&one);
        share.grow_to(90 * KIB).unwrap();
        let mut sealed = share.sealed(vec![7; 60 * KIB]).unwrap();
        let part = sealed.split_to(10);
        drop(sealed);
        assert_eq!(answers.pool.held.load(Ordering::Relaxed), 60 * KIB);
        assert!(matches!(answers.share(&one).grow_to(41 * KIB), Err(ApiError::TooManyAnswers { .. })));
        assert!(answers.share(&holder(false)).grow_to(100 * KIB).is_ok());
        assert_eq!(answers.refused(), 1);
        drop(part);
        assert!(one.holdings.holdings().are_none());
        assert!(answers.share(&one).sealed(vec![7; 100]).is_ok_and(|small| small.len() == 100));
    }

    #[test]
    fn one_refusal_a_second_is_said() {
        let refusals = Refusals::new("things");
        let said = [0, 1, SAID_MS - 1, SAID_MS].map(|now| refusals.may_say(now));
        assert_eq!(said, [true, false, false, true]);
    }
}
