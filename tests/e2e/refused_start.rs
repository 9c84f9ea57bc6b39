//! Starts that must fail: one line on stderr that names the field, the right exit code, nothing announced.

use std::{fs, net::TcpListener, path::Path};

use harness::{
    cluster::{entry, place, read},
    node::Spec,
    proc::Disk,
};

fn refused(spec: &Spec, code: i32, field: &str) {
    let (exit, lines) = spec.refuses();
    assert_eq!(exit, Some(code), "{lines:?}");
    let named: Vec<&String> = lines.iter().filter(|line| line.starts_with("burgee: ")).collect();
    assert_eq!(named.len(), 1, "one line: {lines:?}");
    let reason = named[0].strip_prefix(&format!("burgee: {field}: "));
    assert!(reason.is_some_and(|reason| !reason.is_empty()), "the field is {field}: {lines:?}");
    assert!(!lines.iter().any(|line| line.contains("panicked")), "{lines:?}");
}

fn largest_file(dir: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

/// A stopped node with data.
fn stopped() -> Spec {
    let node = Spec::serve().start();
    place(&node.client);
    (0..100).for_each(|n| node.client.put(&entry(&format!("k/{n}")), &"x".repeat(1_000)).check(201));
    node.stop()
}

#[test]
fn a_truncated_data_file_is_named_and_left_alone() {
    let spec = stopped();
    let file = largest_file(spec.data_dir());
    let whole = fs::read(&file).unwrap();
    for keep in [whole.len() / 2, whole.len() - 1, 4_096, 100, 7] {
        fs::write(&file, &whole[..keep]).unwrap();
        refused(&spec, 1, "data-dir");
        assert!(fs::read(&file).unwrap() == whole[..keep], "the file is not touched");
    }
    fs::write(&file, &whole).unwrap();
    assert_eq!(read(&spec.start().client, "k/99"), Ok("x".repeat(1_000)));
}

#[test]
fn garbage_in_place_of_the_data_file_is_named() {
    let spec = stopped();
    let file = largest_file(spec.data_dir());
    let whole = fs::read(&file).unwrap();
    fs::write(&file, vec![0xa5; whole.len()]).unwrap();
    refused(&spec, 1, "data-dir");
    let mut flipped = whole;
    flipped[..512].fill(0xff);
    fs::write(&file, flipped).unwrap();
    refused(&spec, 1, "data-dir");
}

#[test]
fn a_data_directory_in_use_is_named_and_its_owner_goes_on() {
    let node = Spec::serve().start();
    place(&node.client);
    refused(&Spec::serve().data(node.spec().data_dir()), 1, "data-dir");
    node.client.put(&entry("k"), "x").check(201);
    let node = node.kill().start();
    assert_eq!(read(&node.client, "k"), Ok("x".to_owned()));
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    refused(&Spec::serve().data(&file.join("below")), 1, "data-dir");
    refused(&Spec::serve().data(&file), 1, "data-dir");
}

#[test]
fn a_read_only_data_directory_is_named_with_the_cause() {
    let spec = stopped();
    let dir = spec.data_dir().display().to_string();
    let (exit, lines) = spec.clone().disk(Disk::ReadOnly).refuses();
    assert_eq!(exit, Some(1), "{lines:?}");
    let [line] = lines.as_slice() else { panic!("one line: {lines:?}") };
    assert!(line.starts_with(&format!("burgee: data-dir: {dir}: ")) && line.contains("Read-only"), "{line}");
    assert_eq!(read(&spec.start().client, "k/99"), Ok("x".repeat(1_000)));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&Spec::serve().listen(&address), 1, "listen");
    refused(&Spec::serve().option("--cluster-listen", format!("tcp/{address}")), 1, "cluster-listen");
}

#[test]
fn a_bad_value_is_named_before_any_port_is_bound() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("never-made");
    let spec = || Spec::serve().data(&data);
    for (option, value, field) in [
        ("--log", "xml", "log"),
        ("--max-skew", "soon", "max-skew"),
        ("--ready-timeout", "10", "ready-timeout"),
        ("--join", "nonsense", "join"),
        ("--join", "tcp/127.0.0.1:99999", "join"),
        ("--cluster-listen", "127.0.0.1:1", "cluster-listen"),
        ("--cluster-listen", "tcp/0.0.0.0:0", "cluster-listen"),
        ("--cluster-listen", "quic/0.0.0.0:0", "cluster-advertise"),
        ("--cluster-advertise", "127.0.0.1:1", "cluster-advertise"),
        ("--node-name", "", "node-name"),
        ("--import", "demo=x", "import"),
        ("--import", "demo/development=/no/such/file", "import"),
        ("--grpc-listen", "here", "grpc-listen"),
        ("--grpc-open", "demo", "grpc-open"),
        ("--discovery", "magic", "discovery"),
        ("--discovery", "static", "join"),
        ("--discovery", "dns", "discovery-dns-name"),
        ("--discovery", "nats", "discovery-nats-url"),
        ("--discovery", "kubernetes", "discovery-kubernetes-api"),
        ("--discovery-dns-name", "nodes.example", "discovery-dns-name"),
        ("--discovery-dns-port", "99999", "discovery-dns-port"),
        ("--discovery-interval", "0", "discovery-interval"),
        ("--discovery-endpoints", "0", "discovery-endpoints"),
        ("--config", "/no/such/file.toml", "config"),
    ] {
        refused(&spec().option(option, value), 2, field);
    }
    refused(&spec().token(Some("")), 2, "admin-token");
    refused(&spec().listen("nowhere"), 2, "listen");
    refused(&spec().listen("127.0.0.1:65536"), 2, "listen");
    refused(&spec().token(None).env("BURGEE_ADMIN_TOKEN", "has a space"), 2, "admin-token");
    refused(&spec().env("BURGEE_LOG", "xml"), 2, "log");
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn an_import_file_that_is_no_flagd_document_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("flags.json");
    let long = r#"{"flags":{"a":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"nope"}}}"#;
    for text in ["", "{", "[]", "{\"flags\":7}", long] {
        fs::write(&file, text).unwrap();
        let (exit, lines) = Spec::serve().import("demo/development", &file).refuses();
        assert!(matches!(exit, Some(1 | 2)), "{text}: {exit:?} {lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("burgee: import: ")), "{text}: {lines:?}");
    }
}

#[test]
fn a_config_file_is_checked_like_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("burgee.toml");
    let path = file.display().to_string();
    for (text, field) in
        [("log = 'xml'", "log"), ("lisen = 'x'", "config"), ("log = ", "config"), ("listen = 7", "config")]
    {
        fs::write(&file, text).unwrap();
        refused(&Spec::serve().option("--config", &path), 2, field);
    }
    fs::write(&file, "node-name = 'from-the-file'\n").unwrap();
    let node = Spec::serve().option("--config", &path).start();
    assert_eq!(node.announcement["node"], "from-the-file");
}

#[test]
fn a_limit_beyond_its_range_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (limits, field) in [
        ("feed_entries = 0", "feed_entries"),
        ("write_queue_requests = 100000000000", "write_queue_requests"),
        ("history_min_versions = 30\nhistory_max_versions = 20", "history_min_versions"),
        ("cluster_peers = 0", "cluster_peers"),
        ("cluster_handshakes = 8", "cluster_handshakes_per_address"),
        ("guest_bytes = 50000000", "cluster_frame_bytes"),
        ("cluster_links = 5", "config"),
    ] {
        fs::write(file.path(), format!("[limits]\n{limits}\n")).unwrap();
        refused(&Spec::serve().option("--config", file.path().to_str().unwrap()), 2, field);
    }
}
