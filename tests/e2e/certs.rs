//! `burgee cert`: an authority and what it issues, as files. That nodes go by them is what every test of links with
//! certificates shows.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use harness::cli::{Cli, Said};

fn cert(dir: &Path, arguments: &[&str]) -> Said {
    Cli::bare().run(&[&["cert"], arguments, &["--dir", dir.to_str().unwrap()]].concat())
}

#[test]
fn an_authority_and_its_certificates_are_files_that_are_never_replaced() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("certs");
    let at = |name: &str| dir.join(name);
    let printed = |names: [&str; 2]| names.map(|name| format!("{}\n", at(name).display())).concat();
    assert_eq!(cert(&dir, &["init"]).out, printed(["ca.pem", "ca-key.pem"]));
    assert_eq!(
        cert(&dir, &["issue", "a", "--host", "a.example", "--host", "10.0.0.1"]).out,
        printed(["a.pem", "a-key.pem"])
    );
    for key in ["ca-key.pem", "a-key.pem"] {
        assert_eq!(fs::metadata(at(key)).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
    }
    let before = fs::read(at("ca-key.pem")).unwrap();
    let again = cert(&dir, &["init"]);
    assert_eq!(
        (again.code, again.err),
        (Some(1), format!("burgee: {}: it is there already\n", at("ca.pem").display()))
    );
    assert_eq!(fs::read(at("ca-key.pem")).unwrap(), before);
    assert_eq!(cert(&dir, &["issue", "a"]).code, Some(1));
}

#[test]
fn what_cannot_be_issued_is_named_and_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let none = cert(dir, &["issue", "a"]);
    assert_eq!(none.code, Some(1));
    assert!(none.err.starts_with(&format!("burgee: {}: ", dir.join("ca.pem").display())), "{}", none.err);
    assert_eq!(cert(dir, &["init", "--days", "1"]).code, Some(0));
    for (arguments, code, field) in [
        (&["issue", "../a"][..], 2, "node"),
        (&["issue", "ca"], 2, "node"),
        (&["issue", ""], 2, "node"),
        (&["issue", "a", "--host", "a b ä"], 2, "host"),
        (&["issue", "a", "--days", "0"], 2, "days"),
    ] {
        let said = cert(dir, arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.err);
        assert!(said.err.starts_with(&format!("burgee: {field}: ")), "{arguments:?}: {}", said.err);
    }
    // the authority of another key
    let other = tempfile::tempdir().unwrap();
    assert_eq!(cert(other.path(), &["init"]).code, Some(0));
    fs::copy(other.path().join("ca.pem"), dir.join("ca.pem")).unwrap();
    let said = cert(dir, &["issue", "a"]);
    assert!(said.err.starts_with(&format!("burgee: {}: ", dir.join("ca.pem").display())), "{}", said.err);
    let left: Vec<String> =
        fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
