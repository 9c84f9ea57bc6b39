//! The three protocols of one port: gRPC, gRPC-web and Connect. They carry the same messages and differ in how
//! these are framed and how an end is told.

use std::convert::Infallible;

use axum::{body::Body, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Buf, BufMut, Bytes};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use prost::Message;
use serde::Serialize;

use super::status::{Code, Status};

/// One byte of flags and four of length stand before every message of a stream, and of any call of gRPC.
const PREFIX_BYTES: usize = 5;
/// The flag of the frame that ends a body of gRPC-web.
const WEB_TRAILERS: u8 = 0x80;
/// The flag of the frame that ends a stream of Connect.
const CONNECT_END: u8 = 0x02;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Grpc,
    GrpcWeb,
    /// The same in Base64, for browsers that give a page no bytes while they come.
    GrpcWebText,
    /// One message each way, bare.
    Connect,
    ConnectStream,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Encoding {
    Proto,
    Json,
}

/// What a call speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wire {
    protocol: Protocol,
    pub(super) encoding: Encoding,
}

/// A part of a stream: a message, framed, or how it ended, after which nothing comes.
pub(super) enum Part {
    Message(Bytes),
    End(Status),
}

impl Wire {
    /// By the type of the request's body.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (protocol, encoding) = match kind.as_str() {
            "application/grpc" | "application/grpc+proto" => (Protocol::Grpc, Encoding::Proto),
            "application/grpc+json" => (Protocol::Grpc, Encoding::Json),
            "application/grpc-web" | "application/grpc-web+proto" => (Protocol::GrpcWeb, Encoding::Proto),
            "application/grpc-web-text" | "application/grpc-web-text+proto" => (Protocol::GrpcWebText, Encoding::Proto),
            "application/grpc-web+json" => (Protocol::GrpcWeb, Encoding::Json),
            "application/proto" => (Protocol::Connect, Encoding::Proto),
            "application/json" => (Protocol::Connect, Encoding::Json),
            "application/connect+proto" => (Protocol::ConnectStream, Encoding::Proto),
            "application/connect+json" => (Protocol::ConnectStream, Encoding::Json),
            _ => return None,
        };
        Some(Self { protocol, encoding })
    }

    fn content_type(self) -> &'static str {
        match (self.protocol, self.encoding) {
            (Protocol::Grpc, Encoding::Proto) => "application/grpc+proto",
            (Protocol::Grpc, Encoding::Json) => "application/grpc+json",
            (Protocol::GrpcWeb, Encoding::Proto) => "application/grpc-web+proto",
            (Protocol::GrpcWeb, Encoding::Json) => "application/grpc-web+json",
            (Protocol::GrpcWebText, _) => "application/grpc-web-text+proto",
            (Protocol::Connect, Encoding::Proto) => "application/proto",
            (Protocol::Connect, Encoding::Json) => "application/json",
            (Protocol::ConnectStream, Encoding::Proto) => "application/connect+proto",
            (Protocol::ConnectStream, Encoding::Json) => "application/connect+json",
        }
    }

    /// Whether it can carry a call that answers with a stream, or one that does not.
    pub(super) fn carries(self, streaming: bool) -> bool {
        match self.protocol {
            Protocol::Grpc | Protocol::GrpcWeb | Protocol::GrpcWebText => true,
            Protocol::Connect => !streaming,
            Protocol::ConnectStream => streaming,
        }
    }

    /// The one message of a request's body.
    pub(super) fn message(self, body: &Bytes) -> Result<Bytes, Status> {
        if self.protocol == Protocol::Connect {
            return Ok(body.clone());
        }
        let body = if self.protocol == Protocol::GrpcWebText { &decoded(body)? } else { body };
        let (prefix, _) = body.split_first_chunk::<PREFIX_BYTES>().ok_or_else(|| Status::invalid("no message"))?;
        let [flags, a, b, c, d] = *prefix;
        if flags != 0 {
            return Err(Status::new(Code::Unimplemented, "compressed messages are not read here"));
        }
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if body.len() - PREFIX_BYTES != length {
            return Err(Status::invalid("the body is not one message of the length that it names"));
        }
        Ok(body.slice(PREFIX_BYTES..))
    }

    /// A message of an answer, framed where that is the custom.
    pub(super) fn write<M: Message + Serialize>(self, message: &M) -> Vec<u8> {
        if self.protocol == Protocol::Connect { self.encoded(message) } else { self.write_framed(message) }
    }

    /// The same, framed as in a stream whatever the protocol.
    pub(super) fn write_framed<M: Message + Serialize>(self, message: &M) -> Vec<u8> {
        framed(0, &self.encoded(message))
    }

    fn encoded<M: Message + Serialize>(self, message: &M) -> Vec<u8> {
        match self.encoding {
            Encoding::Proto => message.encode_to_vec(),
            // it fails for keys that are no text, and there are none
            Encoding::Json => serde_json::to_vec(message).unwrap_or_default(),
        }
    }

    /// A message that is framed, as a call with one message has it.
    pub(super) fn of_framed(self, mut message: Bytes) -> Bytes {
        if self.protocol == Protocol::Connect {
            message.advance(PREFIX_BYTES.min(message.len()));
        }
        message
    }

    /// The answer of a call with one message.
    pub(super) fn one(self, answer: Result<Bytes, Status>) -> Response {
        match (self.protocol, answer) {
            (Protocol::Connect, Ok(message)) => self.response(StatusCode::OK, message.into()),
            (Protocol::Connect, Err(status)) => {
                let (code, body) = status.connect();
                let mut response = self.response(code, body.into());
                // whatever the call speaks, its errors are JSON
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            (_, Ok(message)) => self.parts(stream::iter([Part::Message(message), Part::End(Status::ok())])),
            (_, Err(status)) => self.refusal(&status),
        }
    }

    /// An answer that is over before it began.
    pub(super) fn refusal(self, status: &Status) -> Response {
        match self.protocol {
            Protocol::Connect => self.one(Err(status.clone())),
            Protocol::ConnectStream => self.parts(stream::iter([Part::End(status.clone())])),
            Protocol::Grpc | Protocol::GrpcWeb | Protocol::GrpcWebText => {
                let mut response = self.response(StatusCode::OK, Body::empty());
                response.headers_mut().extend(status.trailers());
                response
            }
        }
    }

    /// An answer of parts as they come.
    pub(super) fn parts(self, parts: impl Stream<Item = Part> + Send + 'static) -> Response {
        let frames = parts.map(move |part| Ok::<_, Infallible>(self.frame(part)));
        self.response(StatusCode::OK, Body::new(StreamBody::new(frames)))
    }

    fn frame(self, part: Part) -> Frame<Bytes> {
        match part {
            Part::Message(message) if self.protocol == Protocol::GrpcWebText => Frame::data(encoded(&message)),
            Part::Message(message) => Frame::data(message),
            Part::End(status) => match self.protocol {
                Protocol::Grpc => Frame::trailers(status.trailers()),
                Protocol::GrpcWeb => Frame::data(framed(WEB_TRAILERS, &status.web_trailers()).into()),
                Protocol::GrpcWebText => Frame::data(encoded(&framed(WEB_TRAILERS, &status.web_trailers()))),
                Protocol::Connect | Protocol::ConnectStream => {
                    Frame::data(framed(CONNECT_END, &status.connect_end()).into())
                }
            },
        }
    }

    fn response(self, status: StatusCode, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Each part of a body by itself, padded: a reader takes them one after the other.
fn encoded(bytes: &[u8]) -> Bytes {
    STANDARD.encode(bytes).into()
}

/// A body in one part or several, each padded.
fn decoded(text: &[u8]) -> Result<Bytes, Status> {
    let wrong = |_| Status::invalid("the body is not Base64");
    let parts = text.chunks(4).map(|quad| STANDARD.decode(quad).map_err(wrong));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.concat().into())
}

fn framed(flags: u8, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(PREFIX_BYTES + message.len());
    out.put_u8(flags);
    // what is written here is far below 4 GiB: an environment is bounded
    out.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    out.put_slice(message);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(kind: &str) -> Option<Wire> {
        Wire::of(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]))
    }

    #[test]
    fn types_are_read_in_any_case_and_with_parameters() {
        let json = wire("Application/JSON; charset=utf-8").unwrap();
        assert!(json.carries(false) && !json.carries(true));
        let grpc = wire("application/grpc").unwrap();
        assert!(grpc.carries(false) && grpc.carries(true));
        assert_eq!(wire("application/grpc-web-text+json"), None);
        assert_eq!(wire("text/plain"), None);
    }

    #[test]
    fn text_is_base64_part_by_part() {
        let text = wire("application/grpc-web-text").unwrap();
        let message =
            |body: &'static str| text.message(&Bytes::from_static(body.as_bytes())).map_err(|status| status.code);
        assert_eq!(message("AAAAAAIICQ=="), Ok(Bytes::from_static(&[8, 9])));
        assert_eq!(message("AAAAAAI=CAk="), Ok(Bytes::from_static(&[8, 9])));
        for wrong in ["AAAAAAI", "\0\0\0\0", "AAAAAAIICQ==="] {
            assert_eq!(message(wrong), Err(Code::InvalidArgument), "{wrong}");
        }
        let end = text.frame(Part::End(Status::ok())).into_data().unwrap();
        assert_eq!(decoded(&end).unwrap().split_at(PREFIX_BYTES).1, b"grpc-status: 0\r\n");
    }

    #[test]
    fn a_body_is_one_message() {
        let grpc = wire("application/grpc").unwrap();
        let message = |bytes: &'static [u8]| grpc.message(&Bytes::from_static(bytes)).map_err(|status| status.code);
        assert_eq!(message(&[0, 0, 0, 0, 2, 8, 9]), Ok(Bytes::from_static(&[8, 9])));
        assert_eq!(message(&[0, 0, 0, 0, 0]), Ok(Bytes::new()));
        assert_eq!(message(&[1, 0, 0, 0, 0]), Err(Code::Unimplemented));
        for wrong in [&[][..], &[0, 0], &[0, 0, 0, 0, 1], &[0, 0, 0, 0, 0, 0], &[0, 255, 255, 255, 255, 1]] {
            assert_eq!(message(wrong), Err(Code::InvalidArgument), "{wrong:?}");
        }
    }
}
