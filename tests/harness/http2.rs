//! Frames of HTTP/2, written by hand: what no client of good manners sends, and what those of gRPC do.

use std::io::Read;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const ALLOW: u8 = 8;
/// The headers are whole, and so is the request.
const WHOLE: u8 = 5;
/// The headers are whole; a body follows.
const HEADED: u8 = 4;
/// Of a body: it is whole. Of a ping: it is the answer to one.
const LAST: u8 = 1;
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
    // `GET`, `http`, then literals: `:path`, `:authority`, `authorization` by their numbers
    let block = [&[0x82, 0x86, 0x04][..], &text(path), &[0x01], &text("localhost"), &[0x0f, 0x08], &text(&bearer)];
    frame(HEADERS, WHOLE, stream, &block.concat())
}

/// A call of gRPC, with a token, about the environment that a selector names.
#[must_use]
pub fn call(stream: u32, path: &str, token: &str, selector: &str, message: &[u8]) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    // `POST`, `http`, then literals as above, and `content-type` by its number
    let head = [&[0x83, 0x86, 0x04][..], &text(path), &[0x01], &text("localhost"), &[0x0f, 0x08], &text(&bearer)];
    let kind = [&[0x0f, 0x10][..], &text("application/grpc"), &[0x00], &text("te"), &text("trailers")];
    let selector = [&[0x00][..], &text("flagd-selector"), &text(selector)];
    let block = [head.concat(), kind.concat(), selector.concat()].concat();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[0][..], &length, message].concat();
    [frame(HEADERS, HEADED, stream, &block), frame(DATA, LAST, stream, &body)].concat()
}

/// That an answer, or with 0 all of them, may have so many bytes more.
#[must_use]
pub fn allow(stream: u32, bytes: u32) -> Vec<u8> {
    frame(ALLOW, 0, stream, &bytes.to_be_bytes())
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

/// The answer to that.
#[must_use]
pub fn pong() -> Vec<u8> {
    frame(PING, LAST, 0, &[0; 8])
}

/// Reads until some bytes come; those behind them are lost.
pub fn until(connection: &mut impl Read, wanted: &[u8]) {
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    while !all.windows(wanted.len()).any(|bytes| bytes == wanted) {
        let read = connection.read(&mut part).unwrap();
        assert!(read > 0, "it ended before {:?}: {:?}", String::from_utf8_lossy(wanted), String::from_utf8_lossy(&all));
        all.extend_from_slice(&part[..read]);
    }
}

fn text(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
