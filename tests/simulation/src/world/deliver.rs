//! What reaches processes: ticks, frames, links, answers to dials.

use burgee_model::Millis;
use burgee_replication::{core::Event, message::Answer};

use crate::{
    invariants,
    network::{Change, End, Payload},
    node::{BACKLOG_FRAMES, Slot, Ticket},
    say,
    schedule::MS,
    world::{Occurrence, TICK, World},
};

/// Questions of others that may wait for an answer at once.
const TICKETS_MAX: usize = 1024;

impl Slot {
    /// Keeps what happens to a stopped process until it goes on.
    pub(super) fn wait(&mut self, what: Occurrence) {
        let is_frame = matches!(what, Occurrence::Frame { .. });
        if !is_frame || self.backlog.len() < BACKLOG_FRAMES {
            self.backlog.push_back(what);
        }
    }
}

impl World {
    pub(super) fn tick(&mut self, end: End) {
        let jitter = self.dice.below(10 * MS);
        self.after(TICK + jitter, Occurrence::Tick(end));
        self.lapse(end.slot);
        self.find();
        self.handle(end.slot, Event::Tick);
        invariants::bounds::check(self, end.slot);
    }

    /// What the host does at deadlines: it feeds each expiry.
    fn lapse(&mut self, slot: usize) {
        let now = self.now;
        let Slot { wall, process: Some(process), .. } = &mut self.slots[slot] else { return };
        let cluster = process.time(*wall, now).cluster;
        self.lapse_until(slot, cluster);
        invariants::ttl::looked(self, slot, cluster);
    }

    /// Feeds the expiries up to a time.
    pub(super) fn lapse_until(&mut self, slot: usize, until: Millis) {
        loop {
            let Some(process) = &mut self.slots[slot].process else { return };
            let Some(version) = process.table.lapse(until) else { return };
            self.counts.lapsed += 1;
            invariants::ttl::lapsed(self, slot, &version, until);
        }
    }

    pub(super) fn arrive(&mut self, link: u64, to: End, payload: Payload) {
        let Some(from) = self.network.arrives(link, to) else { return };
        let now = self.now;
        let Some(process) = &mut self.slots[to.slot].process else { return };
        let event = match payload {
            Payload::News(news) => Event::News { from, news },
            Payload::Question { .. } if process.tickets.len() >= TICKETS_MAX => return,
            Payload::Question { request, question } => {
                process.last_ticket += 1;
                let ticket = process.last_ticket;
                process.tickets.insert(ticket, Ticket { asker: from, request, since: now });
                Event::Asked { from, ticket, question }
            }
            Payload::Answer { request, answer } => {
                if process.asked.get(&request) != Some(&from) {
                    return;
                }
                process.asked.remove(&request);
                if matches!(answer, Answer::Compared { ready: true, .. }) {
                    process.seen.reach.met_ready = true;
                    if !process.accepted {
                        process.level_with = Some(from);
                    }
                }
                Event::Answered { request, answer: Some(answer) }
            }
        };
        self.handle(to.slot, event);
    }

    pub(super) fn timed_out(&mut self, by: End, request: u64) {
        let Some(process) = &mut self.slots[by.slot].process else { return };
        if process.asked.remove(&request).is_some() {
            self.handle(by.slot, Event::Answered { request, answer: None });
        }
    }

    pub(super) fn changed(&mut self, Change { at, peer, up }: Change) {
        say!(self, "n{} {} {:?}", at.slot, if up { "reaches" } else { "lost" }, peer.node);
        if let Some(process) = self.slots[at.slot].process.as_mut().filter(|process| !up && !process.accepted) {
            // It did not join by one that it lost before.
            process.level_with = process.level_with.filter(|by| *by != peer);
        }
        if let Some(process) = &mut self.slots[at.slot].process {
            process.seen.reach.linked(peer, up);
        }
        self.handle(at.slot, if up { Event::Up(peer) } else { Event::Down(peer) });
    }

    pub(super) fn dialled(&mut self, by: End, endpoint: String) {
        let callee = self.slots.iter().position(|slot| slot.endpoint == endpoint);
        let callee = callee.and_then(|slot| {
            let id = self.slots[slot].process.as_ref()?.id;
            let passes = self.network.passes(by.slot, slot) && self.network.passes(slot, by.slot);
            (passes && !self.slots[slot].paused).then_some(End { slot, id })
        });
        let peer = callee.map(|callee| callee.id);
        if let Some(callee) = callee.filter(|callee| callee.id != by.id) {
            let changes = self.network.connect(by, callee);
            self.tell(changes);
        }
        self.handle(by.slot, Event::Dialled { endpoint, peer });
    }
}
