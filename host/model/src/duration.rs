//! Durations as people write them: in options, on the command line, in `?ttl=`.

use crate::Millis;

/// The longest duration: ten years, in milliseconds.
pub const DURATION_MAX_MS: Millis = 10 * 365 * 24 * 3600 * 1000;

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No whole number with a unit.
    #[error("a duration is a whole number with a unit: ms, s, m, h or d")]
    Form,
    /// Longer than [`DURATION_MAX_MS`].
    #[error("a duration is at most ten years")]
    TooLong,
}

/// Reads a whole number with `ms`, `s`, `m`, `h` or `d`; gives milliseconds.
pub fn parse(text: &str) -> Result<Millis, DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms: Millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 3600 * 1000,
        "d" => 24 * 3600 * 1000,
        _ => return Err(DurationError::Form),
    };
    if number.is_empty() {
        return Err(DurationError::Form);
    }
    let duration = number.parse::<Millis>().ok().and_then(|n| n.checked_mul(unit_ms));
    duration.filter(|ms| *ms <= DURATION_MAX_MS).ok_or(DurationError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_a_bound() {
        assert_eq!((parse("1500ms"), parse("2h"), parse("0s")), (Ok(1500), Ok(7_200_000), Ok(0)));
        assert_eq!(parse("3650d"), Ok(DURATION_MAX_MS));
        for text in ["", "5", "s", "1.5s", "-1s", "5 s", "1sec"] {
            assert_eq!(parse(text), Err(DurationError::Form), "{text}");
        }
        for text in ["3651d", "99999999999999999999s", "18446744073709551615d"] {
            assert_eq!(parse(text), Err(DurationError::TooLong), "{text}");
        }
    }
}
