//! A session's events folded anew, in a file beside it that nobody sees: what is derived is held against that, or
//! taken from it.

use bytes::Bytes;
use rusqlite::{Connection, Row};

use super::codec::{Packed, Unpacker};
use super::projector::Projector;
use super::{StoreError, codec, rows, schema};
use crate::domain::alert::Rules;
use crate::domain::delivery::{Delivery, Headers, Seq, Source};
use crate::domain::envelope;
use crate::domain::event::Event;
use crate::domain::time::Timestamp;

type Result<T> = std::result::Result<T, StoreError>;

/// Events folded before what is at hand is written out, so that memory does not grow with the session.
const GROUP: u64 = 512;

/// Asks for [`Kept`] events, in order of arrival.
pub(super) const KEPT: &str =
    "SELECT e.seq, e.id, e.received_at, e.sent_at, e.deliveries, e.verified, e.source, e.size,
    b.coding, b.length, b.data FROM event e LEFT JOIN body b ON b.seq = e.seq ORDER BY e.seq";

/// An event as it was kept: what nothing else can tell.
pub(super) struct Kept {
    pub(super) seq: Seq,
    pub(super) id: String,
    pub(super) received_at: Timestamp,
    pub(super) sent_at: Timestamp,
    pub(super) deliveries: u64,
    pub(super) verified: bool,
    pub(super) source: Source,
    pub(super) size: u64,
    /// Headers and body, or why they cannot be read.
    pub(super) content: std::result::Result<(Headers, Vec<u8>), String>,
}

impl Kept {
    /// Reads a row of [`KEPT`].
    pub(super) fn read(connection: &Connection, unpacker: &Unpacker, row: &Row<'_>) -> Result<Self> {
        let content = match row.get::<_, Option<i64>>(8)? {
            None => Err("its body is missing".to_owned()),
            Some(_) => unpacker.whole_row(connection, row, 8).map_err(|error| match codec::damage(&error) {
                Some(what) => format!("its body {what}"),
                None => format!("its body cannot be read: {error}"),
            }),
        };
        let source: usize = row.get(6)?;
        Ok(Self {
            seq: row.get(0)?,
            id: row.get(1)?,
            received_at: rows::time(row, 2)?.unwrap_or_default(),
            sent_at: rows::time(row, 3)?.unwrap_or_default(),
            deliveries: row.get(4)?,
            verified: row.get(5)?,
            source: Source::ALL.get(source).copied().unwrap_or(Source::File),
            size: row.get(7)?,
            content,
        })
    }
}

/// A fold that has begun.
pub(super) struct Fresh {
    connection: Connection,
    projector: Projector,
    waiting: u64,
}

impl Fresh {
    /// Begins with nothing.
    pub(super) fn new() -> Result<Self> {
        // A database without a name is a file without one: gone with the connection, and in memory only in part.
        let connection = Connection::open("")?;
        connection.execute_batch(
            "PRAGMA temp_store = FILE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -12288",
        )?;
        schema::create(&connection)?;
        connection.execute_batch("BEGIN")?;
        let projector = Projector::new(&connection, Rules::default())?;
        Ok(Self { connection, projector, waiting: 0 })
    }

    /// Folds the next event. One whose body cannot be read says nothing.
    pub(super) fn take(&mut self, kept: Kept) -> Result<()> {
        let (event, body) = match kept.content {
            Ok((_, body)) => (envelope::decode(&body), body),
            Err(_) => (Event::default(), Vec::new()),
        };
        let delivery = Delivery {
            id: kept.id,
            sent_at: kept.sent_at,
            received_at: kept.received_at,
            source: kept.source,
            verified: kept.verified,
            headers: Headers::default(),
            body: Bytes::from(body),
            event,
        };
        self.projector.number_next(kept.seq);
        self.projector.take(&self.connection, &delivery, &Packed::default())?;
        self.projector.delivered(&self.connection, kept.deliveries)?;
        self.waiting += 1;
        if self.waiting == GROUP {
            self.waiting = 0;
            self.projector.finish(&self.connection)?;
        }
        Ok(())
    }

    /// What all of it comes to.
    pub(super) fn finish(mut self) -> Result<Connection> {
        self.projector.finish(&self.connection)?;
        Ok(self.connection)
    }
}
