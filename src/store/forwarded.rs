//! What became of events that were passed on: a row each, written along with whatever is written anyway.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::journal::Journal;
use super::list::{Ways, list};
use super::projector;
use super::reader::Reader;
use super::rows;
use super::sql::Rows;
use crate::domain::delivery::{Headers, Seq};
use crate::domain::forward::{Forwarded, State};
use crate::domain::query::{Anchor, Query, Scope, Sort};
use crate::domain::time::Timestamp;

type Result<T> = std::result::Result<T, StoreError>;

/// Results that may wait to be written.
pub const WAITING: usize = 1024;
/// The fact of how far forwarding has come: all events up to this one are settled.
const PLACE: &str = "forwarded";

const TABLE: &str = "TABLE IF NOT EXISTS forward (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, attempts INTEGER NOT NULL, state INTEGER NOT NULL,
    status INTEGER, millis INTEGER NOT NULL, note TEXT NOT NULL, replayed INTEGER NOT NULL
)";
const OF_EVENT: &str =
    "SELECT at, attempts, state, status, millis, note, replayed FROM forward WHERE seq = ?1";
/// Events that the target did not take.
const GIVEN_UP: &str = "SELECT seq FROM forward WHERE state = 2";

/// Makes the table in a session that has none yet.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "CREATE {TABLE}; CREATE INDEX IF NOT EXISTS forward_failed ON forward (seq) WHERE state = 2"
    ))
}

/// Lets a session that was written before there was such a table be read as one with an empty one.
pub(super) fn stand_in(connection: &Connection) -> rusqlite::Result<()> {
    let text = "SELECT 1 FROM sqlite_master WHERE name = 'forward'";
    if connection.query_row(text, [], |_| Ok(())).optional()?.is_none() {
        connection.execute_batch(&format!("CREATE TEMP {TABLE}"))?;
    }
    Ok(())
}

/// Results on their way into the session. They have no commit of their own while deliveries are written: the
/// next group takes them along.
#[derive(Clone, Default)]
pub(super) struct Outbox(Arc<Mutex<Pending>>);

#[derive(Default)]
struct Pending {
    results: VecDeque<(Seq, Forwarded)>,
    place: Option<Seq>,
}

/// How much of an outbox a transaction holds.
pub(super) struct Taken {
    results: usize,
    place: Option<Seq>,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, results: impl IntoIterator<Item = (Seq, Forwarded)>, place: Option<Seq>) {
        let mut pending = self.lock();
        pending.results.extend(results);
        pending.place = place.or(pending.place);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().results.len()
    }

    /// Writes what waits in the transaction under way. Nothing is written of an event that was removed meanwhile.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<Taken> {
        let pending = self.lock();
        if pending.results.is_empty() && pending.place.is_none() {
            return Ok(Taken { results: 0, place: None });
        }
        let mut insert = connection.prepare_cached(
            "INSERT OR REPLACE INTO forward (seq, at, attempts, state, status, millis, note, replayed)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM event WHERE seq = ?1)",
        )?;
        for (seq, result) in &pending.results {
            insert.execute(params![
                seq,
                result.at.millis(),
                result.attempts,
                result.state as i64,
                result.status,
                result.millis,
                result.note,
                result.replayed
            ])?;
        }
        if let Some(place) = pending.place {
            connection
                .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
                .execute((PLACE, place))?;
        }
        Ok(Taken { results: pending.results.len(), place: pending.place })
    }

    /// The transaction was committed: what it holds need not wait any more.
    pub(super) fn written(&self, taken: &Taken) {
        let mut pending = self.lock();
        pending.results.drain(..taken.results);
        if pending.place == taken.place {
            pending.place = None;
        }
    }
}

impl Journal {
    /// Has results of forwarding written with the next group, and how far forwarding has come, if it has come
    /// further.
    pub fn forwarded(&self, results: impl IntoIterator<Item = (Seq, Forwarded)>, place: Option<Seq>) {
        self.outbox.put(results, place);
    }

    /// Whether so many results wait to be written that there should be no more for a while.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.outbox.len() >= WAITING
    }
}

/// An event as it is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Its place in the session.
    pub seq: Seq,
    /// `svix-id`
    pub id: String,
    /// `svix-timestamp` of its earliest attempt.
    pub sent_at: Timestamp,
    /// Headers of its first delivery, or of the first that was verified.
    pub headers: Headers,
    /// Its body, byte for byte.
    pub body: Vec<u8>,
}

impl Reader {
    /// An event as it is passed on; `None` if there is none of this number.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn parcel(&self, seq: Seq) -> Result<Option<Parcel>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT b.coding, b.length, b.data, e.id, e.sent_at FROM event e JOIN body b ON b.seq = e.seq
             WHERE e.seq = ?1",
        )?;
        let parcel = statement.query_row([seq], |row| {
            let (headers, body) = self.unpacker.row(&self.connection, row, 0)?;
            let sent_at = rows::time(row, 4)?.unwrap_or_default();
            Ok(Parcel { seq, id: row.get(3)?, sent_at, headers, body })
        });
        Ok(parcel.optional()?)
    }

    /// What became of an event that was passed on.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn forwarded(&self, seq: Seq) -> Result<Option<Forwarded>> {
        let mut statement = self.connection.prepare_cached(OF_EVENT)?;
        let found = statement.query_row([seq], |row| {
            let state: usize = row.get(2)?;
            Ok(Forwarded {
                at: rows::time(row, 0)?.unwrap_or_default(),
                attempts: row.get(1)?,
                state: State::ALL.get(state).copied().unwrap_or(State::GivenUp),
                status: row.get(3)?,
                millis: row.get(4)?,
                note: row.get(5)?,
                replayed: row.get(6)?,
            })
        });
        Ok(found.optional()?)
    }

    /// How many events the target did not take.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn given_up(&self) -> Result<u64> {
        let text = format!("SELECT count(*) FROM ({GIVEN_UP})");
        Ok(self.connection.prepare_cached(&text)?.query_row([], |row| row.get(0))?)
    }

    /// How far forwarding has come, if it was ever begun: all events up to this one are settled.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn forwarded_to(&self) -> Result<Option<Seq>> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(statement.query_row([PLACE], |row| row.get(0)).optional()?)
    }

    /// How many events a list has, and the newest event of the session: what a replay of the list would send.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn count_chosen(&self, query: &Query) -> Result<(u64, Seq)> {
        let find = |seq: &Seq| ("e.seq = ?", vec![Value::from(*seq)], None);
        let page = self.page(Rows::Events, query, &Anchor::First, find, (0, 1), |_| Ok(()))?;
        Ok((page.total, projector::read_newest(&self.connection)?))
    }

    /// The events of a list that come after one, oldest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn chosen(&self, query: &Query, after: Option<Seq>, limit: u32) -> Result<Vec<Seq>> {
        let query = Query { sort: Sort::Oldest, ..query.clone() };
        let (list, ways) = (list(Rows::Events, &query), Ways::of(Rows::Events, &query));
        let place = match after {
            Some(seq) => match self.place(&list, "e.seq = ?", vec![seq.into()])? {
                Some(place) => Some(place),
                // It was removed. In the order of arrival its number still says where it stood; a candidacy goes whole.
                None if query.scope == Scope::Session => Some(vec![seq.into()]),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let beside = place.as_deref().map(|place| (place, false));
        self.run(&list, &ways, true, beside, limit, |row| row.get(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(status: u16) -> Forwarded {
        let state = if status < 300 { State::Delivered } else { State::GivenUp };
        let at = Timestamp::from_millis(1_790_000_000_123).unwrap();
        Forwarded {
            at,
            attempts: 2,
            state,
            status: Some(status),
            millis: 7,
            note: "ok".into(),
            replayed: false,
        }
    }

    fn events(connection: &Connection, count: Seq) {
        for seq in 1..=count {
            let text = "INSERT INTO event (seq, id, received_at, occurred_at, basis, sent_at, verified, source, is_json, size)
                VALUES (?1, 'msg_' || ?1, 0, 0, 0, 0, 1, 0, 1, 2)";
            connection.execute(text, [seq]).unwrap();
        }
    }

    #[test]
    fn what_became_of_an_event_that_was_removed_meanwhile_is_not_kept() {
        let connection = Connection::open_in_memory().unwrap();
        super::super::schema::create(&connection).unwrap();
        events(&connection, 2);
        let outbox = Outbox::default();
        outbox.put([(1, result(500)), (2, result(204))], Some(2));
        connection.execute("DELETE FROM event WHERE seq = 1", []).unwrap();
        outbox.written(&outbox.write(&connection).unwrap());
        assert_eq!(outbox.len(), 0);
        let kept: Vec<Seq> = connection
            .prepare("SELECT seq FROM forward")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(rusqlite::Result::unwrap)
            .collect();
        assert_eq!(kept, [2]);
    }

    #[test]
    fn what_is_rolled_back_is_written_with_the_next_group() {
        let connection = Connection::open_in_memory().unwrap();
        super::super::schema::create(&connection).unwrap();
        events(&connection, 3);
        let outbox = Outbox::default();
        outbox.put([(1, result(204)), (2, result(500))], Some(2));
        connection.execute_batch("BEGIN").unwrap();
        outbox.write(&connection).unwrap();
        connection.execute_batch("ROLLBACK").unwrap();
        assert_eq!(outbox.len(), 2);
        connection.execute_batch("BEGIN").unwrap();
        let taken = outbox.write(&connection).unwrap();
        // What comes during the commit is for the one after.
        outbox.put([(3, result(204))], Some(3));
        connection.execute_batch("COMMIT").unwrap();
        outbox.written(&taken);
        assert_eq!(outbox.len(), 1);
        let count = |text: &str| connection.query_row(text, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM forward"), 2);
        assert_eq!(count(&format!("SELECT max(seq) FROM ({GIVEN_UP})")), 2);
        assert_eq!(count("SELECT value FROM meta WHERE key = 'forwarded'"), 2);
        outbox.written(&outbox.write(&connection).unwrap());
        assert_eq!(count("SELECT value FROM meta WHERE key = 'forwarded'"), 3);
        assert_eq!(outbox.len(), 0);
    }
}
