//! HTTP over TLS: the certificate from files, and new ones while the node runs.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use harness::{
    TOKEN,
    certificates::{Authority, Credentials, Files},
    cli::Cli,
    cluster::{CONVERGE_BOUND, sees},
    flags, http2,
    node::{Node, Spec},
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject},
};

/// A connection to somebody whose authority is believed, before its handshake.
fn connect(address: &str, authority: &Authority, protocols: &[&[u8]]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.certificate()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let client = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    StreamOwned::new(client, socket)
}

/// What a node answers to somebody who believes one authority; none where there is no handshake.
fn ready(node: &Node, authority: &Authority) -> Option<String> {
    let mut stream = connect(&node.http, authority, &[]);
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    // whoever closes without saying so in TLS has said all the same
    let _ = stream.read_to_string(&mut text);
    Some(text)
}

/// A node that serves HTTPS by a certificate of an authority, and its files.
fn serving(spec: Spec, files: &Files, authority: &Authority) -> (Node, Credentials) {
    let held = files.install(&authority.issue("127.0.0.1"), &[authority]);
    let spec = spec.option("--tls-cert", held.cert.to_str().unwrap()).option("--tls-key", held.key.to_str().unwrap());
    let node = spec.launch();
    sees("readiness", CONVERGE_BOUND, &true, || {
        ready(&node, authority).is_some_and(|text| text.starts_with("HTTP/1.1 200"))
    });
    (node, held)
}

#[test]
fn http_is_spoken_over_tls_and_follows_its_files() {
    let (files, first, second) = (Files::new(), Authority::new(), Authority::new());
    let (node, held) = serving(Spec::serve(), &files, &first);
    let text = ready(&node, &first).unwrap();
    assert!(text.contains("strict-transport-security: max-age="), "{text}");
    assert_eq!(ready(&node, &second), None);
    // whoever shakes no hands keeps nobody waiting
    let _silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&node.http).unwrap()).collect();
    assert!(ready(&node, &first).is_some());
    let _ = files.install(&second.issue("127.0.0.1"), &[&second]);
    sees("the new certificate", CONVERGE_BOUND, &true, || ready(&node, &second).is_some());
    assert_eq!(ready(&node, &first), None);
    std::fs::write(&held.cert, "no certificate").unwrap();
    std::thread::sleep(Duration::from_secs(3)); // beyond the time in which the files are read again
    assert!(ready(&node, &second).is_some());
}

#[test]
fn flagds_services_are_spoken_over_tls() {
    let (files, ours) = (Files::new(), Authority::new());
    let spec = Spec::serve().grpc().import("demo/development", &flags::file());
    let (node, _held) = serving(spec, &files, &ours);
    let address = node.announcement["grpc"].as_str().unwrap();
    let (place, key) = ("flagSetId=demo/development", "static-boolean-0");
    let mut stream = connect(address, &ours, &[b"h2"]);
    let asked = [&[0x0a, u8::try_from(key.len()).unwrap()], key.as_bytes()].concat();
    let call = http2::call(1, "/flagd.evaluation.v2.Service/ResolveBoolean", TOKEN, place, &asked);
    stream.write_all(&[http2::preface(1 << 16), call].concat()).unwrap();
    http2::until(&mut stream, b"STATIC");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    let mut stream = connect(address, &ours, &[b"http/1.1"]);
    let body = format!(r#"{{"flagKey":"{key}"}}"#);
    let head = format!(
        "POST /flagd.evaluation.v1.Service/ResolveBoolean HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n\
         flagd-selector: {place}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    http2::until(&mut stream, b"STATIC");
    // without TLS, and by another authority, nobody is answered
    assert!(connect(address, &Authority::new(), &[b"h2"]).write_all(&http2::preface(1)).is_err());
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(&http2::preface(1 << 16)).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(&[0, 0]), "no frame of settings: {answer:?}");
}

#[test]
fn the_command_line_believes_the_authority_that_it_is_given() {
    let (files, ours, other) = (Files::new(), Authority::new(), Authority::new());
    let (node, held) = serving(Spec::serve(), &files, &ours);
    let url = format!("https://{}", node.http);
    let ask = |authority: &[&str]| {
        Cli::bare().run(&[&["token", "list", "--url", &url, "--token", TOKEN], authority].concat())
    };
    let file = |authority: &Authority| authority.certificate().display().to_string();
    // the tenant is not there, which only who was let in hears
    let said = ask(&["--ca", &file(&ours)]);
    assert!(said.code == Some(1) && said.err.starts_with("not_found"), "{said:?}");
    for authority in [vec!["--ca".to_owned(), file(&other)], vec![]] {
        let said = ask(&authority.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(said.code == Some(1) && said.err.starts_with("burgee: url: "), "{said:?}");
    }
    for wrong in [held.key.display().to_string(), "/no/such/file".to_owned()] {
        let said = ask(&["--ca", &wrong]);
        assert!(said.code == Some(2) && said.err.starts_with("burgee: ca: "), "{said:?}");
    }
}

#[test]
fn a_certificate_that_is_no_good_refuses_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("cert.pem"), "none").unwrap();
    let spec = Spec::serve().option("--tls-cert", file("cert.pem")).option("--tls-key", file("key.pem"));
    let (code, said) = spec.refuses();
    assert_eq!(code, Some(2));
    assert!(said[0].starts_with("burgee: tls-"), "{said:?}");
    let (code, said) = Spec::serve().option("--tls-cert", file("cert.pem")).refuses();
    assert_eq!((code, said[0].as_str()), (Some(2), "burgee: tls-key: is missing beside tls-cert"));
}
