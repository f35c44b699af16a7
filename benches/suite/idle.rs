//! An idle screen: what it writes to the terminal, and the processor time it takes.

use std::time::Duration;

use super::client::SECRET;
use super::screen;
use super::session::{self, SMALL};
use super::terminal::Terminal;

/// A session in which nothing happens any more, watched for a while.
pub fn run() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let file = session::copy_of(SMALL, dir.path());
    let args = ["watch", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session"];
    let terminal = Terminal::start(&args, &file);
    terminal.since_start(screen::is_full);
    // The first moments draw what was still to be counted.
    std::thread::sleep(Duration::from_secs(3));
    let (bytes, cpu) = (terminal.bytes(), terminal.process().cpu_micros());
    let seconds = 20.0;
    std::thread::sleep(Duration::from_secs_f64(seconds));
    println!(
        "{:.0} bytes a second to the terminal, {:.2} % of a core",
        (terminal.bytes() - bytes) as f64 / seconds,
        (terminal.process().cpu_micros() - cpu) / seconds / 1e4
    );
}
