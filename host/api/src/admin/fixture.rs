//! Fixtures of an upload: calls with the answer that each must give before a guest goes live.

use std::collections::BTreeMap;

use burgee_engine::guest::{Entry, GuestCall, Guests, Prepared};
use burgee_model::{
    Context, Key, Limits, Problem, Value,
    json::{self, Bounds},
    shown::shortened,
};
use serde::Deserialize;
use serde_json::Value as Json;

use super::Refusal;

/// Fixtures that fail after which no more are tried.
const FAILURES_MAX: usize = 10;

/// One fixture, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    context: Json,
    #[serde(default)]
    arguments: Vec<Json>,
    expected: Json,
    #[serde(default)]
    flag: Option<String>,
    #[serde(default)]
    timestamp: u64,
    #[serde(default)]
    config: BTreeMap<String, Json>,
}

/// One fixture.
#[derive(Clone, Debug, PartialEq)]
pub struct Fixture {
    /// The context.
    pub context: Context,
    /// What the rule gives.
    pub arguments: Vec<Value>,
    /// What the guest must answer.
    pub expected: Value,
    /// The key of the flag; `fixture` where none is given.
    pub flag: String,
    /// Seconds since 1970-01-01T00:00:00Z; 0 where none are given.
    pub timestamp: u64,
    /// The config entries that there are.
    pub config: BTreeMap<String, Value>,
}

/// Reads a list of fixtures.
pub fn read(text: &[u8], bounds: Bounds, limits: &Limits) -> Result<Vec<Fixture>, Refusal> {
    let invalid = |error: &dyn std::fmt::Display| {
        Refusal::invalid("/fixtures", "invalid_fixtures", format!("fixtures are a JSON list: {error}"))
    };
    let Json::Array(list) = json::document(text, bounds).map_err(|error| invalid(&error))? else {
        return Err(invalid(&"this is none"));
    };
    let max = limits.guest_fixtures;
    if list.len() > max {
        return Err(Refusal::invalid("/fixtures", "too_many_fixtures", format!("at most {max} fixtures are taken")));
    }
    list.into_iter().enumerate().map(|(at, fixture)| read_one(at, fixture, limits)).collect()
}

fn read_one(at: usize, fixture: Json, limits: &Limits) -> Result<Fixture, Refusal> {
    let invalid = |error: &dyn std::fmt::Display| {
        let message = format!("fixture {at}: {error}");
        Refusal::Invalid(vec![
            Problem::new(format!("/fixtures/{at}"), "invalid_fixture", message)
                .hint("a fixture is {context, expected, arguments?, config?, flag?, timestamp?}"),
        ])
    };
    let written: Written = serde_json::from_value(fixture).map_err(|error| invalid(&error))?;
    Ok(Fixture {
        context: Context::new(Value::from(&written.context), limits).map_err(|error| invalid(&error))?,
        arguments: written.arguments.iter().map(Value::from).collect(),
        expected: Value::from(&written.expected),
        flag: written.flag.unwrap_or_else(|| "fixture".to_owned()),
        timestamp: written.timestamp,
        config: written.config.iter().map(|(key, value)| (key.clone(), Value::from(value))).collect(),
    })
}

/// Calls an upload with each fixture. Blocks.
pub fn check(guests: &Guests, prepared: &Prepared, tenant: &Key, guest: &Key, all: &[Fixture]) -> Result<(), Refusal> {
    let tried = all.iter().enumerate();
    let failures = tried.filter_map(|(at, fixture)| failure(guests, prepared, tenant, guest, at, fixture));
    let failures: Vec<Problem> = failures.take(FAILURES_MAX).collect();
    if failures.is_empty() { Ok(()) } else { Err(Refusal::Invalid(failures)) }
}

fn failure(
    guests: &Guests,
    prepared: &Prepared,
    tenant: &Key,
    guest: &Key,
    at: usize,
    fixture: &Fixture,
) -> Option<Problem> {
    let answer = guests.try_out(
        prepared,
        &GuestCall {
            tenant,
            guest: guest.as_str(),
            digest: prepared.digest.0,
            flag: &fixture.flag,
            timestamp_seconds: fixture.timestamp,
            context: &fixture.context,
            arguments: &fixture.arguments,
            config: &|key| fixture.config.get(key).cloned().map(Entry::from).unwrap_or_default(),
        },
    );
    let came = match answer {
        Ok(value) if value == fixture.expected => return None,
        Ok(value) => format!("gave {}", shown(&value)),
        Err(fault) => format!("gave no value: {fault} ({})", fault.kind()),
    };
    let message = format!("fixture {at} {came}, expected {}", shown(&fixture.expected));
    Some(Problem::new(format!("/fixtures/{at}"), "fixture_failed", message))
}

fn shown(value: &Value) -> String {
    shortened(&burgee_engine::guest::json_text(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { depth: 16, values: 100 };

    fn faults(text: &str) -> Vec<(String, String)> {
        let limits = Limits { guest_fixtures: 2, ..Limits::default() };
        match read(text.as_bytes(), BOUNDS, &limits) {
            Err(Refusal::Invalid(problems)) => problems.into_iter().map(|p| (p.path, p.code)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fixtures_are_read_whole() {
        let text = br#"[{"context":{"a":1},"expected":[1]},
            {"context":null,"expected":null,"arguments":["x"],"flag":"f","timestamp":7,"config":{"k":true}}]"#;
        let all = read(text, BOUNDS, &Limits::default()).unwrap();
        assert_eq!((all.len(), all[0].flag.as_str(), all[0].timestamp), (2, "fixture", 0));
        assert_eq!((&all[1].config["k"], all[1].timestamp), (&Value::Bool(true), 7));
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        assert_eq!(faults("{}"), [("/fixtures".into(), "invalid_fixtures".into())]);
        assert_eq!(faults("[{},{},{}]"), [("/fixtures".into(), "too_many_fixtures".into())]);
        for bad in [r#"{"context":{}}"#, r#"{"expected":1}"#, r#"{"context":1,"expected":1}"#, "7"] {
            let list = format!(r#"[{{"context":{{}},"expected":1}},{bad}]"#);
            assert_eq!(faults(&list), [("/fixtures/1".into(), "invalid_fixture".into())], "{bad}");
        }
    }
}
