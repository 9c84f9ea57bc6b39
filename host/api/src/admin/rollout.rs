//! Rollouts of configuration: how the next value of an entry comes to ever more of its readers.
//!
//! A rollout is a register beside its entry and names the version that it began over. So a write of the entry, a delete
//! or its expiry ends it on every node, in whatever order they are heard of, and no rollout undoes a concurrent write.

use std::sync::Arc;

use burgee_model::{Address, Blob, By, Key, Limits, Millis, Next, RegisterId, Rollout};
use burgee_rules::{
    ops::{fractional, murmur3, ramp::Ramp},
    parse,
};
use burgee_store::{Draft, DraftWrite, Table, Version};
use serde_json::{Value as Json, json};

use super::{Kind, Preconditions, Refusal, config, config::Place, writes};
use crate::instant::rfc3339;

/// So many milliseconds after it was asked for, a pause begins: by then the other nodes have heard of it, and none of
/// them takes the next value back from a reader that it gave it to meanwhile.
pub const PAUSE_LEAD_MS: Millis = 2_000;

/// How the share of readers is to grow.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// As the members of a rule's `ramp` say.
    Ramp(Json),
    /// Evenly from none to all, from now on, within so many milliseconds.
    During(Millis),
}

/// What a rollout starts with.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The next value.
    pub next: Blob,
    /// How the share of readers grows.
    pub pace: Pace,
    /// What readers are told apart by.
    pub by: By,
    /// Who starts it.
    pub actor: Arc<str>,
}

/// What is done to a rollout that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Its time stands still.
    Pause,
    /// It goes on where it stood.
    Resume,
    /// All readers get the present value again.
    Abort,
    /// The next value becomes the present one.
    Finish,
}

impl Action {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] =
        [("pause", Self::Pause), ("resume", Self::Resume), ("abort", Self::Abort), ("finish", Self::Finish)];

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, action)| action)
    }
}

/// A rollout that goes on.
#[derive(Clone, Debug)]
pub struct Going {
    /// What it is.
    pub rollout: Rollout,
    /// The version of its register.
    pub version: Arc<Version>,
    ramp: Arc<Ramp>,
}

/// The rollout that goes on over an entry's version; none where there is none, or it began over another one.
#[must_use]
pub fn over(table: &Table, now: Millis, place: &Place, entry: &Version, limits: &Limits) -> Option<Going> {
    let version = table.current(&place.rollout(), now)?;
    let rollout: Rollout = version.content.as_ref()?.read()?;
    let ramp = parse::ramp(&rollout.ramp, limits).ok()?;
    (rollout.over == entry.stamp).then_some(Going { rollout, version, ramp })
}

/// The rollout of an entry that goes on; refuses where there is none, or no entry.
pub fn read(table: &Table, now: Millis, place: &Place, limits: &Limits) -> Result<Going, Refusal> {
    let entry = config::read(table, now, place)?;
    let going = over(table, now, place, &entry, limits);
    going.ok_or_else(|| Refusal::NotFound(Kind::Rollout, place.key.clone()))
}

impl Going {
    /// The share of readers that get the next value, in percent.
    #[must_use]
    pub fn share(&self, now: Millis) -> f64 {
        self.ramp.at(seconds(self.rollout.moment(now)))
    }

    /// Whether a reader gets the next value.
    #[must_use]
    pub fn gives_next(&self, now: Millis, key: &Key, reader: &Key) -> bool {
        fractional::is_within(self.hash(key, reader), self.share(now))
    }

    /// From when on a reader gets the next value; none where it never will, as things stand.
    #[must_use]
    pub fn next_at(&self, key: &Key, reader: &Key) -> Option<Millis> {
        self.reaches(self.hash(key, reader))
    }

    /// From when on all readers get it.
    #[must_use]
    pub fn whole_at(&self) -> Option<Millis> {
        self.reaches(u32::MAX)
    }

    /// The first whole millisecond at which the share takes a hash in.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of what is below 0 gives 0")]
    fn reaches(&self, hash: u32) -> Option<Millis> {
        /// By how much the instant is missed at most: it is rounded, and at it the share need not be greater yet.
        const MISSED_MS: Millis = 2;
        let about = (self.ramp.exceeds(fractional::threshold(hash))? * 1000.0) as Millis;
        let taken = |at: &Millis| fractional::is_within(hash, self.ramp.at(seconds(*at)));
        let latest = about.saturating_add(MISSED_MS);
        let at = (about.saturating_sub(1)..latest).find(taken).unwrap_or(latest);
        let at = at.saturating_add(self.rollout.paused_ms);
        let stands = self.rollout.paused_at.is_some_and(|paused| at > paused);
        if stands { None } else { Some(at.max(self.rollout.started_at)) }
    }

    fn hash(&self, key: &Key, reader: &Key) -> u32 {
        murmur3::hash_joined(key.as_str(), self.rollout.by.part(reader.as_str()))
    }

    /// `waiting`, `running`, `paused` or `whole`.
    #[must_use]
    pub fn state(&self, now: Millis) -> &'static str {
        let share = self.share(now);
        if self.rollout.paused_at.is_some() {
            "paused"
        } else if fractional::is_within(u32::MAX, share) {
            "whole"
        } else if share <= 0.0 {
            "waiting"
        } else {
            "running"
        }
    }

    /// As people see it.
    #[must_use]
    pub fn document(&self, now: Millis, key: &Key) -> Json {
        let Rollout { over, next, ramp, by, started_by, started_at, paused_at, .. } = &self.rollout;
        let size = next.value().map_or(0, |value| value.bytes.len());
        let mut out = json!({
            "key": key,
            "state": self.state(now),
            "share": self.share(now),
            "ramp": ramp,
            "by": by,
            "next": { "contentType": next.content_type(), "size": size },
            "over": over.to_string(),
            "stamp": self.version.stamp.to_string(),
            "startedAt": rfc3339(*started_at),
            "startedBy": started_by,
            "actor": self.version.actor,
        });
        let whole_at = self.whole_at().filter(|_| paused_at.is_none());
        let instants = [("wholeAt", whole_at), ("pausedAt", *paused_at), ("expiresAt", self.version.expires_at)];
        for (name, instant) in instants {
            if let Some(instant) = instant {
                out[name] = json!(rfc3339(instant));
            }
        }
        if let Some(note) = &self.version.note {
            out["note"] = json!(note);
        }
        out
    }

    /// What a reader gets, and from when on the next value, where that is known: `{name, gets, nextAt?}`.
    #[must_use]
    pub fn reader(&self, now: Millis, key: &Key, reader: &Key) -> Json {
        let gets = if self.gives_next(now, key, reader) { "next" } else { "present" };
        let mut out = json!({ "name": reader, "gets": gets });
        if let Some(at) = self.next_at(key, reader) {
            out["nextAt"] = json!(rfc3339(at));
        }
        out
    }
}

/// A time as ramps have it.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of any date are exact in a double")]
fn seconds(ms: Millis) -> f64 {
    ms as f64 / 1000.0
}

/// Plans the start of a rollout over an entry as it stands. `If-Match` speaks of the entry, `If-None-Match` of the
/// rollout.
pub fn start(
    table: &Table,
    now: Millis,
    place: &Place,
    start: Start,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    let entry = config::read(table, now, place)?;
    let of_entry = Preconditions { if_none_match: None, ..conditions.clone() };
    of_entry.check(Some(&entry.stamp.to_string()))?;
    if over(table, now, place, &entry, limits).is_some() {
        return Err(Refusal::AlreadyExists(Kind::Rollout, place.key.clone()));
    }
    if !table.all_speak(place.rollout().address.since()) {
        return Err(Refusal::Upgrading("rollouts of config entries"));
    }
    let max = limits.rollouts_per_environment;
    if table.rollouts(&place.tenant, &place.environment, "", None, now).take(max).count() >= max {
        let message = format!("at most {max} rollouts go on in one environment");
        return Err(Refusal::invalid("", "too_many_rollouts", message));
    }
    let rollout = Rollout {
        over: entry.stamp,
        next: Next::new(&start.next),
        ramp: ramp(start.pace, now, limits)?,
        by: start.by,
        started_by: start.actor.to_string(),
        started_at: now,
        paused_at: None,
        paused_ms: 0,
    };
    Ok(writes(vec![put(place, &rollout, entry.expires_at)]))
}

/// The members of a ramp that is a share of readers: it never falls, so that no reader loses what it got.
fn ramp(pace: Pace, now: Millis, limits: &Limits) -> Result<Json, Refusal> {
    let members = match pace {
        Pace::Ramp(members) => members,
        Pace::During(ms) => json!({ "start": seconds(now), "end": seconds(now.saturating_add(ms)) }),
    };
    let ramp = parse::ramp(&members, limits).map_err(Refusal::Invalid)?;
    let (least, greatest) = ramp.range();
    if least < 0.0 || greatest > 100.0 {
        let message = format!("a share of readers is from 0 to 100 percent; this goes from {least} to {greatest}");
        return Err(Refusal::invalid("/ramp", "invalid_ramp", message));
    }
    if !ramp.rises() {
        let message = "a share of readers never falls: to take the next value back, abort the rollout";
        return Err(Refusal::invalid("/ramp", "invalid_ramp", message));
    }
    Ok(members)
}

/// A rollout ends with its entry.
fn put(place: &Place, rollout: &Rollout, expires_at: Option<Millis>) -> DraftWrite {
    DraftWrite { register: place.rollout(), content: Blob::of(rollout), expires_at, settles: Vec::new() }
}

/// Plans what is done to a rollout that goes on.
pub fn act(
    table: &Table,
    now: Millis,
    place: &Place,
    action: Action,
    conditions: &Preconditions,
    limits: &Limits,
) -> Result<Draft, Refusal> {
    let Going { rollout, version, .. } = read(table, now, place, limits)?;
    conditions.check(Some(&version.stamp.to_string()))?;
    let wrong = |code: &str, message: &str| Err(Refusal::invalid("/action", code, message));
    let rewritten = |rollout: Rollout| Ok(writes(vec![put(place, &rollout, version.expires_at)]));
    match (action, rollout.paused_at) {
        (Action::Pause, Some(_)) => wrong("already_paused", "the rollout is paused already"),
        (Action::Resume, None) => wrong("not_paused", "the rollout is not paused"),
        (Action::Pause, None) => rewritten(rollout.paused(now.saturating_add(PAUSE_LEAD_MS))),
        (Action::Resume, Some(_)) => rewritten(rollout.resumed(now)),
        (Action::Abort, _) => Ok(writes(vec![DraftWrite::delete(place.rollout())])),
        (Action::Finish, _) => {
            let content = rollout.next.value();
            let next = content.ok_or_else(|| Refusal::invalid("", "no_value", "the next value cannot be read"))?;
            let entry = DraftWrite { expires_at: version.expires_at, ..DraftWrite::put(place.register(), next) };
            Ok(writes(vec![entry, DraftWrite::delete(place.rollout())]))
        }
    }
}

/// The end of an entry's rollout, where there is one.
pub(super) fn end(table: &Table, now: Millis, place: &Place) -> Option<DraftWrite> {
    table.current(&place.rollout(), now).map(|_| DraftWrite::delete(place.rollout()))
}

/// Refuses to bring back a rollout that began over a value of the entry which stands no more.
pub(super) fn check_restored(table: &Table, now: Millis, id: &RegisterId, version: &Version) -> Result<(), Refusal> {
    let Address::Rollout { environment, key } = &id.address else { return Ok(()) };
    let Some(rollout) = version.content.as_ref().and_then(|blob| blob.read::<Rollout>()) else { return Ok(()) };
    let place = Place { tenant: id.tenant.clone(), environment: environment.clone(), key: key.clone() };
    let entry = config::read(table, now, &place)?;
    let stands = rollout.over == entry.stamp;
    let message = "the rollout began over another value of the entry than the present one";
    if stands { Ok(()) } else { Err(Refusal::invalid("/stamp", "entry_changed", message)) }
}

#[cfg(test)]
mod tests;
