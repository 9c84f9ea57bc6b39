//! Where in a JSON text a pointer leads, for showing people the place of a fault.

use std::ops::Range;

use serde::Deserialize;

/// What a pointer leads to, in bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The member's name with its quotes, where it is a member.
    pub name: Option<Range<usize>>,
    /// The value.
    pub value: Range<usize>,
}

/// Follows a JSON Pointer as far as it leads. Where a member is there twice, it is the last one. None where the text
/// holds no value at all; text that is not JSON leads nowhere from where it is broken.
#[must_use]
pub fn locate(text: &[u8], pointer: &str) -> Option<Found> {
    let start = skip_space(text, 0);
    let mut found = Found { name: None, value: start..end_of_value(text, start)? };
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let inner = match text.get(found.value.start) {
            Some(b'{') => member(text, found.value.start, &token),
            Some(b'[') => token.parse().ok().and_then(|index| item(text, found.value.start, index)),
            _ => None,
        };
        match inner {
            Some(inner) => found = inner,
            None => break,
        }
    }
    Some(found)
}

/// The last member of this name of the object that begins here.
fn member(text: &[u8], start: usize, wanted: &str) -> Option<Found> {
    let (mut at, mut found) = (skip_space(text, start + 1), None);
    while text.get(at) == Some(&b'"') {
        let Some(name) = end_of_text(text, at).map(|end| at..end) else { break };
        let value = skip_space(text, skip(text, name.end, b':'));
        let Some(end) = end_of_value(text, value) else { break };
        if text.get(name.clone()).is_some_and(|name| reads(name, wanted)) {
            found = Some(Found { name: Some(name), value: value..end });
        }
        at = skip_space(text, skip(text, end, b','));
    }
    found
}

fn reads(name: &[u8], wanted: &str) -> bool {
    let mut reader = serde_json::Deserializer::from_slice(name);
    String::deserialize(&mut reader).is_ok_and(|name| name == wanted)
}

/// The item at an index of the list that begins here.
fn item(text: &[u8], start: usize, index: usize) -> Option<Found> {
    let mut at = skip_space(text, start + 1);
    for _ in 0..index {
        at = skip_space(text, skip(text, end_of_value(text, at)?, b','));
    }
    Some(Found { name: None, value: at..end_of_value(text, at)? })
}

fn skip_space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Behind a byte that stands here but for space, if it does.
fn skip(text: &[u8], from: usize, byte: u8) -> usize {
    let at = skip_space(text, from);
    if text.get(at) == Some(&byte) { at + 1 } else { from }
}

fn end_of_text(text: &[u8], start: usize) -> Option<usize> {
    let mut escaped = false;
    let rest = text.get(start + 1..)?;
    let length = rest.iter().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => *byte == b'"',
    })?;
    Some(start + 1 + length + 1)
}

/// The end of a value of any depth, without going into it.
fn end_of_value(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut open) = (start, 0usize);
    loop {
        match text.get(at)? {
            b'"' => at = end_of_text(text, at)?,
            b'{' | b'[' => {
                open += 1;
                at += 1;
            }
            b'}' | b']' => {
                open = open.checked_sub(1)?;
                at += 1;
            }
            b',' | b':' if open == 0 => return None,
            b',' | b':' => at += 1,
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => at += text.get(at..)?.iter().take_while(|byte| is_bare(**byte)).count().max(1),
        }
        if open == 0 {
            return Some(at);
        }
    }
}

/// Whether a byte is part of a number, `true`, `false` or `null`.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#" { "a/b": [1, {"~": "x\"]"}, [ ] ], "é": {"\u0061": true,"a" : -1.5e3}, "last":null } "#;

    fn found(pointer: &str) -> (&str, &str) {
        let found = locate(TEXT.as_bytes(), pointer).unwrap();
        (found.name.map_or("", |name| &TEXT[name]), &TEXT[found.value])
    }

    #[test]
    fn pointers_lead_to_values_and_their_names() {
        for (pointer, name, value) in [
            ("", "", TEXT.trim()),
            ("/a~1b/0", "", "1"),
            ("/a~1b/1/~0", r#""~""#, r#""x\"]""#),
            ("/a~1b/2", "", "[ ]"),
            ("/é/a", r#""a""#, "-1.5e3"),
            ("/last", r#""last""#, "null"),
        ] {
            assert_eq!(found(pointer), (name, value), "{pointer}");
        }
    }

    #[test]
    fn where_a_pointer_leads_nowhere_it_is_followed_as_far_as_it_goes() {
        for (pointer, value) in [("/x", TEXT.trim()), ("/a~1b/7/x", r#"[1, {"~": "x\"]"}, [ ] ]"#), ("/last/x", "null")]
        {
            assert_eq!(found(pointer).1, value, "{pointer}");
        }
    }

    #[test]
    fn broken_text_is_no_reason_to_panic() {
        for end in 0..TEXT.len() {
            for pointer in ["/a~1b/1/~0", "/é/a", "/last"] {
                let found = locate(&TEXT.as_bytes()[..end], pointer);
                assert!(found.is_none_or(|found| found.value.end <= end));
            }
        }
        assert_eq!(locate(b"", ""), None);
        assert_eq!(locate(b"}", ""), None);
    }
}
