//! What the relay adds: the same deliveries through a relay of this program's own and by plain HTTP, at one server, from
//! the moment each is due to its answer.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

use super::client;
use super::figures::{Figures, millis, setting};
use super::latency::open_loop;
use super::servers::Server;

const RATES: [usize; 2] = [100, 1000];

/// Both rates over both ways, alternating.
pub fn run() {
    let (rounds, seconds) = (setting("ROUNDS", 7), setting("SECONDS", 4));
    println!("open loop, {rounds} rounds of {seconds} s each; milliseconds: median / 99th percentile / most");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}", listener.local_addr().expect("an address"));
    let server = Server::serve(&["--relay", "--relay-url", &url]);
    let mut relay = Relay::accept(&listener);
    open_loop(server.address(), 2000, 1000, 999);
    relay.open_loop(2000, 1000, 998);
    for rate in RATES {
        let mut all = [const { Figures::new() }; 2];
        let mut added = Figures::new();
        for round in 0..rounds {
            let seed = rate + round * 2;
            let plain = open_loop(server.address(), rate * seconds, rate, seed);
            let relayed = relay.open_loop(rate * seconds, rate, seed + 1);
            added.push(relayed.median() - plain.median());
            all[0].extend(plain);
            all[1].extend(relayed);
        }
        for (name, all) in ["plain HTTP", "through the relay"].into_iter().zip(&all) {
            println!("{rate:>6}/s {name:<20} {:>24}", all.tail(2));
        }
        println!("{rate:>6}/s added by the relay, medians of a round: {} ms", added.range(2));
    }
}

/// A relay with one listener, as the public one speaks.
struct Relay {
    /// Frames go out by one handle and come in by the other, as neither waits for the other.
    out: WebSocket<TcpStream>,
    coming: Option<WebSocket<TcpStream>>,
}

impl Relay {
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().expect("the server connects");
        stream.set_nodelay(true).expect("a TCP socket");
        let also = stream.try_clone().expect("a second handle");
        let mut coming = accept(stream).expect("an upgrade");
        let start = coming.read().expect("a start frame").into_data();
        let mut out = WebSocket::from_raw_socket(also, Role::Server, None);
        // The start frame is granted as it came.
        out.send(Message::binary(start)).expect("the server reads");
        Self { out, coming: Some(coming) }
    }

    /// Sends so many events at so many a second; milliseconds from when each was due to its answer.
    fn open_loop(&mut self, events: usize, rate: usize, seed: usize) -> Figures {
        let frames: Vec<_> = frames(events, seed);
        let begun = Instant::now() + Duration::from_millis(20);
        let due = move |n: usize| begun + Duration::from_secs_f64(n as f64 / rate as f64);
        let mut coming = self.coming.take().expect("one round at a time");
        let answers = std::thread::spawn(move || {
            let mut took = Figures::default();
            while took.len() < events {
                let Ok(message) = coming.read() else { panic!("the server has gone away") };
                if !message.is_text() && !message.is_binary() {
                    continue;
                }
                let at = Instant::now();
                let frame: Value = serde_json::from_slice(&message.into_data()).expect("a frame");
                assert_eq!(frame["data"]["status"], 204, "{frame}");
                let number = frame["data"]["id"].as_str().and_then(|id| id.parse().ok());
                took.push(millis(at.saturating_duration_since(due(number.expect("our id")))));
            }
            (coming, took)
        });
        for (n, frame) in frames.into_iter().enumerate() {
            std::thread::sleep(due(n).saturating_duration_since(Instant::now()));
            self.out.send(frame).expect("the server reads");
        }
        let (coming, took) = answers.join().expect("no delivery fails");
        self.coming = Some(coming);
        took
    }
}

/// The same requests as plain HTTP brings, as frames.
fn frames(events: usize, seed: usize) -> Vec<Message> {
    let nowhere = "127.0.0.1:0".parse().expect("an address");
    let requests = client::requests(seed, events, nowhere);
    let frame = |(n, request): (usize, Vec<u8>)| {
        let request = String::from_utf8(request).expect("text");
        let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
        let headers: serde_json::Map<_, _> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
            .collect();
        let data = json!({ "id": n.to_string(), "method": "POST", "headers": headers, "body": STANDARD.encode(body) });
        Message::text(json!({ "type": "event", "version": 1, "data": data }).to_string())
    };
    requests.into_iter().enumerate().map(frame).collect()
}
