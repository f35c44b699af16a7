//! How long a frame takes, on a session of some thousand events, at the sizes that are drawn.
//!
//! `cargo bench --bench frame`
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark measures the world, prints, and stops at the first surprise"
)]

use std::time::{Duration, Instant};

use invigil::app::key::{Code, Key};
use invigil::app::model::{Model, Setup};
use invigil::app::msg::{Effect, Msg};
use invigil::app::update;
use invigil::domain::delivery::{Delivery, Headers, Source};
use invigil::domain::envelope;
use invigil::pulse::Pulse;
use invigil::simulate::rollout::{Plan, Rollout};
use invigil::store::journal::Journal;
use invigil::store::reader::Reader;
use invigil::tui::desk;
use invigil::ui::styles::Styles;
use invigil::ui::theme::{Depth, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const FRAMES: usize = 500;

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("frame.sqlite");
    let now = invigil::clock::now();
    let pulse = Pulse::default();
    let journal = Journal::open(&path, now, pulse.clone()).expect("a session");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(fill(&journal));
    let reader = Reader::of(&journal).expect("a reader");
    for size in [(80, 24), (120, 36), (200, 60)] {
        for (name, keys) in [("panes", vec![]), ("timeline", vec!['2', '\r']), ("payload", vec!['4', '\r'])] {
            let took = frame(&reader, &pulse, size, &keys);
            println!(
                "{:>3}×{:<3} {name:<9} median {:>7.3} ms, 99th percentile {:>7.3} ms",
                size.0,
                size.1,
                took[FRAMES / 2].as_secs_f64() * 1e3,
                took[FRAMES * 99 / 100].as_secs_f64() * 1e3
            );
        }
    }
}

/// Keeps a made-up rollout.
async fn fill(journal: &Journal) {
    let now = invigil::clock::now();
    let start = now.plus_millis(-21_600_000);
    let plan = Plan {
        seed: 1,
        candidates: 1000,
        start,
        story_span_ms: 21_600_000,
        duplicates: 0.0,
        disorder: 0.0,
        forged: 0.0,
    };
    for send in Rollout::new(plan) {
        let delivery = Delivery {
            id: send.id,
            sent_at: now,
            received_at: now,
            source: Source::Http,
            verified: true,
            headers: Headers::default(),
            event: envelope::decode(&send.body),
            body: send.body.into(),
        };
        journal.append(delivery).await.expect("it is kept");
    }
}

/// Lets the model do, and answers what it asks until it asks no more.
fn settle(model: &mut Model, reader: &Reader, pulse: &Pulse, message: Msg) {
    let mut waiting = vec![message];
    while let Some(message) = waiting.pop() {
        for effect in update(model, message) {
            if let Effect::Ask { ticket, question } = effect {
                let answer = desk::answer(reader, pulse, question).map_err(|error| error.to_string());
                waiting.push(Msg::Fetched(ticket, answer));
            }
        }
    }
}

/// How long each frame took, shortest first. Every frame follows a move of the cursor.
fn frame(reader: &Reader, pulse: &Pulse, size: (u16, u16), keys: &[char]) -> Vec<Duration> {
    let mut model = Model::new(Setup { size, now: invigil::clock::now(), ..Setup::default() });
    settle(&mut model, reader, pulse, Msg::Committed { revision: 1 });
    for key in keys {
        let key = if *key == '\r' { Key::plain(Code::Enter) } else { Key::char(*key) };
        settle(&mut model, reader, pulse, Msg::Key(key));
    }
    let styles = Styles::new(&Theme::built_in("dark"), Depth::Full, false);
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    let mut took = Vec::with_capacity(FRAMES);
    for n in 0..FRAMES {
        let key = if n % 40 < 20 { 'j' } else { 'k' };
        settle(&mut model, reader, pulse, Msg::Key(Key::char(key)));
        buffer.reset();
        let begun = Instant::now();
        invigil::ui::render(&model, &styles, area, &mut buffer);
        took.push(begun.elapsed());
    }
    took.sort();
    took
}
