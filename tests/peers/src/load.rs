//! A bounded load over kept connections: a fixed number of requests, every answer read and checked.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

/// What to send.
#[derive(Clone, Debug)]
pub struct Target {
    /// `address:port`
    pub address: String,
    /// The path.
    pub path: String,
    /// More header lines, each with its line end.
    pub headers: String,
    /// The body.
    pub body: String,
    /// The status that every answer must have.
    pub status: u16,
}

impl Target {
    fn bytes(&self) -> Vec<u8> {
        let Self { address, path, headers, body, .. } = self;
        format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Time of each request, sorted.
    pub latencies: Vec<Duration>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Bytes of one answer's body.
    pub body_bytes: usize,
}

impl Outcome {
    /// The time within which this share, in hundredths of a percent, was answered.
    #[must_use]
    pub fn percentile(&self, hundredths: usize) -> Duration {
        let at = self.latencies.len().saturating_mul(hundredths) / 10_000;
        self.latencies.get(at.min(self.latencies.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// Requests a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends `requests` over `connections`, each waiting for its answer before it sends the next.
pub fn run(target: &Target, connections: usize, requests: usize) -> io::Result<Outcome> {
    let start = Instant::now();
    let each = requests.div_ceil(connections.max(1));
    let results: Vec<io::Result<(Vec<Duration>, usize)>> = thread::scope(|scope| {
        let one = |_| scope.spawn(move || connection(target, each));
        let threads: Vec<_> = (0..connections).map(one).collect();
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))).collect()
    });
    let mut outcome = Outcome { elapsed: start.elapsed(), ..Outcome::default() };
    for result in results {
        let (latencies, bytes) = result?;
        outcome.latencies.extend(latencies);
        outcome.body_bytes = bytes;
    }
    outcome.latencies.sort_unstable();
    Ok(outcome)
}

fn connection(target: &Target, requests: usize) -> io::Result<(Vec<Duration>, usize)> {
    let stream = TcpStream::connect(&target.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (mut writer, mut reader) = (stream.try_clone()?, BufReader::with_capacity(64 << 10, stream));
    let (bytes, mut body) = (target.bytes(), Vec::new());
    let mut latencies = Vec::with_capacity(requests);
    for _ in 0..requests {
        let start = Instant::now();
        writer.write_all(&bytes)?;
        let status = read_answer(&mut reader, &mut body)?;
        latencies.push(start.elapsed());
        if status != target.status {
            return Err(io::Error::other(format!("status {status}: {}", String::from_utf8_lossy(&body))));
        }
    }
    Ok((latencies, body.len()))
}

/// Reads one answer; its body replaces what `body` held. Gives the status.
pub fn read_answer(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<u16> {
    let (mut line, mut length, mut chunked) = (String::new(), 0, false);
    reader.read_line(&mut line)?;
    let status = line.get(9..12).and_then(|code| code.parse().ok()).ok_or_else(|| io::Error::other(line.clone()))?;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let field = line.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length: ") {
            length = value.parse().map_err(io::Error::other)?;
        }
        chunked |= field == "transfer-encoding: chunked";
    }
    body.clear();
    if !chunked {
        body.resize(length, 0);
        reader.read_exact(body)?;
        return Ok(status);
    }
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + length + 2, 0);
        reader.read_exact(&mut body[start..])?;
        body.truncate(start + length);
        if length == 0 {
            return Ok(status);
        }
    }
}
