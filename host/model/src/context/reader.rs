//! A reader of plain requests: it knows what most of them hold, keeps what somebody reads, and gives up on
//! everything else, which a reader of all JSON then decides. So what it takes, it must take exactly as that one does;
//! what it leaves costs time only.

use std::str;

use super::{
    kept::Kept,
    name::{Name, Names},
    scan::{self, Plain},
};
use crate::{
    Value,
    value::{Members, Once},
};

/// Levels of lists and objects that are read here, far fewer than the reader of all JSON takes.
const DEPTH_MAX: usize = 32;

/// What is left of a request's text, and of its allowance of attributes.
pub(super) struct Reader<'t, 'k> {
    rest: &'t [u8],
    kept: &'k Kept,
    attributes: usize,
}

impl<'t, 'k> Reader<'t, 'k> {
    pub(super) fn new(text: &'t [u8], kept: &'k Kept, attributes: usize) -> Self {
        Self { rest: text, kept, attributes }
    }

    /// The attributes that are kept of the request's context.
    pub(super) fn request(mut self) -> Option<Members> {
        let mut context = Members::default();
        self.object(DEPTH_MAX, |reader, name, depth| match name.text {
            b"context" => {
                context = reader.context()?;
                Some(())
            }
            _ => reader.skip(depth),
        })?;
        self.peek().is_none().then_some(context)
    }

    fn context(&mut self) -> Option<Members> {
        let mut members = Members::default();
        if self.peek()? == b'n' {
            self.word(b"null")?;
            return Some(members);
        }
        self.object(DEPTH_MAX, |reader, name, depth| {
            reader.attributes = reader.attributes.checked_sub(1)?;
            match reader.kept.get(&name) {
                Some(name) => members.push(name, reader.value(depth)?),
                None => reader.skip(depth)?,
            }
            Some(())
        })?;
        Some(members)
    }

    /// An object, each of whose members is given to a function with the levels that are left for it.
    #[inline]
    fn object(&mut self, depth: usize, mut member: impl FnMut(&mut Self, Name<'t>, usize) -> Option<()>) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mut names = Names::default();
        self.sequence(b'{', b'}', |reader| {
            let name = reader.name()?;
            reader.byte(b':')?;
            names.is_new(&name).then(|| member(reader, name, depth))?
        })
    }

    /// What stands between two brackets, parted by commas.
    #[inline]
    fn sequence(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.byte(open)?;
        if self.byte(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.byte(b',').is_none() {
                return self.byte(close);
            }
        }
    }

    /// A name that stands as it is written.
    #[inline(always)]
    fn name(&mut self) -> Option<Name<'t>> {
        self.byte(b'"')?;
        let plain = scan::plain(self.rest);
        let text = self.take(&plain)?;
        Some(Name { text, hash: plain.hash })
    }

    /// A value that somebody reads.
    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.peek()? {
            b'"' => self.text(),
            b't' => self.word(b"true").map(|()| Value::Bool(true)),
            b'f' => self.word(b"false").map(|()| Value::Bool(false)),
            b'n' => self.word(b"null").map(|()| Value::Null),
            b'{' | b'[' => self.nested(depth),
            _ => self.number().and_then(scan::number_value).map(Value::Number),
        }
    }

    fn text(&mut self) -> Option<Value> {
        self.byte(b'"')?;
        match self.take(&scan::plain(self.rest)) {
            Some(text) => str::from_utf8(text).ok().map(Value::text),
            None => self.escaped().map(|text| Value::Text(text.into())),
        }
    }

    /// A list or an object that somebody reads: rare enough to be read twice.
    fn nested(&mut self, depth: usize) -> Option<Value> {
        let start = self.rest;
        self.skip(depth)?;
        let Once(value) = serde_json::from_slice(start.get(..start.len() - self.rest.len())?).ok()?;
        Some(value)
    }

    /// A value that nobody reads, though as closely as if somebody did.
    fn skip(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.byte(b'"')?;
                let plain = self.take(&scan::plain(self.rest));
                plain.map(|_| ()).or_else(|| self.escaped().map(|_| ()))
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'{' => self.object(depth, |reader, _, depth| {
                reader.attributes = reader.attributes.checked_sub(1)?;
                reader.skip(depth)
            }),
            b'[' => {
                let depth = depth.checked_sub(1)?;
                self.sequence(b'[', b']', |reader| reader.skip(depth))
            }
            _ => self.number().filter(|number| scan::is_finite(number)).map(|_| ()),
        }
    }

    /// Takes a plain text and the quote behind it, if there is one.
    #[inline]
    fn take(&mut self, plain: &Plain) -> Option<&'t [u8]> {
        let (text, [b'"', rest @ ..]) = self.rest.split_at_checked(plain.length)? else { return None };
        self.rest = rest;
        (plain.is_ascii || is_text(text)).then_some(text)
    }

    /// A text whose first quote is taken, and which has escapes.
    #[cold]
    fn escaped(&mut self) -> Option<String> {
        let (text, rest) = self.rest.split_at_checked(scan::end_of_string(self.rest)?)?;
        self.rest = rest;
        serde_json::from_slice(&[b"\"", text].concat()).ok()
    }

    fn number(&mut self) -> Option<&'t [u8]> {
        let (number, rest) = self.rest.split_at_checked(scan::number(self.rest)?)?;
        self.rest = rest;
        Some(number)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// Takes the next byte that is no space, if it is this one.
    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.rest = self.rest.get(1..).unwrap_or_default())
    }

    /// The next byte that is no space; most are none.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let first = *self.rest.first()?;
        if first > b' ' { Some(first) } else { self.after_space() }
    }

    fn after_space(&mut self) -> Option<u8> {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.rest.first().copied()
    }
}

/// Whether bytes beyond ASCII are UTF-8.
#[cold]
fn is_text(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok()
}
