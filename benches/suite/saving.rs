//! Export of a large session, and how large its file is.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::figures::{Figures, mib, setting};
use super::process::Process;
use super::session;

/// `invigil export` to a file, as a user starts it; the disk's own speed beside it.
pub fn run() {
    let events = setting("SESSION", session::MILLION);
    let file = session::of(events);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    for format in ["json", "ndjson"] {
        let out = dir.path().join(format);
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_invigil"))
            .args(["export", "--format", format, "-o"])
            .arg(&out)
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .expect("invigil starts");
        let mut most = 0;
        while child.try_wait().expect("a process").is_none() {
            most = most.max(Process(child.id()).resident_at_most());
            std::thread::sleep(Duration::from_millis(20));
        }
        let took = begun.elapsed().as_secs_f64();
        let size = std::fs::metadata(&out).map_or(0, |meta| meta.len());
        println!(
            "{format}: {:.0} MB in {took:.1} s, {:.0} MB/s; resident {:.0} MiB at most",
            size as f64 / 1e6,
            size as f64 / 1e6 / took,
            mib(most)
        );
        println!("the disk alone, the same bytes, synced: {:.0} MB/s", disk(&out, &dir.path().join("raw")));
        let _ = std::fs::remove_file(out);
    }
    let connection = rusqlite::Connection::open(&file).expect("the session");
    let bodies: f64 =
        connection.query_row("SELECT sum(size) FROM event", [], |row| row.get(0)).expect("a sum");
    let size = std::fs::metadata(&file).map_or(0, |meta| meta.len()) as f64;
    println!("file {:.0} MB for {:.0} MB of bodies: {:.3}", size / 1e6, bodies / 1e6, size / bodies);
}

fn disk(from: &Path, to: &Path) -> f64 {
    let mut rates = Figures::default();
    for _ in 0..1 {
        let mut input = std::fs::File::open(from).expect("the export");
        let begun = Instant::now();
        let mut output = std::fs::File::create(to).expect("a file");
        let bytes = std::io::copy(&mut input, &mut output).expect("the disk has room");
        output.sync_all().expect("the disk syncs");
        rates.push(bytes as f64 / 1e6 / begun.elapsed().as_secs_f64());
    }
    let _ = std::fs::remove_file(to);
    rates.median()
}
