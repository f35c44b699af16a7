//! Ingest: the same signed events to each server in alternated rounds, over keep-alive connections.

use super::client;
use super::figures::{Figures, mib, setting};
use super::servers::{Kind, Server};

const KINDS: [Kind; 4] = [Kind::VerifyParse, Kind::Bare, Kind::Append, Kind::Invigil];

#[derive(Clone, Default)]
struct Measured {
    rates: Figures,
    ratios: Figures,
    costs: Figures,
}

/// Both numbers of connections that the targets name, or the one of `CONNECTIONS`.
pub fn run() {
    let (rounds, events) = (setting("ROUNDS", 5), setting("EVENTS", 40_000));
    let connections = match setting("CONNECTIONS", 0) {
        0 => vec![64, 256],
        one => vec![one],
    };
    for connections in connections {
        println!("{rounds} rounds of {events} events of 4 kB over {connections} keep-alive connections");
        rounds_of(rounds, events, connections);
    }
}

fn rounds_of(rounds: usize, events: usize, connections: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut measured = vec![Measured::default(); KINDS.len()];
    let mut servers: Vec<_> = KINDS.into_iter().map(Server::start).collect();
    for round in 0..rounds {
        let mut first = 0.0;
        for (n, server) in servers.iter().enumerate() {
            let requests = client::requests(round * KINDS.len() + n, events, server.address());
            let before = server.process().cpu_micros();
            let took = runtime.block_on(client::send(server.address(), requests, connections));
            let rate = events as f64 / took.as_secs_f64();
            if n == 0 {
                first = rate;
            }
            measured[n].rates.push(rate);
            measured[n].ratios.push(rate / first);
            measured[n].costs.push((server.process().cpu_micros() - before) / events as f64);
        }
    }
    println!("{:<36} {:>24} {:>22} {:>18}", "", "events/s (range)", "× verify + parse", "CPU µs/event");
    for (kind, measured) in KINDS.into_iter().zip(&measured) {
        println!(
            "{:<36} {:>24} {:>22} {:>18}",
            kind.name(),
            measured.rates.range(0),
            measured.ratios.range(2),
            measured.costs.range(0)
        );
    }
    for (kind, server) in KINDS.into_iter().zip(&mut servers) {
        if kind == Kind::Invigil {
            let (now, most) = (server.process().resident(), server.process().resident_at_most());
            server.stop();
            let size = std::fs::metadata(server.session()).map_or(0, |meta| meta.len());
            println!(
                "invigil: resident {:.0} MiB at the end, {:.0} at most; session file {:.0} MiB",
                mib(now),
                mib(most),
                mib(size)
            );
        }
    }
}
