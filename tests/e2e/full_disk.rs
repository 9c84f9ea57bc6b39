//! A disk that takes nothing any more while the node runs: its errors are those of one that has become read-only.

use harness::{
    cluster::{HEAL_BOUND, entry, flag, place, put, read},
    node::Spec,
    proc::{Disk, resize_disk},
    wait,
};

#[test]
fn while_the_disk_is_full_writes_are_refused_by_name_and_all_else_goes_on() {
    let node = Spec::serve().disk(Disk::Small(4)).start();
    place(&node.client);
    flag(&node.client, "f");
    let before = node.client.value("demo/development", "f");
    let value = "x".repeat(200_000);
    put(&node.client, "k/0", &value);
    let refused = (1..100).map(|number| format!("k/{number}")).find_map(|key| {
        let answer = node.client.put(&entry(&key), &value);
        (answer.status != 201).then_some((key, answer))
    });
    let (key, answer) = refused.expect("it is full at some time");
    answer.problem(507, "storage");
    assert_eq!((read(&node.client, "k/0"), read(&node.client, &key)), (Ok(value.clone()), Err(404)));
    assert_eq!(node.client.value("demo/development", "f"), before);
    node.client.get("/readyz").check(200);
    // it needs no restart
    resize_disk(node.pid(), node.spec().data_dir(), 64);
    let written = || node.client.put(&entry(&key), &value).status == 201;
    wait::until_true("the disk takes writes again", HEAL_BOUND, written);
    assert_eq!(read(&node.client, &key), Ok(value));
}
