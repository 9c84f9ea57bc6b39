//! Guests that failed too often are not called for a while.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use burgee_model::Key;

use super::config::GuestConfig;

/// Which version of which guest: faults of one say nothing about another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GuestId {
    pub(super) tenant: Key,
    pub(super) guest: Box<str>,
    pub(super) digest: [u8; 32],
}

/// The guests that failed lately.
#[derive(Debug, Default)]
pub(super) struct Suspects(Mutex<HashMap<GuestId, Suspect>>);

#[derive(Debug, Default)]
struct Suspect {
    faults: VecDeque<Instant>,
    until: Option<Instant>,
}

impl Suspect {
    fn is_suspended(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    fn is_of_interest(&self, now: Instant, config: &GuestConfig) -> bool {
        let lately = self.faults.back().is_some_and(|last| now.duration_since(*last) < config.fault_window);
        lately || self.is_suspended(now)
    }
}

impl Suspects {
    fn lock(&self) -> MutexGuard<'_, HashMap<GuestId, Suspect>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the guest must not be called.
    pub(super) fn is_suspended(&self, id: &GuestId, now: Instant) -> bool {
        self.lock().get(id).is_some_and(|suspect| suspect.is_suspended(now))
    }

    /// Notes a fault; true where it suspends the guest. Where too many guests fail at once, the fault is
    /// forgotten: what a fault costs is bounded all the same.
    pub(super) fn note(&self, id: &GuestId, now: Instant, config: &GuestConfig) -> bool {
        let mut suspects = self.lock();
        if suspects.len() >= config.suspects && !suspects.contains_key(id) {
            suspects.retain(|_, suspect| suspect.is_of_interest(now, config));
            if suspects.len() >= config.suspects {
                return false;
            }
        }
        let suspect = suspects.entry(id.clone()).or_default();
        suspect.faults.push_back(now);
        while suspect.faults.front().is_some_and(|first| now.duration_since(*first) > config.fault_window) {
            suspect.faults.pop_front();
        }
        let suspended = suspect.faults.len() >= config.faults.max(1);
        if suspended {
            suspect.faults.clear();
            suspect.until = Some(now + config.suspension);
        }
        suspended
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn id(guest: &str) -> GuestId {
        GuestId { tenant: Key::new("t").unwrap(), guest: guest.into(), digest: [0; 32] }
    }

    #[test]
    fn five_faults_within_ten_seconds_suspend_for_thirty() {
        let (suspects, config, start) = (Suspects::default(), GuestConfig::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for seconds in [0, 4, 8, 12, 16] {
            assert!(!suspects.note(&id("slow"), at(seconds), &config), "never five within ten seconds");
        }
        let suspended = [20, 21, 22, 23, 24].map(|seconds| suspects.note(&id("g"), at(seconds), &config));
        assert_eq!(suspended, [false, false, false, false, true]);
        assert!(suspects.is_suspended(&id("g"), at(53)) && !suspects.is_suspended(&id("g"), at(54)));
        assert!(!suspects.is_suspended(&id("other"), at(30)));
        assert!(!suspects.is_suspended(&GuestId { digest: [1; 32], ..id("g") }, at(30)), "another version");
    }

    #[test]
    fn only_so_many_are_remembered() {
        let config = GuestConfig { suspects: 2, faults: 1, ..GuestConfig::default() };
        let (suspects, start) = (Suspects::default(), Instant::now());
        let noted = ["a", "b", "c"].map(|guest| suspects.note(&id(guest), start, &config));
        assert_eq!(noted, [true, true, false]);
        assert!(suspects.note(&id("c"), start + config.suspension, &config), "the others are of no interest any more");
    }
}
