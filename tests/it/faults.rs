//! The real program while its disk fails: it answers 503, says why, takes nothing it cannot keep, and goes on by
//! itself when the cause is gone. Whatever happens then, a kill included, what it acknowledged is in the file.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "disks are filled and files moved here")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::support::command::{Ended, run};
use super::support::serving::{Load, Serving, body, rounds, signed, until};

/// A disk fills while events come, and has room again: twice, then the program is killed while it is full.
fn full_and_room_again(path: &Path, mut fill: impl FnMut(&Serving), mut make_room: impl FnMut(&Serving)) {
    let load = Load::default();
    for _ in 0..rounds(1, 10) {
        let mut serving = Serving::start(path);
        let burst = load.burst(&serving.address);
        for _ in 0..2 {
            burst.until_more(60);
            fill(&serving);
            serving.is_unable(&load);
            make_room(&serving);
            serving.is_able(&load);
        }
        fill(&serving);
        serving.is_unable(&load);
        serving.kill();
        make_room(&serving);
        burst.join();
    }
    load.is_kept(path);
}

/// The disk is full for this process: no file may grow beyond where it is now.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_answered_503_until_there_is_room() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let dir = tempfile::tempdir().unwrap();
    let [path, log] = ["full.sqlite", "full.sqlite-wal"].map(|name| dir.path().join(name));
    let limit = |serving: &Serving, current: Option<u64>| {
        // One that was killed has no limits any more.
        let _ = prlimit(
            Some(Pid::from_child(&serving.child)),
            Resource::Fsize,
            Rlimit { current, maximum: None },
        );
    };
    full_and_room_again(
        &path,
        |serving| {
            // The log is about to outgrow it, and cannot be folded and begin anew before it does.
            let log = std::fs::metadata(&log).map_or(0, |meta| meta.len());
            limit(serving, Some((log + 20_000).min(8 << 20)));
        },
        |serving| limit(serving, None),
    );
}

/// A small file system of its own; root alone may make one.
#[cfg(target_os = "linux")]
struct Small(PathBuf);

#[cfg(target_os = "linux")]
impl Small {
    fn mount(at: &Path) -> Option<Self> {
        let args = ["-t", "tmpfs", "-o", "size=64m", "tmpfs"];
        let mounted = Command::new("mount").args(args).arg(at).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }

    /// Gives it the room it uses, and so much more. While it is written to, it may use more by then.
    fn leave(&self, kib: u64) {
        until("another size", || {
            let disk = rustix::fs::statvfs(&self.0).unwrap();
            let used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize / 1024;
            let options = format!("remount,size={}k", used + kib);
            let mut remount = Command::new("mount");
            remount.args(["-o", &options]).arg(&self.0).stderr(Stdio::null());
            remount.status().unwrap().success()
        });
    }
}

#[cfg(target_os = "linux")]
impl Drop for Small {
    fn drop(&mut self) {
        // Whoever still has a file open there keeps it for so long.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A real disk, where it may be made: elsewhere the limit above is all that can be had.
#[cfg(target_os = "linux")]
#[test]
fn a_full_file_system_is_answered_503_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(dir.path()) else { return };
    let path = dir.path().join("full.sqlite");
    full_and_room_again(&path, |_| small.leave(64), |_| small.leave(64 << 10));
    drop(small);
}

/// While nothing comes it is not taken for well again, and who starts it then is told of the disk, not of the session.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_that_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(dir.path()) else { return };
    let path = dir.path().join("full.sqlite");
    let load = Load::default();
    let mut serving = Serving::start(&path);
    let burst = load.burst(&serving.address);
    burst.until_more(60);
    small.leave(0);
    serving.is_unable(&load);
    burst.end();
    let begun = Instant::now();
    // It has been tried again twice by then.
    while begun.elapsed() < Duration::from_secs(5) {
        assert_eq!(serving.health(), 503, "{} recoveries told", serving.said("\"storage_recovered\""));
    }
    // Nothing is left beside it then, for which there is no room.
    small.leave(64 << 10);
    assert!(serving.stop().success());
    small.leave(0);
    let args = ["serve", "--listen", "127.0.0.1:0", "--no-verify", "--session", "full.sqlite"];
    let Ended { code, err: said, .. } = run(&args, dir.path(), "");
    assert!(code == 1 && said.lines().count() == 1 && !said.contains("damaged"), "{code} {said}");
    small.leave(64 << 10);
    assert_eq!(Serving::start(&path).health(), 200);
    load.is_kept(&path);
}

/// Somewhere to load the test's own faults from, built where there is a C compiler, as there must be for SQLite.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) struct Faults {
    library: PathBuf,
    io: PathBuf,
    /// Seconds that the clock is off, if it is there.
    pub(crate) clock: PathBuf,
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
impl Faults {
    pub(crate) fn new(dir: &Path) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/fault.c");
        let library = dir.join("fault.so");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).arg("-ldl");
        assert!(compile.status().unwrap().success(), "a C compiler is needed, as for SQLite");
        Self { library, io: dir.join("io"), clock: dir.join("clock") }
    }

    pub(crate) fn serve(&self, session: &Path, change: impl FnOnce(&mut Command)) -> Serving {
        Serving::with(session, |command| {
            change(command);
            command
                .env("LD_PRELOAD", &self.library)
                .env("INVIGIL_TEST_FAULT", &self.io)
                .env("INVIGIL_TEST_CLOCK", &self.clock);
        })
    }
}

/// Writing fails, syncing fails, both do: as a dying disk would.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_disk_that_fails_is_answered_503_until_it_works_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("failing.sqlite");
    let faults = Faults::new(dir.path());
    let load = Load::default();
    for _ in 0..rounds(1, 10) {
        let mut serving = faults.serve(&path, |_| {});
        let burst = load.burst(&serving.address);
        for ways in ["w", "s", "ws"] {
            burst.until_more(60);
            std::fs::write(&faults.io, ways).unwrap();
            serving.is_unable(&load);
            std::fs::remove_file(&faults.io).unwrap();
            serving.is_able(&load);
        }
        std::fs::write(&faults.io, "s").unwrap();
        serving.is_unable(&load);
        serving.kill();
        burst.join();
        std::fs::remove_file(&faults.io).unwrap();
    }
    load.is_kept(&path);
}

/// The clock of the machine jumps, and so may the sender's: what is signed for the clock of the moment is taken,
/// once, whatever times it tells.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_clock_that_jumps_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jumping.sqlite");
    let faults = Faults::new(dir.path());
    let mut serving = faults.serve(&path, |_| {});
    let load = Load::default();
    let days = |days: i64| days * 86_400;
    for (n, off) in [0, days(3), days(-400), days(9000), days(-1)].into_iter().enumerate() {
        std::fs::write(&faults.clock, off.to_string()).unwrap();
        for told in ["-62135596800000", "253402207200000", "99999999999999999999", "0", "1e300"] {
            let body = body(n).replace(&(1_778_491_596_453 + n * 7 % 1000).to_string(), told);
            let id = format!("msg_far_{n}_{}", told.len());
            let send = |off| serving.ask(&signed(&id, &body, off));
            assert_eq!(send(off).status, 204, "{told} at {off}");
            assert_eq!(send(off).status, 204);
            let early = send(off + 900);
            assert!(early.status == 401 && early.head.contains("timestamp_too_new"), "{}", early.head);
        }
    }
    std::fs::write(&faults.clock, "0").unwrap();
    let burst = load.burst(&serving.address);
    burst.until_more(50);
    burst.end();
    assert!(serving.stop().success());
    load.is_kept(&path);
}

/// The session is moved away, or another file takes its name, while it is written.
#[test]
fn a_session_that_is_taken_away_is_answered_503_until_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let [path, away] = ["here.sqlite", "away.sqlite"].map(|name| dir.path().join(name));
    let load = Load::default();
    let mut serving = Serving::start(&path);
    let burst = load.burst(&serving.address);
    burst.until_more(60);
    std::fs::rename(&path, &away).unwrap();
    serving.is_unable(&load);
    assert_eq!(serving.said("was removed or replaced"), 1);
    std::fs::rename(&away, &path).unwrap();
    serving.is_able(&load);
    std::fs::rename(&path, &away).unwrap();
    std::fs::write(&path, "somebody else's").unwrap();
    serving.is_unable(&load);
    std::fs::rename(&away, &path).unwrap();
    serving.is_able(&load);
    burst.end();
    assert!(serving.stop().success());
    load.is_kept(&path);
}

/// The log beside the session is taken away: what it held is saved into the session, and nothing more is taken.
#[test]
fn a_log_that_is_taken_away_takes_nothing_with_it() {
    for is_killed in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("here.sqlite");
        let load = Load::default();
        let mut serving = Serving::start(&path);
        let burst = load.burst(&serving.address);
        burst.until_more(60);
        std::fs::remove_file(dir.path().join("here.sqlite-wal")).unwrap();
        serving.is_unable(&load);
        until("why", || serving.said("here.sqlite-wal: was removed") == 1);
        if is_killed {
            serving.kill();
        } else {
            assert!(serving.stop().success());
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        }
        burst.join();
        load.is_kept(&path);
        let again = Serving::start(&path);
        let burst = load.burst(&again.address);
        burst.until_more(20);
        burst.end();
    }
}

/// The same just when the log is being moved into the session, and while somebody reads an old state of it, which
/// keeps it from being moved: what is half moved is whole only together with the log.
#[test]
fn a_log_that_is_taken_away_while_it_is_needed_is_written_again() {
    for is_read in [false, true] {
        for round in 0..rounds(1, 10) {
            let dir = tempfile::tempdir().unwrap();
            let [path, log] = ["here.sqlite", "here.sqlite-wal"].map(|name| dir.path().join(name));
            let load = Load::default();
            let mut serving = Serving::start(&path);
            let burst = load.burst(&serving.address);
            burst.until_more(10);
            let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
            if is_read {
                reader.execute_batch("BEGIN; SELECT count(*) FROM event").unwrap();
            }
            // From so many pages on it is moved.
            let pages = 4000 + round as u64;
            until("a long log", || std::fs::metadata(&log).is_ok_and(|meta| meta.len() > pages * 4120));
            std::fs::remove_file(&log).unwrap();
            until("why", || serving.said("here.sqlite-wal: was removed") == 1);
            assert_eq!(serving.said("nothing is lost"), 1);
            serving.kill();
            burst.join();
            drop(reader);
            load.is_kept(&path);
        }
    }
}

/// A session is moved away after a kill, and its log is not: whoever starts again under its name is told, and the log
/// stays until the session is back.
#[test]
fn a_log_whose_session_is_gone_is_not_taken_for_a_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let [path, away] = ["here.sqlite", "away.sqlite"].map(|name| dir.path().join(name));
    let load = Load::default();
    let mut serving = Serving::start(&path);
    let burst = load.burst(&serving.address);
    burst.until_more(60);
    serving.kill();
    burst.join();
    std::fs::rename(&path, &away).unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--no-verify", "--session", "here.sqlite"];
    let Ended { code, err: said, .. } = run(&args, dir.path(), "");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("here.sqlite: is gone, but its log") && said.lines().count() == 1, "{said}");
    std::fs::rename(&away, &path).unwrap();
    load.is_kept(&path);
}
