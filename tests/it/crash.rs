//! The real program, killed in the middle of a burst: what it acknowledged is in the file.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use invigil::clock;
use invigil::domain::delivery::{Delivery, Source};
use invigil::domain::envelope;
use invigil::domain::secret::Secret;
use invigil::pulse::Pulse;
use invigil::store::export::{self, Choice, Format};
use invigil::store::journal::Journal;
use invigil::store::reader::Reader;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");
const ROUNDS: usize = 10;
const SENDERS: usize = 8;
const KINDS: [&str; 5] = ["invited", "enrolled", "in_progress", "completed", "score_updated"];

fn serve(session: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_invigil"))
        .args(["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session"])
        .arg(session)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().split('/').next().unwrap();
    (child, address.to_owned())
}

fn body(number: usize) -> String {
    SAMPLE
        .replace("69145db6968cb883ddfc598b", &format!("candidate{}", number % 37))
        .replace("6a019dfcd71395322307e373", &format!("assessment{}", number % 3))
        .replace("\"event\": \"completed\"", &format!("\"event\": \"{}\"", KINDS[number % 5]))
        .replace("\"tabSwitchCount\": 0", &format!("\"tabSwitchCount\": {}", number % 11))
        .replace("1778491596453", &(1_778_491_596_453 + number * 7 % 1000).to_string())
}

/// Sends one event; true if it was acknowledged.
fn post(stream: &mut TcpStream, number: usize) -> std::io::Result<bool> {
    let (id, body, now) = (format!("msg_{number}"), body(number), clock::now().secs());
    let signature = Secret::parse(SECRET).unwrap().sign(&id, now, body.as_bytes());
    let request = format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nsvix-id: {id}\r\nsvix-timestamp: {now}\r\nsvix-signature: {signature}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; 512];
    let length = stream.read(&mut answer)?;
    Ok(answer[..length].starts_with(b"HTTP/1.1 204"))
}

/// Sends from several threads until the program is gone; returns what was acknowledged.
fn burst(
    address: &str,
    next: &Arc<AtomicUsize>,
    acknowledged: &Arc<Mutex<Vec<usize>>>,
) -> Vec<std::thread::JoinHandle<()>> {
    let sender = |_| {
        let (address, next, acknowledged) = (address.to_owned(), Arc::clone(next), Arc::clone(acknowledged));
        std::thread::spawn(move || {
            let Ok(mut stream) = TcpStream::connect(address) else { return };
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                match post(&mut stream, number) {
                    Ok(true) => acknowledged.lock().unwrap().push(number),
                    _ => return,
                }
            }
        })
    };
    (0..SENDERS).map(sender).collect()
}

/// A session's JSON without what differs between two exports of the same events.
fn saved(path: &Path) -> serde_json::Value {
    let mut out = Vec::new();
    let reader = Reader::open(path).unwrap();
    export::write(&reader, &mut out, Format::Json, &Choice { now: clock::now(), ..Choice::default() })
        .unwrap();
    let mut value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    value
        .as_object_mut()
        .unwrap()
        .retain(|key, _| ["assessments", "candidates", "violations"].contains(&key.as_str()));
    value
}

#[test]
fn what_was_acknowledged_survives_a_kill_in_mid_burst() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("killed.sqlite");
    let next = Arc::new(AtomicUsize::new(0));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..ROUNDS {
        let (mut child, address) = serve(&path);
        let target = acknowledged.lock().unwrap().len() + 40 + round * 13;
        let senders = burst(&address, &next, &acknowledged);
        while acknowledged.lock().unwrap().len() < target {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for sender in senders {
            sender.join().unwrap();
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let again = dir.path().join("again.sqlite");
    {
        let reader = Reader::open(&path).unwrap();
        for number in acknowledged.lock().unwrap().iter() {
            let seq = reader.seq_of(&format!("msg_{number}")).unwrap().expect("acknowledged, hence kept");
            assert_eq!(reader.detail(seq).unwrap().unwrap().body, body(*number).as_bytes());
        }
        runtime.block_on(async {
            let journal = Journal::open(&again, clock::now(), Pulse::default()).unwrap();
            for seq in 1..=i64::try_from(reader.sums().unwrap().events).unwrap() {
                let detail = reader.detail(seq).unwrap().unwrap();
                let delivery = Delivery {
                    id: detail.line.id,
                    sent_at: detail.line.sent_at,
                    received_at: detail.line.received_at,
                    source: Source::Http,
                    verified: true,
                    headers: detail.headers,
                    event: envelope::decode(&detail.body),
                    body: detail.body.into(),
                };
                journal.append(delivery).await.unwrap();
            }
            journal.close().await;
        });
    }
    assert_eq!(saved(&path), saved(&again), "what is derived is what a fresh fold gives");
}

#[test]
fn a_stop_in_mid_burst_loses_nothing_and_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stopped.sqlite");
    let (mut child, address) = serve(&path);
    let (next, acknowledged) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let senders = burst(&address, &next, &acknowledged);
    while acknowledged.lock().unwrap().len() < 200 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    for sender in senders {
        sender.join().unwrap();
    }
    assert!(child.wait().unwrap().success());
    let reader = Reader::open(&path).unwrap();
    for number in acknowledged.lock().unwrap().iter() {
        assert!(reader.seq_of(&format!("msg_{number}")).unwrap().is_some());
    }
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["stopped.sqlite"], "nothing is left beside it");
}
