//! A reader of plain requests: it knows what most of them hold, keeps what somebody reads, and gives up on
//! everything else, which a reader of all JSON then decides. So what it takes, it must take exactly as that one does;
//! what it leaves costs time only.
//!
//! What is left of the text goes from hand to hand instead of lying in a struct: so it stays in registers, which saves a
//! tenth of the time.

use std::str;

use super::{
    kept::Kept,
    name::{Name, Names},
    scan,
};
use crate::{
    Limits, Value,
    value::{Members, Once},
};

/// Levels of lists and objects that are read here, and of a context no more than it may have.
const DEPTH_MAX: usize = 32;

/// What is left of a text.
type Rest<'t> = &'t [u8];

/// What reading a request needs beside its text.
pub(super) struct Reader<'k> {
    kept: &'k Kept,
    /// How many more attributes the context may have.
    attributes: usize,
    /// The levels that it may have.
    depth: usize,
}

impl<'k> Reader<'k> {
    pub(super) fn new(kept: &'k Kept, limits: &Limits) -> Self {
        Self { kept, attributes: limits.context_attributes, depth: limits.context_depth.min(DEPTH_MAX) }
    }

    /// The attributes that are kept of a request's context.
    pub(super) fn request(mut self, text: &[u8]) -> Option<Members> {
        let mut context = Members::default();
        let rest = object(text, DEPTH_MAX, |name, rest, depth| match name.text {
            b"context" => self.context(rest, &mut context),
            _ => self.skip(rest, depth),
        })?;
        peek(rest).is_none().then_some(context)
    }

    fn context<'t>(&mut self, rest: Rest<'t>, members: &mut Members) -> Option<Rest<'t>> {
        if let (b'n', rest) = peek(rest)? {
            return rest.strip_prefix(b"null");
        }
        object(rest, self.depth, |name, rest, depth| {
            self.attributes = self.attributes.checked_sub(1)?;
            let Some(name) = self.kept.get(&name) else { return self.skip(rest, depth) };
            let (value, rest) = self.value(rest, depth)?;
            members.push(name, value);
            Some(rest)
        })
    }

    /// A value that somebody reads.
    fn value<'t>(&mut self, rest: Rest<'t>, depth: usize) -> Option<(Value, Rest<'t>)> {
        let (first, rest) = peek(rest)?;
        let constant = |word: &[u8], value| Some((value, rest.strip_prefix(word)?));
        match first {
            b'"' => text(rest),
            b't' => constant(b"true", Value::Bool(true)),
            b'f' => constant(b"false", Value::Bool(false)),
            b'n' => constant(b"null", Value::Null),
            b'{' | b'[' => {
                // rare enough to be read twice
                let after = self.skip(rest, depth)?;
                let Once(value) = serde_json::from_slice(rest.get(..rest.len() - after.len())?).ok()?;
                Some((value, after))
            }
            _ => {
                let (number, rest) = number(rest)?;
                Some((Value::Number(scan::number_value(number)?), rest))
            }
        }
    }

    /// A value that nobody reads, though as closely as if somebody did. Most are texts.
    #[inline]
    fn skip<'t>(&mut self, rest: Rest<'t>, depth: usize) -> Option<Rest<'t>> {
        match plain(rest) {
            Some((_, rest)) => Some(rest),
            None => self.skip_other(rest, depth),
        }
    }

    fn skip_other<'t>(&mut self, rest: Rest<'t>, depth: usize) -> Option<Rest<'t>> {
        let (first, rest) = peek(rest)?;
        match first {
            b'"' => escaped(rest).map(|(_, rest)| rest),
            b't' => rest.strip_prefix(b"true"),
            b'f' => rest.strip_prefix(b"false"),
            b'n' => rest.strip_prefix(b"null"),
            b'{' => object(rest, depth, |_, rest, depth| {
                self.attributes = self.attributes.checked_sub(1)?;
                self.skip(rest, depth)
            }),
            b'[' => {
                let depth = depth.checked_sub(1)?;
                sequence(rest, b'[', b']', |rest| self.skip(rest, depth))
            }
            _ => number(rest).filter(|(number, _)| scan::is_finite(number)).map(|(_, rest)| rest),
        }
    }
}

/// An object, each of whose members is given to a function with the levels that are left for it.
#[inline]
fn object<'t>(
    rest: Rest<'t>,
    depth: usize,
    mut member: impl FnMut(Name<'t>, Rest<'t>, usize) -> Option<Rest<'t>>,
) -> Option<Rest<'t>> {
    let depth = depth.checked_sub(1)?;
    let mut names = Names::default();
    sequence(rest, b'{', b'}', |rest| {
        // one with escapes is left to the other reader
        let (name, rest) = plain(rest)?;
        let rest = byte(rest, b':')?;
        names.is_new(&name).then(|| member(name, rest, depth))?
    })
}

/// What stands between two brackets, parted by commas.
#[inline]
fn sequence<'t>(
    rest: Rest<'t>,
    open: u8,
    close: u8,
    mut item: impl FnMut(Rest<'t>) -> Option<Rest<'t>>,
) -> Option<Rest<'t>> {
    let mut rest = byte(rest, open)?;
    if let Some(rest) = byte(rest, close) {
        return Some(rest);
    }
    loop {
        rest = item(rest)?;
        match byte(rest, b',') {
            Some(next) => rest = next,
            None => return byte(rest, close),
        }
    }
}

/// A text that stands as it is written.
#[inline(always)]
fn plain(rest: Rest<'_>) -> Option<(Name<'_>, Rest<'_>)> {
    let rest = byte(rest, b'"')?;
    let plain = scan::plain(rest);
    let (text, [b'"', rest @ ..]) = rest.split_at_checked(plain.length)? else { return None };
    (plain.is_ascii || is_text(text)).then_some((Name { text, hash: plain.hash }, rest))
}

/// Whether bytes beyond ASCII are UTF-8.
#[cold]
fn is_text(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok()
}

fn text(rest: Rest<'_>) -> Option<(Value, Rest<'_>)> {
    match plain(rest) {
        Some((text, rest)) => Some((Value::text(text.as_str()?), rest)),
        None => escaped(rest).map(|(text, rest)| (Value::Text(text.into()), rest)),
    }
}

/// A text with escapes.
#[cold]
fn escaped(rest: Rest<'_>) -> Option<(String, Rest<'_>)> {
    let length = scan::end_of_string(rest.strip_prefix(b"\"")?)?;
    let (text, rest) = rest.split_at_checked(1 + length)?;
    Some((serde_json::from_slice(text).ok()?, rest))
}

fn number(rest: Rest<'_>) -> Option<(&[u8], Rest<'_>)> {
    rest.split_at_checked(scan::number(rest)?)
}

/// What follows the next byte that is no space, if that is this one.
#[inline]
fn byte(rest: Rest<'_>, byte: u8) -> Option<Rest<'_>> {
    let (first, rest) = peek(rest)?;
    if first == byte { rest.get(1..) } else { None }
}

/// The next byte that is no space, and what begins with it.
#[inline]
fn peek(rest: Rest<'_>) -> Option<(u8, Rest<'_>)> {
    // most are none
    let first = *rest.first()?;
    if first > b' ' { Some((first, rest)) } else { after_space(rest) }
}

#[cold]
fn after_space(mut rest: Rest<'_>) -> Option<(u8, Rest<'_>)> {
    while let [b' ' | b'\t' | b'\n' | b'\r', after @ ..] = rest {
        rest = after;
    }
    Some((*rest.first()?, rest))
}
