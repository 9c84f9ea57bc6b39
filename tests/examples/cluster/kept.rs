//! Requests over a kept connection, with as little between the clock and the wire as there can be.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use harness::{TOKEN, node::Node};

/// A kept connection to a node.
pub(crate) struct Kept {
    reader: BufReader<TcpStream>,
    address: String,
    body: Vec<u8>,
}

impl Kept {
    pub(crate) fn to(node: &Node) -> Self {
        let stream = TcpStream::connect(&node.http).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream), address: node.http.clone(), body: Vec::new() }
    }

    /// Sends a request and gives status and body.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, &[u8]) {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.reader.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        self.reader.read_line(&mut line).unwrap();
        let status = line[9..12].parse().unwrap();
        loop {
            line.clear();
            self.reader.read_line(&mut line).unwrap();
            let field = line.trim_end().to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            if let Some(value) = field.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        self.body.resize(length, 0);
        self.reader.read_exact(&mut self.body).unwrap();
        (status, &self.body)
    }
}
