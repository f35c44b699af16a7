//! How fast a mirror catches up, and how long after an acknowledgement it has the event: both sides here, over
//! loopback.
//!
//! `cargo bench --bench attach`; `EVENTS` in the environment is how many events the session has to begin with.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark measures the world, prints, and stops at the first surprise"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use invigil::client::trust::Trust;
use invigil::domain::delivery::{Delivery, Headers, Seq, Source};
use invigil::domain::envelope;
use invigil::domain::time::Timestamp;
use invigil::pulse::Pulse;
use invigil::share::{Access, Door, Share};
use invigil::simulate::rollout::{Plan, Rollout};
use invigil::source::attach::Target;
use invigil::source::attach::address::Address;
use invigil::store::journal::Journal;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// As the program has it.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Single events that follow.
const SINGLE: usize = 1000;

fn main() {
    let events = std::env::var("EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure(dir.path(), events));
}

async fn measure(dir: &Path, events: usize) {
    let now = invigil::clock::now();
    let own = Journal::open(&dir.join("own.sqlite"), now, Pulse::default()).expect("a session");
    let mut rollout = deliveries(events + SINGLE, now);
    let mut sending = JoinSet::new();
    for delivery in rollout.by_ref().take(events) {
        let own = own.clone();
        sending.spawn(async move { own.append(delivery).await.expect("it is kept") });
        if sending.len() >= 500 {
            sending.join_next().await;
        }
    }
    sending.join_all().await;

    let done = CancellationToken::new();
    let door = Door::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let address = Address::parse(&format!("ws://{}", door.address())).expect("an address");
    let share = Share::new(own.clone(), Pulse::default(), Access::new(None), done.clone());
    let serving = tokio::spawn(door.serve(share));
    let target = Target { address, token: None, trust: Trust::default() };
    let hello = target.greet().await.expect("a greeting");
    let pulse = Pulse::default();
    let mirror = Journal::mirror(&dir.join("mirror.sqlite"), &hello, "bench", now, pulse.clone());
    let mirror = mirror.expect("a mirror");
    let mut committed = mirror.committed();
    let (begun, burnt) = (Instant::now(), cpu_micros());
    let following = tokio::spawn({
        let (mirror, stop) = (mirror.clone(), done.clone());
        async move { Box::pin(target.follow(&hello.session, (mirror, pulse), stop)).await }
    });
    let caught_up = |seq: Seq| move |commit: &invigil::store::journal::Commit| commit.seq >= seq;
    committed.wait_for(caught_up(events as Seq)).await.expect("a writer");
    let took = begun.elapsed();
    println!(
        "{events} events caught up in {took:.2?}: {:.0} events/s, {:.0} µs of processor time an event on both sides",
        events as f64 / took.as_secs_f64(),
        (cpu_micros() - burnt) / events as f64
    );

    let mut behind = Vec::with_capacity(SINGLE);
    for (n, delivery) in rollout.take(SINGLE).enumerate() {
        own.append(delivery).await.expect("it is kept");
        let acknowledged = Instant::now();
        committed.wait_for(caught_up((events + n + 1) as Seq)).await.expect("a writer");
        behind.push(acknowledged.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    behind.sort();
    let at = |part: usize| behind[behind.len() * part / 100];
    println!(
        "{} single events: mirrored {:.2?} after the acknowledgement (median), {:.2?} (p99)",
        behind.len(),
        at(50),
        at(99)
    );
    done.cancel();
    let _ = following.await;
    let _ = serving.await;
    mirror.close().await;
    own.close().await;
}

/// Processor time that this program has used, user and system, in microseconds.
fn cpu_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    // Linux counts in hundredths of a second on every platform we run on.
    (ticks(11) + ticks(12)) * 10_000.0
}

/// At least so many events of a rollout, as a source would have accepted them.
fn deliveries(count: usize, now: Timestamp) -> impl Iterator<Item = Delivery> {
    let plan = Plan {
        seed: 1,
        candidates: count as u64 / 6 + 1,
        start: now.plus_millis(-21_600_000),
        story_span_ms: 21_600_000,
        duplicates: 0.0,
        disorder: 0.0,
        forged: 0.0,
    };
    Rollout::new(plan).map(move |send| Delivery {
        id: send.id,
        sent_at: now,
        received_at: now,
        source: Source::Http,
        verified: true,
        headers: headers(),
        event: envelope::decode(&send.body),
        body: send.body.into(),
    })
}

/// What Svix sends along.
fn headers() -> Headers {
    let all = [
        ("content-type", "application/json"),
        ("user-agent", "Svix-Webhooks/1.62.0 (sender-9YMgn; +https://www.svix.com/http-sender/)"),
        ("svix-id", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
        ("svix-timestamp", "1790000000"),
        ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    Headers(all.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}
