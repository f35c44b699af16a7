//! The tap: every event after a number, once, in order, at the caller's pace. A slow follower needs no
//! buffer, since it reads again from where it is.

use tokio::sync::watch;

use super::form::Form;
use super::journal::{Commit, Journal};
use super::reader::Reader;
use super::{StoreError, export};
use crate::domain::delivery::Seq;
use crate::domain::query::EventLine;

/// Events read at a time.
const BATCH: u32 = 256;
/// Bytes of lines that are enough at a time.
const BYTES: usize = 1 << 20;

/// Follows a session that this process writes.
pub struct Follower {
    reader: Reader,
    committed: watch::Receiver<Commit>,
    seen: Seq,
}

impl Follower {
    /// Follows from the events that are yet to come.
    ///
    /// # Errors
    /// If the session cannot be read.
    pub fn new(journal: &Journal) -> Result<Self, StoreError> {
        let committed = journal.committed();
        let seen = committed.borrow().seq;
        Ok(Self { reader: Reader::of(journal)?, committed, seen })
    }

    /// Ends when there is something new.
    pub async fn ready(&mut self) {
        let seen = self.seen;
        // When the writer has ended there is nothing to wait for: what is left can be read.
        if self.committed.wait_for(|commit| commit.seq > seen).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The next events, or none if all have been seen.
    ///
    /// # Errors
    /// If the session cannot be read.
    pub fn batch(&mut self) -> Result<Vec<EventLine>, StoreError> {
        let lines = self.reader.since(self.seen, BATCH)?;
        self.seen = lines.last().map_or(self.seen, |line| line.seq);
        Ok(lines)
    }

    /// The next events, each as a line of JSON; none if all have been seen. Nothing of the session is held by then: a
    /// reader who takes his time with them does not keep the log from being folded.
    ///
    /// # Errors
    /// If the session cannot be read; what came before is in `out`.
    pub fn lines(&mut self, out: &mut Vec<u8>, form: Form) -> Result<(), StoreError> {
        self.seen = export::lines_since(&self.reader, out, form, self.seen, (BATCH, BYTES))?;
        Ok(())
    }
}
