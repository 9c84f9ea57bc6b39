//! What of a snapshot somebody sees: all flags, or those that are marked for clients.
//!
//! Tags and announcements go by what is seen: what is hidden must not show by them. What a flag that is seen asks for
//! belongs to it, for its answers depend on it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use burgee_model::{
    Context, Key, Millis,
    context::{Kept, WireError},
};

use burgee_rules::{
    facts::{Facts, SharedExpr},
    steps,
};

use crate::{build, changes::FlagChange, digest::Digester, flag::PreparedFlag, joined, reads, snapshot::Snapshot};

/// Milliseconds after which answers that change by themselves, as those of guests do, count as changed.
const LOOK_MS: Millis = 60_000;
/// Nothing changes by itself.
const NEVER: Millis = Millis::MAX;

/// Who sees a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever sees all flags.
    All,
    /// Applications that are handed out: the flags that are marked for them.
    Clients,
}

/// What they see of a snapshot.
pub(crate) struct Part {
    digest: u128,
    /// What the rules read of a context; none for what all rules read together.
    reads: Option<Kept>,
    /// The places of the flags whose answers change by themselves.
    timed: Box<[u32]>,
    /// An instant, and the first step after it: that of all instants in between too. So it is looked for once a step and
    /// not once a reader.
    next: Mutex<(Millis, Millis)>,
}

impl Part {
    fn of_all(snapshot: &Snapshot) -> Self {
        Self::new(snapshot.digest, None, snapshot, 0..)
    }

    fn of_clients(snapshot: &Snapshot) -> Self {
        let places = reached(snapshot);
        let flags = || places.iter().filter_map(|at| snapshot.flags.get(*at as usize));
        let rules = || flags().filter_map(|flag| flag.targeting.as_deref());
        let mut d = Digester::new("clients");
        d.text(snapshot.tenant().as_str());
        d.text(snapshot.environment().as_str());
        d.json(snapshot.set().get("metadata").unwrap_or(&serde_json::Value::Null));
        flags().for_each(|flag| d.word(flag.digest));
        for key in joined::facts(rules()).flat_map(|facts| &*facts.config_keys).collect::<BTreeSet<_>>() {
            build::digest_entry(&mut d, key, snapshot.config.get(key).and_then(Option::as_ref));
        }
        Self::new(d.finish(), Some(reads::of(rules())), snapshot, places.iter().copied())
    }

    fn new(digest: u128, reads: Option<Kept>, snapshot: &Snapshot, places: impl Iterator<Item = u32>) -> Self {
        let flags = places.map_while(|at| Some((at, snapshot.flags.get(at as usize)?)));
        let mut varying = build::Varying::new(&snapshot.config);
        let timed = flags.filter(|(_, flag)| varying.has(flag)).map(|(at, _)| at).collect();
        Self { digest, reads, timed, next: Mutex::default() }
    }
}

/// The places of the flags that are marked for clients, and of those that they ask for.
fn reached(snapshot: &Snapshot) -> BTreeSet<u32> {
    let marked = (0..).zip(&snapshot.flags).filter(|(_, flag)| flag.is_for_clients()).map(|(at, _)| at);
    let mut reached: BTreeSet<u32> = marked.collect();
    let mut left: Vec<u32> = reached.iter().copied().collect();
    let mut known: HashSet<*const SharedExpr> = HashSet::new();
    while let Some(at) = left.pop() {
        let Some(rule) = snapshot.flags.get(at as usize).and_then(|flag| flag.targeting.as_deref()) else { continue };
        let shared = rule.facts.shared.iter().filter(|shared| known.insert(Arc::as_ptr(shared)));
        let asked = rule.facts.own.flags.iter().chain(shared.flat_map(|shared| &*shared.facts().flags));
        left.extend(asked.filter_map(|key| snapshot.index.get(&**key)).filter(|at| reached.insert(**at)));
    }
    reached
}

/// A snapshot as somebody sees it.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    snapshot: &'a Snapshot,
    part: &'a Part,
}

impl Snapshot {
    /// The snapshot as somebody sees it.
    #[must_use]
    pub fn seen_by(&self, audience: Audience) -> Seen<'_> {
        let [all, clients] = &self.parts;
        let part = match audience {
            Audience::All => all.get_or_init(|| Part::of_all(self)),
            Audience::Clients => clients.get_or_init(|| Part::of_clients(self)),
        };
        Seen { snapshot: self, part }
    }
}

impl Seen<'_> {
    /// A digest of what is seen; see [`Snapshot::digest`].
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.part.digest
    }

    /// Whether what is seen can change while the content does not; see [`Snapshot::varies`].
    #[must_use]
    pub fn varies(&self) -> bool {
        !self.part.timed.is_empty()
    }

    /// Reads the context of a request as far as rules read it that are seen; see [`Snapshot::read_context`].
    pub fn read_context(&self, text: &[u8]) -> Result<Context, WireError> {
        let reads = self.part.reads.as_ref().unwrap_or(&self.snapshot.reads);
        Context::from_request(text, reads, &self.snapshot.runtime.config.limits)
    }

    /// The first instant after one at which an answer may change though nothing is written; none where none will.
    #[must_use]
    pub fn next_step(&self, now: Millis) -> Option<Millis> {
        if self.part.timed.is_empty() {
            return None;
        }
        let mut held = self.part.next.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, next) = *held;
        if from <= now && now < next {
            return Some(next).filter(|next| *next != NEVER);
        }
        let next = self.steps(now).filter_map(|(_, at)| at).min().unwrap_or(NEVER);
        if now >= from {
            *held = (now, next);
        }
        Some(next).filter(|next| *next != NEVER)
    }

    /// The flags whose answers may have changed by themselves after one instant and up to another.
    #[must_use]
    pub fn stepped(&self, after: Millis, until: Millis) -> BTreeMap<Key, FlagChange> {
        let stepped = self.steps(after).filter(|(_, at)| at.is_some_and(|at| at <= until));
        let mut changes = stepped.map(|(flag, _)| (flag.key.clone(), FlagChange::Update)).collect();
        self.snapshot.add_askers(&mut changes);
        changes
    }

    /// The flags whose answers change by themselves, with the next instant at which they may; each shared rule is looked
    /// through once.
    fn steps(&self, now: Millis) -> impl Iterator<Item = (&PreparedFlag, Option<Millis>)> {
        let timed = self.part.timed.iter().filter_map(|at| self.snapshot.flags.get(*at as usize));
        let (mut times, mut expiries) = (steps::Known::new(), HashMap::new());
        timed.map(move |flag| (&**flag, self.step_of(flag, now, &mut times, &mut expiries)))
    }

    fn step_of(
        &self,
        flag: &PreparedFlag,
        now: Millis,
        times: &mut steps::Known,
        expiries: &mut HashMap<*const SharedExpr, Option<Millis>>,
    ) -> Option<Millis> {
        let targeting = flag.targeting.as_ref()?;
        let look = targeting.calls_guests().then(|| now.saturating_add(LOOK_MS));
        let rule = targeting.rule.as_ref().and_then(|rule| rule.next_step_with(times, seconds(now))).map(millis);
        let own = self.expiry(&targeting.facts.own, now);
        let shared = targeting.facts.shared.iter();
        let shared = shared
            .filter_map(|rule| *expiries.entry(Arc::as_ptr(rule)).or_insert_with(|| self.expiry(rule.facts(), now)))
            .min();
        [look, rule, own, shared].into_iter().flatten().min()
    }

    /// When the first of the entries that are read ends.
    fn expiry(&self, facts: &Facts, now: Millis) -> Option<Millis> {
        let ends = facts.config_keys.iter().filter_map(|key| self.snapshot.config.get(key)?.as_ref()?.expires_at);
        ends.filter(|at| *at > now).min()
    }
}

#[allow(clippy::cast_precision_loss, reason = "exact until the year 285,000,000")]
fn seconds(now: Millis) -> f64 {
    (now / 1000) as f64
}

/// Of a whole second; what lies beyond all time is never.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a number this large saturates")]
fn millis(seconds: f64) -> Millis {
    (seconds.max(0.0) as u64).saturating_mul(1000)
}
