//! Reading `/metrics`.

use crate::http::Client;

/// The sum of a metric over its series that bear all of these labels, given as `name="value"`; 0 where there are
/// none.
#[must_use]
pub fn metric(client: &Client, name: &str, labels: &[&str]) -> f64 {
    sum(&client.get("/metrics").expect(200).text(), name, labels)
}

fn sum(text: &str, name: &str, labels: &[&str]) -> f64 {
    let series = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    let fits = |key: &str| {
        let (own, rest) = key.split_once('{').unwrap_or((key, ""));
        own == name && labels.iter().all(|label| rest.contains(label))
    };
    series.filter(|(key, _)| fits(key)).map(|(_, value)| value.parse::<f64>().unwrap()).sum()
}
