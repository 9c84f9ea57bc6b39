//! Evaluations in process beside other engines, in one run: `engine-bench [PART…]`. Parts: `one`, `hundred`, `flags`,
//! `tenants`, `changes`; all when none is named. Prints Markdown tables.
//!
//! All engines have the same flags: half of the customers on two plans. Times are CPU time of this thread, so that other
//! work does not count; the lowest tenth of many samples is what the code costs, and the median has what sharing caches costs.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a measurement ends where something is amiss")]

mod curves;
mod flags;
mod measure;
mod ours;
mod peers;

use std::{env, hint::black_box};

use burgee_peers::cpu;

use self::{
    flags::{bodies, rollout},
    measure::{Table, measure},
    ours::{Ours, Tier},
    peers::{Datalogic, Yggdrasil},
};

fn main() {
    println!(
        "{}; load average {}; nanoseconds of CPU time, lowest tenth (median)\n",
        cpu::machine(),
        cpu::load_average()
    );
    const PARTS: [(&str, fn()); 5] = [
        ("one", one_flag),
        ("hundred", hundred_flags),
        ("flags", curves::flags),
        ("tenants", curves::tenants),
        ("changes", curves::changes),
    ];
    let wanted: Vec<String> = env::args().skip(1).collect();
    let wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    PARTS.iter().filter(|(name, _)| wanted(name)).for_each(|(_, part)| part());
}

/// One of a hundred flags, for 64 contexts in turn.
fn one_flag() {
    let bodies = bodies();
    let mut table = Table::new("one evaluation: plan in a list of two, then a split in halves");
    let yggdrasil = Yggdrasil::new(100);
    let contexts = Yggdrasil::contexts(&bodies);
    let mut turn = (0..bodies.len()).cycle();
    let mut next = move || turn.next().unwrap_or(0);
    let theirs = measure(|| {
        black_box(yggdrasil.is_enabled("flag-00050", &contexts[next()]));
    });
    table.row("unleash-yggdrasil 0.21.7, context ready", theirs);
    let mut datalogic = Datalogic::new(&[rollout(50)]);
    datalogic.with_contexts(&bodies, |datalogic, contexts| {
        let cost = measure(|| {
            black_box(datalogic.evaluate(0, &contexts[next()]));
        });
        table.row("datalogic-rs 5.4.0, context ready", cost);
    });
    let cost = measure(|| {
        black_box(datalogic.evaluate_text(0, &bodies[next()]));
    });
    table.row("datalogic-rs 5.4.0, from the context's JSON", cost);
    for (what, tier) in [
        ("burgee", Tier::Chosen),
        ("burgee, all interpreted", Tier::Interpreted),
        ("burgee, all compiled", Tier::Compiled),
    ] {
        let ours = Ours::new(100, tier);
        let contexts = ours.contexts(&bodies);
        let cost = measure(|| {
            black_box(ours.evaluate("flag-00050", &contexts[next()]));
        });
        table.row(&format!("{what}, context ready"), cost);
    }
    let ours = Ours::new(100, Tier::Chosen);
    let requests: Vec<String> = bodies.iter().map(|body| format!(r#"{{"context":{body}}}"#)).collect();
    let cost = measure(|| {
        let context = ours.read(&requests[next()]);
        black_box(ours.evaluate("flag-00050", &context));
    });
    table.row("burgee, from the request's JSON", cost);
    table.print();
    agree(&ours, &mut datalogic, &bodies);
}

/// The two that hash alike must answer alike: else they would not do the same work.
fn agree(ours: &Ours, datalogic: &mut Datalogic, bodies: &[String]) {
    for (context, body) in ours.contexts(bodies).iter().zip(bodies) {
        assert_eq!(ours.variant("flag-00050", context), datalogic.evaluate_text(0, body));
    }
}

/// A hundred flags for one context.
fn hundred_flags() {
    let bodies = bodies();
    let mut table = Table::new("a hundred flags for one context, a flag");
    let yggdrasil = Yggdrasil::new(100);
    let contexts = Yggdrasil::contexts(&bodies);
    let mut turn = (0..bodies.len()).cycle();
    let mut next = move || turn.next().unwrap_or(0);
    let cost = measure(|| {
        black_box(yggdrasil.resolve_all(&contexts[next()]));
    });
    table.row("unleash-yggdrasil 0.21.7, resolve_all", cost.each(100));
    let rules: Vec<_> = (0..100).map(rollout).collect();
    let mut datalogic = Datalogic::new(&rules);
    datalogic.with_contexts(&bodies, |datalogic, contexts| {
        let cost = measure(|| {
            let context = &contexts[next()];
            for flag in 0..100 {
                black_box(datalogic.evaluate(flag, context));
            }
        });
        table.row("datalogic-rs 5.4.0, one after the other", cost.each(100));
    });
    for (what, tier) in [("burgee", Tier::Chosen), ("burgee, all interpreted", Tier::Interpreted)] {
        let ours = Ours::new(100, tier);
        let contexts = ours.contexts(&bodies);
        let cost = measure(|| ours.evaluate_all(&contexts[next()]));
        table.row(what, cost.each(100));
    }
    table.print();
}
