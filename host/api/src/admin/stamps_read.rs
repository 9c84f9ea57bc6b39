//! The stamps of all that an evaluation of a flag reads: its own registers, and those of the segments, prerequisites,
//! config entries and guests that its rule leads to.

use std::collections::{BTreeMap, BTreeSet};

use burgee_engine::Snapshot;
use burgee_model::{Address, Key, Millis, RegisterId, Stamp};
use burgee_rules::parse::Thing;
use burgee_store::Table;
use serde_json::{Value as Json, json};

use super::address;

/// The most stamps that are listed.
pub const STAMPS_MAX: usize = 1_000;

/// Where the registers lie.
#[derive(Clone, Copy)]
pub struct Registers<'a> {
    /// Flags, segments and guests: the replica, or the past.
    pub table: &'a Table,
    /// Config entries, of which the past has none.
    pub entries: &'a Table,
    /// The instant as of which they are read.
    pub now: Millis,
}

/// Stamps by name: of the flag itself as its document has them (`variants`, `environments/dev/targeting`), of others with
/// their kind and key in front (`flags/checkout/variants`, `segments/staff/rule`, `segments/staff/environments/dev/rule`,
/// `config/limits/rate`, `guests/loyalty`). What was deleted has the stamp of its deletion; what never was has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampsRead {
    stamps: BTreeMap<String, Stamp>,
    /// Whether all are listed; false beyond [`STAMPS_MAX`].
    pub complete: bool,
}

impl StampsRead {
    /// The stamps of what an evaluation of a flag reads, all flags on the way to its prerequisites included, whether
    /// their rules were run or not. Which entries a guest reads by itself is not known before it is called, and not told.
    #[must_use]
    pub fn of(registers: &Registers<'_>, snapshot: &Snapshot, flag: &Key) -> Self {
        let mut read = Self { stamps: BTreeMap::new(), complete: true };
        let (mut open, mut seen) = (vec![flag.clone()], BTreeSet::from([flag.clone()]));
        while let Some(key) = open.pop().filter(|_| read.complete) {
            let prefix = if key == *flag { String::new() } else { format!("flags/{key}/") };
            read.add_flag(registers, snapshot, &key, &prefix);
            for (thing, name) in snapshot.named_by(key.as_str()) {
                // what cannot be a key names nothing
                let Ok(name) = Key::new(name) else { continue };
                match thing {
                    Thing::Flag if seen.insert(name.clone()) => open.push(name),
                    Thing::Flag => {}
                    Thing::Segment => read.add_segment(registers, snapshot, &name),
                    Thing::Guest => read.add(
                        format!("guests/{name}"),
                        registers.table,
                        &RegisterId::guest(snapshot.tenant(), &name),
                    ),
                    Thing::Config => read.add(
                        format!("config/{name}"),
                        registers.entries,
                        &RegisterId::config(snapshot.tenant(), snapshot.environment(), &name),
                    ),
                }
            }
        }
        read
    }

    /// Name to stamp.
    #[must_use]
    pub fn json(&self) -> Json {
        self.stamps.iter().map(|(name, stamp)| (name.clone(), json!(stamp.to_string()))).collect()
    }

    fn add_flag(&mut self, registers: &Registers<'_>, snapshot: &Snapshot, flag: &Key, prefix: &str) {
        let found = registers.table.flag(snapshot.tenant(), flag, registers.now);
        for (id, stamp) in found.iter().flat_map(|found| &found.stamps) {
            let is_here = id.address.environment().is_none_or(|environment| environment == snapshot.environment());
            if let Some(path) = address::document_path(&id.address).filter(|_| is_here) {
                self.note(format!("{prefix}{path}"), *stamp);
            }
        }
    }

    fn add_segment(&mut self, registers: &Registers<'_>, snapshot: &Snapshot, segment: &Key) {
        let environment = snapshot.environment();
        let shared = Address::Segment { segment: segment.clone() };
        let own = Address::SegmentIn { segment: segment.clone(), environment: environment.clone() };
        let id = |address| RegisterId::new(snapshot.tenant(), address);
        self.add(format!("segments/{segment}/rule"), registers.table, &id(shared));
        self.add(format!("segments/{segment}/environments/{environment}/rule"), registers.table, &id(own));
    }

    fn add(&mut self, name: String, table: &Table, id: &RegisterId) {
        if let Some(version) = table.latest(id) {
            self.note(name, version.stamp);
        }
    }

    /// Of a register with several heads the greatest stamp is the register's.
    fn note(&mut self, name: String, stamp: Stamp) {
        if let Some(known) = self.stamps.get_mut(&name) {
            *known = (*known).max(stamp);
        } else if self.stamps.len() < STAMPS_MAX {
            self.stamps.insert(name, stamp);
        } else {
            self.complete = false;
        }
    }
}
