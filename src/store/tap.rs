//! The tap for another invigil: every event after a position with all that is needed to keep it again, and
//! those that were delivered again since, as frames. A viewer costs one reader, whatever its pace.

use bytes::Bytes;
use rusqlite::{OptionalExtension, Row};
use tokio::sync::watch;

use super::journal::{Commit, Journal};
use super::reader::Reader;
use super::{StoreError, mirror, projector, rows};
use crate::domain::delivery::{Seq, Source};
use crate::domain::event::Event;
use crate::domain::stream::{Batch, BatchWriter, Hello, PROTOCOL, Position, Record, Repeated};
use crate::domain::time::Timestamp;

/// A frame is full with so many events, or so many bytes. One event alone may be larger.
const EVENTS: usize = 256;
const BYTES: usize = 256 << 10;
/// Repeated events looked at for one frame.
const REPEATED: usize = 256;

/// Follows a session that this process writes, for somebody who keeps a mirror of it.
pub struct Tap {
    reader: Reader,
    committed: watch::Receiver<Commit>,
    /// The commit that everything was read up to.
    revision: Option<u64>,
    at: Position,
}

/// Where a viewer says it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct After {
    /// The newest event it has.
    pub seq: Seq,
    /// The id of that event, if it says.
    pub id: Option<String>,
    /// How far it knows of repeated deliveries, if it says.
    pub repeats: Option<i64>,
}

/// Where a tap is, of a session that was committed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    seq: Seq,
    repeats: i64,
    revision: u64,
    /// How many events were removed so far.
    removed: u64,
}

/// From one place to the next.
#[derive(Debug, Clone)]
pub struct Step {
    from: Place,
    /// What is told on the way; `None` if nothing is left to tell.
    pub frame: Option<Bytes>,
    /// How many events forwarding has given up by then.
    pub unforwarded: u64,
    to: Place,
}

impl Step {
    /// Whether this is the step to take from a place. What is told is so whatever was committed since, unless events
    /// were removed.
    #[must_use]
    pub fn serves(&self, place: Place) -> bool {
        let at = |place: &Place| (place.seq, place.repeats, place.removed);
        let there = at(&self.from) == at(&place);
        there && (self.frame.is_some() || self.from.revision == place.revision)
    }
}

impl Tap {
    /// Follows from where a viewer is; what it is to be greeted with.
    ///
    /// # Errors
    /// If the session cannot be read.
    pub fn new(journal: &Journal, after: &After) -> Result<(Self, Hello), StoreError> {
        let reader = Reader::of(journal)?;
        let known = "SELECT id FROM event WHERE seq = ?1";
        let (hello, repeats) = reader.at_one_moment(|| {
            let connection = &reader.connection;
            let there: Option<String> =
                connection.query_row(known, [after.seq], |row| row.get(0)).optional()?;
            let newest = projector::read_newest(connection)?;
            // One that is not there any more was removed for good; one that is not there yet never came from here.
            let is_other = there.map_or(after.seq > newest, |there| after.id.as_ref() != Some(&there));
            let hello = Hello {
                protocol: PROTOCOL,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                session: mirror::fact(connection, mirror::IDENTITY)?.unwrap_or_default(),
                created_at: reader.created_at()?.unwrap_or_default(),
                newest,
                diverged: after.seq > 0 && after.id.is_some() && is_other,
            };
            // Whoever has nothing yet is told of each event as it stands when it is told.
            let repeats = match after.repeats {
                _ if after.seq == 0 => {
                    connection.query_row("SELECT ifnull(max(n), 0) FROM repeat", [], |row| row.get(0))?
                }
                repeats => repeats.unwrap_or_default(),
            };
            Ok((hello, repeats))
        })?;
        let at = Position { seq: after.seq, id: String::new(), repeats };
        Ok((Self { reader, committed: journal.committed(), revision: None, at }, hello))
    }

    /// Ends when something was committed since the last step that told nothing.
    pub async fn ready(&mut self) {
        let seen = self.revision;
        // When the writer has ended there is nothing to wait for: what is left can be read.
        if self.committed.wait_for(|commit| Some(commit.revision) != seen).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Where it is, and the commit that is looked at next.
    #[must_use]
    pub fn place(&self) -> Place {
        let Commit { seq, events, revision } = *self.committed.borrow();
        let removed = u64::try_from(seq).unwrap_or_default().saturating_sub(events);
        Place { seq: self.at.seq, repeats: self.at.repeats, revision, removed }
    }

    /// The newest event that is committed.
    #[must_use]
    pub fn newest(&self) -> Seq {
        self.committed.borrow().seq
    }

    /// Takes a step that was found by another one that was at the same place.
    pub fn take(&mut self, step: &Step) {
        (self.at.seq, self.at.repeats) = (step.to.seq, step.to.repeats);
        if step.frame.is_none() {
            self.revision = Some(step.to.revision);
        }
    }

    /// The next frame, or that there is none, and where that leads to.
    ///
    /// # Errors
    /// If the session cannot be read.
    pub fn step(&mut self) -> Result<Step, StoreError> {
        loop {
            let from = self.place();
            let mut at = self.at.clone();
            let (writer, rest, unforwarded) = self.reader.at_one_moment(|| {
                let mut rest =
                    Batch { newest: projector::read_newest(&self.reader.connection)?, ..Batch::default() };
                self.repeated(&mut at, &mut rest)?;
                let mut writer = BatchWriter::default();
                self.events(&mut at, &mut writer)?;
                let sums = self.reader.sums()?;
                rest.last_received_at = sums.last_received_at;
                Ok((writer, rest, sums.unforwarded))
            })?;
            let moved = at != self.at;
            self.at = at;
            let rest = Batch { repeats: self.at.repeats, ..rest };
            let to = Place { seq: self.at.seq, repeats: self.at.repeats, ..from };
            if !moved {
                self.revision = Some(from.revision);
                return Ok(Step { from, frame: None, unforwarded, to });
            }
            // Else what was repeated is not known there yet: nothing to tell, but there may be more.
            if !writer.is_empty() || !rest.repeated.is_empty() {
                return Ok(Step { from, frame: Some(writer.finish(&rest).into()), unforwarded, to });
            }
        }
    }

    /// What was delivered again of the events that are known there.
    fn repeated(&self, at: &mut Position, batch: &mut Batch) -> Result<(), StoreError> {
        let mut statement = self.reader.connection.prepare_cached(
            "SELECT r.n, e.seq, e.id, e.deliveries, e.conflicts, e.sent_at, e.verified FROM repeat r JOIN event e ON e.seq = r.seq
             WHERE r.n > ?1 ORDER BY r.n LIMIT ?2",
        )?;
        let mut found = statement.query((at.repeats, REPEATED))?;
        while let Some(row) = found.next()? {
            at.repeats = row.get(0)?;
            if row.get::<_, Seq>(1)? <= at.seq {
                batch.repeated.push(Repeated {
                    id: row.get(2)?,
                    deliveries: row.get(3)?,
                    conflicts: row.get(4)?,
                    sent_at: rows::time(row, 5)?.unwrap_or_default(),
                    verified: row.get(6)?,
                });
            }
        }
        Ok(())
    }

    fn events(&self, at: &mut Position, writer: &mut BatchWriter) -> Result<(), StoreError> {
        let mut statement = self.reader.connection.prepare_cached(
            "SELECT e.seq, e.id, e.received_at, e.sent_at, e.source, e.verified, e.deliveries, e.conflicts, e.is_json,
             b.coding, b.length, b.data FROM event e JOIN body b ON b.seq = e.seq WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
        )?;
        let mut found = statement.query((at.seq, EVENTS))?;
        while writer.len() < BYTES
            && let Some(row) = found.next()?
        {
            let record = self.record(row)?;
            at.seq = record.seq;
            writer.event(&record);
        }
        Ok(())
    }

    fn record(&self, row: &Row<'_>) -> rusqlite::Result<Record> {
        let (headers, body) = self.reader.unpacker.row(&self.reader.connection, row, 9)?;
        let source: usize = row.get(4)?;
        let moment =
            |column| -> rusqlite::Result<Timestamp> { Ok(rows::time(row, column)?.unwrap_or_default()) };
        Ok(Record {
            seq: row.get(0)?,
            id: row.get(1)?,
            received_at: moment(2)?,
            sent_at: moment(3)?,
            source: Source::ALL.get(source).copied().unwrap_or(Source::Http),
            verified: row.get(5)?,
            deliveries: row.get(6)?,
            conflicts: row.get(7)?,
            headers,
            body: body.into(),
            event: Event { is_json: row.get(8)?, ..Event::default() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_told_until_something_is_removed() {
        let from = Place { seq: 3, repeats: 0, revision: 7, removed: 0 };
        let to = Place { seq: 9, ..from };
        let step = Step { from, frame: Some(Bytes::new()), unforwarded: 0, to };
        assert!(step.serves(from) && step.serves(Place { revision: 8, ..from }));
        assert!(!step.serves(Place { revision: 8, removed: 1, ..from }));
        let nothing = Step { frame: None, to: from, ..step };
        assert!(nothing.serves(from) && !nothing.serves(Place { revision: 8, ..from }));
    }
}
