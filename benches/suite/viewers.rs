//! What those who look on cost whoever delivers: the latency of an acknowledgement with none of them and with ten.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::JoinHandle;

use super::figures::{Figures, setting};
use super::latency::open_loop;
use super::servers::Server;

/// Events a second.
const RATE: usize = 1000;
/// Those who look on.
const VIEWERS: usize = 10;
/// Fewer bytes are no event.
const EVENT: usize = 4000;

/// With none and with ten, alternating, on one server.
pub fn run() {
    let (rounds, seconds) = (setting("ROUNDS", 7), setting("SECONDS", 4));
    println!("open loop, {rounds} rounds of {seconds} s each; milliseconds: median / 99th percentile / most");
    let (server, control) = Server::with_control();
    // Connections, caches and the dictionary of a server that has been up for a while.
    open_loop(server.address(), 2 * RATE, RATE, 999);
    let mut all = [Figures::new(), Figures::new()];
    let mut tails = all.clone();
    let mut burnt = all.clone();
    for round in 0..rounds {
        for (n, count) in [0, VIEWERS].into_iter().enumerate() {
            let viewers: Vec<_> = (0..count).map(|_| Viewer::start(control)).collect();
            let before = server.process().cpu_micros();
            let took = open_loop(server.address(), RATE * seconds, RATE, round * 2 + n);
            burnt[n].push((server.process().cpu_micros() - before) / (RATE * seconds) as f64);
            tails[n].push(took.share(0.99));
            all[n].extend(took);
            for viewer in viewers {
                let read = viewer.end();
                assert!(read > RATE * seconds * EVENT * 9 / 10, "it was told {read} bytes only");
            }
        }
    }
    for (n, who) in ["nobody looks on", "ten look on"].into_iter().enumerate() {
        let (tails, burnt) = (tails[n].range(2), burnt[n].range(0));
        println!("{RATE}/s {who:<16} {:>24}   p99 of a round {tails}   {burnt} µs an event", all[n].tail(2));
    }
    println!("p99 of a round, ten / nobody: {:.2}", tails[1].median() / tails[0].median());
}

/// Somebody who looks on from what is committed now, and does nothing with it: that is another machine's work.
struct Viewer {
    stream: TcpStream,
    reading: JoinHandle<usize>,
}

impl Viewer {
    fn start(control: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(control).expect("the control address listens");
        // Beyond all events there is nothing to catch up with.
        let newest = newest(control);
        write!(
            stream,
            "GET /attach?after={newest} HTTP/1.1\r\nHost: {control}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .expect("it reads");
        let mut incoming = stream.try_clone().expect("a handle");
        let reading = std::thread::spawn(move || {
            let (mut buffer, mut bytes) = (vec![0; 256 << 10], 0);
            while let Ok(read @ 1..) = incoming.read(&mut buffer) {
                bytes += read;
            }
            bytes
        });
        Self { stream, reading }
    }

    /// Ends it; how many bytes it was told.
    fn end(self) -> usize {
        // One that was dropped is found out by its bytes.
        let _ = self.stream.shutdown(Shutdown::Both);
        self.reading.join().expect("a reader")
    }
}

/// The newest event, as the metrics tell.
fn newest(control: SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(control).expect("the control address listens");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {control}\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let line = text.lines().find_map(|line| line.strip_prefix("invigil_session_events "));
    line.and_then(|count| count.trim().parse().ok()).expect("the metrics count events")
}
