//! `serve --events`: each event as a line of JSON on standard output, once it is committed.
#![expect(
    clippy::disallowed_methods,
    reason = "a reader that does not read holds up a thread of its own only"
)]

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::happening::Happening;
use super::lines::Lines;
use crate::store::StoreError;
use crate::store::follower::Follower;
use crate::store::form::Form;

/// How long a reader that does not read is waited for: before that is told, and at the end.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one who reads slowly is waited for at the end, and how often it is looked whether there is somebody.
const LONGEST: Duration = Duration::from_secs(4);
const GLANCE: Duration = Duration::from_millis(200);
/// Bytes that are written at a time: who reads at all has taken so many before the patience ends.
const PIECE: usize = 4 << 10;

/// The thread that writes.
pub struct Tap {
    ended: oneshot::Receiver<()>,
    since: Since,
    lines: Lines,
}

/// Since when the thread has been writing without an end, if it writes.
type Since = Arc<Mutex<Option<Instant>>>;

impl Tap {
    /// Begins to write the events that come from now on, until `done`, and what is left then. If nobody reads
    /// them any more, a line says so and nothing else ends: what is not read here is in the session.
    #[must_use]
    pub fn begin(follower: Follower, lines: Lines, done: CancellationToken) -> Self {
        let runtime = Handle::current();
        let (told, ended) = oneshot::channel();
        let since = Since::default();
        tokio::spawn(watch(Arc::clone(&since), lines.clone(), done.clone()));
        let tap = Self { ended, since: Arc::clone(&since), lines: lines.clone() };
        std::thread::spawn(move || {
            let written = write(follower, &runtime, &since, &done);
            set(&since, None);
            if let Err(error) = written {
                lines.write(&Happening::EventsUnread(error.to_string()));
            }
            // At the end nobody may be waiting any more.
            let _ = told.send(());
        });
        tap
    }

    /// Waits until all is written, but not for ever.
    pub async fn end(self) {
        let mut ended = self.ended;
        let begun = Instant::now();
        while tokio::time::timeout(GLANCE, &mut ended).await.is_err() {
            let why = if waits(&self.since) {
                "nobody reads it"
            } else if begun.elapsed() > LONGEST {
                "not all of it was read in time"
            } else {
                continue;
            };
            return self.lines.write(&Happening::EventsUnread(why.to_owned()));
        }
    }
}

/// The reader has taken nothing for a while.
fn waits(since: &Mutex<Option<Instant>>) -> bool {
    let since = *since.lock().unwrap_or_else(PoisonError::into_inner);
    since.is_some_and(|since| since.elapsed() > PATIENCE)
}

fn set(since: &Mutex<Option<Instant>>, now: Option<Instant>) {
    *since.lock().unwrap_or_else(PoisonError::into_inner) = now;
}

/// Says once that nobody reads, until somebody does.
async fn watch(since: Since, lines: Lines, done: CancellationToken) {
    let mut told = false;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    while done.run_until_cancelled(seconds.tick()).await.is_some() {
        let waits = waits(&since);
        if waits && !told {
            lines.write(&Happening::Notice(
                "nobody reads standard output: events wait there, and are kept".into(),
            ));
        }
        told = waits;
    }
}

/// Writes lines piece by piece, so that it is seen whether somebody reads.
fn put(lines: &[u8], since: &Mutex<Option<Instant>>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for piece in lines.chunks(PIECE) {
        set(since, Some(Instant::now()));
        out.write_all(piece)?;
    }
    out.flush()?;
    set(since, None);
    Ok(())
}

fn write(
    mut follower: Follower,
    runtime: &Handle,
    since: &Mutex<Option<Instant>>,
    done: &CancellationToken,
) -> io::Result<()> {
    // On a terminal nothing in an event may move the cursor; it is the same document.
    let form = if io::stdout().is_terminal() { Form::Plain } else { Form::Line };
    let mut lines = Vec::new();
    loop {
        let stopped = runtime.block_on(async {
            tokio::select! {
                biased;
                () = done.cancelled() => true,
                () = follower.ready() => false,
            }
        });
        loop {
            lines.clear();
            match follower.lines(&mut lines, form) {
                Ok(()) if lines.is_empty() => break,
                Ok(()) => put(&lines, since)?,
                // It does not become whole by waiting.
                Err(error @ StoreError::Damaged { .. }) => {
                    put(&lines, since)?;
                    return Err(io::Error::other(error.to_string()));
                }
                // A session that cannot be read is told by the storage fault; nothing is skipped.
                Err(_) if stopped => break,
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
        if stopped {
            return Ok(());
        }
    }
}
