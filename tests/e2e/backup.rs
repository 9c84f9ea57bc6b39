//! `backup` and `restore`, with real nodes and files.

use std::{fs, path::Path};

use harness::{
    cli::{Cli, Said},
    cluster::{
        CONVERGE_BOUND, HEAL_BOUND, all_see, entry, equal, flag, id_of, keys, live, place, put, read, sees, trio_with,
    },
    metrics::metric,
    node::{Node, Spec},
};
use serde_json::json;

fn backed_up(node: &Node, dir: &Path) -> String {
    let file = dir.join("flags.backup").display().to_string();
    let done = Cli::of(node).run(&["backup", &file]);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{done:?}");
    file
}

fn restored(arguments: &[&str]) -> Said {
    Cli::bare().run(&[&["restore"], arguments].concat())
}

/// It was taken in the middle of things, and one of the nodes is made from it while the others have gone on.
#[test]
fn a_backup_brings_back_nothing_that_the_others_have_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, c] = trio_with(|spec| spec.option("--collect-grace", "2s").option("--collect-period", "500ms"));
    (0..20).for_each(|number| put(&c.client, &format!("k/{number}"), "x"));
    put(&c.client, "kept", "x");
    let file = backed_up(&c, dir.path());
    put(&c.client, "after", "x");
    (0..20).for_each(|number| c.client.delete(&entry(&format!("k/{number}"))).check(204));
    equal(&[&a, &b, &c], CONVERGE_BOUND);
    for node in [&a, &b, &c] {
        sees("no tombstones", CONVERGE_BOUND, &0.0, || metric(&node.client, "burgee_tombstones", &[]));
    }
    let before = id_of(&c);
    let spec = c.stop().wiped();
    sees("c is gone", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&a.client));
    let data = spec.data_dir().display().to_string();
    let done = restored(&[&file, "--data-dir", &data]);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{done:?}");
    assert!(done.out.contains("gets in line with the others"), "{done:?}");
    let c = spec.start();
    equal(&[&a, &b, &c], HEAL_BOUND);
    assert_ne!(id_of(&c), before, "a new identity");
    all_see("nothing came back", HEAL_BOUND, &Vec::new(), &[&a, &b, &c], |client| keys(client, "k/"));
    for key in ["kept", "after"] {
        assert_eq!(read(&c.client, key), Ok("x".to_owned()));
    }
}

/// Nothing is left of the cluster but the file.
#[test]
fn a_new_cluster_begins_with_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    let a = Spec::serve().cluster("a").start();
    place(&a.client);
    flag(&a.client, "shop/checkout");
    put(&a.client, "k", "x");
    let token = a.client.post("/api/v1/tenants/demo/tokens", &json!({ "name": "t", "kind": "viewer" })).expect(201);
    let token = token.json()["token"].as_str().unwrap().to_owned();
    let file = backed_up(&a, dir.path());
    put(&a.client, "k", "later");
    let spec = a.kill().wiped();
    let data = spec.data_dir().display().to_string();
    let done = restored(&[&file, "--data-dir", &data, "--new-cluster", "--output", "json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(told["of"]["nodeName"], "a");
    let a = spec.start();
    assert_eq!(read(&a.client, "k"), Ok("x".to_owned()));
    a.client.get("/api/v1/tenants/demo/flags/shop%2Fcheckout").check(200);
    a.client.with_token(Some(&token)).get("/api/v1/tenants/demo").check(200);
    let b = Spec::serve().cluster("b").join(&a).start();
    equal(&[&a, &b], HEAL_BOUND);
    assert_eq!(read(&b.client, "k"), Ok("x".to_owned()));
}

#[test]
fn what_is_no_whole_backup_is_refused_by_name_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let a = Spec::serve().start();
    place(&a.client);
    put(&a.client, "k", "x");
    let file = backed_up(&a, dir.path());
    assert_eq!(Cli::of(&a).run(&["backup", &file]).code, Some(2), "it is there already");
    let whole = fs::read(&file).unwrap();
    let data = dir.path().join("data");
    let refused = |bytes: &[u8], why: &str| {
        let bad = dir.path().join("bad.backup");
        fs::write(&bad, bytes).unwrap();
        let said = restored(&[&bad.display().to_string(), "--data-dir", &data.display().to_string()]);
        assert!(said.code == Some(1) && said.err.contains(why) && said.err.contains("bad.backup"), "{said:?}");
        assert!(!data.exists(), "{why}");
    };
    refused(&whole[..whole.len() / 2], "the backup is cut short");
    let mut altered = whole;
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    refused(&altered, "the backup is");
    refused(b"{}", "the file is no backup");
    let occupied = a.spec().data_dir().display().to_string();
    let said = restored(&[&file, "--data-dir", &occupied]);
    assert!(said.code == Some(1) && said.err.contains("in use"), "{said:?}");
    // and only root may take one
    let token = a.client.post("/api/v1/tenants/demo/tokens", &json!({ "name": "t", "kind": "admin" })).expect(201);
    let admin = a.client.with_token(token.json()["token"].as_str());
    admin.get("/api/v1/backup").problem(403, "forbidden");
}
