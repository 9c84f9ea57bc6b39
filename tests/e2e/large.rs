//! Values at and above the limit.

use std::time::Duration;

use harness::cluster::{CONVERGE_BOUND, entry, read, sees, trio};

const LIMIT: usize = 1 << 20;

#[test]
fn check_62_a_value_of_a_mebibyte_arrives_and_a_larger_one_is_refused() {
    let [a, b, c] = trio();
    let value: Vec<u8> = (0..LIMIT).map(|at| (at * 31 % 251) as u8).collect();
    let kind = [("content-type", "application/octet-stream")];
    let mut slowest = Duration::ZERO;
    for number in 0..5 {
        let path = entry(&format!("large/{number}"));
        a.client.send("PUT", &path, &kind, &value).check(201);
        for node in [&b, &c] {
            slowest = slowest.max(sees("it", CONVERGE_BOUND, &true, || node.client.get(&path).body == value));
        }
    }
    eprintln!("slowest of 5 values of 1 MiB: {slowest:?}");
    let too_large = vec![b'x'; LIMIT + 1];
    a.client.send("PUT", &entry("larger"), &kind, &too_large).problem(413, "too_large");
    for node in [&a, &b, &c] {
        assert_eq!(read(&node.client, "larger"), Err(404));
    }
    // and nothing stands in its way
    a.client.put(&entry("small"), "x").check(201);
    sees("a small one", CONVERGE_BOUND, &Ok("x".to_owned()), || read(&c.client, "small"));
}
