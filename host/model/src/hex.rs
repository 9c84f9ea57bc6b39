//! Bytes as lower-case hex digits, and back.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Two digits a byte.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The bytes of digits in either case; none where it is anything else, or half a byte.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Some(all));
        assert_eq!((encode(&[0, 0x0f, 0xa1]).as_str(), decode("000FA1")), ("000fa1", Some(vec![0, 0x0f, 0xa1])));
        for wrong in ["0", "+1", " 1", "0g", "é", "é0"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
