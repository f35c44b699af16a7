//! The screen: start to a full first screen, and keys, on small and large sessions, quiet and in a stream.

use std::path::Path;
use std::time::{Duration, Instant};

use super::client::SECRET;
use super::figures::{Figures, millis, setting};
use super::latency::open_loop;
use super::session::{self, MILLION, SMALL};
use super::terminal::Terminal;

/// Starts of each size, alternating.
const STARTS: usize = 7;
/// Events a second that arrive while keys are pressed.
const RATE: usize = 2000;

/// The four lists are there, each with its count.
pub fn is_full(text: &str) -> bool {
    let counted = |title: &str| {
        let rest = text.split(title).nth(1).unwrap_or_default();
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    ["1 Assessments ", "2 Candidates ", "3 Violations ", "4 Events "].into_iter().all(counted)
}

/// Starts, then keys.
pub fn run() {
    let sizes = [SMALL, setting("SESSION", MILLION)];
    let mut starts = [Figures::default(), Figures::default()];
    for _ in 0..STARTS {
        for (figures, events) in starts.iter_mut().zip(sizes) {
            let terminal = Terminal::start(&["open"], &session::of(events));
            figures.push(millis(terminal.since_start(is_full)));
        }
    }
    for (figures, events) in starts.iter().zip(sizes) {
        println!("start to a full first screen on {events:>7} events: {} ms", figures.range(0));
    }
    println!("the larger / the smaller: {:.2}", starts[1].median() / starts[0].median());
    for events in sizes {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let terminal = watch(&session::copy_of(events, dir.path()));
        keys(&terminal, &format!("{events} events, quiet"), Duration::from_secs(8));
        let address = terminal.address();
        let seconds = setting("SECONDS", 10);
        std::thread::scope(|scope| {
            let arriving = scope.spawn(|| open_loop(address, RATE * (seconds + 2), RATE, events));
            std::thread::sleep(Duration::from_secs(2));
            keys(
                &terminal,
                &format!("{events} events, {RATE}/s arriving"),
                Duration::from_secs(seconds as u64 - 2),
            );
            let acks = arriving.join().expect("no request fails");
            println!("{:<34} acknowledged within {} ms", "", acks.tail(1));
        });
    }
}

/// A screen on a session that is being written.
pub fn watch(file: &Path) -> Terminal {
    let terminal =
        Terminal::start(&["watch", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session"], file);
    terminal.since_start(is_full);
    terminal
}

/// The same on a session that is new, hence empty.
pub fn watch_new(file: &Path) -> Terminal {
    let terminal =
        Terminal::start(&["watch", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session"], file);
    terminal.since_start(|text| text.contains("Events"));
    terminal
}

/// From the newest event to the oldest and back; more may arrive meanwhile, so that the list has no end to see.
pub fn there_and_back(terminal: &Terminal) -> Duration {
    terminal.press("4", |text| hints(text).contains("g newest"));
    terminal.press("g", is_first);
    terminal.press("G", |text| place(text).is_some()) + terminal.press("g", is_first)
}

/// Presses keys for a while and tells how long each took to show.
fn keys(terminal: &Terminal, what: &str, long: Duration) {
    terminal.press("4", |text| hints(text).contains("g newest"));
    terminal.press("g", is_first);
    let [mut ends, mut pages, mut panes, mut payloads] = [const { Figures::new() }; 4];
    let begun = Instant::now();
    while begun.elapsed() < long {
        ends.push(millis(terminal.press("G", |text| place(text).is_some_and(|(at, of)| at == of))));
        pages.push(millis(terminal.press("\x02", |text| place(text).is_some_and(|(at, of)| at + 5 < of))));
        ends.push(millis(terminal.press("g", is_first)));
        pages.push(millis(terminal.press("\x06", |text| place(text).is_some_and(|(at, _)| at > 5))));
        payloads
            .push(millis(terminal.press("\r", |text| text.contains("Payload") && text.contains("data {"))));
        terminal.press("\x1b", |text| !text.contains("Payload"));
        ends.push(millis(terminal.press("g", is_first)));
        panes.push(millis(terminal.press("2", |text| hints(text).contains("] view"))));
        panes.push(millis(terminal.press("4", |text| hints(text).contains("g newest"))));
    }
    for (key, figures) in
        [("jump to an end", ends), ("page", pages), ("change pane", panes), ("open a payload", payloads)]
    {
        println!(
            "{what:<34} {key:<16} {:>24} ms (median / p99 / most of {})",
            figures.tail(1),
            figures.len()
        );
    }
}

fn hints(text: &str) -> &str {
    text.trim_end().rsplit('\n').next().unwrap_or_default()
}

/// The list of events stays with its first row: then it says of no other where it stands.
fn is_first(text: &str) -> bool {
    hints(text).contains("g newest") && place(text).is_none()
}

/// Where the cursor stands in the list of events, and how long that is: at the lower right, `3/220`.
fn place(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().rev().find(|line| line.trim_end().ends_with('╯'))?;
    let word = line.trim_end().trim_end_matches('╯').trim_end().rsplit(['─', ' ']).next()?;
    let (at, of) = word.split_once('/')?;
    let number = |word: &str| word.replace([',', '\''], "").parse().ok();
    Some((number(at)?, number(of)?))
}

/// Memory of a watching program on a session, after so many more events.
pub fn resident(file: &Path, arriving: usize) -> u64 {
    let terminal = watch(file);
    open_loop(terminal.address(), arriving, 4000, 9);
    terminal.press("4", |text| hints(text).contains("g newest"));
    for _ in 0..20 {
        terminal.press("G", |text| place(text).is_some_and(|(at, of)| at == of));
        terminal.press("g", is_first);
    }
    terminal.process().resident_at_most()
}
