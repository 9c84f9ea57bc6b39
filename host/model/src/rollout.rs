//! Rollouts of configuration: a next value beside the present one, and how the share of readers that get it grows.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Blob, Media, Millis, Stamp, hex};

/// What a rollout's register holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// The version of the entry that it began over. Where another one counts, the rollout counts for nothing.
    #[serde(with = "text")]
    pub over: Stamp,
    /// The next value.
    pub next: Next,
    /// The share of readers in percent over time: the members of a rule's `ramp`.
    pub ramp: Json,
    /// What readers are told apart by.
    pub by: By,
    /// Who started it.
    pub started_by: String,
    /// When it was started, in milliseconds of cluster time.
    pub started_at: Millis,
    /// From when on the ramp's time stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Millis>,
    /// For how many milliseconds it stood still in pauses that are over.
    #[serde(default)]
    pub paused_ms: Millis,
}

/// What readers are told apart by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Each by its whole name.
    #[default]
    Instance,
    /// By what stands before the first slash of the name: a group steps as one.
    Group,
}

/// A next value. Text is kept as text, so that histories can be read; anything else as hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    content_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

impl By {
    /// Both, with their names.
    pub const ALL: [(&'static str, Self); 2] = [("instance", Self::Instance), ("group", Self::Group)];

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, by)| by)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Group => "group",
        }
    }

    /// The part of a reader's name that counts.
    #[must_use]
    pub fn part(self, reader: &str) -> &str {
        match self {
            Self::Instance => reader,
            Self::Group => reader.split('/').next().unwrap_or(reader),
        }
    }
}

impl Next {
    /// A value as it was sent.
    #[must_use]
    pub fn new(value: &Blob) -> Self {
        let text = std::str::from_utf8(&value.bytes).ok().map(str::to_owned);
        let hex = text.is_none().then(|| hex::encode(&value.bytes));
        Self { content_type: value.media.as_str().to_owned(), text, hex }
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The value as it was sent; none where what is kept is no value.
    #[must_use]
    pub fn value(&self) -> Option<Blob> {
        let bytes = match (&self.text, &self.hex) {
            (Some(text), None) => Bytes::copy_from_slice(text.as_bytes()),
            (None, Some(digits)) => hex::decode(digits)?.into(),
            _ => return None,
        };
        Some(Blob { media: Media::new(&self.content_type), bytes })
    }
}

impl Rollout {
    /// The instant at which the ramp is looked at, in milliseconds: pauses are left out.
    #[must_use]
    pub fn moment(&self, now: Millis) -> Millis {
        self.paused_at.map_or(now, |paused| paused.min(now)).saturating_sub(self.paused_ms)
    }

    /// The same, standing still from an instant on.
    #[must_use]
    pub fn paused(self, at: Millis) -> Self {
        Self { paused_at: Some(at), ..self }
    }

    /// The same, going on where it stood.
    #[must_use]
    pub fn resumed(self, now: Millis) -> Self {
        let stood = self.paused_at.map_or(0, |paused| now.saturating_sub(paused));
        Self { paused_at: None, paused_ms: self.paused_ms.saturating_add(stood), ..self }
    }
}

/// Stamps as people see them.
mod text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::Stamp;

    pub(super) fn serialize<S: Serializer>(stamp: &Stamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(stamp)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Stamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|_| D::Error::custom("this is no stamp"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout() -> Rollout {
        let next = Next::new(&Blob { media: Media::Text, bytes: Bytes::from_static(b"next") });
        let (ramp, by) = (serde_json::json!({}), By::Instance);
        Rollout {
            over: Stamp::ZERO,
            next,
            ramp,
            by,
            started_by: "me".into(),
            started_at: 0,
            paused_at: None,
            paused_ms: 0,
        }
    }

    #[test]
    fn any_bytes_come_back_as_they_were() {
        for bytes in [&b""[..], b"text", "\u{0}ü".as_bytes(), &[0xff, 0, 7]] {
            let value = Blob { media: Media::new("x/y"), bytes: Bytes::copy_from_slice(bytes) };
            let kept: Next = serde_json::from_value(serde_json::to_value(Next::new(&value)).unwrap()).unwrap();
            assert_eq!(kept.value(), Some(value));
        }
        let neither: Next = serde_json::from_str(r#"{"contentType":"x/y"}"#).unwrap();
        assert_eq!(neither.value(), None);
    }

    #[test]
    fn time_stands_still_in_a_pause_and_goes_on_where_it_stood() {
        let paused = rollout().paused(1_000);
        assert_eq!([900, 1_000, 5_000].map(|now| paused.moment(now)), [900, 1_000, 1_000]);
        let resumed = paused.resumed(5_000);
        assert_eq!([5_000, 5_100].map(|now| resumed.moment(now)), [1_000, 1_100]);
        let again = resumed.paused(6_000).resumed(9_000);
        assert_eq!(again.moment(9_000), 2_000);
        // resumed before the pause began to count
        assert_eq!(rollout().paused(1_000).resumed(400).moment(2_000), 2_000);
    }

    #[test]
    fn a_group_is_what_stands_before_the_first_slash() {
        for (name, part) in [("eu/web/1", "eu"), ("eu", "eu"), ("/x", "")] {
            assert_eq!(By::Group.part(name), part);
            assert_eq!(By::Instance.part(name), name);
        }
        assert!(By::ALL.into_iter().all(|(name, by)| by.name() == name && By::named(name) == Some(by)));
        assert_eq!(By::named("zone"), None);
    }
}
