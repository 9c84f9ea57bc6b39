//! Dates: seconds since the Unix epoch, so that comparing is comparing numbers.

use burgee_model::Value;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The year, e.g. 2026.
    Year,
    /// The month, 1 to 12.
    Month,
    /// The day of the month, from 1.
    Day,
    /// The hour, 0 to 23.
    Hour,
    /// The minute, 0 to 59.
    Minute,
    /// The day of the week, 1 (Monday) to 7.
    Weekday,
}

impl Part {
    /// All, with their names in rules.
    pub const ALL: [(&'static str, Self); 6] = [
        ("year", Self::Year),
        ("month", Self::Month),
        ("day", Self::Day),
        ("hour", Self::Hour),
        ("minute", Self::Minute),
        ("weekday", Self::Weekday),
    ];
}

/// The seconds of a date as text: RFC 3339 (`2026-12-01T08:00:00+01:00`), or a day (`2026-12-01`, which begins at
/// midnight UTC).
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "dates have milliseconds to the year 9999")]
pub fn seconds(text: &str) -> Option<f64> {
    const DAY_BYTES: usize = 10;
    const MILLIS: i128 = 1_000_000;
    let whole;
    let text = if text.len() == DAY_BYTES {
        whole = format!("{text}T00:00:00Z");
        &whole
    } else {
        text
    };
    let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some((date.unix_timestamp_nanos().div_euclid(MILLIS)) as f64 / 1000.0)
}

/// `date`: the seconds of a text; a number is taken for seconds; null for anything else.
pub(crate) fn date(value: &Value) -> Value {
    match value {
        Value::Number(_) => value.clone(),
        Value::Text(text) => seconds(text).map_or(Value::Null, Value::Number),
        _ => Value::Null,
    }
}

/// `date_part`: a part of a date, at an offset of so many minutes from UTC; null where either is none.
pub(super) fn part(part: Part, when: &Value, offset: Option<&Value>) -> Value {
    found(part, when, offset).map_or(Value::Null, |part| Value::Number(f64::from(part)))
}

#[allow(clippy::cast_possible_truncation, reason = "what is out of range is refused below")]
fn found(part: Part, when: &Value, offset: Option<&Value>) -> Option<i32> {
    let Value::Number(seconds) = date(when) else { return None };
    // What is no number would be the first second of all.
    let seconds = Some(seconds).filter(|seconds| seconds.is_finite())?;
    let offset = match offset {
        None | Some(Value::Null) => UtcOffset::UTC,
        Some(minutes) => read_offset(minutes)?,
    };
    let date = OffsetDateTime::from_unix_timestamp(seconds.floor() as i64).ok()?.checked_to_offset(offset)?;
    Some(match part {
        Part::Year => date.year(),
        Part::Month => i32::from(u8::from(date.month())),
        Part::Day => i32::from(date.day()),
        Part::Hour => i32::from(date.hour()),
        Part::Minute => i32::from(date.minute()),
        Part::Weekday => i32::from(date.weekday().number_from_monday()),
    })
}

/// Whether a value is an offset from UTC, in minutes.
pub(crate) fn is_offset(minutes: &Value) -> bool {
    read_offset(minutes).is_some()
}

#[allow(clippy::cast_possible_truncation, reason = "what is out of range is refused")]
fn read_offset(minutes: &Value) -> Option<UtcOffset> {
    const SECONDS_A_MINUTE: f64 = 60.0;
    let Value::Number(minutes) = minutes else { return None };
    let minutes = Some(minutes).filter(|minutes| minutes.is_finite())?;
    UtcOffset::from_whole_seconds((minutes * SECONDS_A_MINUTE) as i32).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_seconds() {
        for (text, expected) in [
            ("1970-01-01", Some(0.0)),
            ("1970-01-01T00:00:00Z", Some(0.0)),
            ("1970-01-01T01:00:00+01:00", Some(0.0)),
            ("1969-12-31T23:59:59.5Z", Some(-0.5)),
            ("2026-12-01T08:30:00.250Z", Some(1_796_113_800.25)),
            ("2026-12-01T08:30:00", None),
            ("2026-13-01", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn parts_at_an_offset() {
        let when = Value::text("2026-11-30T23:30:00Z");
        let hour = Value::Number(60.0);
        for (which, utc, later) in [
            (Part::Year, 2026.0, 2026.0),
            (Part::Month, 11.0, 12.0),
            (Part::Day, 30.0, 1.0),
            (Part::Hour, 23.0, 0.0),
            (Part::Minute, 30.0, 30.0),
            (Part::Weekday, 1.0, 2.0),
        ] {
            assert_eq!(part(which, &when, None), Value::Number(utc));
            assert_eq!(part(which, &when, Some(&hour)), Value::Number(later));
        }
    }

    #[test]
    fn what_is_no_date_gives_null() {
        let day = Value::text("2026-12-01");
        for (when, offset) in [
            (Value::text("x"), Value::Null),
            (Value::Bool(true), Value::Null),
            (Value::Number(f64::NAN), Value::Null),
            (Value::Number(f64::INFINITY), Value::Null),
            (Value::Number(0.0), Value::Number(f64::NAN)),
            (Value::Number(1e300), Value::Null),
            (day.clone(), Value::text("60")),
            (day, Value::Number(1e9)),
        ] {
            assert_eq!(part(Part::Day, &when, Some(&offset)), Value::Null, "{when:?} {offset:?}");
        }
        assert_eq!(date(&Value::List([].into())), Value::Null);
    }
}
