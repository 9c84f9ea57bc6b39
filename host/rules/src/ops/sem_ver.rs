//! `sem_ver`: comparing semantic versions as flagd's reference implementation reads them.

use std::{borrow::Cow, cmp::Ordering};

use burgee_model::Value;

use super::number::{number_text, trim};
use crate::{Budget, EvalError, ir::VersionOp};

/// The longest version that is read, in bytes.
pub const VERSION_BYTES_MAX: usize = 256;

/// The greatest number that a version holds: the greatest that JavaScript has exactly.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// A version. Build metadata is not kept: it does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The breaking changes.
    pub major: u64,
    /// The additions.
    pub minor: u64,
    /// The mends.
    pub patch: u64,
    /// The identifiers after `-`, with their dots; empty for a release.
    pub pre_release: Box<str>,
}

impl Version {
    /// The text by which a value is read as a version; none where it cannot be one.
    #[must_use]
    pub fn text(value: &Value) -> Option<Cow<'_, str>> {
        match value {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::List(items) => only_text(items),
            Value::Number(number) => Some(Cow::Owned(number_text(*number))),
            Value::Null | Value::Bool(_) | Value::Object(_) => None,
        }
    }

    /// Reads a version: `1`, `1.2` or `1.2.3` with pre-release and build, each with `v` or `V` before it.
    /// Values of other types are read by their text.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        Self::parse(&Self::text(value)?)
    }

    /// The same, and charges for a long text.
    fn charged(value: &Value, budget: &mut Budget) -> Result<Option<Self>, EvalError> {
        let Some(text) = Self::text(value) else { return Ok(None) };
        budget.look(text.len().min(VERSION_BYTES_MAX))?;
        Ok(Self::parse(&text))
    }

    /// Reads a version from its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        if text.len() > VERSION_BYTES_MAX {
            return None;
        }
        plain(text.as_bytes()).or_else(|| full(text)).or_else(|| partial(text))
    }

    /// Whether the comparison holds.
    #[must_use]
    pub fn holds(&self, op: VersionOp, other: &Self) -> bool {
        match op {
            VersionOp::Equal => self.order(other).is_eq(),
            VersionOp::NotEqual => self.order(other).is_ne(),
            VersionOp::Less => self.order(other).is_lt(),
            VersionOp::LessOrEqual => self.order(other).is_le(),
            VersionOp::Greater => self.order(other).is_gt(),
            VersionOp::GreaterOrEqual => self.order(other).is_ge(),
            VersionOp::SameMajor => self.major == other.major,
            VersionOp::SameMinor => (self.major, self.minor) == (other.major, other.minor),
        }
    }

    /// The order of releases; a pre-release comes before its release.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let release = (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch));
        release.then_with(|| match (&*self.pre_release, &*other.pre_release) {
            (a, b) if a == b => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (a, b) => order_pre_releases(a, b),
        })
    }
}

/// `sem_ver` with both versions as values; null where one is no version.
pub fn sem_ver(left: &Value, op: VersionOp, right: &Value, budget: &mut Budget) -> Result<Value, EvalError> {
    Ok(match (Version::charged(left, budget)?, Version::charged(right, budget)?) {
        (Some(left), Some(right)) => Value::Bool(left.holds(op, &right)),
        _ => Value::Null,
    })
}

/// The comparison of a rule's text.
#[must_use]
pub fn operator(text: &str) -> Option<VersionOp> {
    Some(match text {
        "=" => VersionOp::Equal,
        "!=" => VersionOp::NotEqual,
        "<" => VersionOp::Less,
        "<=" => VersionOp::LessOrEqual,
        ">" => VersionOp::Greater,
        ">=" => VersionOp::GreaterOrEqual,
        "^" => VersionOp::SameMajor,
        "~" => VersionOp::SameMinor,
        _ => return None,
    })
}

/// The text of a list that can be a version: that of its only item, for a comma is in no version.
fn only_text(items: &[Value]) -> Option<Cow<'_, str>> {
    match items {
        [Value::Text(text)] => Some(Cow::Borrowed(text)),
        [Value::Number(number)] => Some(Cow::Owned(number_text(*number))),
        [Value::List(items)] => only_text(items),
        _ => None,
    }
}

/// `1.2.3` with nothing around it, the most frequent form, read in one go. Anything else is for the others.
fn plain(text: &[u8]) -> Option<Version> {
    let (major, rest) = plain_number(text)?;
    let (minor, rest) = plain_number(rest.strip_prefix(b".")?)?;
    let (patch, rest) = plain_number(rest.strip_prefix(b".")?)?;
    rest.is_empty().then(|| Version { major, minor, patch, pre_release: Box::default() })
}

/// The number at the front, of at most 15 digits, and what follows.
fn plain_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    let sound = matches!(number, [b'0'] | [b'1'..=b'9', ..]) && digits <= 15;
    sound.then(|| (number.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0')), rest))
}

fn full(text: &str) -> Option<Version> {
    let text = trim(text);
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = split(text, '+');
    let (release, pre_release) = split(text, '-');
    let mut numbers = release.split('.');
    let version = Version {
        major: number(numbers.next()?)?,
        minor: number(numbers.next()?)?,
        patch: number(numbers.next()?)?,
        pre_release: pre_release.unwrap_or_default().into(),
    };
    let sound = numbers.next().is_none()
        && build.is_none_or(|build| build.split('.').all(is_identifier))
        && pre_release.is_none_or(|pre| pre.split('.').all(|id| is_identifier(id) && !has_leading_zero(id)));
    sound.then_some(version)
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// `1` and `1.2`, without anything around them.
fn partial(text: &str) -> Option<Version> {
    let (major, minor) = split(text, '.');
    let minor = minor.map_or(Some(0), number)?;
    Some(Version { major: number(major)?, minor, patch: 0, pre_release: Box::default() })
}

fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && is_numeric(text) && !has_leading_zero(text);
    plain.then(|| text.parse().ok()).flatten().filter(|number| *number <= NUMBER_MAX)
}

fn is_numeric(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && is_numeric(text)
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn order_pre_releases(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match order_identifiers(a, b) {
                Ordering::Equal => {}
                order => return order,
            },
        }
    }
}

/// Numbers come before words. Numbers have no leading zeros, so that the longer one is the greater.
fn order_identifiers(left: &str, right: &str) -> Ordering {
    match (is_numeric(left), is_numeric(right)) {
        (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;
    use proptest::prelude::*;

    use super::*;

    fn budget() -> Budget {
        Budget::new(&Limits { evaluation_steps: 3, ..Limits::default() })
    }

    fn order(left: &str, right: &str) -> Ordering {
        Version::parse(left).unwrap().order(&Version::parse(right).unwrap())
    }

    #[test]
    fn versions_in_order() {
        let sorted = [
            "0.0.1",
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.2",
            "1.0.0-alpha.10",
            "1.0.0-alpha.a",
            "1.0.0-beta",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1",
            "1.0.1",
            "1.2",
            "1.10.0",
            "v2",
            "V10.0.0",
        ];
        for (at, version) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                assert_eq!(order(version, other), at.cmp(&other_at), "{version} {other}");
            }
        }
        assert_eq!(order("1.0.0+a", "1.0.0+b"), Ordering::Equal);
    }

    #[test]
    fn what_is_no_version() {
        let long = format!("1.0.0-{}", "a".repeat(VERSION_BYTES_MAX));
        for text in [
            "",
            "v",
            "x",
            "1.",
            ".1",
            "1.2.3.4",
            "01",
            "1.02.0",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3-a..b",
            "1.2-a",
            "1.2.3+",
            "-1",
            "9007199254740992.0.0",
            "1.0.0 x",
            " 1.2",
            "1e3",
            &long,
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn odd_but_sound() {
        for text in ["vv1.2.3", " 1.2.3 ", "1.2.3-0a", "1.2.3--", "1.2.3+01", "1.2.3-a+b-c", "v1", "0.0.0"] {
            assert!(Version::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn other_values_are_read_by_their_text() {
        let read = |json| Version::read(&serde_json::from_str(json).unwrap());
        assert_eq!(read("1.2"), Version::parse("1.2.0"));
        assert_eq!(read("1.0"), Version::parse("1"));
        assert_eq!(read(r#"["1.2.3"]"#), Version::parse("1.2.3"));
        for json in ["null", "true", "{}", "[]", "[1,2]", "-1", "1e21"] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn caret_and_tilde_look_at_the_front_only() {
        let sem_ver = |a: &Value, op, b: &Value| super::sem_ver(a, op, b, &mut budget()).unwrap();
        let holds = |a, op, b| sem_ver(&Value::text(a), op, &Value::text(b)) == Value::Bool(true);
        assert!(holds("1.0.0", VersionOp::SameMajor, "1.9.0"));
        assert!(!holds("2.0.0", VersionOp::SameMajor, "1.9.0"));
        assert!(holds("1.2.0", VersionOp::SameMinor, "1.2.9"));
        assert!(!holds("1.3.0", VersionOp::SameMinor, "1.2.9"));
        assert_eq!(sem_ver(&Value::Null, VersionOp::Equal, &Value::text("1")), Value::Null);
    }

    #[test]
    fn reading_long_texts_costs_steps() {
        let read = |bytes| Version::charged(&Value::text(&"1".repeat(bytes)), &mut budget());
        assert_eq!(read(64), Ok(None));
        assert_eq!(read(255), Ok(None));
        assert_eq!(read(256), Err(EvalError::TooCostly));
    }

    proptest! {
        #[test]
        fn the_short_way_reads_like_the_long_one(text in "[0-9]{1,3}\\.[0-9]{1,16}\\.[0-9.a]{1,3}") {
            if let Some(version) = plain(text.as_bytes()) {
                prop_assert_eq!(Some(version), full(&text));
            }
        }
    }
}
