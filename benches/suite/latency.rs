//! Latency of an acknowledgement at fixed rates, open loop: each event is due at a moment of its own, and its
//! latency counts from then, whether or not the one before has been answered.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::client;
use super::figures::{Figures, millis, setting};
use super::servers::{Kind, Server};

const KINDS: [Kind; 2] = [Kind::Append, Kind::Invigil];
const RATES: [usize; 2] = [100, 1000];
/// Connections, so that one is free whenever an event is due.
const CONNECTIONS: usize = 48;

/// Both rates against both servers, alternating.
pub fn run() {
    let (rounds, seconds) = (setting("ROUNDS", 5), setting("SECONDS", 4));
    println!("open loop, {rounds} rounds of {seconds} s each; milliseconds: median / 99th percentile / most");
    let servers: Vec<_> = KINDS.into_iter().map(Server::start).collect();
    for server in &servers {
        // Connections, caches and the dictionary of a server that has been up for a while.
        open_loop(server.address(), 2000, 1000, 999);
    }
    for rate in RATES {
        let mut all = vec![Figures::default(); KINDS.len()];
        let mut tails = vec![Figures::default(); KINDS.len()];
        for round in 0..rounds {
            for (n, server) in servers.iter().enumerate() {
                let took = open_loop(server.address(), rate * seconds, rate, round * 10 + rate + n);
                tails[n].push(took.share(0.99));
                all[n].extend(took);
            }
        }
        for (n, kind) in KINDS.into_iter().enumerate() {
            let tails = tails[n].range(2);
            println!("{rate:>6}/s {:<36} {:>24}   p99 of a round {tails}", kind.name(), all[n].tail(2));
        }
        println!("{rate:>6}/s p99, invigil / append: {:.1}", all[1].share(0.99) / all[0].share(0.99));
    }
}

/// Sends so many events at so many a second; milliseconds from when each was due to its answer.
pub fn open_loop(address: SocketAddr, events: usize, rate: usize, seed: usize) -> Figures {
    let requests = client::requests(seed, events, address);
    let next = AtomicUsize::new(0);
    let begun = Instant::now() + Duration::from_millis(20);
    let send = || {
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        let mut took = Figures::default();
        let mut answer = [0; 1024];
        while let Some((n, request)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, requests.get(n)?)))
        {
            let due = begun + Duration::from_secs_f64(n as f64 / rate as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            stream.write_all(request).expect("the server reads");
            let length = stream.read(&mut answer).expect("the server answers");
            assert!(answer[..length].starts_with(b"HTTP/1.1 204"), "{}", String::from_utf8_lossy(&answer));
            took.push(millis(due.elapsed()));
        }
        took
    };
    let mut all = Figures::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(send)).collect();
        for thread in threads {
            all.extend(thread.join().expect("no request fails"));
        }
    });
    all
}
