//! What nodes say over NATS, and what is remembered of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// Bytes of a message beyond which it is not read.
const MESSAGE_BYTES_MAX: usize = 2048;
/// Bytes of an endpoint: a name of DNS has 253.
const ENDPOINT_BYTES_MAX: usize = 300;

/// One message, as JSON. Members that a later release adds are skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcement {
    /// The cluster's name.
    pub(super) cluster: String,
    /// The node's name, for who reads along.
    pub(super) node: String,
    /// Where it is reached.
    pub(super) endpoint: Option<String>,
    /// What it says.
    pub(super) what: What,
}

/// What a node says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    /// It is here.
    Is,
    /// It is here, and wants to know who else is.
    Asks,
    /// It leaves.
    Leaves,
}

impl Announcement {
    pub(super) fn write(&self) -> Vec<u8> {
        // it holds nothing that JSON could not
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a message; none where it is no announcement of the cluster.
    pub(super) fn read(message: &[u8], cluster: &str) -> Option<Self> {
        let message = Some(message).filter(|message| message.len() <= MESSAGE_BYTES_MAX)?;
        let says: Self = serde_json::from_slice(message).ok()?;
        let good = |endpoint: &String| {
            let has_form = endpoint.contains('/') && endpoint.contains(':');
            has_form && endpoint.len() <= ENDPOINT_BYTES_MAX && endpoint.bytes().all(|b| b.is_ascii_graphic())
        };
        (says.cluster == cluster && says.endpoint.as_ref().is_none_or(good)).then_some(says)
    }
}

/// Who was heard, and when.
#[derive(Debug)]
pub(super) struct Heard {
    at: BTreeMap<String, Instant>,
    kept: Duration,
    most: usize,
}

impl Heard {
    /// Remembers so many, for so long.
    pub(super) fn new(kept: Duration, most: usize) -> Self {
        Self { at: BTreeMap::new(), kept, most }
    }

    /// Takes what a node says; true where that changes who is there. Beyond the bound newcomers are not heard until
    /// somebody else is gone.
    pub(super) fn hear(&mut self, says: &Announcement, now: Instant) -> bool {
        let Some(endpoint) = &says.endpoint else { return false };
        if says.what == What::Leaves {
            return self.at.remove(endpoint).is_some();
        }
        if let Some(at) = self.at.get_mut(endpoint) {
            *at = now;
            return false;
        }
        let has_room = self.at.len() < self.most;
        if has_room {
            self.at.insert(endpoint.clone(), now);
        }
        has_room
    }

    /// Forgets who was not heard for too long; true where that is anybody.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let before = self.at.len();
        let kept = self.kept;
        self.at.retain(|_, at| now.saturating_duration_since(*at) <= kept);
        self.at.len() != before
    }

    /// Nobody's silence until now counts.
    pub(super) fn forgive(&mut self, now: Instant) {
        self.at.values_mut().for_each(|at| *at = now);
    }

    pub(super) fn endpoints(&self) -> BTreeSet<String> {
        self.at.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn says(endpoint: &str, what: What) -> Announcement {
        Announcement { cluster: "c".into(), node: "n".into(), endpoint: Some(endpoint.into()), what }
    }

    fn read(text: &str) -> Option<Announcement> {
        Announcement::read(text.as_bytes(), "c")
    }

    #[test]
    fn what_is_written_is_read() {
        for what in [What::Is, What::Asks, What::Leaves] {
            let announcement = says("quic/10.0.0.1:7447", what);
            assert_eq!(Announcement::read(&announcement.write(), "c"), Some(announcement));
        }
        let newer = r#"{"cluster":"c","node":"n","endpoint":null,"what":"asks","more":[1]}"#;
        assert_eq!(read(newer).and_then(|says| says.endpoint), None);
        assert!(read(newer).is_some());
    }

    #[test]
    fn what_is_no_announcement_of_the_cluster_is_not_heard() {
        let announcement = says("quic/10.0.0.1:7447", What::Is);
        assert_eq!(Announcement::read(&announcement.write(), "other"), None);
        for endpoint in ["", "10.0.0.1", "quic/a b:1", "quic/ä:1", &format!("quic/{}:1", "x".repeat(300))] {
            assert_eq!(Announcement::read(&says(endpoint, What::Is).write(), "c"), None, "{endpoint}");
        }
        for text in ["", "{}", "7", r#"{"cluster":"c","node":"n","endpoint":null,"what":"shouts"}"#] {
            assert_eq!(read(text), None, "{text}");
        }
        let long = r#"{"cluster":"c","node":"n","endpoint":null,"what":"is"}"#.to_owned() + &" ".repeat(2048);
        assert_eq!(read(&long), None);
    }

    #[test]
    fn whoever_is_heard_is_there_until_silent_for_too_long() {
        let (start, mut heard) = (Instant::now(), Heard::new(3 * SECOND, 8));
        assert!(heard.hear(&says("quic/a:1", What::Asks), start));
        assert!(heard.hear(&says("quic/b:1", What::Is), start));
        assert!(!heard.hear(&says("quic/b:1", What::Is), start + 2 * SECOND), "nothing new");
        assert!(!heard.expire(start + 3 * SECOND));
        assert!(heard.expire(start + 4 * SECOND));
        assert_eq!(heard.endpoints(), BTreeSet::from(["quic/b:1".to_owned()]));
        assert!(heard.hear(&says("quic/b:1", What::Leaves), start));
        assert!(!heard.hear(&says("quic/b:1", What::Leaves), start) && heard.endpoints().is_empty());
    }

    #[test]
    fn while_nobody_could_be_heard_nobody_is_gone() {
        let (start, mut heard) = (Instant::now(), Heard::new(3 * SECOND, 8));
        heard.hear(&says("quic/a:1", What::Is), start);
        heard.forgive(start + 60 * SECOND);
        assert!(!heard.expire(start + 62 * SECOND));
        assert!(heard.expire(start + 64 * SECOND));
    }

    #[test]
    fn no_more_are_remembered_than_the_bound_says() {
        let (start, mut heard) = (Instant::now(), Heard::new(3 * SECOND, 2));
        let taken = (0..5).filter(|n| heard.hear(&says(&format!("quic/{n}:1"), What::Is), start)).count();
        assert_eq!((taken, heard.endpoints().len()), (2, 2));
        heard.expire(start + 4 * SECOND);
        assert!(heard.hear(&says("quic/9:1", What::Is), start), "there is room again");
    }
}
