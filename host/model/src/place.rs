//! Where a reader stands in a document; written out only for a problem.

use crate::problem::pointer;

/// A place: the way from the document's root.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    token: Token<'a>,
}

#[derive(Clone, Copy)]
enum Token<'a> {
    Root,
    Name(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The whole document.
    pub const ROOT: Place<'static> = Place { parent: None, token: Token::Root };

    /// The member of an object that stands here.
    #[must_use]
    pub fn member(&'a self, name: &'a str) -> Place<'a> {
        Place { parent: Some(self), token: Token::Name(name) }
    }

    /// The item of a list that stands here.
    #[must_use]
    pub fn item(&'a self, index: usize) -> Place<'a> {
        Place { parent: Some(self), token: Token::Index(index) }
    }

    /// The JSON Pointer.
    #[must_use]
    pub fn pointer(&self) -> String {
        let before = self.parent.map(Self::pointer).unwrap_or_default();
        match self.token {
            Token::Root => before,
            Token::Name(name) => pointer(&before, name),
            Token::Index(index) => pointer(&before, index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_pointers() {
        let (operator, root) = ("a/b", Place::ROOT);
        let member = root.member(operator);
        assert_eq!(member.item(3).pointer(), "/a~1b/3");
        assert_eq!(root.pointer(), "");
    }
}
