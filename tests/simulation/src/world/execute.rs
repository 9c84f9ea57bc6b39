//! Executing the core's commands, as the product's driver does.

use burgee_model::MemberMeta;
use burgee_replication::{
    core::{Command, Event, Note, SystemWrite},
    message::{Answer, News, PeerId, Question},
    wire::{Codec, Message, PROTOCOL},
};

use crate::{
    clock::micros,
    invariants,
    network::{End, Payload},
    node::{Merging, Process},
    say,
    schedule::{MS, SECOND},
    workload::Action,
    world::{NOTES_MAX, Occurrence, World},
};

/// How long a dial looks for somebody who is not there.
const DIAL: u64 = SECOND;

impl World {
    /// Tells a process's core what happened, and executes what it commands.
    pub fn handle(&mut self, slot: usize, event: Event) {
        let now = self.now;
        let machine = &mut self.slots[slot];
        let Some(process) = &mut machine.process else { return };
        let time = process.time(machine.wall, now);
        let commands = process.core.handle(event, &process.table, time);
        let end = End { slot, id: process.id };
        for command in commands {
            let last = matches!(command, Command::Reidentify(_) | Command::GiveUp(_));
            self.execute(end, command);
            if last {
                break;
            }
        }
    }

    fn process(&mut self, end: End) -> Option<&mut Process> {
        self.slots[end.slot].process.as_mut()
    }

    fn execute(&mut self, end: End, command: Command) {
        match command {
            Command::Send { to, news } => self.send(end, to, news),
            Command::Ask { to, request, question, timeout } => {
                self.after(micros(timeout), Occurrence::Timeout { by: end, request });
                self.ask(end, to, request, question);
            }
            Command::Answer { ticket, answer } => self.answer(end, ticket, answer),
            Command::Merge { merge, versions, from } => {
                let Some(process) = self.process(end) else { return };
                process.merges.push_back(Merging { merge, versions, from });
                let took = self.dice.below(2 * MS);
                self.after(took, Occurrence::Merge(end));
            }
            Command::Evict(versions) => self.evict(end, &versions),
            Command::Flush { flush } => self.flush(end, flush),
            Command::Write(write) => {
                if let (Some(process), SystemWrite::Member(MemberMeta { joining: false, .. })) =
                    (self.process(end), &write)
                {
                    process.accepted = true;
                }
                invariants::collection::decided(self, end.slot, &write);
                self.enqueue(end.slot, Action::System(write));
            }
            Command::Repeat => {
                say!(self, "n{} writes again what the others lack", end.slot);
                self.enqueue(end.slot, Action::Repeat);
            }
            Command::Dial(endpoint) => {
                let took = 2 * self.network.delay() + if self.is_there(end.slot, &endpoint) { 0 } else { DIAL };
                self.after(took, Occurrence::Dialled { by: end, endpoint });
            }
            Command::HangUp(peer) => {
                let changes = self.network.hang_up(end.id, peer);
                self.tell(changes);
            }
            other => self.set(end, other),
        }
    }

    /// Commands that change what the node is.
    fn set(&mut self, end: End, command: Command) {
        let Some(process) = self.process(end) else { return };
        match command {
            Command::SetClusterTime { offset_ms, outright } => self.set_cluster_time(end, offset_ms, outright),
            Command::SetReadiness(readiness) => {
                process.readiness = readiness.clone();
                say!(self, "n{} is {readiness:?}", end.slot);
                if readiness.ready {
                    self.joined(end.slot);
                }
                invariants::readiness::changed(self, end.slot);
            }
            Command::SetClockAhead(verdict) => {
                process.clock_ahead = verdict;
                say!(self, "n{}: clock ahead by {verdict:?}", end.slot);
            }
            Command::Resynchronised => {
                process.resync = false;
                if let Some(disk) = &mut self.slots[end.slot].disk {
                    disk.resync = false;
                }
                self.resynchronised(end);
                say!(self, "n{} is in line again", end.slot);
            }
            Command::Reidentify(missed) => self.reidentify(end, missed),
            Command::Told { peer, up_to } => self.told(end, peer, up_to),
            Command::GiveUp(why) => self.give_up(end, why),
            Command::Note(note) => self.note(end, note),
            _ => {}
        }
    }

    fn note(&mut self, end: End, note: Note) {
        say!(self, "n{} notes {note:?}", end.slot);
        if self.notes.len() == NOTES_MAX {
            self.notes.pop_front();
        }
        self.notes.push_back((end.slot, note));
    }

    fn send(&mut self, end: End, to: PeerId, news: News) {
        if let News::Hint { versions, .. } = &news {
            invariants::bounds::hinted(self, end.slot, to, versions);
        }
        self.transmit(end, to, Payload::News(news));
    }

    fn ask(&mut self, end: End, to: PeerId, request: u64, question: Question) {
        let Some(process) = self.process(end) else { return };
        if process.asked.insert(request, to).is_some() {
            self.violate("bounds", format!("n{} uses the request number {request} twice", end.slot));
        }
        self.transmit(end, to, Payload::Question { request, question });
    }

    fn answer(&mut self, end: End, ticket: u64, answer: Answer) {
        let Some(ticket) = self.process(end).and_then(|process| process.tickets.remove(&ticket)) else { return };
        self.transmit(end, ticket.asker, Payload::Answer { request: ticket.request, answer });
    }

    #[expect(clippy::needless_pass_by_value, reason = "what is sent is gone; each copy that travels is made here")]
    fn transmit(&mut self, end: End, to: PeerId, payload: Payload) {
        self.weigh(&payload);
        let droppable = matches!(payload, Payload::News(_));
        if self.trace.is_loud() {
            say!(self, "n{} -> {:?} {payload:?}", end.slot, to.node);
        }
        let Some(flight) = self.network.send(end.id, to, self.now, droppable) else { return };
        for at in flight.at {
            let frame = Occurrence::Frame { link: flight.link, to: flight.to, payload: payload.clone() };
            self.after(at - self.now, frame);
        }
    }

    /// Counts a frame, as the network would carry it.
    fn weigh(&mut self, payload: &Payload) {
        let message = match payload.clone() {
            Payload::News(news) => Message::News(news),
            Payload::Question { question, .. } => Message::Question(question),
            Payload::Answer { answer, .. } => Message::Answer(answer),
        };
        let bytes = Codec::new(usize::MAX).encode(PROTOCOL, &message).len() as u64;
        self.counts.frames += 1;
        self.counts.bytes += bytes;
        if message.kind() == "repair" {
            self.counts.repair_bytes += bytes;
        }
    }

    fn is_there(&self, from: usize, endpoint: &str) -> bool {
        let there = |n: usize| self.slots[n].process.is_some() && self.network.passes(from, n);
        self.slots.iter().position(|slot| slot.endpoint == endpoint).is_some_and(there)
    }
}
