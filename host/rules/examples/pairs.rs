//! Random rules with contexts and what the interpreter makes of them, for comparing with other engines.
//!
//! `cargo run --release -p burgee-rules --features generators --example pairs -- [SEED] [COUNT] [LANGUAGE]`
//! prints, for each pair, a line of JSON: `{"rule", "segments", "context", "value"}`, or `"error"` in place of the
//! value. Numbers that JSON does not have are `{"$number": "NaN"}` and the like. LANGUAGE is `flagd` or `jsonlogic`.
#![allow(clippy::print_stdout, reason = "a tool prints what it found")]

use std::{
    error::Error,
    io::{self, BufWriter, Write},
};

use burgee_model::{Key, Limits, Value};
use burgee_rules::{
    generators::{self, Language},
    interpret::{self, Inputs},
    ops::number::number_text,
    parse,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value as Json, json};

/// The flag that all rules belong to.
const FLAG: &str = "flag";

/// The time of all evaluations, in seconds since 1970.
const TIME: u64 = 1_800_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seed: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let count: usize = arguments.next().map_or(Ok(20_000), |text| text.parse())?;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let language = match arguments.next().as_deref() {
        None | Some("flagd") => Language::Flagd,
        Some("jsonlogic") => Language::JsonLogic,
        Some(other) => return Err(format!("{other}: flagd or jsonlogic").into()),
    };
    let strategy = (generators::targeting(language), generators::segments(), generators::context());
    let mut out = BufWriter::new(io::stdout().lock());
    for _ in 0..count {
        let (rule, segments, context): (Json, Map<String, Json>, Json) =
            strategy.new_tree(&mut random).map_err(|reason| reason.message().to_owned())?.current();
        // JavaScript does not write the sign of zero, so that it would not come back.
        let (rule, context) = (unsigned_zero(rule), unsigned_zero(context));
        let segments: Map<String, Json> =
            segments.into_iter().map(|(name, rule)| (name, unsigned_zero(rule))).collect();
        let line = match evaluate(&rule, &segments, &context)? {
            Ok(value) => json!({"rule": rule, "segments": segments, "context": context, "value": value}),
            Err(error) => json!({"rule": rule, "segments": segments, "context": context, "error": error}),
        };
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

fn unsigned_zero(json: Json) -> Json {
    match json {
        Json::Number(number) if number.as_f64() == Some(0.0) => Json::from(0),
        Json::Array(items) => items.into_iter().map(unsigned_zero).collect(),
        Json::Object(members) => {
            Json::Object(members.into_iter().map(|(name, json)| (name, unsigned_zero(json))).collect())
        }
        other => other,
    }
}

/// The value of a rule; or that it was too costly.
fn evaluate(rule: &Json, segments: &Map<String, Json>, context: &Json) -> Result<Result<Json, String>, Box<dyn Error>> {
    let limits = Limits::default();
    let segments = parse::shared_rules(|name| segments.get(name).cloned());
    let compiled = parse::rule(&Key::new(FLAG)?, rule, &parse::Setting::new(&segments, &limits));
    let rule = compiled.rule.ok_or_else(|| format!("{rule}: {:?}", compiled.faults))?;
    let context = generators::as_context(context);
    let config = |_: &str| Value::Null;
    let inputs =
        Inputs { flag_key: FLAG, context: &context, timestamp_seconds: TIME, outside: &config, limits: &limits };
    let value = interpret::evaluate(&rule, &inputs);
    Ok(value
        .map(|value| value.to_json(&|number| json!({"$number": number_text(number)})))
        .map_err(|error| error.to_string()))
}
