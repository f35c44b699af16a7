//! The real program, killed in the middle of a burst: what it acknowledged is in the file.
#![expect(clippy::unwrap_used, reason = "a test that fails is to say where")]

use std::time::Duration;

use invigil::clock;
use invigil::domain::delivery::{Delivery, Source};
use invigil::domain::envelope;
use invigil::pulse::Pulse;
use invigil::store::export::{self, Choice, Format};
use invigil::store::journal::Journal;
use invigil::store::reader::Reader;

use super::support::serving::{Load, Serving, rounds};

/// A session's JSON without what differs between two exports of the same events.
fn saved(path: &std::path::Path) -> serde_json::Value {
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
    let load = Load::default();
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..rounds(10, 100) {
        let mut serving = Serving::start(&path);
        let burst = load.burst(&serving.address);
        // At any moment of a burst: in the first milliseconds, at a first commit, at a checkpoint.
        if round % 3 == 2 {
            std::thread::sleep(Duration::from_micros(random.u64(0..40_000)));
        } else {
            burst.until_more(random.usize(1..300));
        }
        serving.kill();
        burst.join();
    }
    load.is_kept(&path);
    // The same events, taken in by a journal in their order, come to the same.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let again = dir.path().join("again.sqlite");
    let reader = Reader::open(&path).unwrap();
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
    assert_eq!(saved(&path), saved(&again), "what is derived is what a fresh fold gives");
    println!("{} acknowledged events over {} kills, none lost", load.acknowledged(), rounds(10, 100));
}

#[test]
fn a_stop_in_mid_burst_loses_nothing_and_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stopped.sqlite");
    let load = Load::default();
    let mut serving = Serving::start(&path);
    let burst = load.burst(&serving.address);
    burst.until_more(200);
    assert!(serving.stop().success());
    burst.join();
    load.is_kept(&path);
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["stopped.sqlite"], "nothing is left beside it");
}
