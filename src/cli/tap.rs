//! `serve --events`: each event as a line of JSON on standard output, once it is committed.
#![expect(
    clippy::disallowed_methods,
    reason = "a reader that does not read holds up a thread of its own only"
)]

use std::io::{self, BufWriter, IsTerminal, Write};
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

/// The thread that writes.
pub struct Tap {
    ended: oneshot::Receiver<()>,
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
        let tap = Self { ended, lines: lines.clone() };
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
        if tokio::time::timeout(PATIENCE, self.ended).await.is_err() {
            self.lines.write(&Happening::EventsUnread("nobody reads it".to_owned()));
        }
    }
}

fn set(since: &Mutex<Option<Instant>>, now: Option<Instant>) {
    *since.lock().unwrap_or_else(PoisonError::into_inner) = now;
}

/// Says once that nobody reads, until somebody does.
async fn watch(since: Since, lines: Lines, done: CancellationToken) {
    let mut told = false;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    while done.run_until_cancelled(seconds.tick()).await.is_some() {
        let since = *since.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = since.is_some_and(|since| since.elapsed() > PATIENCE);
        if waits && !told {
            lines.write(&Happening::Notice(
                "nobody reads standard output: events wait there, and are kept".into(),
            ));
        }
        told = waits;
    }
}

fn write(
    mut follower: Follower,
    runtime: &Handle,
    since: &Mutex<Option<Instant>>,
    done: &CancellationToken,
) -> io::Result<()> {
    // On a terminal nothing in an event may move the cursor; it is the same document.
    let form = if io::stdout().is_terminal() { Form::Plain } else { Form::Line };
    let mut out = BufWriter::with_capacity(1 << 18, io::stdout());
    loop {
        let stopped = runtime.block_on(async {
            tokio::select! {
                biased;
                () = done.cancelled() => true,
                () = follower.ready() => false,
            }
        });
        loop {
            set(since, Some(Instant::now()));
            match follower.write(&mut out, form) {
                Ok(0) => break,
                Ok(_) => out.flush()?,
                Err(StoreError::Io(error)) => return Err(error),
                // A session that cannot be read is told by the storage fault; nothing is skipped.
                Err(_) if stopped => break,
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
        set(since, None);
        if stopped {
            return Ok(());
        }
    }
}
