//! The tap: every event after a number, once, in order, at the caller's pace. A slow follower needs no
//! buffer, since it reads again from where it is.

use std::io::Write;

use tokio::sync::watch;

use super::form::Form;
use super::journal::{Commit, Journal};
use super::reader::Reader;
use super::{StoreError, export};
use crate::domain::delivery::Seq;
use crate::domain::query::EventLine;

/// Events read at a time.
const BATCH: u32 = 256;

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

    /// Writes the next events, each as a line of JSON, and tells how many there were; none if all have been
    /// seen.
    ///
    /// # Errors
    /// If the session cannot be read or `out` cannot be written.
    pub fn write(&mut self, out: &mut impl Write, form: Form) -> Result<usize, StoreError> {
        let (written, last) = export::write_since(&self.reader, out, form, self.seen, BATCH)?;
        self.seen = last;
        Ok(written)
    }
}
