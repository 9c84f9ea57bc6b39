//! Frames of HTTP/2, written by hand: what no client of good manners sends.

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
/// The headers are whole, and so is the request.
const WHOLE: u8 = 5;
const WINDOW: u16 = 4;

/// How a connection begins; answers may then have so many bytes each until more are allowed.
#[must_use]
pub fn preface(window_bytes: u32) -> Vec<u8> {
    let setting = [&WINDOW.to_be_bytes()[..], &window_bytes.to_be_bytes()].concat();
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &setting)].concat()
}

/// A GET, with a token.
#[must_use]
pub fn get(stream: u32, path: &str, token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    // `GET`, `http`, then literals: `:path`, `:authority`, `authorization` by their numbers
    let block = [&[0x82, 0x86, 0x04][..], &text(path), &[0x01], &text("localhost"), &[0x0f, 0x08], &text(&bearer)];
    frame(HEADERS, WHOLE, stream, &block.concat())
}

/// That the answer is not wanted any more.
#[must_use]
pub fn reset(stream: u32) -> Vec<u8> {
    const CANCEL: u32 = 8;
    frame(RESET, 0, stream, &CANCEL.to_be_bytes())
}

/// A question whether the other side is there.
#[must_use]
pub fn ping() -> Vec<u8> {
    frame(PING, 0, 0, &[0; 8])
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
