//! How long the first page of each list takes, whole and under a filter, and both its ends.
//!
//! `cargo bench --bench questions`; `EVENTS` in the environment is how many events the session has.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark measures the world, prints, and stops at the first surprise"
)]

use std::time::Instant;

use invigil::domain::delivery::{Delivery, Headers, Source};
use invigil::domain::envelope;
use invigil::domain::filter;
use invigil::domain::query::{Anchor, Query, Sort};
use invigil::pulse::Pulse;
use invigil::simulate::rollout::{Plan, Rollout};
use invigil::store::journal::Journal;
use invigil::store::reader::Reader;
use tokio::task::JoinSet;

const FILTERS: [&str; 14] = [
    "",
    "type:candidate.completed",
    "event:disqualified",
    "status:in_progress",
    "flag:red",
    "violation:webcam>=4",
    "score<20",
    "assessment:warehouse",
    "candidate:zofia",
    "is:unrecognised",
    "is:duplicate",
    "since:10m",
    "nothing-has-this-word",
    "(flag:red OR score>95) -status:rejected",
];
const ROWS: u32 = 60;
const TIMES: usize = 15;

fn main() {
    let events = std::env::var("EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("questions.sqlite");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let journal = Journal::open(&path, invigil::clock::now(), Pulse::default()).expect("a session");
    runtime.block_on(fill(&journal, events));
    let reader = Reader::of(&journal).expect("a reader");
    println!("{events} events; median of {TIMES}, milliseconds");
    println!("{:<42} {:>9} {:>9} {:>9} {:>9}", "filter", "events", "candid.", "rises", "assessm.");
    for text in FILTERS {
        let filter = filter::parse(text).expect("a filter");
        let query = Query { filters: vec![filter], now: invigil::clock::now(), ..Query::default() };
        let first = [
            time(|| reader.events(&query, &Anchor::First, 0, ROWS, &[]).expect("a page").rows.len()),
            time(|| reader.candidates(&query, &Anchor::First, 0, ROWS).expect("a page").rows.len()),
            time(|| reader.rises(&query, &Anchor::First, 0, ROWS).expect("a page").rows.len()),
            time(|| reader.assessments(&query, &Anchor::First, 0, ROWS).expect("a page").rows.len()),
        ];
        let named = if text.is_empty() { "(none)" } else { text };
        println!("{named:<42} {:>9.2} {:>9.2} {:>9.2} {:>9.2}", first[0], first[1], first[2], first[3]);
    }
    for sort in [Sort::Latest, Sort::Oldest, Sort::Name, Sort::Status, Sort::Score, Sort::Worst] {
        let query = Query { sort, ..Query::default() };
        let ends = [
            time(|| reader.events(&query, &Anchor::Last, ROWS, 0, &[]).expect("a page").rows.len()),
            time(|| reader.candidates(&query, &Anchor::Last, ROWS, 0).expect("a page").rows.len()),
        ];
        println!("{:<42} {:>9.2} {:>9.2}", format!("last page, {sort:?}"), ends[0], ends[1]);
    }
}

async fn fill(journal: &Journal, events: usize) {
    let now = invigil::clock::now();
    let start = now.plus_millis(-21_600_000);
    let plan = Plan {
        seed: 1,
        candidates: events as u64 / 6,
        start,
        story_span_ms: 21_600_000,
        duplicates: 0.0,
        disorder: 0.0,
        forged: 0.0,
    };
    let mut sending = JoinSet::new();
    for send in Rollout::new(plan).take(events) {
        let journal = journal.clone();
        sending.spawn(async move {
            let event = envelope::decode(&send.body);
            let (source, headers) = (Source::Http, Headers::default());
            let body = send.body.into();
            let delivery = Delivery {
                id: send.id,
                sent_at: now,
                received_at: now,
                source,
                verified: true,
                headers,
                event,
                body,
            };
            journal.append(delivery).await.expect("it is kept");
        });
        if sending.len() >= 500 {
            sending.join_next().await;
        }
    }
    sending.join_all().await;
}

/// The middle of several times, in milliseconds.
fn time<T>(question: impl Fn() -> T) -> f64 {
    let mut took: Vec<f64> = (0..TIMES)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(question());
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[TIMES / 2]
}
