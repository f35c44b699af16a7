//! What was removed for good and must not come back: told by tombstones, which say nothing else.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::Result;
use crate::domain::delivery::Delivery;
use crate::domain::time::Timestamp;
use crate::domain::tombstone::{Of, tombstone};

/// The tombstones of a session that is being written.
#[derive(Default)]
pub(super) struct Gone {
    salt: Vec<u8>,
    /// Most sessions have none, and then nothing is looked up.
    any: bool,
}

impl Gone {
    /// Those the file has.
    pub(super) fn of(connection: &Connection) -> Result<Self> {
        let salt = "SELECT value FROM meta WHERE key = 'salt'";
        let salt: Option<Vec<u8>> = connection.query_row(salt, [], |row| row.get(0)).optional()?;
        let any = connection.query_row("SELECT EXISTS (SELECT 1 FROM tombstone)", [], |row| row.get(0))?;
        Ok(Self { salt: salt.unwrap_or_default(), any })
    }

    /// Whether a delivery is of something that was removed, or about somebody who was.
    pub(super) fn holds(&self, connection: &Connection, delivery: &Delivery) -> Result<bool> {
        if !self.any {
            return Ok(false);
        }
        let event = tombstone(&self.salt, Of::Event, &delivery.id);
        let candidate = delivery.event.candidate_id.as_deref();
        let candidate = candidate.map(|id| tombstone(&self.salt, Of::Candidate, id));
        connection
            .prepare_cached("SELECT 1 FROM tombstone WHERE hash IN (?1, ?2)")?
            .exists(params![event, candidate])
    }

    /// Whether there is one of a candidate.
    pub(super) fn knows(&self, connection: &Connection, candidate: &str) -> Result<bool> {
        let hash = tombstone(&self.salt, Of::Candidate, candidate);
        connection.prepare_cached("SELECT 1 FROM tombstone WHERE hash = ?1")?.exists([hash])
    }

    /// Puts one up, until a time or for ever. The caller holds the transaction.
    pub(super) fn bury(
        &mut self,
        connection: &Connection,
        of: Of,
        id: &str,
        until: Option<Timestamp>,
    ) -> Result<()> {
        if self.salt.is_empty() {
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('salt', randomblob(16))", [])?;
            self.salt =
                connection.query_row("SELECT value FROM meta WHERE key = 'salt'", [], |row| row.get(0))?;
        }
        self.any = true;
        connection
            .prepare_cached("INSERT OR REPLACE INTO tombstone (hash, until) VALUES (?1, ?2)")?
            .execute(params![tombstone(&self.salt, of, id), until.map(Timestamp::millis)])?;
        Ok(())
    }
}
