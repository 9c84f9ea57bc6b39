//! Instants as RFC 3339 has them.

use burgee_model::Millis;
use burgee_rules::ops::date::seconds;

const DAY_MS: Millis = 24 * 3600 * 1000;

/// Reads an instant, or a day, as RFC 3339 has them: milliseconds since 1970. What lies before is 1970.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "dates end with the year 9999")]
pub(crate) fn parse(text: &str) -> Option<Millis> {
    seconds(text).map(|seconds| (seconds * 1000.0).round().max(0.0) as Millis)
}

/// An instant in UTC with milliseconds, e.g. `2026-11-20T11:30:00.000Z`.
#[must_use]
pub fn rfc3339(instant: Millis) -> String {
    let (year, month, day) = civil(instant / DAY_MS);
    let (ms, seconds) = (instant % 1000, instant % DAY_MS / 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. It counts in years that begin in
/// March, so that the leap day is the last.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    const DAYS_FROM_MARCH_0_TO_1970: u64 = 719_468;
    let since = days + DAYS_FROM_MARCH_0_TO_1970;
    let (era, day) = (since / DAYS_OF_400_YEARS, since % DAYS_OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let from_january = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(from_january <= 2), from_january, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
    }
}
