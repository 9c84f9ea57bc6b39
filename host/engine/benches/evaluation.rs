//! Evaluations in process: compiled rules beside the interpreter, in one run.
//!
//! `cargo bench --workspace --bench evaluation [-- PART]`, with a part of the rows' names. Times are wall time of short samples, of which the minimum and the median
//! are shown: on a busy machine the minimum is what the code costs.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use burgee_engine::{Engine, EngineConfig, EnvironmentSource, FlagSource, Snapshot};
use burgee_model::{Bucketing, Context, FlagIn, Key, Limits, State, Value};
use serde_json::{Map, Value as Json, json};

const NOW: u64 = 1_795_176_000_000;
const SAMPLES: usize = 300;
const SAMPLE: Duration = Duration::from_micros(400);

/// Nanoseconds a call: the least and the median of many samples.
#[derive(Clone, Copy)]
struct Cost {
    least: f64,
    median: f64,
}

fn measure(mut work: impl FnMut()) -> Cost {
    let once = Instant::now();
    work();
    let calls = (SAMPLE.as_nanos() / once.elapsed().as_nanos().max(20)).clamp(1, 100_000) as u32;
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| work());
            start.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    Cost { least: samples[0], median: samples[SAMPLES / 2] }
}

fn flag(targeting: Option<Json>, variants: &Json) -> Arc<FlagSource> {
    Arc::new(FlagSource::from(&flag_in(targeting, variants)))
}

fn flag_in(targeting: Option<Json>, variants: &Json) -> FlagIn {
    let variants = variants.as_object().unwrap().clone();
    let default_variant = variants.keys().next().cloned();
    FlagIn { state: State::Enabled, default_variant, targeting, variants, ..FlagIn::default() }
}

fn source(flags: impl IntoIterator<Item = (String, Arc<FlagSource>)>) -> EnvironmentSource {
    let key = |text: &str| Key::new(text).unwrap();
    EnvironmentSource {
        bucketing: Bucketing::default(),
        tenant: key("bench"),
        environment: key("bench"),
        flags: flags.into_iter().map(|(name, flag)| (key(&name), flag)).collect(),
        segments: BTreeMap::new(),
        guests: BTreeMap::new(),
        set: Map::new(),
    }
}

const COUNTRIES: [&str; 20] = [
    "de", "fr", "it", "es", "pl", "nl", "be", "at", "se", "dk", "fi", "no", "ie", "pt", "cz", "sk", "hu", "ro", "bg",
    "hr",
];

/// Ten countries, a version and a plan lead to a 10/90 split.
fn rollout() -> Json {
    json!({"if": [
        {"and": [{"in": [{"var": "country"}, COUNTRIES[..10]]},
                 {"sem_ver": [{"var": "version"}, ">=", "2.1.0"]},
                 {"==": [{"var": "plan"}, "pro"]}]},
        {"fractional": [{"var": "targetingKey"}, ["on", 10], ["off", 90]]},
        "off"]})
}

/// An address suffix, or age and beta.
fn staff() -> Json {
    json!({"if": [
        {"or": [{"ends_with": [{"var": "email"}, "@example.org"]},
                {"and": [{">=": [{"var": "age"}, 18]}, {"var": "beta"}]}]},
        "on", "off"]})
}

/// Not in three, a prefix, in twenty, or a plan lead to a 50/50 split.
fn market() -> Json {
    json!({"if": [
        {"and": [{"!": [{"in": [{"var": "country"}, ["us", "ca", "mx"]]}]},
                 {"or": [{"starts_with": [{"var": "device"}, "ios"]}, {"in": [{"var": "country"}, COUNTRIES]},
                         {"==": [{"var": "plan"}, "team"]}]}]},
        {"fractional": [{"var": "targetingKey"}, ["on", 50], ["off", 50]]},
        "off"]})
}

/// Five conditions on constants that no other flag has.
fn synthetic(n: usize) -> Json {
    json!({"if": [
        {"or": [{"==": [{"var": "plan"}, format!("plan-{n}")]},
                {"in": [{"var": "country"}, [format!("c{n}"), format!("d{n}"), COUNTRIES[n % 20]]]},
                {"and": [{">": [{"var": "age"}, 20 + n % 50]}, {"===": [{"var": "beta"}, true]},
                         {"!=": [{"var": "device"}, format!("device-{n}")]}]}]},
        "on", "off"]})
}

fn contexts() -> Vec<Context> {
    let one = |n: usize| {
        json!({
            "targetingKey": format!("user-{n}"), "country": COUNTRIES[(n * 7) % 20],
            "plan": (["free", "pro", "team"][n % 3]), "version": format!("{}.{}.{}", n % 4, n % 10, n),
            "email": format!("u{n}@{}", if n.is_multiple_of(5) { "example.org" } else { "example.com" }),
            "age": n, "beta": n.is_multiple_of(2), "device": (["ios-17", "android-14", "web"][n % 3]),
            "language": "en", "session": n * 31,
        })
    };
    (0..64).map(|n| Context::new(Value::from(&one(n)), &Limits::default()).unwrap()).collect()
}

struct Tier {
    engine: Arc<Engine>,
    snapshot: Arc<Snapshot>,
}

fn tier(compile: bool, source: &EnvironmentSource) -> Tier {
    // all that is compiled runs compiled here, whether that pays or not
    let config = EngineConfig { compile, alone_steps_min: 0, together_rules_min: 0, ..EngineConfig::default() };
    let engine = Engine::new(config).unwrap();
    let snapshot = engine.build(None, source.clone(), &|_| None);
    engine.quiesce();
    assert_eq!(snapshot.tiers().interpreted == 0, compile);
    Tier { engine, snapshot }
}

fn row(what: &str, flags: usize, compiled: Cost, interpreted: Cost) {
    println!(
        "{what:<34} {:>9.1} {:>9.1} {:>12.1} {:>9.1} {:>8.2}",
        compiled.least / flags as f64,
        compiled.median / flags as f64,
        interpreted.least / flags as f64,
        interpreted.median / flags as f64,
        compiled.least / interpreted.least
    );
}

/// Whether a row is asked for; cargo itself adds an option.
fn wanted(what: &str) -> bool {
    std::env::args().skip(1).find(|argument| !argument.starts_with('-')).is_none_or(|part| what.contains(&part))
}

fn both(what: &str, source: &EnvironmentSource, flags: usize, mut work: impl FnMut(&Snapshot)) {
    if !wanted(what) {
        return;
    }
    let [compiled, interpreted] = [true, false].map(|compile| tier(compile, source));
    let compiled = measure(|| work(&compiled.snapshot));
    let interpreted = measure(|| work(&interpreted.snapshot));
    row(what, flags, compiled, interpreted);
}

fn singles(contexts: &[Context]) {
    let on_off = json!({"off": false, "on": true});
    let rules = [("rollout", rollout()), ("staff", staff()), ("market", market())];
    let all = source(rules.iter().map(|(name, rule)| ((*name).to_owned(), flag(Some(rule.clone()), &on_off))));
    for (name, _) in &rules {
        let mut n = 0;
        both(&format!("one flag: {name}"), &all, 1, |snapshot| {
            n = (n + 1) % contexts.len();
            black_box(snapshot.evaluate(name, &contexts[n], NOW));
        });
    }
}

/// Where compiled code begins to pay for one flag: rules of more and more conditions that do not hold.
fn sizes(contexts: &[Context]) {
    let on_off = json!({"off": false, "on": true});
    for conditions in [1, 5, 10, 20, 30, 40, 60, 100] {
        let attributes = ["plan", "country", "device", "language"];
        let one = |n: usize| json!({"==": [{"var": attributes[n % 4]}, format!("other-{n}")]});
        let rule = json!({"if": [{"or": (0..conditions).map(one).collect::<Vec<_>>()}, "on", "off"]});
        let all = source([("rule".to_owned(), flag(Some(rule), &on_off))]);
        let mut n = 0;
        both(&format!("one flag of {conditions} conditions"), &all, 1, |snapshot| {
            n = (n + 1) % contexts.len();
            black_box(snapshot.evaluate("rule", &contexts[n], NOW));
        });
    }
}

fn bulks(contexts: &[Context]) {
    let on_off = json!({"off": false, "on": true});
    for flags in [1, 2, 3, 5, 20, 100, 1_000, 10_000] {
        let all = source((0..flags).map(|n| (format!("flag-{n}"), flag(Some(synthetic(n)), &on_off))));
        let mut n = 0;
        both(&format!("bulk of {flags}, a flag"), &all, flags, |snapshot| {
            n = (n + 1) % contexts.len();
            snapshot.evaluate_all(&contexts[n], NOW, |evaluation| {
                black_box(evaluation);
            });
        });
    }
    let mut out = Vec::new();
    let targeted = source((0..100).map(|n| (format!("flag-{n}"), flag(Some(synthetic(n)), &on_off))));
    let fixed = source(
        (0..99)
            .map(|n| (format!("flag-{n}"), flag(None, &on_off)))
            .chain([("rule".to_owned(), flag(Some(staff()), &on_off))]),
    );
    for (what, all) in [("bulk of 100 as OFREP, a flag", targeted), ("bulk of 100 without rules, OFREP", fixed)] {
        let mut n = 0;
        both(what, &all, 100, |snapshot| {
            n = (n + 1) % contexts.len();
            out.clear();
            snapshot.evaluate_all(&contexts[n], NOW, |evaluation| evaluation.write_ofrep(&mut out));
            black_box(&out);
        });
    }
}

/// Resident memory of this process, in KiB.
fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

fn millis(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1000.0
}

/// What changes cost in an environment of 10,000 flags.
fn changes() {
    let on_off = json!({"off": false, "on": true});
    let before = resident_kib();
    let mut all = source((0..10_000).map(|n| (format!("flag-{n}"), flag(Some(synthetic(n)), &on_off))));
    let held = resident_kib();
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let mut snapshot = None;
    println!(
        "\n10,000 flags: first build {:.1} ms",
        millis(|| snapshot = Some(engine.build(None, all.clone(), &|_| None)))
    );
    let built = resident_kib();
    println!("10,000 flags: compile all {:.0} ms in the background", millis(|| engine.quiesce()));
    let a_flag = |kib: i64| kib as f64 / 10_000.0;
    println!(
        "10,000 flags: KiB a flag: {:.2} as source, {:.2} more as snapshot, {:.2} more compiled",
        a_flag(held - before),
        a_flag(built - held),
        a_flag(resident_kib() - built)
    );
    let Tier { engine, mut snapshot } = Tier { engine, snapshot: snapshot.unwrap() };
    let name = Key::new("flag-5000").unwrap();
    let edits = [
        ("toggle", FlagIn { state: State::Disabled, ..flag_in(Some(synthetic(5_000)), &on_off) }),
        ("rule edit", flag_in(Some(synthetic(77_777)), &on_off)),
    ];
    for (what, edited) in edits {
        all.flags.insert(name.clone(), Arc::new(FlagSource::from(&edited)));
        let source = all.clone();
        println!(
            "10,000 flags: {what} {:.2} ms to be served",
            millis(|| snapshot = engine.build(Some(&snapshot), source, &|_| None))
        );
        println!("10,000 flags: {what} {:.2} ms more to be compiled", millis(|| engine.quiesce()));
    }
}

fn main() {
    let contexts = contexts();
    println!("{:<34} {:>19} {:>22} {:>8}", "nanoseconds", "compiled", "interpreted", "ratio");
    println!("{:<34} {:>9} {:>9} {:>12} {:>9} {:>8}", "", "least", "median", "least", "median", "least");
    singles(&contexts);
    sizes(&contexts);
    bulks(&contexts);
    if wanted("changes") {
        changes();
    }
}
