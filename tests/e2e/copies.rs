//! Data directories that were copied and run beside the original.

use std::time::Duration;

use harness::{
    cluster::{CONVERGE_BOUND, VISIBLE_BOUND, meet, place, put, read, sees},
    disk,
    node::{Node, Spec},
};

/// From its start until a copy has given way and ended, with a ready timeout of 3 s.
const GIVES_WAY_BOUND: Duration = Duration::from_secs(20);

/// Stops a node, copies its data directory and starts it again.
fn copied(node: Node) -> (Node, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let spec = node.stop();
    disk::copy(spec.data_dir(), dir.path());
    (spec.start(), dir)
}

/// The copy ends by itself, and says why; its disk is as it was.
fn gives_way(mut copy: Node, original: &Node, others: &[&Node]) {
    assert_eq!(copy.wait(GIVES_WAY_BOUND).code(), Some(1));
    let (_, stderr) = copy.output();
    assert!(
        stderr.iter().any(|line| line.starts_with("burgee: data-dir: another process has the identity of this one")),
        "{stderr:?}"
    );
    put(&original.client, "after", "x");
    for other in others {
        sees("the original's writes", VISIBLE_BOUND, &Ok("x".to_owned()), || read(&other.client, "after"));
    }
}

#[test]
fn a_copy_that_runs_beside_a_node_which_reaches_it_gives_way() {
    let b = Spec::serve().cluster("b").start();
    place(&b.client);
    put(&b.client, "k", "before");
    let (b, dir) = copied(b);
    let copy = Spec::serve().cluster("b").data(dir.path()).join(&b).option("--ready-timeout", "3s").launch();
    gives_way(copy, &b, &[]);
    assert_eq!(read(&b.client, "k"), Ok("before".to_owned()));
}

#[test]
fn a_copy_that_only_others_see_beside_the_node_gives_way() {
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    let b = Spec::serve().cluster("b").join(&a).start();
    put(&b.client, "k", "before");
    let (b, dir) = copied(b);
    meet(&[&a, &b]);
    let copy = Spec::serve().cluster("b").data(dir.path()).join(&a).option("--ready-timeout", "3s").launch();
    gives_way(copy, &b, &[&a]);
    sees("the value", CONVERGE_BOUND, &Ok("before".to_owned()), || read(&a.client, "k"));
}
