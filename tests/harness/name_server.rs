//! A server of DNS, over UDP on loopback, whose records the test changes.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use hickory_proto::{
    op::{Message, OpCode, Query, ResponseCode},
    rr::{
        Name, RData, Record,
        rdata::{A, AAAA, SRV},
    },
};

/// How often the server looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(20);

type Zone = BTreeMap<Name, Vec<RData>>;

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct NameServer {
    /// Where it answers.
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    asked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// One record.
#[derive(Clone, Debug)]
pub enum Entry<'a> {
    /// An address.
    Address(IpAddr),
    /// A service: the name of its host, and its port.
    Service(&'a str, u16),
}

impl NameServer {
    /// A server without records.
    #[must_use]
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    /// The same at an address.
    #[must_use]
    pub fn start_at(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(LOOK)).unwrap();
        let address = socket.local_addr().unwrap();
        let (zone, asked, stop) = (Arc::<Mutex<Zone>>::default(), Arc::default(), Arc::<AtomicBool>::default());
        let thread = thread::spawn({
            let (zone, asked, stop) = (Arc::clone(&zone), Arc::clone(&asked), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Acquire) {
                    answer(&socket, &zone, &asked);
                }
            }
        });
        Self { address, zone, asked, stop, thread: Some(thread) }
    }

    /// These are the records of a name; none takes it away.
    pub fn set(&self, name: &str, entries: &[Entry]) {
        let records: Vec<RData> = entries.iter().map(Entry::record).collect();
        let mut zone = self.zone.lock().unwrap();
        match records.is_empty() {
            true => zone.remove(&full(name)),
            false => zone.insert(full(name), records),
        };
    }

    /// How many questions came.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Acquire)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Entry<'_> {
    fn record(&self) -> RData {
        match self {
            Self::Address(IpAddr::V4(address)) => RData::A(A(*address)),
            Self::Address(IpAddr::V6(address)) => RData::AAAA(AAAA(*address)),
            Self::Service(host, port) => RData::SRV(SRV::new(0, 0, *port, full(host))),
        }
    }
}

fn full(name: &str) -> Name {
    let mut name = Name::from_utf8(name).unwrap().to_lowercase();
    name.set_fqdn(true);
    name
}

fn answer(socket: &UdpSocket, zone: &Mutex<Zone>, asked: &AtomicUsize) {
    let mut question = [0; 4096];
    let Ok((bytes, from)) = socket.recv_from(&mut question) else { return };
    let Ok(question) = Message::from_vec(&question[..bytes]) else { return };
    let Some(query) = question.queries.first() else { return };
    asked.fetch_add(1, Ordering::AcqRel);
    let answer = answer_of(question.metadata.id, query, &zone.lock().unwrap());
    // who asked may be gone
    let _ = socket.send_to(&answer.to_vec().unwrap(), from);
}

fn answer_of(id: u16, query: &Query, zone: &Zone) -> Message {
    let mut answer = Message::response(id, OpCode::Query);
    answer.metadata.authoritative = true;
    answer.add_query(query.clone());
    let Some(records) = zone.get(&query.name().to_lowercase()) else {
        answer.metadata.response_code = ResponseCode::NXDomain;
        return answer;
    };
    for record in records.iter().filter(|record| record.record_type() == query.query_type()) {
        answer.add_answer(Record::from_rdata(query.name().clone(), 1, record.clone()));
    }
    answer
}
