//! Server-sent events, read from the bytes of an answer (the WHATWG's "event stream" format).

use std::io::{self, BufRead, Read as _};

/// Bytes of one line beyond which a stream is given up: more than any event of a node.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What lies between two blank lines of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its name.
    pub(super) name: String,
    /// Its data, lines joined; none where there is only a sign of life.
    pub(super) data: Option<String>,
    /// Its id, by which a stream is resumed after it.
    pub(super) id: Option<String>,
}

/// The next event of a stream; none at its end. What the end cuts short is none.
pub(super) fn next(stream: &mut impl BufRead) -> io::Result<Option<Event>> {
    let mut event = Event::default();
    loop {
        let Some(line) = line(stream)? else { return Ok(None) };
        if line.is_empty() {
            return Ok(Some(event));
        }
        let (field, value) = line.split_once(':').unwrap_or((line.as_str(), ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "id" => event.id = Some(value.to_owned()),
            "data" => {
                let before = event.data.take().map(|data| data + "\n").unwrap_or_default();
                event.data = Some(before + value);
            }
            // comments, how soon to come back, and what later releases may say
            _ => {}
        }
    }
}

fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    stream.take(LINE_BYTES_MAX).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(whole) => Ok(Some(whole.strip_suffix('\r').unwrap_or(whole).to_owned())),
        None if line.len() as u64 >= LINE_BYTES_MAX => Err(io::Error::other("a line of the stream has no end")),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: Option<&str>, id: Option<&str>) -> Event {
        Event { name: name.into(), data: data.map(str::to_owned), id: id.map(str::to_owned) }
    }

    #[test]
    fn events_comments_and_ends() {
        let mut text: &[u8] =
            b"event: change\nid: n.1\ndata: {\"a\":\r\ndata: 1}\n\nid: n.2\n: here\n\nretry: 5\ndata:x\n\ndata: cut";
        let all: Vec<Event> = std::iter::from_fn(|| next(&mut text).unwrap()).collect();
        let change = event("change", Some("{\"a\":\n1}"), Some("n.1"));
        assert_eq!(all, [change, event("", None, Some("n.2")), event("", Some("x"), None)]);
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let long = vec![b'x'; usize::try_from(LINE_BYTES_MAX).unwrap() + 1];
        assert!(next(&mut &long[..]).is_err());
        assert!(next(&mut &b"data: \xff\n\n"[..]).is_err(), "no UTF-8");
    }
}
