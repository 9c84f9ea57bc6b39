//! A Markdown table of measurements.

use std::time::Duration;

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Bytes of the answer's body.
    pub bytes: usize,
    /// CPU microseconds of the server process a request.
    pub cpu_micros: f64,
    /// Requests a second.
    pub rate: f64,
    /// Half of the requests were answered within this.
    pub p50: Duration,
    /// Of a hundred, 99 were.
    pub p99: Duration,
    /// Resident memory of the server, in MiB.
    pub resident_mib: u64,
}

/// The rows as Markdown; `floor` gives the CPU of the bare reply that a row is compared with.
#[must_use]
pub fn markdown(rows: &[Row], floor: impl Fn(&Row) -> Option<f64>) -> String {
    let mut text = String::from(
        "| | bytes | CPU us/request | x bare | req/s | p50 us | p99 us | MiB |\n|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let ratio = floor(row).map_or_else(String::new, |floor| format!("{:.2}", row.cpu_micros / floor));
        text += &format!(
            "| {} | {} | {:.1} | {ratio} | {:.0} | {} | {} | {} |\n",
            row.name,
            row.bytes,
            row.cpu_micros,
            row.rate,
            row.p50.as_micros(),
            row.p99.as_micros(),
            row.resident_mib,
        );
    }
    text
}
