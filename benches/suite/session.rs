//! Sessions of a given size, made once through the journal and kept beside the build.

use std::path::PathBuf;

use invigil::domain::delivery::Headers;
use invigil::domain::delivery::{Delivery, Source};
use invigil::domain::{envelope, id};
use invigil::pulse::Pulse;
use invigil::simulate::rollout::{Plan, Rollout};
use invigil::store::journal::Journal;
use invigil::store::schema;
use tokio::task::JoinSet;

/// A large session.
pub const MILLION: usize = 1_000_000;
/// A small one.
pub const SMALL: usize = 10_000;
/// In the body of one event, early in the session.
pub const RARE: &str = "sesquipedalian-needle";
/// Where that one stands, of a hundred parts.
const RARE_AT: usize = 37;
/// Deliveries under way at once.
const WAITING: usize = 500;

/// The file of a session with so many events; made if it is not there yet.
pub fn of(events: usize) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = dir.join(format!("session-{events}-v{}.sqlite", schema::VERSION));
    if !path.exists() {
        println!("making a session of {events} events, once");
        let part = dir.join(format!("part-{events}.sqlite"));
        for ending in ["", "-wal", "-shm", "-lock"] {
            let _ = std::fs::remove_file(dir.join(format!("part-{events}.sqlite{ending}")));
        }
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(fill(&part, events));
        std::fs::rename(&part, &path).expect("a name for it");
    }
    path
}

/// A copy that may be written to; on most file systems it costs what a read and a write cost. It is on the disk
/// when this returns: else every sync of the program would wait for it.
pub fn copy_of(events: usize, dir: &std::path::Path) -> PathBuf {
    let path = dir.join("copy.sqlite");
    std::fs::copy(of(events), &path).expect("a copy");
    std::fs::File::open(&path).and_then(|copy| copy.sync_all()).expect("it reaches the disk");
    path
}

async fn fill(path: &std::path::Path, events: usize) {
    let now = invigil::clock::now();
    let span = 21_600_000;
    let journal = Journal::open(path, now, Pulse::default()).expect("a session");
    let start = now.plus_millis(-span);
    let candidates = events as u64 / 6;
    let plan = Plan {
        seed: 1,
        candidates,
        start,
        story_span_ms: span,
        duplicates: 0.0,
        disorder: 0.05,
        forged: 0.0,
    };
    let mut sending = JoinSet::new();
    for (n, send) in Rollout::new(plan).take(events).enumerate() {
        let journal = journal.clone();
        sending.spawn(async move {
            let mut body = send.body;
            if n == events / 100 * RARE_AT {
                let text =
                    String::from_utf8_lossy(&body).replacen('{', &format!("{{\"note\":\"{RARE}\","), 1);
                body = text.into_bytes();
            }
            let event = envelope::decode(&body);
            let at = id::created_at(&send.id).unwrap_or(now);
            let delivery = Delivery {
                id: send.id,
                sent_at: at,
                received_at: at,
                source: Source::Http,
                verified: true,
                headers: Headers::default(),
                event,
                body: body.into(),
            };
            journal.append(delivery).await.expect("it is kept");
        });
        if sending.len() >= WAITING {
            sending.join_next().await;
        }
    }
    sending.join_all().await;
    journal.close().await;
}
