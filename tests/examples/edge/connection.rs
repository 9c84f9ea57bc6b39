//! A connection, of HTTP/1.1 or by frames of HTTP/2, that costs its client little: a thousand of them must not measure
//! the client.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An open connection.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::with_capacity(1024) }
    }

    pub(crate) async fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.unwrap();
    }

    /// Reads until a text has come; what came up to there is forgotten.
    pub(crate) async fn until(&mut self, text: &str) {
        loop {
            if let Some(at) = self.read.windows(text.len()).position(|window| window == text.as_bytes()) {
                self.read.drain(..at + text.len());
                return;
            }
            let read = self.stream.read_buf(&mut self.read).await.unwrap();
            assert!(read > 0, "the end before {text:?}: {}", String::from_utf8_lossy(&self.read));
        }
    }

    /// Reads an answer with a length; gives its status.
    pub(crate) async fn answer(&mut self) -> u16 {
        let head = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let read = self.stream.read_buf(&mut self.read).await.unwrap();
            assert!(read > 0, "an answer");
        };
        let text = String::from_utf8_lossy(&self.read[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let (length, status) = (length.trim().parse::<usize>().unwrap(), text[9..12].parse().unwrap());
        while self.read.len() < head + length {
            assert!(self.stream.read_buf(&mut self.read).await.unwrap() > 0, "a body");
        }
        self.read.drain(..head + length);
        status
    }
}

/// A POST with a body of JSON.
pub(crate) fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
