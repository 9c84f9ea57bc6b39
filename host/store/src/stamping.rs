//! From a draft to versions: parents, floors seen, and stamps above all that they must stand above.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use burgee_model::{
    Address, Blob, Key, Media, Millis, RegisterId, Scope, Stamp,
    stamp::{MILLIS_MAX, TIME_MAX},
};
use bytes::Bytes;

use crate::{
    ChangeId, Draft, DraftError, DraftWrite, PARENTS_MAX, Request, Table, Version, WriteScope, clock::Clock,
    floors::Over, version::CONTENT_BYTES_MAX,
};

/// Makes a draft's versions, floors first. Only the clock changes; `wall` is cluster time.
///
/// # Errors
/// What cannot be written, by name; the clock may have ticked all the same.
pub fn stamp_draft(
    request: &Request,
    draft: Draft,
    table: &Table,
    clock: &mut Clock,
    wall: Millis,
) -> Result<Vec<Arc<Version>>, DraftError> {
    check(request, &draft)?;
    // Its own promise too: cluster time may have been set back since.
    let promised = table.promise_of(clock.id()).max(Some(table.acked().max(table.horizon())));
    let mut stamping =
        Pen { request, table, clock, wall, promised, change: None, floors: Vec::new(), written: Vec::new() };
    for (tenant, scope) in draft.floors {
        stamping.floor(tenant, scope)?;
    }
    for write in draft.writes {
        stamping.write(write)?;
    }
    if let Some(write) = draft.last.and_then(|last| last.make(&stamping.written)) {
        check_write(request, &write)?;
        if stamping.written.iter().any(|version| version.register == write.register) {
            return Err(DraftError::Duplicate);
        }
        stamping.write(write)?;
    }
    Ok(stamping.written)
}

fn check(request: &Request, draft: &Draft) -> Result<(), DraftError> {
    let mut seen = HashSet::new();
    for write in &draft.writes {
        check_write(request, write)?;
        if !seen.insert(&write.register) {
            return Err(DraftError::Duplicate);
        }
    }
    let inside = draft.floors.iter().all(|(tenant, scope)| request.scope.covers_scope(tenant, scope));
    if inside { Ok(()) } else { Err(DraftError::OutOfScope) }
}

fn check_write(request: &Request, write: &DraftWrite) -> Result<(), DraftError> {
    if matches!(write.register.address, Address::Floor(_)) {
        return Err(DraftError::FloorRegister);
    }
    if !request.scope.covers(&write.register) {
        return Err(DraftError::OutOfScope);
    }
    match &write.content {
        Some(blob) if blob.bytes.len() > CONTENT_BYTES_MAX => Err(DraftError::TooLarge),
        _ => Ok(()),
    }
}

impl WriteScope {
    fn covers(&self, id: &RegisterId) -> bool {
        match self {
            Self::Everything => true,
            Self::Tenant(tenant) => *tenant == id.tenant,
            Self::Flag(tenant, flag) => *tenant == id.tenant && Scope::Flag { flag: flag.clone() }.covers(&id.address),
            Self::Config(tenant, environment, key) => {
                *id == RegisterId::config(tenant, environment, key)
                    || *id == RegisterId::rollout(tenant, environment, key)
            }
        }
    }

    fn covers_scope(&self, tenant: &Key, scope: &Scope) -> bool {
        match self {
            Self::Everything => true,
            Self::Tenant(t) => t == tenant,
            Self::Flag(t, flag) => t == tenant && *scope == Scope::Flag { flag: flag.clone() },
            Self::Config(..) => false,
        }
    }

    /// Whether two requests could write the same register.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        use WriteScope::{Config, Everything, Flag, Tenant};
        match (self, other) {
            (Everything, _) | (_, Everything) => true,
            (Tenant(a), Tenant(b) | Flag(b, _) | Config(b, ..)) | (Flag(b, _) | Config(b, ..), Tenant(a)) => a == b,
            (Flag(..), Flag(..)) | (Config(..), Config(..)) => self == other,
            (Flag(..), Config(..)) | (Config(..), Flag(..)) => false,
        }
    }
}

/// Writes the versions of one change.
struct Pen<'a> {
    request: &'a Request,
    table: &'a Table,
    clock: &'a mut Clock,
    wall: Millis,
    /// Nothing is to be stamped at or below this.
    promised: Option<Stamp>,
    change: Option<ChangeId>,
    /// The floors of this change: tenant, scope, stamp.
    floors: Vec<(Key, Scope, Stamp)>,
    written: Vec<Arc<Version>>,
}

impl Pen<'_> {
    fn floor(&mut self, tenant: Key, scope: Scope) -> Result<(), DraftError> {
        let stamp = self.stamp(self.table.greatest_in(&tenant, &scope))?;
        let content = Blob { media: Media::Json, bytes: Bytes::from_static(b"{}") };
        let write = DraftWrite::put(RegisterId::floor(&tenant, scope.clone()), content);
        self.push(write, stamp, Box::default(), None);
        self.floors.push((tenant, scope, stamp));
        Ok(())
    }

    fn write(&mut self, write: DraftWrite) -> Result<(), DraftError> {
        if self.request.stamping.fixed().is_some() {
            let stamp = self.stamp(None)?;
            self.push(write, stamp, Box::default(), None);
            return Ok(());
        }
        let over = self.over(&write.register);
        let mut parents = self.parents(&write);
        if parents.len() > PARENTS_MAX && !write.register.address.keeps_heads() {
            return Err(DraftError::TooManyParents);
        }
        // A kill may have more heads than a version can name: then versions of the same value settle them
        // in turn, each naming the one before.
        let mut above = self.table.greatest_of(&write.register).max(over.any);
        // A floor that was collected here, or is still on its way, is known by the version that it spared.
        let floor_seen = over.container.max(self.table.latest(&write.register).and_then(|latest| latest.floor_seen));
        while parents.len() > PARENTS_MAX {
            let stamp = self.stamp(above)?;
            let named = parents.drain(..PARENTS_MAX).collect();
            self.push(write.clone(), stamp, named, floor_seen);
            parents.push_front(stamp);
            above = Some(stamp);
        }
        let stamp = self.stamp(above)?;
        self.push(write, stamp, parents.into_iter().collect(), floor_seen);
        Ok(())
    }

    /// What the write replaces: the newest version, or all heads of a kill; and what it settles, as far as
    /// that is held here.
    fn parents(&self, write: &DraftWrite) -> VecDeque<Stamp> {
        let id = &write.register;
        let held = if id.address.keeps_heads() {
            self.table.heads(id).iter().map(|head| head.stamp).collect()
        } else {
            Vec::from_iter(self.table.latest(id).map(|latest| latest.stamp))
        };
        let settled = |stamp: &Stamp| self.table.history(id).any(|version| version.stamp == *stamp);
        let settles = write.settles.iter().copied().filter(settled);
        let mut seen = HashSet::new();
        held.into_iter().chain(settles).filter(|stamp| seen.insert(*stamp)).collect()
    }

    fn over(&self, id: &RegisterId) -> Over {
        let mut over = self.table.over(id);
        for (tenant, scope, stamp) in &self.floors {
            if *tenant == id.tenant && scope.covers(&id.address) {
                over.add(scope, *stamp);
            }
        }
        over
    }

    /// The next stamp, above another.
    fn stamp(&mut self, above: Option<Stamp>) -> Result<Stamp, DraftError> {
        if let Some(stamp) = self.request.stamping.fixed() {
            self.change = self.change.or(Some(ChangeId(stamp)));
            return if (1..TIME_MAX).contains(&stamp.time) { Ok(stamp) } else { Err(DraftError::NoStamp) };
        }
        // Not a tick: a clock that was taken there once would stay there, also when the wall clock is corrected.
        if self.wall >= MILLIS_MAX {
            return Err(DraftError::ClockOutOfRange);
        }
        let mut stamp = self.clock.tick(self.wall);
        self.change = self.change.or(Some(ChangeId(stamp)));
        if let Some(above) = above.max(self.promised).filter(|above| *above >= stamp) {
            stamp.time = above.time + 1;
            self.clock.give(stamp, self.wall);
        }
        if stamp.time < TIME_MAX { Ok(stamp) } else { Err(DraftError::NoStamp) }
    }

    fn push(&mut self, write: DraftWrite, stamp: Stamp, parents: Box<[Stamp]>, floor_seen: Option<Stamp>) {
        let DraftWrite { register, content, expires_at, .. } = write;
        self.written.push(Arc::new(Version {
            register,
            stamp,
            parents,
            floor_seen,
            content,
            expires_at,
            actor: self.request.actor.clone(),
            change: self.change.unwrap_or(ChangeId(stamp)),
            note: self.request.note.clone(),
        }));
    }
}

#[cfg(test)]
mod tests;
