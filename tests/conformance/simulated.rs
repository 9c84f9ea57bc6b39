//! The simulator's network as a transport: its virtual time is made to follow the clock.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, mpsc},
    time::Instant,
};

use burgee_replication::transport::{InboxSender, Responder, inbox};
use burgee_simulation::{
    network::{Change, End, Flight, SWEEP},
    plan::NetworkPlan,
    rng::Rng,
    schedule::{MS, Micros, Schedule},
};
use tokio::sync::oneshot;

use super::*;

/// How often what has arrived by then is delivered.
const STEP: Duration = Duration::from_micros(200);
/// How long frames travel: from, and up to.
const DELAY: (Micros, Micros) = (20, MS);

/// A network without faults. Cloning is cheap; all clones are the same network.
#[derive(Clone)]
pub(crate) struct Simulated {
    state: Arc<Mutex<State>>,
    answers: mpsc::Sender<(PeerId, PeerId, Payload)>,
}

struct State {
    network: burgee_simulation::network::Network,
    schedule: Schedule<Occurrence>,
    started: Instant,
    nodes: Vec<(End, InboxSender)>,
    /// Questions under way, with who asks whom.
    asked: BTreeMap<u64, (PeerId, PeerId, oneshot::Sender<Bytes>)>,
    slots: usize,
    requests: u64,
}

enum Occurrence {
    Frame { link: u64, to: End, payload: Payload },
    Sweep,
}

#[derive(Clone)]
enum Payload {
    News(Bytes),
    Question(u64, Bytes),
    /// None where the peer did not want to answer.
    Answer(u64, Option<Bytes>),
}

impl Simulated {
    pub(crate) fn new() -> Self {
        let plan = NetworkPlan { delay: DELAY, loss: 0, duplicates: 0, reorder: false };
        let mut schedule = Schedule::default();
        schedule.put(SWEEP, Occurrence::Sweep);
        let state = State {
            network: burgee_simulation::network::Network::new(plan, Rng::new(1)),
            schedule,
            started: Instant::now(),
            nodes: Vec::new(),
            asked: BTreeMap::new(),
            slots: 0,
            requests: 0,
        };
        let (answers, answered) = mpsc::channel();
        let network = Self { state: Arc::new(Mutex::new(state)), answers };
        tokio::spawn(network.clone().run(answered));
        network
    }

    async fn run(self, answered: mpsc::Receiver<(PeerId, PeerId, Payload)>) {
        loop {
            sleep(STEP).await;
            for (own, asker, answer) in answered.try_iter() {
                self.lock().send(own, asker, &answer);
            }
            self.catch_up();
        }
    }

    fn catch_up(&self) {
        let mut state = self.lock();
        while let Some(occurrence) = state.due() {
            self.happens(occurrence, &mut state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn happens(&self, occurrence: Occurrence, state: &mut State) {
        match occurrence {
            Occurrence::Sweep => state.sweep(),
            Occurrence::Frame { link, to, payload } => {
                let Some(from) = state.network.arrives(link, to) else { return };
                match payload {
                    Payload::News(frame) => state.deliver(to, from, frame, None),
                    Payload::Question(number, frame) => {
                        let responder = self.responder(to.id, from, number);
                        state.deliver(to, from, frame, Some(responder));
                    }
                    Payload::Answer(number, answer) => state.answered(number, answer),
                }
            }
        }
    }

    /// Answers by the network; dropped, it sends that there is no answer.
    fn responder(&self, own: PeerId, asker: PeerId, number: u64) -> Responder {
        let unanswered = Unanswered { answers: self.answers.clone(), own, asker, number, answer: None };
        Responder::new(move |frame| unanswered.with(frame))
    }
}

/// An answer that is sent when this is dropped, which may be in the middle of a step.
struct Unanswered {
    answers: mpsc::Sender<(PeerId, PeerId, Payload)>,
    own: PeerId,
    asker: PeerId,
    number: u64,
    answer: Option<Bytes>,
}

impl Unanswered {
    fn with(mut self, frame: Bytes) {
        self.answer = Some(frame);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let answer = Payload::Answer(self.number, self.answer.take());
        // The network may have ended.
        let _ = self.answers.send((self.own, self.asker, answer));
    }
}

impl State {
    fn now(&self) -> Micros {
        Micros::try_from(self.started.elapsed().as_micros()).unwrap()
    }

    fn due(&mut self) -> Option<Occurrence> {
        let now = self.now();
        self.schedule.next_before(now).map(|(_, occurrence)| occurrence)
    }

    fn send(&mut self, from: PeerId, to: PeerId, payload: &Payload) -> bool {
        let now = self.now();
        let droppable = matches!(payload, Payload::News(_));
        let Some(Flight { link, to, at }) = self.network.send(from, to, now, droppable) else { return false };
        for at in at {
            self.schedule.put(at, Occurrence::Frame { link, to, payload: payload.clone() });
        }
        true
    }

    fn inbox(&self, end: End) -> Option<&InboxSender> {
        self.nodes.iter().find(|(node, _)| *node == end).map(|(_, inbox)| inbox)
    }

    fn deliver(&self, to: End, from: PeerId, frame: Bytes, responder: Option<Responder>) {
        if let Some(inbox) = self.inbox(to) {
            inbox.frame(from, frame, responder);
        }
    }

    fn answered(&mut self, number: u64, answer: Option<Bytes>) {
        if let (Some((.., asker)), Some(answer)) = (self.asked.remove(&number), answer) {
            // It may have given up.
            let _ = asker.send(answer);
        }
    }

    fn sweep(&mut self) {
        let now = self.now();
        let nodes = &self.nodes;
        let changes = self.network.sweep(now, |end| nodes.iter().any(|(node, _)| *node == end));
        self.tell(&changes);
        self.schedule.put(now + SWEEP, Occurrence::Sweep);
    }

    /// Tells who comes and goes; what was asked of who is gone fails.
    fn tell(&mut self, changes: &[Change]) {
        for Change { at, peer, up } in changes {
            if let Some(inbox) = self.inbox(*at) {
                inbox.membership(if *up { Membership::Up(*peer) } else { Membership::Down(*peer) });
            }
            if !up {
                self.asked.retain(|_, (by, of, _)| (*by, *of) != (at.id, *peer));
            }
        }
    }
}

/// One node's end. Dropping it leaves the network.
pub(crate) struct SimulatedTransport {
    network: Simulated,
    own: End,
}

fn endpoint(slot: usize) -> String {
    format!("simulated/{slot}")
}

impl Network for Simulated {
    type Transport = SimulatedTransport;

    async fn node(&self, number: u8, limits: &ReplicationLimits) -> Node<SimulatedTransport> {
        let refusals = Arc::new(Refusals::default());
        let (sender, inbox) = inbox(limits, Arc::clone(&refusals));
        let mut state = self.lock();
        state.slots += 1;
        let own = End { slot: state.slots, id: id(number) };
        state.nodes.push((own, sender));
        let transport = SimulatedTransport { network: self.clone(), own };
        Node { id: own.id, endpoint: endpoint(own.slot), transport, inbox, refusals }
    }
}

impl SimulatedTransport {
    fn leave(&self) {
        let mut state = self.network.lock();
        let before = state.nodes.len();
        state.nodes.retain(|(node, _)| *node != self.own);
        if state.nodes.len() < before {
            let changes = state.network.leave(self.own.id);
            state.tell(&changes);
            state.asked.retain(|_, (by, ..)| *by != self.own.id);
        }
    }
}

impl Drop for SimulatedTransport {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Transport for SimulatedTransport {
    async fn dial(&self, to: &str) -> Result<PeerId, DialError> {
        let there = 2 * self.network.lock().network.delay();
        sleep(Duration::from_micros(there)).await;
        let mut state = self.network.lock();
        let callee = state.nodes.iter().map(|(end, _)| *end).find(|end| endpoint(end.slot) == to);
        let callee = callee.ok_or_else(|| DialError::Unreachable(to.to_owned()))?;
        if callee != self.own {
            let changes = state.network.connect(self.own, callee);
            state.tell(&changes);
        }
        Ok(callee.id)
    }

    fn hang_up(&self, peer: PeerId) {
        let mut state = self.network.lock();
        let changes = state.network.hang_up(self.own.id, peer);
        state.tell(&changes);
    }

    fn send(&self, to: PeerId, frame: Bytes) -> bool {
        self.network.lock().send(self.own.id, to, &Payload::News(frame))
    }

    async fn request(&self, to: PeerId, frame: Bytes, wait: Duration) -> Result<Bytes, RequestError> {
        let answer = {
            let mut state = self.network.lock();
            state.requests += 1;
            let (number, (sender, answer)) = (state.requests, oneshot::channel());
            state.asked.insert(number, (self.own.id, to, sender));
            if !state.send(self.own.id, to, &Payload::Question(number, frame)) {
                state.asked.remove(&number);
            }
            answer
        };
        match timeout(wait, answer).await {
            Ok(answer) => answer.map_err(|_| RequestError::Unreachable),
            Err(_) => Err(RequestError::TimedOut),
        }
    }

    async fn close(&self) {
        self.leave();
    }
}
