//! Folding the write-ahead log into the session file, on a thread of its own, so that no acknowledgement waits
//! for it.
#![expect(clippy::disallowed_methods, reason = "the folding thread is started here")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::{StoreError, session};

/// The log is folded when it has grown by so many pages.
const PAGES: i32 = 4000;
/// Passes of the thread, which let the writer go on. Each leaves what was written meanwhile.
const PASSES: usize = 2;
/// The rest, a few pages, is the writer's own: only between two of its groups can the log begin anew. A reader
/// that looks at the log just then keeps it from that, so it is tried after so many groups in turn.
const TRIES: u32 = 50;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The log grows, until it has so many pages.
    Growing(i32),
    /// The thread is at work.
    Folding,
    /// The rest is tried, so often at most.
    Finishing(u32),
}

/// The folding thread. It ends when this is dropped.
pub(super) struct Folding {
    wanted: Option<mpsc::SyncSender<()>>,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI32>,
    /// The thread has done what it can.
    folded: Arc<AtomicBool>,
    state: State,
    thread: Option<JoinHandle<()>>,
}

impl Folding {
    /// Starts it, and has the writer's connection no longer fold the log itself.
    ///
    /// # Errors
    /// If SQLite cannot open the session once more.
    pub(super) fn start(writer: &mut Connection, session: &Path) -> Result<Self, StoreError> {
        let (pages, folded) = (Arc::new(AtomicI32::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, done) = (Arc::clone(&pages), Arc::clone(&folded));
        writer.wal_hook(Some(move |_: &mut Wal, pages| {
            counted.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        let connection = session::connect_folder(session)?;
        let (wanted, asked) = mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            while asked.recv().is_ok() {
                (0..PASSES).for_each(|_| fold(&connection));
                done.store(true, Ordering::Release);
            }
        });
        Ok(Self { wanted: Some(wanted), pages, folded, state: State::Growing(PAGES), thread: Some(thread) })
    }

    /// To be called by the writer after each commit, with its connection.
    pub(super) fn committed(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        match self.state {
            State::Growing(until) if pages >= until => {
                self.folded.store(false, Ordering::Release);
                let asked = self.wanted.as_ref().is_some_and(|wanted| wanted.try_send(()).is_ok());
                self.state = if asked { State::Folding } else { State::Finishing(TRIES) };
            }
            State::Folding if self.folded.load(Ordering::Acquire) => self.state = State::Finishing(TRIES),
            State::Growing(_) | State::Folding => {}
            State::Finishing(_) if pages < PAGES => self.state = State::Growing(PAGES),
            State::Finishing(0) => self.state = State::Growing(pages + PAGES),
            State::Finishing(left) => {
                fold(writer);
                self.state = State::Finishing(left - 1);
            }
        }
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            // A log that is not folded is read again at the next start.
            let _ = thread.join();
        }
    }
}

/// Moves into the file what no reader needs to find in the log, and holds nobody off. What fails, or is left, is
/// made up for the next time.
fn fold(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_begins_anew_while_it_is_written_to_without_a_pause() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.sqlite");
        let (mut connection, _lock) = session::open_writer(&path).unwrap();
        connection.execute_batch("PRAGMA synchronous = OFF; CREATE TABLE t (b BLOB)").unwrap();
        let mut folding = Folding::start(&mut connection, &path).unwrap();
        let (mut most, begun) = (0, std::time::Instant::now());
        while folding.pages.load(Ordering::Relaxed) >= most {
            most = folding.pages.load(Ordering::Relaxed);
            connection.execute("INSERT INTO t VALUES (zeroblob(20000))", []).unwrap();
            folding.committed(&connection);
            assert!(begun.elapsed().as_secs() < 60, "{most} pages stand in the log");
        }
        assert!(most >= PAGES, "it began anew at {most}");
    }
}
