//! How fast deliveries are verified, kept durably and folded, against servers that do less, in one run.
//!
//! `cargo bench --bench ingest` starts the release binary as a user starts it and, beside it, a bare axum
//! handler that only reads the body, and one that verifies and parses but stores nothing. The same client
//! sends the same pre-signed 4 kB events to each in alternated rounds. Ratios, not requests a second, are
//! what to compare between machines. `ROUNDS`, `EVENTS` and `CONNECTIONS` in the environment change the run.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark measures the world, prints, and stops at the first surprise"
)]

#[path = "ingest/client.rs"]
mod client;
#[path = "ingest/servers.rs"]
mod servers;

use servers::{Kind, Server};

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Middle, least and greatest of some figures.
fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    (figures[figures.len() / 2], figures[0], figures[figures.len() - 1])
}

fn main() {
    if let Ok(kind) = std::env::var("INVIGIL_BENCH_SERVER") {
        return servers::run(&kind);
    }
    let (rounds, events) = (setting("ROUNDS", 5), setting("EVENTS", 40_000));
    let connections = setting("CONNECTIONS", 64);
    println!("{rounds} rounds of {events} events of 4 kB over {connections} keep-alive connections");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut rates = vec![Vec::new(); Kind::ALL.len()];
    let mut costs = vec![Vec::new(); Kind::ALL.len()];
    let mut ratios = vec![Vec::new(); Kind::ALL.len()];
    let mut servers: Vec<_> = Kind::ALL.into_iter().map(Server::start).collect();
    for round in 0..rounds {
        let mut bare = 0.0;
        for (n, server) in servers.iter_mut().enumerate() {
            let requests = client::requests(round * Kind::ALL.len() + n, events, server.address());
            let before = server.cpu_micros();
            let took = runtime.block_on(client::send(server.address(), requests, connections));
            let cost = (server.cpu_micros() - before) / events as f64;
            let rate = events as f64 / took.as_secs_f64();
            if n == 0 {
                bare = rate;
            }
            rates[n].push(rate);
            costs[n].push(cost);
            ratios[n].push(rate / bare);
        }
    }
    println!("{:<18} {:>26} {:>22} {:>18}", "", "events/s (range)", "× bare (range)", "CPU µs/event");
    for (n, kind) in Kind::ALL.into_iter().enumerate() {
        let (rate, least, most) = spread(rates[n].clone());
        let (ratio, low, high) = spread(ratios[n].clone());
        let (cost, ..) = spread(costs[n].clone());
        let range = format!("{rate:.0} ({least:.0}–{most:.0})");
        println!(
            "{:<18} {range:>26} {:>22} {cost:>18.1}",
            kind.name(),
            format!("{ratio:.2} ({low:.2}–{high:.2})")
        );
    }
    for server in servers {
        if let Some(line) = server.stop() {
            println!("{line}");
        }
    }
}
