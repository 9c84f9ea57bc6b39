//! The UDP socket that many QUIC connections share, made so that a dead peer does not use it up.
//!
//! The system keeps datagrams for a host that is gone from the local network until it gives its address up,
//! seconds later. They count against the buffer of the socket that sent them, and once that is full nothing
//! goes out to anybody. So whoever was not heard for a while gets but a few datagrams; those above are lost,
//! as on any network, and QUIC sends them again.

use std::{
    collections::HashMap,
    fmt,
    io::{self, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use quinn::{
    AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller,
    udp::{RecvMeta, Transmit, UdpSocketState},
};

/// After so long without a datagram from a peer, it is spared.
const SILENCE: Duration = Duration::from_millis(250);
/// Datagrams to a silent peer in each [`PERIOD`]: enough for a handshake and for the first words after a pause.
const ALLOWANCE: usize = 32;
/// See [`ALLOWANCE`].
const PERIOD: Duration = Duration::from_secs(1);
/// Addresses that are remembered. Forgetting one costs nothing but a new allowance.
const ADDRESSES_MAX: usize = 4096;
/// Bytes that are asked of the system for what is sent and received; it gives what it allows.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A bound socket.
pub(super) struct SparingSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    contacts: Mutex<Contacts>,
}

impl SparingSocket {
    /// Binds an address.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Arc<Self>> {
        let socket = UdpSocket::bind(address)?;
        let state = UdpSocketState::new((&socket).into())?;
        for set in [UdpSocketState::set_send_buffer_size, UdpSocketState::set_recv_buffer_size] {
            if let Err(error) = set(&state, (&socket).into(), BUFFER_BYTES) {
                tracing::debug!(%error, "the buffer of a socket stays as it is");
            }
        }
        Ok(Arc::new(Self { socket: TokioRuntime.wrap_udp_socket(socket)?, contacts: Mutex::default() }))
    }

    fn contacts(&self) -> MutexGuard<'_, Contacts> {
        self.contacts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SparingSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SparingSocket").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for SparingSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let datagrams = transmit.segment_size.map_or(1, |size| transmit.contents.len().div_ceil(size.max(1)));
        let is_due = self.contacts().sends(transmit.destination, datagrams, Instant::now());
        if is_due { self.socket.try_send(transmit) } else { Ok(()) }
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(context, buffers, meta);
        if let Poll::Ready(Ok(count)) = &received {
            let (now, mut contacts) = (Instant::now(), self.contacts());
            meta.iter().take(*count).for_each(|meta| contacts.hears(meta.addr, now));
        }
        received
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}

/// Who was heard and sent to, by address.
#[derive(Default)]
struct Contacts(HashMap<SocketAddr, Contact>);

struct Contact {
    heard: Option<Instant>,
    /// Since when the datagrams are counted.
    since: Instant,
    sent: usize,
}

impl Contacts {
    fn hears(&mut self, from: SocketAddr, now: Instant) {
        // Only those to whom something was sent, so that forged addresses take no room.
        if let Some(contact) = self.0.get_mut(&from) {
            contact.heard = Some(now);
        }
    }

    /// Whether as many datagrams may go to an address now.
    fn sends(&mut self, to: SocketAddr, datagrams: usize, now: Instant) -> bool {
        if self.0.len() >= ADDRESSES_MAX && !self.0.contains_key(&to) {
            self.0.clear();
        }
        let contact = self.0.entry(to).or_insert(Contact { heard: None, since: now, sent: 0 });
        if contact.heard.is_some_and(|heard| now.saturating_duration_since(heard) < SILENCE) {
            (contact.since, contact.sent) = (now, 0);
            return true;
        }
        if now.saturating_duration_since(contact.since) >= PERIOD {
            (contact.since, contact.sent) = (now, 0);
        }
        contact.sent += datagrams;
        contact.sent <= ALLOWANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    #[test]
    fn a_silent_peer_gets_its_allowance_and_one_that_is_heard_gets_all() {
        let (mut contacts, start) = (Contacts::default(), Instant::now());
        let sent = |contacts: &mut Contacts, at| (0..100).filter(|_| contacts.sends(address(1), 1, at)).count();
        assert_eq!(sent(&mut contacts, start), ALLOWANCE, "never heard");
        assert_eq!(sent(&mut contacts, start + PERIOD / 2), 0);
        assert_eq!(sent(&mut contacts, start + PERIOD), ALLOWANCE, "the next period");
        contacts.hears(address(1), start + PERIOD);
        assert_eq!(sent(&mut contacts, start + PERIOD), 100, "heard");
        let silent = start + PERIOD + SILENCE;
        assert_eq!(sent(&mut contacts, silent), ALLOWANCE, "silent again");
        assert!(contacts.sends(address(2), ALLOWANCE, silent), "others have their own");
        assert!(!contacts.sends(address(2), 1, silent));
    }

    #[test]
    fn strangers_take_no_room() {
        let (mut contacts, now) = (Contacts::default(), Instant::now());
        (0..10).for_each(|port| contacts.hears(address(port), now));
        assert!(contacts.0.is_empty());
        for number in 0..=u16::try_from(ADDRESSES_MAX).unwrap() {
            assert!(contacts.sends(address(number), 1, now));
        }
        assert!(contacts.0.len() <= ADDRESSES_MAX);
    }
}
