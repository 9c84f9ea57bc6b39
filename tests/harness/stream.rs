//! A reader of server-sent events.

use std::{
    io::{BufRead, BufReader},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use ureq::Agent;

/// One event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its data.
    pub data: Json,
}

/// An open stream. It is read on a thread that ends with the node.
#[derive(Debug)]
pub struct Stream(Receiver<Event>);

impl Stream {
    /// Opens a stream, resuming after an id where one is given.
    #[must_use]
    pub fn open(url: &str, token: &str, last_event_id: Option<&str>) -> Self {
        let agent: Agent = Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
        let mut request = agent.get(url).header("authorization", format!("Bearer {token}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.call().unwrap();
        assert_eq!(response.status(), 200, "{url}");
        assert_eq!(response.headers()["content-type"], "text/event-stream", "{url}");
        let (sender, receiver) = channel();
        let reader = BufReader::new(response.into_body().into_reader());
        thread::spawn(move || {
            let mut event = Event::default();
            for line in reader.lines().map_while(Result::ok) {
                match line.split_once(':').map_or((line.as_str(), ""), |(n, v)| (n, v.trim_start())) {
                    ("event", name) => event.name = name.to_owned(),
                    ("id", id) => event.id = Some(id.to_owned()),
                    ("data", data) => event.data = serde_json::from_str(data).unwrap(),
                    // an empty line ends an event; one without receiver ends the reader
                    ("", "") if !event.name.is_empty() => match sender.send(std::mem::take(&mut event)) {
                        Ok(()) => {}
                        Err(_) => return,
                    },
                    _ => {}
                }
            }
        });
        Self(receiver)
    }

    /// The next event, whatever it is.
    #[must_use]
    pub fn next(&self, bound: Duration) -> Option<Event> {
        self.0.recv_timeout(bound).ok()
    }

    /// Whether the stream comes to its end in time.
    #[must_use]
    pub fn ends(&self, bound: Duration) -> bool {
        let start = Instant::now();
        loop {
            match self.0.recv_timeout(bound.saturating_sub(start.elapsed())) {
                Ok(_) => {}
                Err(error) => return error == RecvTimeoutError::Disconnected,
            }
        }
    }

    /// The next event that fits; panics with those seen when the bound has passed.
    #[must_use]
    pub fn wait_for(&self, what: &str, bound: Duration, mut fits: impl FnMut(&Event) -> bool) -> Event {
        let (start, mut seen) = (Instant::now(), Vec::new());
        while let Some(event) = self.next(bound.saturating_sub(start.elapsed())) {
            if fits(&event) {
                return event;
            }
            seen.push(event);
        }
        panic!("no event {what} within {bound:?}; seen: {seen:?}");
    }
}
