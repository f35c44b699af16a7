//! `serve --events`: each event as a line of JSON on standard output, once it is committed.
#![expect(
    clippy::disallowed_methods,
    reason = "a reader that does not read holds up a thread of its own only"
)]

use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::happening::Happening;
use super::headless::Lines;
use crate::store::StoreError;
use crate::store::follower::Follower;
use crate::store::form::Form;

/// How long a reader that does not read is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(3);

/// The thread that writes.
pub struct Tap {
    ended: oneshot::Receiver<()>,
}

impl Tap {
    /// Begins to write the events that come from now on, until `done`, and what is left then. If nobody reads
    /// them any more, a line says so and nothing else ends: what is not read here is in the session.
    #[must_use]
    pub fn begin(follower: Follower, lines: Lines, done: CancellationToken) -> Self {
        let runtime = Handle::current();
        let (told, ended) = oneshot::channel();
        std::thread::spawn(move || {
            if let Err(error) = write(follower, &runtime, &done) {
                lines.write(&Happening::EventsUnread(error.to_string()));
            }
            // At the end nobody may be waiting any more.
            let _ = told.send(());
        });
        Self { ended }
    }

    /// Waits until all is written, but not for ever.
    pub async fn end(self) {
        let _ = tokio::time::timeout(PATIENCE, self.ended).await;
    }
}

fn write(mut follower: Follower, runtime: &Handle, done: &CancellationToken) -> io::Result<()> {
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
            match follower.write(&mut out, form) {
                Ok(0) => break,
                Ok(_) => out.flush()?,
                Err(StoreError::Io(error)) => return Err(error),
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
