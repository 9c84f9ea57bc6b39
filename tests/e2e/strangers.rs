//! Whoever does not belong to the cluster, and bytes that are no frames: refused, counted, never merged, and
//! nobody else notices.

use std::{io::Write, net::TcpStream, thread, time::Duration};

use harness::{
    certificates::{Authority, Files},
    cluster::{
        Apart, CONVERGE_BOUND, HEAL_BOUND, VISIBLE_BOUND, all_see, equal, live, meet, pair, place, put, read, root,
        sees,
    },
    metrics::metric,
    network::Network,
    node::{Node, Spec},
    random::Random,
    tap::{Tap, port, say},
};

/// How many frames and links a node has refused for a reason, or for any.
fn refused(node: &Node, reason: &str) -> f64 {
    let label = format!("reason=\"{reason}\"");
    let labels: &[&str] = if reason.is_empty() { &[] } else { &[&label] };
    metric(&node.client, "burgee_frames_refused_total", labels)
}

/// Both go on: each hears of the other's next write.
fn go_on(a: &Node, b: &Node, mark: &str) {
    for (writer, reader) in [(a, b), (b, a)] {
        let text = format!("{mark} by {}", writer.announcement["node"]);
        put(&writer.client, "mark", &text);
        sees(mark, VISIBLE_BOUND, &Ok(text), || read(&reader.client, "mark"));
    }
}

fn stays_out(node: &Node) {
    let ready = node.client.get("/readyz").expect(503).json();
    assert!(!ready["reasons"].as_array().unwrap().is_empty(), "{ready}");
}

#[test]
fn a_node_of_another_cluster_is_refused_and_counted() {
    let (a, b) = pair();
    put(&a.client, "k", "ours");
    let stranger = Spec::serve().cluster("x").join(&a).cluster_named("another").launch();
    sees("the refusal", CONVERGE_BOUND, &true, || refused(&a, "cluster") >= 1.0);
    go_on(&a, &b, "beside a stranger");
    stays_out(&stranger);
    assert_eq!(live(&a.client), ["a", "b"]);
    // with data of its own, which goes nowhere
    drop(stranger);
    let theirs = Spec::serve().cluster("y").cluster_named("another").start();
    place(&theirs.client);
    put(&theirs.client, "k", "theirs");
    let before = refused(&a, "cluster");
    let theirs = theirs.stop().option("--join", a.cluster.clone().unwrap()).option("--ready-timeout", "1s").start();
    sees("the refusal", CONVERGE_BOUND, &true, || refused(&a, "cluster") > before);
    assert_eq!(read(&theirs.client, "k"), Ok("theirs".to_owned()));
    assert_eq!(read(&a.client, "k"), Ok("ours".to_owned()));
}

#[test]
fn check_51_without_a_certificate_of_our_authority_nobody_joins() {
    let apart = Apart::with_nodes(2);
    let [a, b] = [0, 1].map(|at| &apart.nodes[at]);
    put(&a.client, "k", "ours");
    let foreign = Authority::new();
    let host = apart.network.host(1);
    // it believes us too, so that it comes as far as it can; a certificate that its own authority did not sign is
    // refused at its start
    let both = tempfile::NamedTempFile::new().unwrap();
    let texts = [&apart.authority, &foreign].map(|ca| std::fs::read_to_string(ca.certificate()).unwrap());
    std::fs::write(both.path(), texts.concat()).unwrap();
    let believing_us = foreign.issue("x").believing(both.path());
    for (number, credentials) in [foreign.issue("y"), believing_us].into_iter().enumerate() {
        let before = refused(a, "certificate");
        let name = format!("stranger-{number}");
        let stranger = Spec::serve().cluster(&name).on(host, credentials).join(a).launch();
        sees("the refusal", CONVERGE_BOUND, &true, || refused(a, "certificate") > before);
        go_on(a, b, &name);
        stays_out(&stranger);
        assert_eq!(live(&a.client), ["a", "b"]);
    }
}

#[test]
fn check_51_an_authority_is_changed_without_a_gap() {
    /// The longest that the two may not hear of each other's writes meanwhile.
    const GAP_BOUND: Duration = Duration::from_secs(1);
    let (network, old, new) = (Network::with_hosts(2), Authority::new(), Authority::new());
    let files = [(); 2].map(|()| Files::new());
    let [before, after] = [&old, &new].map(|authority| [0, 1].map(|at| authority.issue(&format!("n{at}"))));
    let a = Spec::serve().cluster("a").on(network.host(0), files[0].install(&before[0], &[&old])).start();
    place(&a.client);
    let b = Spec::serve().cluster("b").on(network.host(1), files[1].install(&before[1], &[&old])).join(&a).start();
    meet(&[&a, &b]);
    let mut number = 0;
    let mut traffic = |period: Duration| {
        let start = std::time::Instant::now();
        while start.elapsed() < period {
            number += 1;
            put(&a.client, "k", &format!("{number}"));
            sees("the write", GAP_BOUND, &Ok(format!("{number}")), || read(&b.client, "k"));
        }
    };
    // both authorities, then new certificates, then the new authority alone; files are looked at every 2 s
    for (believed, certificates) in [(&[&old, &new][..], &before), (&[&old, &new], &after), (&[&new], &after)] {
        files.iter().zip(certificates).for_each(|(files, own)| drop(files.install(own, believed)));
        traffic(Duration::from_secs(5));
    }
    // whoever has a certificate of the old one alone is a stranger now
    let refusals = refused(&a, "certificate");
    let late = Spec::serve().cluster("late").on(network.host(1), old.issue("late")).join(&a).launch();
    sees("the refusal", CONVERGE_BOUND, &true, || refused(&a, "certificate") > refusals);
    stays_out(&late);
}

#[test]
fn garbage_on_the_cluster_port_is_refused_and_counted() {
    let (a, b) = pair();
    let mut random = Random::seeded();
    let noise: Vec<u8> = (0..8_192).flat_map(|_| random.number().to_le_bytes()).collect();
    let cases = [
        vec![0; 65_536],
        vec![255; 65_536],
        noise,
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
        b"\x16\x03\x01".to_vec(),
    ];
    let before = refused(&a, "");
    for bytes in &cases {
        say(&a, bytes);
    }
    sees("the refusals", CONVERGE_BOUND, &true, || refused(&a, "") >= before + 3.0);
    go_on(&a, &b, "after garbage");
    assert_eq!(live(&a.client), ["a", "b"]);
}

#[test]
fn many_who_connect_and_say_nothing_harm_nobody() {
    let (a, b) = pair();
    let idle: Vec<TcpStream> = (0..300).filter_map(|_| TcpStream::connect(port(&a)).ok()).collect();
    go_on(&a, &b, "beside the silent");
    // also for somebody who comes meanwhile
    let c = Spec::serve().cluster("c").join(&a).start();
    assert!(read(&c.client, "mark").is_ok());
    drop(idle);
}

/// What `c` said to `a` while it wrote, overheard.
fn overheard(a: &Node, b: &Node) -> Vec<Vec<u8>> {
    let tap = Tap::on(a);
    let c = Spec::serve().cluster("c").join(a).option("--join", &tap.endpoint).start();
    meet(&[a, b, &c]);
    (0..20).for_each(|number| put(&c.client, &format!("by-c/{number}"), "old"));
    equal(&[a, b, &c], CONVERGE_BOUND);
    (0..20).for_each(|number| put(&c.client, &format!("by-c/{number}"), "new"));
    put(&c.client, "deleted", "x");
    c.client.delete(&harness::cluster::entry("deleted")).check(204);
    equal(&[a, b, &c], CONVERGE_BOUND);
    let _ = c.stop();
    sees("c is away", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&a.client));
    tap.tapes().into_iter().filter(|tape| !tape.is_empty()).collect()
}

#[test]
fn replayed_truncated_and_damaged_frames_change_nothing() {
    let (a, b) = pair();
    let tapes = overheard(&a, &b);
    assert!(!tapes.is_empty(), "the tap heard nothing");
    equal(&[&a, &b], HEAL_BOUND);
    let before = root(&a);
    let mut random = Random::seeded();
    for tape in &tapes {
        say(&a, tape);
        for _ in 0..10 {
            let cut = random.below(tape.len() as u64) as usize;
            say(&a, &tape[..cut]);
            let mut damaged = tape.clone();
            (0..3).for_each(|_| damaged[random.below(tape.len() as u64) as usize] ^= 1 << random.below(8));
            say(&a, &damaged);
        }
        // the greeting, then more than any frame may be
        let mut stream = TcpStream::connect(port(&a)).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let _ = stream.write_all(&tape[..tape.len().min(200)]);
        let _ = stream.write_all(&vec![255; 1 << 20]);
    }
    go_on(&a, &b, "after replays");
    thread::sleep(Duration::from_millis(500));
    all_see("the deleted one", VISIBLE_BOUND, &Err(404), &[&a, &b], |client| read(client, "deleted"));
    for number in 0..20 {
        assert_eq!(read(&a.client, &format!("by-c/{number}")), Ok("new".to_owned()));
    }
    eprintln!("{} tapes; root before {before:?}; refused {}", tapes.len(), refused(&a, ""));
}
