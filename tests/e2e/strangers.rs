//! Whoever does not belong to the cluster, and bytes that are no frames: refused, counted, never merged, and
//! nobody else notices.

use std::{net::TcpStream, time::Duration};

use harness::{
    certificates::{Authority, Files},
    cluster::{
        Apart, CONVERGE_BOUND, HEAL_BOUND, VISIBLE_BOUND, equal, keys, live, meet, pair, place, put, read, root, sees,
        stays,
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

/// What `c` said to `a` while it wrote, overheard; and `c` as it can be started again.
fn overheard(a: &Node, b: &Node) -> (Vec<Vec<u8>>, Spec) {
    let tap = Tap::on(a);
    let c = Spec::serve().cluster("c").join_by(a, &tap.endpoint).start();
    meet(&[a, b, &c]);
    (0..20).for_each(|number| put(&c.client, &format!("by-c/{number}"), "old"));
    equal(&[a, b, &c], CONVERGE_BOUND);
    (0..20).for_each(|number| put(&c.client, &format!("by-c/{number}"), "new"));
    put(&c.client, "deleted", "x");
    c.client.delete(&harness::cluster::entry("deleted")).check(204);
    equal(&[a, b, &c], CONVERGE_BOUND);
    let c = c.stop();
    sees("c is away", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&a.client));
    let tapes: Vec<_> = tap.tapes().into_iter().filter(|tape| !tape.is_empty()).collect();
    let holds = |text: &str| tapes.iter().any(|tape| tape.windows(text.len()).any(|part| part == text.as_bytes()));
    assert!(holds("by-c/19") && holds("deleted"), "the tap heard nothing of it");
    (tapes, c)
}

/// The first words of a tape: who speaks.
fn hello(tape: &[u8]) -> &[u8] {
    const HEAD: usize = 10;
    let length = u16::from_be_bytes([tape[HEAD - 2], tape[HEAD - 1]]);
    &tape[..HEAD + usize::from(length)]
}

/// Says these bytes so often to a node, which must refuse them each time, for this reason, and say so in its log.
fn refuses(node: &Node, reason: &str, times: u32, bytes: &[u8]) {
    let before = refused(node, reason);
    (0..times).for_each(|_| say(node, bytes));
    sees(reason, CONVERGE_BOUND, &(before + f64::from(times)), || refused(node, reason));
    tells_of(node, reason);
}

/// Its log says that it refused something for this reason.
fn tells_of(node: &Node, reason: &str) {
    let (_, log) = node.output();
    let told = log.iter().any(|line| line.contains("frame refused") && line.contains(&format!("\"{reason}\"")));
    assert!(told, "the log says nothing of {reason}");
}

/// Everything that a node holds, in one number, and how many entries are current in it.
fn holds(node: &Node) -> (Option<String>, Vec<String>) {
    (root(node), keys(&node.client, ""))
}

#[test]
fn what_is_replayed_merges_nothing() {
    let (a, b) = pair();
    let (tapes, c) = overheard(&a, &b);
    equal(&[&a, &b], HEAL_BOUND);
    // what c said before is no longer so
    (0..20).for_each(|number| put(&b.client, &format!("by-c/{number}"), "newest"));
    equal(&[&a, &b], CONVERGE_BOUND);
    let before = holds(&a);
    assert_eq!(before.1.len(), 20);
    for tape in &tapes {
        // whole, twice at once, and cut off in the middle of a frame
        say(&a, tape);
        say(&a, &[tape.as_slice(), &tape[hello(tape).len()..]].concat());
        (1..10).for_each(|tenths| say(&a, &tape[..tape.len() * tenths / 10]));
    }
    stays("it", Duration::from_secs(3), &before.1, &[&a, &b], |client| keys(client, ""));
    assert_eq!((holds(&a), holds(&b)), (before.clone(), before));
    assert_eq!(read(&a.client, "deleted"), Err(404));
    sees("c is away", CONVERGE_BOUND, &vec!["a".to_owned(), "b".to_owned()], || live(&a.client));
    go_on(&a, &b, "after replays");
    // nor does what it said in an earlier life disturb one that is there
    let c = c.start();
    sees("c is there", CONVERGE_BOUND, &true, || live(&a.client).contains(&"c".to_owned()));
    let refusals = refused(&a, "identity");
    tapes.iter().for_each(|tape| say(&a, tape));
    sees("the refusal", CONVERGE_BOUND, &true, || refused(&a, "identity") > refusals);
    tells_of(&a, "identity");
    go_on(&a, &c, "beside its own words");
    equal(&[&a, &b, &c], CONVERGE_BOUND);
}

#[test]
fn damaged_frames_are_refused_counted_and_logged_and_merge_nothing() {
    let (a, b) = pair();
    let (tapes, _c) = overheard(&a, &b);
    equal(&[&a, &b], HEAL_BOUND);
    let (before, mut random) = (holds(&a), Random::seeded());
    let said = tapes.iter().max_by_key(|tape| tape.len()).unwrap();
    let (who, rest) = said.split_at(hello(said).len());
    refuses(&a, "garbage", 3, &who[..who.len() - 1]);
    refuses(&a, "garbage", 3, &[who, &[0x7f; 64]].concat());
    // a chunk of news that says that it is larger than any may be
    refuses(&a, "oversized", 3, &[who, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff], &[0; 64]].concat());
    // a whole chunk of news, whose bytes are of a version that nobody knows
    refuses(&a, "version", 1, &[who, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64], &[0xa5; 64]].concat());
    refuses(&a, "cluster", 1, &{
        let mut other = said.clone();
        let name = other.windows(5).position(|bytes| bytes == b"test-").unwrap();
        other[name] ^= 1;
        other
    });
    for _ in 0..20 {
        let mut damaged = rest.to_vec();
        (0..3).for_each(|_| damaged[random.below(rest.len() as u64) as usize] ^= 1 << random.below(8));
        say(&a, &[who, &damaged].concat());
    }
    stays("it", Duration::from_secs(1), &before.1, &[&a, &b], |client| keys(client, ""));
    go_on(&a, &b, "after damage");
    for number in 0..20 {
        assert_eq!(read(&a.client, &format!("by-c/{number}")), Ok("new".to_owned()));
    }
}
