//! How the cost grows with flags and tenants, and what changes cost.

use std::{hint::black_box, sync::Arc};

use burgee_engine::{Engine, EnvironmentSource, Snapshot};
use burgee_model::Key;

use crate::{
    flags::{bodies, name, rollout, unlike},
    measure::{Cost, measure, millis, millis_of_all},
    ours::{Ours, Tier, engine, evaluate, evaluate_all, flag_of, source},
    peers::{Datalogic, Yggdrasil},
};

const FLAGS: [usize; 8] = [1, 3, 10, 30, 100, 1_000, 3_000, 10_000];
const TENANTS: [usize; 5] = [1, 10, 100, 1_000, 4_000];
const FLAGS_A_TENANT: usize = 20;

/// A walk over numbers below a limit that is neither in order nor long to reckon.
fn scattered(limit: usize) -> impl FnMut() -> usize {
    let mut at = 0_usize;
    move || {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (at >> 33) % limit
    }
}

pub(crate) fn flags() {
    println!(
        "| flags | one of them: yggdrasil | datalogic-rs | burgee | all, a flag: yggdrasil | datalogic-rs | burgee | burgee interpreted |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let bodies = bodies();
    for flags in FLAGS {
        let names: Vec<String> = (0..flags).map(name).collect();
        let (mut next, mut which) = (scattered(bodies.len()), scattered(flags));
        let yggdrasil = Yggdrasil::new(flags);
        let contexts = Yggdrasil::contexts(&bodies);
        let theirs = measure(|| {
            black_box(yggdrasil.is_enabled(&names[which()], &contexts[next()]));
        });
        let all_theirs = measure(|| {
            black_box(yggdrasil.resolve_all(&contexts[next()]));
        });
        drop(yggdrasil);
        let [logic, all_logic] = datalogic(flags, &bodies);
        let [chosen, interpreted] = [Tier::Chosen, Tier::Interpreted].map(|tier| Ours::new(flags, tier));
        let contexts = chosen.contexts(&bodies);
        let one = measure(|| evaluate(&chosen.snapshot, &names[which()], &contexts[next()]));
        let [all, slow] =
            [&chosen, &interpreted].map(|ours| measure(|| ours.evaluate_all(&contexts[next()])).each(flags));
        let all_theirs = all_theirs.each(flags);
        println!("| {flags} | {theirs} | {logic} | {one} | {all_theirs} | {all_logic} | {all} | {slow} |");
    }
    println!();
}

/// Any of so many rules, and all of them, a rule.
fn datalogic(rules: usize, bodies: &[String]) -> [Cost; 2] {
    let (mut next, mut which) = (scattered(bodies.len()), scattered(rules));
    let mut datalogic = Datalogic::new(&(0..rules).map(rollout).collect::<Vec<_>>());
    datalogic.with_contexts(bodies, |datalogic, contexts| {
        let one = measure(|| {
            black_box(datalogic.evaluate(which(), &contexts[next()]));
        });
        let all = measure(|| {
            let context = &contexts[next()];
            for rule in 0..rules {
                black_box(datalogic.evaluate(rule, context));
            }
        });
        [one, all.each(rules)]
    })
}

pub(crate) fn tenants() {
    println!(
        "| tenants of {FLAGS_A_TENANT} flags | one flag of any: yggdrasil | datalogic-rs | burgee | all of any, a flag: burgee | burgee interpreted |"
    );
    println!("|---|---|---|---|---|---|");
    let bodies = bodies();
    let contexts = Ours::new(1, Tier::Interpreted).contexts(&bodies);
    for tenants in TENANTS {
        let (mut next, mut which) = (scattered(bodies.len()), scattered(tenants));
        let theirs = {
            let states: Vec<_> = (0..tenants).map(|_| Yggdrasil::new(FLAGS_A_TENANT)).collect();
            let contexts = Yggdrasil::contexts(&bodies);
            measure(|| {
                black_box(states[which()].is_enabled("flag-00007", &contexts[next()]));
            })
        };
        let [logic, _] = datalogic(tenants * FLAGS_A_TENANT, &bodies);
        let [chosen, interpreted] = [Tier::Chosen, Tier::Interpreted].map(|tier| snapshots(tenants, tier));
        let one = measure(|| evaluate(&chosen[which()], "flag-00007", &contexts[next()]));
        let [all, slow] = [&chosen, &interpreted]
            .map(|snapshots| measure(|| evaluate_all(&snapshots[which()], &contexts[next()])).each(FLAGS_A_TENANT));
        println!("| {tenants} | {theirs} | {logic} | {one} | {all} | {slow} |");
    }
    println!();
}

fn snapshots(tenants: usize, tier: Tier) -> Vec<Arc<Snapshot>> {
    let engine = engine(tier);
    let all = (0..tenants).map(|tenant| engine.build(None, source(tenant, FLAGS_A_TENANT), &|_| None)).collect();
    engine.quiesce();
    all
}

/// Starting with ten thousand flags, and editing one of them.
pub(crate) fn changes() {
    const FLAGS: usize = 10_000;
    println!("| {FLAGS} flags | ms of CPU time |\n|---|---|");
    let features = Yggdrasil::features(FLAGS);
    println!(
        "| unleash-yggdrasil: take a whole state, as at each edit | {:.1} |",
        millis(|| Yggdrasil::new_of(features)).0
    );
    let rules: Vec<_> = (0..FLAGS).map(rollout).collect();
    println!("| datalogic-rs: compile all rules | {:.1} |", millis(|| Datalogic::new(&rules)).0);
    let engine = engine(Tier::Chosen);
    let mut all = source(0, FLAGS);
    let (build, compile, snapshot) = built(&engine, None, all.clone());
    println!("| burgee: build, from then on interpreted | {build:.1} |");
    println!("| burgee: compile all, in the background | {compile:.0} |");
    for (what, rule) in [("alike", rollout(77_777)), ("unlike", unlike())] {
        all.flags.insert(Key::new(&name(5_000)).unwrap(), flag_of(rule));
        let (build, compile, _) = built(&engine, Some(&snapshot), all.clone());
        println!("| burgee: edit a rule, one {what} the others, from then on interpreted | {build:.2} |");
        println!("| burgee: compile what that touched | {compile:.1} |");
    }
}

/// The milliseconds of building, and those of compiling it in the background.
fn built(engine: &Engine, previous: Option<&Arc<Snapshot>>, source: EnvironmentSource) -> (f64, f64, Arc<Snapshot>) {
    let (both, (build, snapshot)) = millis_of_all(|| {
        let built = millis(|| engine.build(previous, source, &|_| None));
        engine.quiesce();
        built
    });
    (build, both - build, snapshot)
}
