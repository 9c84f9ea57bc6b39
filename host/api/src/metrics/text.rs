//! Prometheus' text format, version 0.0.4. A writer of its own: some thirty lines against a dependency with a
//! registry, which would keep a second copy of numbers that other parts hold anyway.

use std::fmt::{Display, Write as _};

/// Whether a number only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It does, but for restarts.
    Counter,
    /// It does not.
    Gauge,
}

/// The text while it is written. (Writing to a text cannot fail, so results of that are dropped.)
#[derive(Default)]
pub(crate) struct Text(String);

/// One metric, to which samples are added.
pub(crate) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Text {
    /// Begins a metric. `help` is one line without backslashes.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Family { text: &mut self.0, name }
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// The only sample.
    pub(crate) fn value(&mut self, value: u64) {
        self.sample(&[], &value);
    }

    /// A sample with labels.
    pub(crate) fn labelled(&mut self, labels: &[(&str, &str)], value: u64) {
        self.sample(labels, &value);
    }

    /// A sample of milliseconds, shown as seconds without the errors of a division.
    pub(crate) fn seconds(&mut self, labels: &[(&str, &str)], ms: i64) {
        let sign = if ms < 0 { "-" } else { "" };
        let ms = ms.unsigned_abs();
        self.sample(labels, &format_args!("{sign}{}.{:03}", ms / 1000, ms % 1000));
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: &dyn Display) {
        self.text.push_str(self.name);
        for (at, (name, value)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{name}=\"{}\"", escaped(value));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_follow_their_metric() {
        let mut text = Text::default();
        text.family("a_total", Kind::Counter, "All a.").value(7);
        let mut b = text.family("b_seconds", Kind::Gauge, "Time.");
        b.seconds(&[("peer", "x\"\\\n")], -10_800_001);
        b.seconds(&[("peer", "y"), ("z", "")], 12);
        let expected = "# HELP a_total All a.\n# TYPE a_total counter\na_total 7\n\
            # HELP b_seconds Time.\n# TYPE b_seconds gauge\n\
            b_seconds{peer=\"x\\\"\\\\\\n\"} -10800.001\nb_seconds{peer=\"y\",z=\"\"} 0.012\n";
        assert_eq!(text.finish(), expected);
    }
}
