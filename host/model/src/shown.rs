//! Texts that others wrote, as messages show them.

use std::borrow::Cow;

/// Characters that a message shows of a name or a value that stands in a rule or a context.
pub const SHOWN_CHARACTERS: usize = 200;

/// A text, cut where it is longer than messages show; an ellipsis says so.
#[must_use]
pub fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((at, _)) => Cow::Owned(format!("{}…", text.get(..at).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "ü".repeat(SHOWN_CHARACTERS);
        assert_eq!(shortened(&long), long);
        assert_eq!(shortened(&format!("{long}x")), format!("{long}…"));
        assert_eq!(shortened(""), "");
    }
}
