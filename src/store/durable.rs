//! Making durable what the writer has committed, on a thread of its own: while the disk syncs one group, the
//! writer is at the next. Whoever waits is answered when the sync has ended, and not before.
#![expect(clippy::disallowed_methods, reason = "the syncing thread is started here, and the log opened")]

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use super::session;

/// Groups that may be committed and not yet durable. The writer then waits: memory is bounded by it.
const AHEAD: usize = 4;

/// What is done once a group is durable, or cannot be made so: then with the reason.
pub(super) type Then = Box<dyn FnOnce(Result<(), String>) + Send>;

/// The syncing thread. It ends when this is dropped, with everything answered.
pub(super) struct Durable {
    groups: Option<mpsc::SyncSender<Then>>,
    log: Arc<File>,
    broken: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Durable {
    /// Starts it for the log beside a session.
    ///
    /// # Errors
    /// If the log cannot be opened.
    pub(super) fn start(session: &Path) -> std::io::Result<Self> {
        let log = Arc::new(File::open(session::log_of(session))?);
        let (groups, committed) = mpsc::sync_channel::<Then>(AHEAD);
        let broken = Arc::new(AtomicBool::new(false));
        let (synced, seen) = (Arc::clone(&log), Arc::clone(&broken));
        let thread = std::thread::spawn(move || run(&synced, &committed, &seen));
        Ok(Self { groups: Some(groups), log, broken, thread: Some(thread) })
    }

    /// The log, whatever has become of its name.
    pub(super) fn log(&self) -> &File {
        &self.log
    }

    /// Syncs what has been committed so far, then does what follows from it.
    pub(super) fn after_sync(&self, then: Then) {
        match &self.groups {
            Some(groups) => {
                if let Err(mpsc::SendError(then)) = groups.send(then) {
                    then(Err("the syncing thread has ended; start again".into()));
                }
            }
            None => then(Err("the session is being closed".into())),
        }
    }

    /// Whether a sync has failed since the last [`Durable::mended`]: the log may then have a gap, so that
    /// nothing after it counts as durable.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Everything committed is in the session file itself now, synced.
    pub(super) fn mended(&self) {
        self.broken.store(false, Ordering::Release);
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        self.groups = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked, those it has not answered were told so by their channels.
            let _ = thread.join();
        }
    }
}

fn run(log: &File, committed: &mpsc::Receiver<Then>, broken: &AtomicBool) {
    while let Ok(first) = committed.recv() {
        // All that was committed before the sync begins is durable after it.
        let group: Vec<Then> = std::iter::once(first).chain(committed.try_iter()).collect();
        let mut done = Ok(());
        if broken.load(Ordering::Acquire) {
            done = Err("an earlier sync of the disk failed".to_owned());
        } else if let Err(error) = log.sync_data() {
            broken.store(true, Ordering::Release);
            done = Err(format!("the disk cannot be synced: {error}"));
        }
        for then in group {
            then(done.clone());
        }
    }
}
