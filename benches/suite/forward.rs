//! What passing events on costs whoever delivers: the latency of an acknowledgement without and with a target. A third
//! server, without one too, says how much two that do the same differ in the same run.

use std::time::{Duration, Instant};

use invigil::store::reader::Reader;

use super::figures::{Figures, setting};
use super::latency::open_loop;
use super::servers::{Kind, Server};

/// Events a second.
const RATE: usize = 1000;
const NAMES: [&str; 3] = ["nothing is passed on", "the same once more", "all is passed on"];

/// The three of them, alternating.
pub fn run() {
    let (rounds, seconds) = (setting("ROUNDS", 10), setting("SECONDS", 4));
    println!("open loop, {rounds} rounds of {seconds} s each; milliseconds: median / 99th percentile / most");
    let target = Server::start(Kind::Bare);
    let url = format!("http://{}/webhook", target.address());
    let servers = [Server::serve(&[]), Server::serve(&[]), Server::serve(&["--forward-to", &url])];
    for server in &servers {
        // Connections, caches and the dictionary of a server that has been up for a while.
        open_loop(server.address(), 2 * RATE, RATE, 999);
    }
    let mut all = [const { Figures::new() }; 3];
    let mut tails = all.clone();
    let mut burnt = all.clone();
    for round in 0..rounds {
        // Whoever comes first in a round comes last in the next.
        let mut order = [0, 1, 2];
        order.rotate_left(round % 3);
        for n in order {
            let before = servers[n].process().cpu_micros();
            let took = open_loop(servers[n].address(), RATE * seconds, RATE, round * 3 + n);
            settle(&servers[n], n == 2);
            burnt[n].push((servers[n].process().cpu_micros() - before) / (RATE * seconds) as f64);
            tails[n].push(took.share(0.99));
            all[n].extend(took);
        }
    }
    for (n, name) in NAMES.into_iter().enumerate() {
        let (tails, burnt) = (tails[n].range(2), burnt[n].range(0));
        println!("{RATE}/s {name:<22} {:>24}   p99 of a round {tails}   {burnt} µs an event", all[n].tail(2));
    }
    for (n, than) in [(1, "once more"), (2, "passed on")] {
        let (mut ratio, base) = (tails[n].median() / tails[0].median(), all[0].share(0.99));
        println!("p99 of a round, {than} / nothing: {ratio:.2}");
        ratio = all[n].share(0.99) / base;
        println!("p99 of all, {than} / nothing: {ratio:.2}");
    }
}

/// Waits until all that was received is with the target, so that no round pays for the one before.
fn settle(server: &Server, forwards: bool) {
    let reader = Reader::open(&server.session()).expect("the session");
    let begun = Instant::now();
    while forwards
        && reader.forwarded_to().expect("a session") != Some(reader.sums().expect("a session").events as i64)
    {
        assert!(begun.elapsed() < Duration::from_secs(30), "the target does not get it all");
        std::thread::sleep(Duration::from_millis(20));
    }
}
