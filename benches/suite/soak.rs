//! The soak: a million events with repeats and disorder through HTTP to a watching program, and what it says
//! in the end held against what was sent, added up here by other means.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use invigil::domain::proctoring::ViolationKind;
use invigil::domain::secret::Secret;
use invigil::simulate::rollout::{Plan, Rollout, Send};
use serde_json::Value;

use super::client::SECRET;
use super::figures::{Figures, mib, millis, setting};
use super::screen;
use super::session::MILLION;

const CONNECTIONS: usize = 64;
/// Statuses by their code in a session file.
const STATUSES: [&str; 8] = [
    "invited",
    "invitation_expired",
    "enrolled",
    "in_progress",
    "completed",
    "disqualified",
    "invited_for_interview",
    "rejected",
];

/// What one candidacy must come to.
#[derive(Default)]
struct Told {
    status: Option<(i64, String, String)>,
    score: Option<(i64, String, f64)>,
    tab_switches: u64,
    copy_pastes: u64,
    events: u64,
}

/// Everything that was acknowledged, as the sender knows it.
#[derive(Default)]
struct Truth {
    deliveries: u64,
    ids: std::collections::HashSet<String>,
    candidacies: HashMap<(String, String), Told>,
}

impl Truth {
    fn take(&mut self, send: &Send) {
        self.deliveries += 1;
        if !self.ids.insert(send.id.clone()) {
            return;
        }
        let Ok(body) = serde_json::from_slice::<Value>(&send.body) else { return };
        let (event, data) = (body["event"].as_str().unwrap_or_default(), &body["data"]);
        let known = STATUSES.contains(&event) || event == "score_updated";
        let (Some(assessment), Some(candidate)) =
            (data["assessmentId"].as_str(), data["candidateId"].as_str())
        else {
            return;
        };
        if body["type"] != "candidate" || !known {
            return;
        }
        let told = self.candidacies.entry((assessment.to_owned(), candidate.to_owned())).or_default();
        told.events += 1;
        let stamp = (body["timestamp"].as_i64().expect("a time"), send.id.clone());
        if event != "score_updated"
            && told.status.as_ref().is_none_or(|(at, id, _)| (*at, id) < (stamp.0, &stamp.1))
        {
            told.status = Some((stamp.0, stamp.1.clone(), event.to_owned()));
        }
        if let Some(score) = data["scores"]["avgScorePercentage"].as_f64()
            && told.score.as_ref().is_none_or(|(at, id, _)| (*at, id) < (stamp.0, &stamp.1))
        {
            told.score = Some((stamp.0, stamp.1, score));
        }
        let cheating = &data["signals"]["antiCheating"];
        let count = |name: &str, flag: &str| {
            cheating[name].as_u64().unwrap_or_default().max(u64::from(cheating[flag] == true))
        };
        told.tab_switches = told.tab_switches.max(count("tabSwitchCount", ""));
        told.copy_pastes = told.copy_pastes.max(count("copyPasteViolationCount", "copyPasteDetected"));
    }
}

/// Sends, looks at memory and screen meanwhile, then compares.
pub fn run() {
    let events = setting("EVENTS", MILLION);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let file = dir.path().join("soak.sqlite");
    let terminal = screen::watch_new(&file);
    let address = terminal.address();
    let now = invigil::clock::now();
    let span = 21_600_000;
    let plan = Plan {
        seed: 11,
        candidates: events as u64 / 6,
        start: now.plus_millis(-span),
        story_span_ms: span,
        duplicates: 0.05,
        disorder: 0.1,
        forged: 0.0,
    };
    let sends = Mutex::new(Rollout::new(plan).take(events));
    let truth = Mutex::new(Truth::default());
    let begun = Instant::now();
    let (mut taken, mut refused, mut memory, mut keys) = (Figures::new(), 0, Figures::new(), Figures::new());
    std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..CONNECTIONS).map(|_| scope.spawn(|| sender(address, &sends, &truth))).collect();
        while senders.iter().any(|sender| !sender.is_finished()) {
            std::thread::sleep(Duration::from_secs(1));
            memory.push(mib(terminal.process().resident()));
            keys.push(millis(screen::there_and_back(&terminal)));
        }
        for sender in senders {
            let (took, later) = sender.join().expect("a sender ends");
            taken.extend(took);
            refused += later;
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let truth = truth.into_inner().expect("no sender failed");
    println!(
        "{} deliveries in {seconds:.0} s, {:.0}/s, {refused} asked to come later",
        truth.deliveries,
        truth.deliveries as f64 / seconds
    );
    println!("acknowledged within {} ms (median / p99 / most)", taken.tail(1));
    println!("resident MiB: {}; a key and back on the screen: {} ms", memory.range(0), keys.tail(1));
    drop(terminal);
    compare(&file, &truth);
}

/// Sends one after another, again after a 503, until there are none left.
fn sender(
    address: SocketAddr,
    sends: &Mutex<impl Iterator<Item = Send>>,
    truth: &Mutex<Truth>,
) -> (Figures, u64) {
    let secret = Secret::parse(SECRET).expect("a good secret");
    let mut stream = TcpStream::connect(address).expect("the program listens");
    stream.set_nodelay(true).expect("a TCP socket");
    let (mut took, mut refused) = (Figures::new(), 0);
    let mut answer = [0; 1024];
    loop {
        let Some(send) = sends.lock().expect("no sender failed").next() else { return (took, refused) };
        loop {
            let secs = invigil::clock::now().secs();
            let mut request = format!(
                "POST /webhook HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\nsvix-id: {}\r\n\
                 svix-timestamp: {secs}\r\nsvix-signature: {}\r\nContent-Length: {}\r\n\r\n",
                send.id,
                secret.sign(&send.id, secs, &send.body),
                send.body.len()
            )
            .into_bytes();
            request.extend_from_slice(&send.body);
            let begun = Instant::now();
            stream.write_all(&request).expect("the program reads");
            let length = stream.read(&mut answer).expect("the program answers");
            if answer[..length].starts_with(b"HTTP/1.1 204") {
                took.push(millis(begun.elapsed()));
                break;
            }
            assert!(answer[..length].starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&answer));
            refused += 1;
            std::thread::sleep(Duration::from_secs(1));
        }
        truth.lock().expect("no sender failed").take(&send);
    }
}

fn compare(file: &std::path::Path, truth: &Truth) {
    let connection = rusqlite::Connection::open(file).expect("the session");
    let sums: (u64, u64, u64) = connection
        .query_row("SELECT events, deliveries, candidates FROM sums", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .expect("sums");
    assert_eq!(sums, (truth.ids.len() as u64, truth.deliveries, truth.candidacies.len() as u64));
    let columns = [ViolationKind::TabSwitch, ViolationKind::CopyPaste].map(ViolationKind::index);
    let text = format!(
        "SELECT a.id, c.candidate_id, c.status, c.score, c.events, c.v{}, c.v{} FROM candidacy c
         JOIN assessment a ON a.n = c.assessment",
        columns[0], columns[1]
    );
    let mut statement = connection.prepare(&text).expect("a question");
    let mut rows = statement.query([]).expect("rows");
    let mut averages: HashMap<String, (f64, u64)> = HashMap::new();
    while let Some(row) = rows.next().expect("a row") {
        let key: (String, String) = (row.get(0).expect("an id"), row.get(1).expect("an id"));
        let told = truth.candidacies.get(&key).unwrap_or_else(|| panic!("{key:?} was never sent"));
        let status: Option<usize> = row.get(2).expect("a status");
        assert_eq!(
            status.map(|n| STATUSES[n]),
            told.status.as_ref().map(|(.., word)| word.as_str()),
            "{key:?}"
        );
        let score: Option<f64> = row.get(3).expect("a score");
        assert_eq!(score, told.score.as_ref().map(|(.., score)| *score), "{key:?}");
        let counts: [u64; 3] = [4, 5, 6].map(|n| row.get(n).expect("a count"));
        assert_eq!(counts, [told.events, told.tab_switches, told.copy_pastes], "{key:?}");
        if let Some(score) = score {
            let (sum, count) = averages.entry(key.0).or_default();
            *sum += score;
            *count += 1;
        }
    }
    for (id, (sum, count)) in averages {
        let held: f64 = connection
            .query_row("SELECT score_micros / 1e6 / scored FROM assessment WHERE id = ?1", [&id], |row| {
                row.get(0)
            })
            .expect("an average");
        assert!((held - sum / count as f64).abs() < 1e-3, "{id}: {held}");
    }
    println!(
        "statuses, scores, counts of events and violations of {} candidacies, and averages: as sent",
        truth.candidacies.len()
    );
}
