//! How the cost grows with flags and tenants, and what changes cost.

use std::sync::Arc;

use burgee_engine::Snapshot;
use burgee_model::{Context, Key};

use crate::{
    flags::{bodies, name, rollout},
    measure::{measure, millis, millis_of_all},
    ours::{Ours, Tier, engine, evaluate, evaluate_all, flag, source},
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
    let bodies = bodies();
    println!("| flags of an environment | one, any flag | all, a flag | all interpreted, a flag |\n|---|---|---|---|");
    for flags in FLAGS {
        let [chosen, interpreted] = [Tier::Chosen, Tier::Interpreted].map(|tier| Ours::new(flags, tier));
        let (contexts, names) = (chosen.contexts(&bodies), (0..flags).map(name).collect::<Vec<_>>());
        let (mut next, mut which) = (scattered(64), scattered(flags));
        let one = measure(|| evaluate(&chosen.snapshot, &names[which()], &contexts[next()]));
        let [all, slow] =
            [&chosen, &interpreted].map(|ours| measure(|| ours.evaluate_all(&contexts[next()])).each(flags));
        println!(
            "| {flags} | {:.0} ({:.0}) | {:.0} ({:.0}) | {:.0} ({:.0}) |",
            one.least, one.median, all.least, all.median, slow.least, slow.median
        );
    }
    println!();
}

pub(crate) fn tenants() {
    println!(
        "| tenants of {FLAGS_A_TENANT} flags, any of them | one flag | all, a flag | all interpreted, a flag |\n|---|---|---|---|"
    );
    let contexts = Ours::new(1, Tier::Interpreted).contexts(&bodies());
    for tenants in TENANTS {
        let [chosen, interpreted] = [Tier::Chosen, Tier::Interpreted].map(|tier| snapshots(tenants, tier));
        let (mut next, mut which) = (scattered(64), scattered(tenants));
        let one = measure(|| evaluate(&chosen[which()], "flag-00007", &contexts[next()]));
        let mut all = |snapshots: &[Arc<Snapshot>]| bulk(snapshots, &contexts, &mut which);
        let (fast, slow) = (all(&chosen), all(&interpreted));
        println!(
            "| {tenants} | {:.0} ({:.0}) | {:.0} ({:.0}) | {:.0} ({:.0}) |",
            one.least, one.median, fast.0, fast.1, slow.0, slow.1
        );
    }
    println!();
}

fn snapshots(tenants: usize, tier: Tier) -> Vec<Arc<Snapshot>> {
    let engine = engine(tier);
    let all = (0..tenants).map(|tenant| engine.build(None, source(tenant, FLAGS_A_TENANT), &|_| None)).collect();
    engine.quiesce();
    all
}

fn bulk(snapshots: &[Arc<Snapshot>], contexts: &[Context], which: &mut impl FnMut() -> usize) -> (f64, f64) {
    let cost = measure(|| {
        let at = which();
        evaluate_all(&snapshots[at], &contexts[at % contexts.len()]);
    });
    let cost = cost.each(FLAGS_A_TENANT);
    (cost.least, cost.median)
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
    let (build, snapshot) = millis(|| engine.build(None, all.clone(), &|_| None));
    println!("| burgee: build, from then on interpreted | {build:.1} |");
    println!("| burgee: compile all, in the background | {} |", millis_of_all(|| engine.quiesce()));
    all.flags.insert(Key::new(&name(5_000)).unwrap(), flag(77_777));
    let (edit, _edited) = millis(|| engine.build(Some(&snapshot), all, &|_| None));
    println!("| burgee: edit a rule, from then on interpreted | {edit:.2} |");
    println!("| burgee: compile what the edit touched | {} |", millis_of_all(|| engine.quiesce()));
}
