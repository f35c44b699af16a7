//! The benchmark suite: the whole program, as a user starts it, beside servers and tools that do less.
//!
//! `cargo bench --bench suite` runs every part, `cargo bench --bench suite -- ingest start` some of them.
//! BENCHMARKS.md says what each part measures. Ratios within one run are what to compare between machines.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark measures the world, prints, and stops at the first surprise"
)]

#[path = "suite/baselines.rs"]
mod baselines;
#[path = "suite/client.rs"]
mod client;
#[path = "suite/figures.rs"]
mod figures;
#[path = "suite/forward.rs"]
mod forward;
#[path = "suite/idle.rs"]
mod idle;
#[path = "suite/ingest.rs"]
mod ingest;
#[path = "suite/latency.rs"]
mod latency;
#[path = "suite/memory.rs"]
mod memory;
#[path = "suite/process.rs"]
mod process;
#[path = "suite/questions.rs"]
mod questions;
#[path = "suite/relay.rs"]
mod relay;
#[path = "suite/rivals.rs"]
mod rivals;
#[path = "suite/saving.rs"]
mod saving;
#[path = "suite/screen.rs"]
mod screen;
#[path = "suite/search.rs"]
mod search;
#[path = "suite/servers.rs"]
mod servers;
#[path = "suite/session.rs"]
mod session;
#[path = "suite/soak.rs"]
mod soak;
#[path = "suite/terminal.rs"]
mod terminal;
#[path = "suite/viewers.rs"]
mod viewers;

/// A part: its name on the command line, what it measures, and whether it runs when none is named.
type Part = (&'static str, &'static str, bool, fn());

const PARTS: [Part; 13] = [
    ("ingest", "events a second and processor time an event, beside servers that do less", true, ingest::run),
    ("latency", "from the moment an event is due to its answer, at fixed rates", true, latency::run),
    ("viewers", "the same at 1,000 a second with nobody and with ten who look on", true, viewers::run),
    ("relay", "what the relay adds to it, beside plain HTTP at the same server", true, relay::run),
    ("forward", "the same at 1,000 a second, while nothing and while all is passed on", true, forward::run),
    ("memory", "resident memory, serving and watching, at 10,000 and 1,000,000 events", true, memory::run),
    (
        "screen",
        "start and keys on 10,000 and 1,000,000 events, quiet and while events arrive",
        true,
        screen::run,
    ),
    (
        "questions",
        "pages of every list under every kind of filter, at 1,000,000 events",
        true,
        questions::run,
    ),
    ("search", "a rare string in all bodies, beside ripgrep", true, search::run),
    ("saving", "export, and the size of the file, at 1,000,000 events", true, saving::run),
    ("idle", "what an idle screen writes and burns", true, idle::run),
    ("rivals", "express and FastAPI with the svix library", true, rivals::run),
    ("soak", "1,000,000 events with retries and disorder, checked against what was sent", false, soak::run),
];

fn main() {
    if let Ok(kind) = std::env::var("INVIGIL_BENCH_SERVER") {
        return baselines::run(&kind);
    }
    // Cargo adds options of its own.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let known = |word: &String| PARTS.iter().any(|(name, ..)| name == word);
    if let Some(word) = wanted.iter().find(|word| !known(word)) {
        let names: Vec<_> = PARTS.iter().map(|(name, ..)| *name).collect();
        panic!("there is no part {word}; there are {}", names.join(", "));
    }
    for (name, about, usual, run) in PARTS {
        if wanted.iter().any(|word| word == name) || (wanted.is_empty() && usual) {
            println!("\n{name}: {about}");
            run();
        }
    }
}
