//! OFREP over HTTP beside a bare axum reply of the same size, in the same run:
//! `http-bench BURGEE HELLO`, both paths of programs. Prints a Markdown table.
//!
//! Each measurement is taken between two of the bare reply, and all are repeated; the table shows medians.
//! CPU time of the server process is the figure that survives a busy machine.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use burgee_peers::{
    cpu, flags,
    load::{self, Target},
    server::{Server, TOKEN},
    table::{self, Row},
};

const CONNECTIONS: usize = 16;
/// Requests of one measurement: enough that the ticks of 10 ms in which CPU time is counted do not matter.
const SINGLE_REQUESTS: usize = 40_000;
const BULK_REQUESTS: usize = 15_000;
const ROUNDS: usize = 3;
const READY_BOUND: Duration = Duration::from_secs(30);

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(burgee), Some(hello)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: http-bench BURGEE HELLO"));
    };
    let dir = env::temp_dir().join(format!("burgee-bench-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let result = bench(&burgee, &hello, &dir);
    fs::remove_dir_all(&dir)?;
    print!("{}", result?);
    Ok(())
}

fn bench(burgee: &Path, hello: &Path, dir: &Path) -> io::Result<String> {
    let file = dir.join("flags.json");
    fs::write(&file, flags::document().to_string())?;
    let node = Server::burgee(burgee, &dir.join("data"), &file)?;
    let bare = Server::hello(hello)?;
    let targets = targets(&node);
    wait_until_it_answers(&targets[0].1)?;
    let mut rows: Vec<Vec<Row>> = Vec::new();
    for _ in 0..ROUNDS {
        rows.push(round(&node, &bare, &targets)?);
    }
    let rows = medians(&rows);
    // the bare reply before and after each measurement is its floor
    let floor = |row: &Row| {
        let same: Vec<f64> = rows.iter().filter(|r| r.bytes == row.bytes && is_bare(r)).map(|r| r.cpu_micros).collect();
        (!is_bare(row) && !same.is_empty()).then(|| same.iter().sum::<f64>() / same.len() as f64)
    };
    let about = format!(
        "{}; load average {} at the end; {CONNECTIONS} kept connections; medians of {ROUNDS} rounds\n\n",
        cpu::machine(),
        cpu::load_average()
    );
    Ok(about + &table::markdown(&rows, floor))
}

fn is_bare(row: &Row) -> bool {
    row.name.starts_with("bare axum")
}

fn targets(node: &Server) -> Vec<(&'static str, Target, usize)> {
    let target = |path: &str, more: &str, status| Target {
        address: node.address.clone(),
        path: format!("/e/demo/development/ofrep/v1/evaluate/flags{path}"),
        headers: format!("authorization: Bearer {TOKEN}\r\n{more}"),
        body: flags::request(),
        status,
    };
    vec![
        ("OFREP single, static", target("/static-7", "", 200), SINGLE_REQUESTS),
        ("OFREP single, rule and split", target("/rule-7", "", 200), SINGLE_REQUESTS),
        ("OFREP bulk, 100 flags", target("", "", 200), BULK_REQUESTS),
    ]
}

fn wait_until_it_answers(target: &Target) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match load::run(target, 1, 1) {
            Ok(_) => return Ok(()),
            Err(error) if start.elapsed() > READY_BOUND => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn round(node: &Server, bare: &Server, targets: &[(&'static str, Target, usize)]) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, target, requests) in targets {
        // also warms up: by now the compiler has swapped its modules in
        let bytes = load::run(target, CONNECTIONS, requests / 10)?.body_bytes;
        let floor = Target { address: bare.address.clone(), path: format!("/{bytes}"), ..target.clone() };
        let bare_name = format!("bare axum, {bytes} bytes");
        rows.push(measure(&bare_name, bare, &floor, *requests)?);
        rows.push(measure(name, node, target, *requests)?);
        rows.push(measure(&format!("{bare_name}, again"), bare, &floor, *requests)?);
    }
    Ok(rows)
}

fn measure(name: &str, server: &Server, target: &Target, requests: usize) -> io::Result<Row> {
    let gone = || io::Error::other("the server is gone");
    let before = cpu::micros(server.pid()).ok_or_else(gone)?;
    let outcome = load::run(target, CONNECTIONS, requests)?;
    let cpu = cpu::micros(server.pid()).ok_or_else(gone)? - before;
    Ok(Row {
        name: name.to_owned(),
        bytes: outcome.body_bytes,
        cpu_micros: cpu as f64 / outcome.latencies.len() as f64,
        rate: outcome.rate(),
        p50: outcome.percentile(5_000),
        p99: outcome.percentile(9_900),
        resident_mib: cpu::resident_mib(server.pid()).unwrap_or_default(),
    })
}

/// Row by row the round with the median CPU time.
fn medians(rounds: &[Vec<Row>]) -> Vec<Row> {
    let count = rounds.first().map_or(0, Vec::len);
    let median = |at: usize| {
        let mut same: Vec<&Row> = rounds.iter().filter_map(|round| round.get(at)).collect();
        same.sort_by(|a, b| a.cpu_micros.total_cmp(&b.cpu_micros));
        same.get(same.len() / 2).map(|row| (*row).clone())
    };
    (0..count).filter_map(median).collect()
}
