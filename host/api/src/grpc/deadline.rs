//! Until when a client waits for a call, as it says by `grpc-timeout`, or by `connect-timeout-ms`.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

/// Digits of a time, at most; beyond it the header is none.
const DIGITS_MAX: usize = 10;

/// How long the client waits; none where it does not say, or not so that it can be read.
pub(super) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let of_grpc = || {
        let (digits, unit) = text("grpc-timeout")?.split_at_checked(text("grpc-timeout")?.len().checked_sub(1)?)?;
        let number = number(digits)?;
        Some(match unit {
            "H" => Duration::from_secs(number.saturating_mul(3600)),
            "M" => Duration::from_secs(number.saturating_mul(60)),
            "S" => Duration::from_secs(number),
            "m" => Duration::from_millis(number),
            "u" => Duration::from_micros(number),
            "n" => Duration::from_nanos(number),
            _ => return None,
        })
    };
    of_grpc().or_else(|| text("connect-timeout-ms").and_then(number).map(Duration::from_millis))
}

fn number(digits: &str) -> Option<u64> {
    let is_number = (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// Completes when an instant has come; never where there is none.
pub(super) async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_their_units() {
        let read = |name: &'static str, text: &str| {
            timeout(&HeaderMap::from_iter([(name.parse().unwrap(), text.parse().unwrap())]))
        };
        for (text, time) in [
            ("2H", Some(Duration::from_secs(7200))),
            ("3M", Some(Duration::from_secs(180))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("500m", Some(Duration::from_millis(500))),
            ("7u", Some(Duration::from_micros(7))),
            ("8n", Some(Duration::from_nanos(8))),
            ("0S", Some(Duration::ZERO)),
            ("5", None),
            ("S", None),
            ("-1S", None),
            ("12345678901S", None),
            ("1x", None),
            ("", None),
        ] {
            assert_eq!(read("grpc-timeout", text), time, "{text}");
        }
        assert_eq!(read("connect-timeout-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(read("other", "1S"), None);
    }
}
