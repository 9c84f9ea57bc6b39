//! The core alone: events in, commands out.

use burgee_model::{Blob, Key, RegisterId, Stamp};
use burgee_store::ChangeId;

use super::*;
use crate::message::Cursor;

const MS: Duration = Duration::from_millis(1);

fn peer(n: u8) -> PeerId {
    PeerId { node: NodeId([n; 16]), incarnation: u64::from(n) }
}

fn info(ready: bool, holds_data: bool) -> NodeInfo {
    NodeInfo { name: "peer".into(), endpoint: None, ready, holds_data }
}

fn version(n: u64) -> Arc<Version> {
    let key = Key::new("k").unwrap();
    let stamp = Stamp { time: n, id: NodeId([9; 16]) };
    Arc::new(Version {
        register: RegisterId::config(&key, &key, &Key::new(&format!("k{n}")).unwrap()),
        stamp,
        parents: Box::default(),
        floor_seen: None,
        content: Some(Blob::json(&serde_json::json!(n))),
        expires_at: None,
        actor: Arc::from("test"),
        change: ChangeId(stamp),
        note: None,
    })
}

fn core(has_seeds: bool, holds_data: bool) -> Core {
    Core::new(Settings { has_seeds, holds_data, ..Settings::new(peer(0), "own".into()) })
}

fn hint(seq: u64, versions: usize) -> Event {
    let versions = (0..versions as u64).map(version).collect();
    Event::Hint { from: peer(1), hint: Hint { info: info(true, true), seq, versions } }
}

fn asked(commands: &[Command]) -> Vec<(PullId, Option<Cursor>)> {
    let pulls = commands.iter().filter_map(|command| match command {
        Command::RequestPage { pull, request, .. } => Some((*pull, request.cursor.clone())),
        _ => None,
    });
    pulls.collect()
}

fn page(pull: PullId, info: NodeInfo, seq: u64, next: Option<u8>) -> Event {
    let next = next.map(|n| Cursor(Box::from([n])));
    Event::Page { pull, page: Some(Page { info, seq, versions: vec![version(1)], next }) }
}

fn merged(pull: PullId) -> Event {
    Event::Merged { from: pull.peer.node, pull: Some(pull), taken: true }
}

/// Answers the one page that was asked for, as the whole snapshot.
fn answer_all(core: &mut Core, commands: &[Command], info: &NodeInfo, now: Moment) -> Vec<Command> {
    let [(pull, None)] = asked(commands)[..] else { panic!("one pull expected: {commands:?}") };
    core.handle(page(pull, info.clone(), 0, None), now);
    core.handle(merged(pull), now)
}

/// Ticks as a driver does, so that the core does not believe that it slept.
fn pass(core: &mut Core, from: Moment, to: Moment) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut now = from;
    while now < to {
        now = (now + 100 * MS).min(to);
        commands.extend(core.handle(Event::Tick, now));
    }
    commands
}

#[test]
fn a_peer_that_appears_is_pulled_page_by_page() {
    let mut core = core(true, false);
    let first = asked(&core.handle(Event::PeerUp(peer(1)), MS));
    let [(pull, None)] = first[..] else { panic!("{first:?}") };
    assert_eq!(asked(&core.handle(page(pull, info(true, true), 0, Some(7)), 2 * MS)), []);
    let second = asked(&core.handle(merged(pull), 3 * MS));
    let [(pull, Some(cursor))] = &second[..] else { panic!("{second:?}") };
    assert_eq!(&*cursor.0, [7]);
    core.handle(page(*pull, info(true, true), 0, None), 4 * MS);
    assert!(!core.readiness().ready);
    assert!(core.handle(merged(*pull), 5 * MS).contains(&Command::SetReadiness(Readiness::ready())));
}

#[test]
fn a_page_that_does_not_come_is_asked_for_again_and_its_late_answer_ignored() {
    let mut core = core(true, false);
    let lost = asked(&core.handle(Event::PeerUp(peer(1)), MS))[0].0;
    let again = asked(&pass(&mut core, MS, 2500 * MS));
    assert_eq!(again.len(), 1);
    assert!(core.handle(page(lost, info(true, true), 0, None), 2501 * MS).is_empty());
    let commands = core.handle(page(again[0].0, info(true, true), 0, None), 2502 * MS);
    assert!(matches!(commands[..], [Command::Merge { .. }]), "{commands:?}");
}

#[test]
fn a_page_that_the_store_does_not_take_is_asked_for_again() {
    let mut core = core(true, false);
    let pull = asked(&core.handle(Event::PeerUp(peer(1)), MS))[0].0;
    core.handle(page(pull, info(true, true), 0, None), 2 * MS);
    core.handle(Event::Merged { from: peer(1).node, pull: Some(pull), taken: false }, 3 * MS);
    assert!(!core.readiness().ready);
    assert_eq!(asked(&pass(&mut core, 3 * MS, 200 * MS)).len(), 1);
}

#[test]
fn a_gap_starts_one_pull_and_order_starts_none() {
    let mut core = core(true, false);
    let commands = core.handle(Event::PeerUp(peer(1)), MS);
    answer_all(&mut core, &commands, &info(true, true), MS);
    for seq in 1..5 {
        assert_eq!(asked(&core.handle(hint(seq, 1), 300 * MS)), []);
    }
    assert_eq!(asked(&core.handle(hint(6, 1), 400 * MS)).len(), 1);
    assert_eq!(asked(&core.handle(hint(7, 1), 400 * MS)), []);
}

#[test]
fn a_heartbeat_shows_that_the_last_hint_was_lost() {
    let mut core = core(true, false);
    let commands = core.handle(Event::PeerUp(peer(1)), MS);
    answer_all(&mut core, &commands, &info(true, true), MS);
    core.handle(hint(1, 1), 200 * MS);
    assert_eq!(asked(&core.handle(hint(2, 0), 300 * MS)).len(), 1);
}

#[test]
fn a_gap_during_a_pull_is_repaired_by_another() {
    let mut core = core(true, false);
    let commands = core.handle(Event::PeerUp(peer(1)), MS);
    core.handle(hint(3, 1), 2 * MS);
    core.handle(hint(5, 1), 3 * MS);
    let commands = answer_all(&mut core, &commands, &info(true, true), 4 * MS);
    assert_eq!(asked(&commands), []);
    assert_eq!(asked(&pass(&mut core, 4 * MS, 300 * MS)).len(), 1);
}

#[test]
fn a_node_that_slept_pulls_from_everybody_it_reached() {
    let mut core = core(true, false);
    for n in 1..=2 {
        core.handle(Event::PeerUp(peer(n)), MS);
    }
    core.handle(Event::PeerDown(peer(2)), MS);
    pass(&mut core, MS, 100 * MS);
    let commands = core.handle(Event::Tick, 5000 * MS);
    assert!(commands.contains(&Command::Note(Note::Slept(4900 * MS))));
    assert_eq!(asked(&commands).iter().map(|(pull, _)| pull.peer).collect::<Vec<_>>(), [peer(1)]);
}

#[test]
fn on_waking_a_mute_peer_costs_a_renewal_at_once() {
    for (slept, renews) in [(1400 * MS, false), (1500 * MS, true)] {
        let mut core = core(true, false);
        core.handle(Event::PeerUp(peer(1)), MS);
        let mut now = slept;
        let mut commands = core.handle(Event::Tick, now);
        for _ in 0..3 {
            let pull = asked(&commands)[0].0;
            core.handle(Event::Page { pull, page: None }, now);
            now += 200 * MS;
            commands = core.handle(Event::Tick, now);
        }
        assert_eq!(commands.contains(&Command::Renew), renews, "{slept:?}");
    }
}

#[test]
fn a_peer_that_is_shown_but_not_heard_costs_one_renewal() {
    let mut core = core(true, false);
    core.handle(Event::PeerUp(peer(1)), MS);
    let commands = pass(&mut core, MS, 60_000 * MS);
    assert_eq!(commands.iter().filter(|command| **command == Command::Renew).count(), 1);
    // The renewal shows it again; it stays unheard.
    core.handle(Event::PeerDown(peer(1)), 60_001 * MS);
    core.handle(Event::PeerUp(peer(1)), 60_002 * MS);
    assert!(!pass(&mut core, 60_002 * MS, 120_000 * MS).contains(&Command::Renew));
    // Once heard, a new silence counts.
    core.handle(hint(0, 0), 120_001 * MS);
    assert!(pass(&mut core, 120_001 * MS, 130_000 * MS).contains(&Command::Renew));
}

#[test]
fn a_peer_that_the_network_lost_costs_none() {
    let mut core = core(true, false);
    core.handle(Event::PeerUp(peer(1)), MS);
    core.handle(Event::PeerDown(peer(1)), 4000 * MS);
    assert!(!pass(&mut core, 4000 * MS, 60_000 * MS).contains(&Command::Renew));
}

#[test]
fn a_peer_that_returns_is_pulled_even_while_a_pull_hangs() {
    let mut core = core(true, false);
    let hanging = asked(&core.handle(Event::PeerUp(peer(1)), MS))[0].0;
    let anew = asked(&core.handle(Event::PeerUp(peer(1)), 50 * MS))[0].0;
    assert_ne!(hanging, anew);
    assert!(core.handle(page(hanging, info(true, true), 0, None), 60 * MS).is_empty());
}

#[test]
fn a_silent_peer_is_not_live_and_a_heartbeat_revives_it() {
    let mut core = core(true, true);
    core.handle(Event::PeerUp(peer(1)), MS);
    pass(&mut core, MS, 4000 * MS);
    assert!(core.peers().all(|peer| !peer.live));
    assert_eq!(asked(&core.handle(hint(0, 0), 4001 * MS)).len(), 1);
    assert!(core.peers().all(|peer| peer.live));
}

#[test]
fn stragglers_do_not_revive_a_peer_that_left() {
    let mut core = core(true, false);
    core.handle(Event::PeerUp(peer(1)), MS);
    core.handle(Event::PeerDown(peer(1)), 100 * MS);
    assert_eq!(asked(&core.handle(hint(1, 1), 101 * MS)), []);
    assert!(core.peers().all(|peer| !peer.live));
}

#[test]
fn the_end_of_a_former_start_does_not_end_the_present_one() {
    let mut core = core(true, false);
    let former = peer(1);
    let present = PeerId { incarnation: 77, ..former };
    core.handle(Event::PeerUp(former), MS);
    core.handle(Event::PeerUp(present), 2 * MS);
    core.handle(Event::PeerDown(former), 3 * MS);
    assert!(core.peers().any(|peer| peer.id == present && peer.live));
}

#[test]
fn its_own_hints_are_no_peer() {
    let mut core = core(true, false);
    core.handle(Event::PeerUp(peer(0)), MS);
    let copied = PeerId { incarnation: 5, ..peer(0) };
    assert!(core.handle(Event::PeerUp(copied), MS).contains(&Command::Note(Note::IdentityInUse(copied))));
    assert_eq!(core.peers().count(), 0);
}

#[test]
fn peers_are_bounded_and_the_gone_make_room() {
    let settings = Settings { peers: 1, ..Settings::new(peer(0), "own".into()) };
    let mut core = Core::new(settings);
    core.handle(Event::PeerUp(peer(1)), MS);
    assert!(core.handle(Event::PeerUp(peer(2)), MS).contains(&Command::Note(Note::TooManyPeers)));
    core.handle(Event::PeerDown(peer(1)), MS);
    core.handle(Event::PeerUp(peer(2)), MS);
    assert_eq!(core.peers().map(|peer| peer.id).collect::<Vec<_>>(), [peer(2)]);
}

#[test]
fn missed_local_changes_show_as_a_gap_to_others() {
    let mut core = core(false, false);
    core.handle(Event::LocalChange(vec![version(1)]), MS);
    let commands = core.handle(Event::LocalChangesMissed, 2 * MS);
    assert!(matches!(&commands[..], [Command::Publish(hint)] if hint.seq == 2 && hint.versions.is_empty()));
}

mod readiness {
    use super::*;

    #[test]
    fn without_seeds_a_node_is_ready_at_once() {
        assert_eq!(core(false, false).readiness(), &Readiness::ready());
    }

    #[test]
    fn with_data_and_nobody_in_reach_it_goes_on_alone_until_it_meets_somebody() {
        let mut core = core(true, true);
        pass(&mut core, Moment::ZERO, 9900 * MS);
        assert_eq!(core.readiness(), &Readiness::waiting("no_peer"));
        pass(&mut core, 9900 * MS, 10_000 * MS);
        assert_eq!(core.readiness(), &Readiness::alone());
        let commands = core.handle(Event::PeerUp(peer(1)), 11_000 * MS);
        answer_all(&mut core, &commands, &info(false, false), 11_000 * MS);
        assert_eq!(core.readiness(), &Readiness::ready());
    }

    #[test]
    fn an_empty_node_waits_for_somebody() {
        let mut core = core(true, false);
        pass(&mut core, Moment::ZERO, 60_000 * MS);
        assert_eq!(core.readiness(), &Readiness::waiting("no_peer"));
    }

    /// Keeps a peer live with heartbeats.
    fn with_beats(core: &mut Core, seconds: std::ops::Range<u32>, info: &NodeInfo) -> Vec<Command> {
        let mut commands = Vec::new();
        for second in seconds {
            let now = second * 1000 * MS;
            let hint = Hint { info: info.clone(), seq: 0, versions: Vec::new() };
            commands.extend(core.handle(Event::Hint { from: peer(1), hint }, now));
            commands.extend(pass(core, now, now + 1000 * MS));
        }
        commands
    }

    #[test]
    fn empty_nodes_among_themselves_are_a_first_start() {
        let mut core = core(true, false);
        let commands = core.handle(Event::PeerUp(peer(1)), MS);
        answer_empty(&mut core, &commands);
        with_beats(&mut core, 0..9, &info(false, false));
        assert_eq!(core.readiness(), &Readiness::waiting("joining"));
        with_beats(&mut core, 9..11, &info(false, false));
        assert_eq!(core.readiness(), &Readiness::ready());
    }

    fn answer_empty(core: &mut Core, commands: &[Command]) {
        let pull = asked(commands)[0].0;
        let page = Page { info: info(false, false), seq: 0, versions: Vec::new(), next: None };
        core.handle(Event::Page { pull, page: Some(page) }, MS);
        core.handle(merged(pull), MS);
    }

    #[test]
    fn an_empty_node_waits_for_one_with_data_to_become_ready_and_pulls_again() {
        let mut core = core(true, false);
        let commands = core.handle(Event::PeerUp(peer(1)), MS);
        answer_all(&mut core, &commands, &info(false, true), MS);
        with_beats(&mut core, 0..20, &info(false, true));
        assert_eq!(core.readiness(), &Readiness::waiting("joining"));
        let commands = with_beats(&mut core, 20..21, &info(true, true));
        answer_all(&mut core, &commands, &info(true, true), 21_000 * MS);
        assert_eq!(core.readiness(), &Readiness::ready());
    }

    #[test]
    fn nodes_with_data_that_all_restarted_go_on_with_what_they_hold_together() {
        let mut core = core(true, true);
        let commands = core.handle(Event::PeerUp(peer(1)), MS);
        answer_all(&mut core, &commands, &info(false, true), MS);
        with_beats(&mut core, 0..9, &info(false, true));
        assert_eq!(core.readiness(), &Readiness::waiting("joining"));
        with_beats(&mut core, 9..11, &info(false, true));
        assert_eq!(core.readiness(), &Readiness::ready());
    }

    #[test]
    fn a_ready_node_stays_ready_while_it_pulls_anew() {
        let mut core = core(true, false);
        let commands = core.handle(Event::PeerUp(peer(1)), MS);
        answer_all(&mut core, &commands, &info(true, true), MS);
        core.handle(Event::PeerDown(peer(1)), 2 * MS);
        core.handle(Event::PeerUp(peer(1)), 3 * MS);
        assert_eq!(core.readiness(), &Readiness::ready());
    }
}

mod random {
    use proptest::prelude::*;

    use super::*;

    fn event() -> impl Strategy<Value = (u8, u8, u64, bool)> {
        (0..9u8, 1..4u8, 0..6u64, any::<bool>())
    }

    fn nth(kind: u8, id: PeerId, last: PullId, seq: u64, flag: bool) -> Event {
        let versions = || vec![version(seq); usize::from(flag)];
        match kind {
            0 => Event::PeerUp(id),
            1 => Event::PeerDown(id),
            2 | 3 => Event::Hint { from: id, hint: Hint { info: info(flag, flag), seq, versions: versions() } },
            4 => page(last, info(flag, true), seq, flag.then_some(1)),
            5 => Event::Merged { from: last.peer.node, pull: Some(last), taken: flag },
            6 => Event::Page { pull: last, page: None },
            7 => Event::LocalChange(versions()),
            _ => Event::Tick,
        }
    }

    proptest! {
        /// Whatever happens in whatever order: at most one request to a peer, and to live ones only; a
        /// request's name is never used again; readiness is never taken back; a merge is never for a
        /// request that was given up.
        #[test]
        fn requests_are_few_and_readiness_is_for_good(steps in prop::collection::vec((event(), 0..3000u64), 1..200)) {
            let mut core = core(true, false);
            let mut now = Moment::ZERO;
            let mut latest: BTreeMap<NodeId, PullId> = BTreeMap::new();
            let mut last = PullId { peer: peer(1), number: 0 };
            let mut was_ready = false;
            for ((kind, n, seq, flag), wait) in steps {
                now += Duration::from_millis(wait);
                let commands = core.handle(nth(kind, peer(n), last, seq, flag), now);
                for command in &commands {
                    if let Command::Merge { pull: Some(pull), .. } = command {
                        prop_assert_eq!(latest.get(&pull.peer.node), Some(pull));
                    }
                }
                let requests = asked(&commands);
                let peers: std::collections::BTreeSet<_> = requests.iter().map(|(pull, _)| pull.peer).collect();
                prop_assert_eq!(peers.len(), requests.len());
                for (pull, _) in requests {
                    prop_assert!(pull.number > last.number);
                    prop_assert!(core.peers().any(|peer| peer.id == pull.peer && peer.live));
                    last = pull;
                    latest.insert(pull.peer.node, pull);
                }
                prop_assert!(!was_ready || core.readiness().ready);
                was_ready = core.readiness().ready;
            }
        }
    }
}
