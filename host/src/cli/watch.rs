//! `watch`: changes as they happen. A stream that breaks is opened again after the last thing heard, so that nothing is
//! missed; where a node cannot tell what was, it says `reset`.

use std::{
    io::{BufReader, Read},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::{
    Failure, Output, Target,
    client::{Opened, segment},
    output,
    sse::{self, Event},
    values,
};

/// How long a node may be silent: it gives a sign of life every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// Waits between attempts to open a broken stream again: the first, doubled each time, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Events read ahead of what is printed; a reader that is slower slows the stream down.
const EVENTS_AHEAD: usize = 64;

/// `burgee watch`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee watch                        every config entry of the environment
  burgee watch checkout/              those whose keys begin so
  burgee watch --kind flag --output json")]
pub(super) struct Watch {
    /// Only what has a key that begins so
    #[arg(default_value = "", value_parser = values::prefix)]
    prefix: String,
    /// What to follow
    #[arg(long, value_enum, default_value_t = Kind::Config)]
    kind: Kind,
    /// End after so many changes
    #[arg(long, value_name = "CHANGES")]
    count: Option<u64>,
    #[command(flatten)]
    target: Target,
}

/// What changes are about.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    Flag,
    Segment,
    Environment,
    Tenant,
    All,
}

impl Watch {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let (mut last, mut left) = (None::<String>, self.count.unwrap_or(u64::MAX));
        let mut events = match self.open(None)? {
            Opened::Stream(events) => events,
            Opened::Refused(answer) => return Err(answer.failure()),
        };
        while left > 0 {
            match events.recv_timeout(SILENCE) {
                Ok(event) => {
                    left -= u64::from(self.print(&event)?);
                    last = event.id.or(last);
                }
                Err(why) => events = self.open_again(last.as_deref(), why)?,
            }
        }
        Ok(())
    }

    fn path(&self) -> String {
        let kind = match self.kind.to_possible_value() {
            Some(kind) if self.kind != Kind::All => format!("&kind={}", kind.get_name()),
            _ => String::new(),
        };
        format!("{}/watch?prefix={}{kind}", self.target.environment_path(), segment(&self.prefix))
    }

    /// Opens the stream, after what was heard last.
    fn open(&self, last: Option<&str>) -> Result<Opened<Receiver<Event>>, Failure> {
        let opened = self.target.open(&self.path(), last.map(|id| ("last-event-id", id)))?;
        Ok(match opened {
            Opened::Stream(stream) => Opened::Stream(events(stream)),
            Opened::Refused(answer) => Opened::Refused(answer),
        })
    }

    /// The same, as often as it takes, unless the node says that it never will.
    fn open_again(&self, last: Option<&str>, why: RecvTimeoutError) -> Result<Receiver<Event>, Failure> {
        let why = match why {
            RecvTimeoutError::Timeout => "the node is silent",
            RecvTimeoutError::Disconnected => "the stream ended",
        };
        let mut wait = WAITS.0;
        loop {
            output::error(&format!("burgee: watch: {why}; again in {wait:?}"));
            thread::sleep(wait);
            wait = (wait * 2).min(WAITS.1);
            match self.open(last) {
                Ok(Opened::Stream(events)) => return Ok(events),
                Ok(Opened::Refused(answer)) if answer.is_final() => return Err(answer.failure()),
                Err(usage @ Failure::Usage(_)) => return Err(usage),
                Ok(Opened::Refused(_)) | Err(Failure::Refused(_)) => {}
            }
        }
    }

    /// Prints an event; whether it is a change.
    fn print(&self, event: &Event) -> Result<bool, Failure> {
        let Some(data) = &event.data else { return Ok(false) };
        let Ok(data) = serde_json::from_str::<Json>(data) else { return Ok(false) };
        let line = match self.target.output {
            Output::Text => in_words(&event.name, &data),
            Output::Json => json!({ "event": event.name, "data": data }).to_string(),
        };
        output::line(&line)?;
        Ok(event.name == "change")
    }
}

/// The events of a stream. What reads them ends with the stream, or once nobody wants them any more.
fn events(stream: Box<dyn Read + Send>) -> Receiver<Event> {
    let (tell, told) = mpsc::sync_channel(EVENTS_AHEAD);
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        while let Ok(Some(event)) = sse::next(&mut stream) {
            if tell.send(event).is_err() {
                return;
            }
        }
    });
    told
}

/// An event as a line: what happened, to what. Of an entry, its key is enough.
fn in_words(name: &str, data: &Json) -> String {
    let text = |value: &Json| value.as_str().map(str::to_owned);
    let register = &data["register"];
    let place: Vec<String> = match text(&register["kind"]).as_deref() {
        Some("config") => text(&register["key"]).into_iter().collect(),
        _ => ["kind", "key", "environment", "field"].iter().filter_map(|part| text(&register[part])).collect(),
    };
    let what = text(&data["op"]).or_else(|| text(&data["reason"]).map(|reason| format!("{name} {reason}")));
    [what.unwrap_or_else(|| name.to_owned())].into_iter().chain(place).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_in_words() {
        let entry = json!({ "register": { "kind": "config", "key": "a b", "environment": "e" }, "op": "expire" });
        assert_eq!(in_words("change", &entry), "expire a b");
        let flag =
            json!({ "register": { "kind": "flag", "key": "f", "environment": "e", "field": "state" }, "op": "put" });
        assert_eq!(in_words("change", &flag), "put flag f e state");
        assert_eq!(in_words("reset", &json!({ "reason": "too_old" })), "reset too_old");
        let conflict = json!({ "register": { "kind": "flag", "key": "f" }, "winner": {}, "losers": [] });
        assert_eq!(in_words("conflict", &conflict), "conflict flag f");
    }
}
