//! Who belongs to the cluster: starts, stops, names, backups.

use burgee_replication::core::Note;
use burgee_simulation::schedule::{MS, SECOND};

use crate::cluster::{Cluster, latest};
use burgee_simulation::workload::entry;

#[test]
fn check_49_a_start_and_a_stop_are_told_once_and_the_eldest_leads() {
    let mut cluster = Cluster::new(3);
    cluster.pass(10 * SECOND);
    cluster.stop(0);
    cluster.notes.clear();
    cluster.pass(10 * SECOND);
    cluster.start(0);
    cluster.settle();
    cluster.pass(10 * SECOND);
    let id = cluster.slots[0].process.as_ref().unwrap().id;
    for slot in 1..3 {
        let of = |slot: usize| cluster.notes.iter().filter(move |(by, _)| *by == slot).map(|(_, note)| note);
        assert_eq!(of(slot).filter(|note| matches!(note, Note::Joined(_))).count(), 1);
        assert!(of(slot).any(|note| *note == Note::Joined(id)));
        assert_eq!(of(slot).filter(|note| matches!(note, Note::Left(_))).count(), 1);
    }
    for (slot, process) in cluster.processes() {
        let status = process.core.status(&process.table, process.time(cluster.slots[slot].wall, cluster.now));
        let own = status.nodes.iter().filter(|node| node.id == process.id.node).count();
        assert_eq!((own, status.nodes.len()), (1, 3));
        let eldest = cluster.processes().filter(|(slot, _)| *slot != 0).min_by_key(|(_, process)| process.born);
        assert_eq!(status.leader, eldest.map(|(_, process)| process.id.node));
    }
}

#[test]
fn check_50_the_peers_of_a_node_that_stops_notice_at_once() {
    let mut cluster = Cluster::new(3);
    cluster.pass(5 * SECOND);
    cluster.notes.clear();
    cluster.stop(2);
    cluster.pass(200 * MS);
    assert!(cluster.write(2, burgee_simulation::workload::Action::put("k", "v")).is_none());
    let left = cluster.notes.iter().filter(|(_, note)| matches!(note, Note::Left(_))).count();
    assert_eq!(left, 2);
}

#[test]
fn a_node_that_is_restored_from_a_backup_takes_a_new_id_and_resynchronises() {
    let mut cluster = Cluster::new(3);
    cluster.put(0, "k", "v");
    cluster.pass(5 * SECOND);
    cluster.back_up(0);
    cluster.pass(5 * SECOND);
    cluster.put(0, "l", "w");
    cluster.delete(1, "k");
    cluster.pass(60 * SECOND);
    assert!(latest(&cluster, 1, &entry("k")).is_none(), "collected");
    let before = cluster.slots[0].disk.as_ref().unwrap().node;
    cluster.restore(0);
    cluster.start(0);
    cluster.until(20 * SECOND, "it is ready", |world| world.is_ready(0));
    cluster.settle();
    assert_ne!(cluster.slots[0].disk.as_ref().unwrap().node, before);
    assert_eq!((cluster.everywhere("k"), cluster.everywhere("l").as_deref()), (None, Some("w")));
}

#[test]
fn a_name_that_is_in_use_is_refused_while_its_node_lives() {
    let mut cluster = Cluster::new(3);
    cluster.pass(5 * SECOND);
    cluster.wipe(2);
    cluster.pass(10 * SECOND);
    cluster.slots[2].name = "n1".to_owned();
    cluster.start(2);
    cluster.pass(5 * SECOND);
    assert!(!cluster.is_ready(2) && cluster.is_ready(1));
    cluster.pass(20 * SECOND);
    assert!(cluster.slots[2].gave_up.is_some());
    cluster.put(1, "k", "v");
}

/// A copy of a node's data directory is started beside it.
fn copied(reaches_original: bool) -> (Cluster, usize) {
    let mut cluster = Cluster::new(3);
    cluster.put(2, "k", "v");
    cluster.pass(5 * SECOND);
    let copy = cluster.copy(2);
    if !reaches_original {
        cluster.network.separate(2, copy);
    }
    (cluster, copy)
}

#[test]
fn a_copied_data_directory_ends_and_the_original_goes_on() {
    for reaches_original in [true, false] {
        let (mut cluster, copy) = copied(reaches_original);
        cluster.put(2, "l", "of the original");
        let what = format!("the copy ends, where it reaches the original: {reaches_original}");
        cluster.until(10 * SECOND, &what, |world| world.slots[copy].gave_up.is_some());
        cluster.pass(20 * SECOND);
        cluster.settle();
        assert!(cluster.slots[2].gave_up.is_none());
        assert_eq!(cluster.everywhere("l").as_deref(), Some("of the original"));
        cluster.put(2, "m", "later");
        cluster.settle();
        assert_eq!(cluster.everywhere("m").as_deref(), Some("later"));
    }
}
