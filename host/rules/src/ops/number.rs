//! Numbers as JavaScript reads and writes them.

/// `String(number)`: the shortest decimal that reads back as the same number, in JavaScript's form.
#[must_use]
pub fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    if number == 0.0 {
        return "0".into();
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", place_point(&digits, point))
}

/// Writes `0.DIGITS * 10^point` as JavaScript does: in full from 1e-6 to below 1e21, else with an exponent.
fn place_point(digits: &str, point: i32) -> String {
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    match point {
        1..=21 if length <= point => format!("{digits}{}", zeros(point - length)),
        1..=21 => {
            let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
            format!("{whole}.{fraction}")
        }
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => with_exponent(digits, point - 1),
    }
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let dot = if rest.is_empty() { "" } else { "." };
    format!("{first}{dot}{rest}e{exponent:+}")
}

/// `Number(text)`: surrounding white space aside, empty is 0, and what is no number is NaN.
#[must_use]
pub fn parse_number(text: &str) -> f64 {
    let text = trim(text);
    match text.as_bytes() {
        [] => 0.0,
        [b'0', b'x' | b'X', ..] => radix(&text[2..], 4),
        [b'0', b'o' | b'O', ..] => radix(&text[2..], 3),
        [b'0', b'b' | b'B', ..] => radix(&text[2..], 1),
        _ => decimal(text),
    }
}

/// Without the white space and line ends of JavaScript around it.
pub(super) fn trim(text: &str) -> &str {
    // Unicode's white space is JavaScript's but for two: NEL is none there, the byte order mark is one.
    text.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}')
}

fn decimal(text: &str) -> f64 {
    match text.strip_prefix(['+', '-']).unwrap_or(text) {
        "Infinity" if text.starts_with('-') => f64::NEG_INFINITY,
        "Infinity" => f64::INFINITY,
        // Rust reads some words that JavaScript does not, so words are kept from it.
        _ if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => text.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

/// Digits of a base that is a power of two, rounded once. Beyond 60 bits only their number and whether
/// any is set matter.
fn radix(digits: &str, bits: u32) -> f64 {
    if digits.is_empty() {
        return f64::NAN;
    }
    let (mut mantissa, mut dropped) = (0u64, 0i32);
    for c in digits.chars() {
        let Some(digit) = c.to_digit(1 << bits) else { return f64::NAN };
        if mantissa >> 60 == 0 {
            mantissa = mantissa << bits | u64::from(digit);
        } else {
            mantissa |= u64::from(digit != 0);
            dropped = dropped.saturating_add(i32::try_from(bits).unwrap_or(0));
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "rounding is what is wanted")]
    let rounded = mantissa as f64;
    rounded * 2f64.powi(dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_numbers() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (100.0, "100"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000_001, "0.000001"),
            (1.25e-6, "0.00000125"),
            (1e-7, "1e-7"),
            (-1.25e-7, "-1.25e-7"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(number_text(number), text);
        }
        assert_eq!(number_text(f64::NAN), "NaN");
    }

    #[test]
    fn numbers_of_texts() {
        for (text, number) in [
            ("", 0.0),
            (" \t\n\u{a0}\u{feff}", 0.0),
            (" 12 ", 12.0),
            ("1e3", 1000.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("+.5e-1", 0.05),
            ("0x1f", 31.0),
            ("0B101", 5.0),
            ("0o17", 15.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("+Infinity", f64::INFINITY),
            ("1e400", f64::INFINITY),
            ("007", 7.0),
            ("0x20000000000001", 9_007_199_254_740_992.0),
            ("0x20000000000003", 9_007_199_254_740_996.0),
            ("0x10000000000000800000000001", 1.267_650_600_228_229_7e30),
        ] {
            assert_eq!(parse_number(text), number, "{text}");
        }
        for text in
            ["inf", "nan", "NaN", "infinity", "1_0", "0x", "-0x1", "0xg", "1 2", ".", "e5", "1e", "--1", "\u{85}"]
        {
            assert!(parse_number(text).is_nan(), "{text}");
        }
    }
}
