//! Bytes on the cluster port: a client that says whatever it likes, and a tap that overhears two nodes.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::node::Node;

/// The most bytes that a tap keeps.
const TAPE_BYTES_MAX: usize = 64 << 20;

/// `address:port` of a node's cluster port on loopback.
#[must_use]
pub fn port(node: &Node) -> String {
    let endpoint = node.cluster.as_deref().expect("it takes part in a cluster");
    endpoint.strip_prefix("tcp/").expect("on loopback").to_owned()
}

/// Says these bytes to a node's cluster port, listens for a moment and goes; a node that hangs up early is right
/// to do so.
pub fn say(node: &Node, bytes: &[u8]) {
    // Words over clear text that are not its peers' may make it take a new identity: then its port is closed for a moment.
    let patience = Instant::now() + Duration::from_secs(5);
    let mut stream = loop {
        match TcpStream::connect(port(node)) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < patience, "{error}"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let _ = stream.write_all(bytes);
    let _ = stream.read(&mut [0; 4_096]);
}

/// A wire between whoever connects and a node, which remembers what the connecting side said.
#[derive(Debug)]
pub struct Tap {
    /// `tcp/address:port`, to join by.
    pub endpoint: String,
    tapes: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tap {
    /// A tap on a node's cluster port. Its threads end with the connections.
    #[must_use]
    pub fn on(node: &Node) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp/{}", listener.local_addr().unwrap());
        let (target, tapes) = (port(node), Arc::new(Mutex::new(Vec::new())));
        let kept = tapes.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Ok(other) = TcpStream::connect(&target) else { continue };
                let number = {
                    let mut tapes: std::sync::MutexGuard<'_, Vec<Vec<u8>>> = kept.lock().unwrap();
                    tapes.push(Vec::new());
                    tapes.len() - 1
                };
                let (back, ours) = (other.try_clone().unwrap(), stream.try_clone().unwrap());
                let kept = kept.clone();
                thread::spawn(move || forward(&stream, &other, |bytes| record(&kept, number, bytes)));
                thread::spawn(move || forward(&back, &ours, |_| {}));
            }
        });
        Self { endpoint, tapes }
    }

    /// What was said over each connection so far, in the order of connecting.
    #[must_use]
    pub fn tapes(&self) -> Vec<Vec<u8>> {
        self.tapes.lock().unwrap().clone()
    }
}

fn record(tapes: &Mutex<Vec<Vec<u8>>>, number: usize, bytes: &[u8]) {
    let tape = &mut tapes.lock().unwrap()[number];
    let room = TAPE_BYTES_MAX.saturating_sub(tape.len());
    tape.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

fn forward(mut from: &TcpStream, mut to: &TcpStream, mut tap: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        tap(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
