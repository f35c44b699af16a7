//! Which ids a session has: those of its newest events at hand, all others in a sorted table.
//!
//! Ids made in the same second stand in no order, so that a group of new ones touches nearly as many pages of
//! a sorted table as it has ids. Written many at a time, in their order, they share those pages. The events
//! whose ids are not in the table yet are the newest, and few enough to be looked through.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::rows::Result;
use crate::domain::delivery::Seq;

/// Ids at hand before they are written; an event is looked for among so many without an index.
const AT_HAND: usize = 4096;

/// Finds an event's number: `?1` is its id.
pub(super) const FIND: &str = "SELECT seq FROM known WHERE id = ?1
    UNION ALL SELECT seq FROM event WHERE seq > (SELECT indexed FROM sums) AND id = ?1 LIMIT 1";

/// The ids of a session that is being written.
pub(super) struct Ids {
    newest: HashMap<String, Seq>,
}

impl Ids {
    /// Reads those that are not in the table.
    pub(super) fn new(connection: &Connection) -> Result<Self> {
        let mut statement =
            connection.prepare("SELECT id, seq FROM event WHERE seq > (SELECT indexed FROM sums)")?;
        let newest = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self { newest: newest.collect::<Result<_>>()? })
    }

    /// The number of the event with this id.
    pub(super) fn find(&self, connection: &Connection, id: &str) -> Result<Option<Seq>> {
        if let Some(seq) = self.newest.get(id) {
            return Ok(Some(*seq));
        }
        let mut statement = connection.prepare_cached("SELECT seq FROM known WHERE id = ?1")?;
        statement.query_row([id], |row| row.get(0)).optional()
    }

    /// Takes in the id of an event that is being written.
    pub(super) fn add(&mut self, id: &str, seq: Seq) {
        self.newest.insert(id.to_owned(), seq);
    }

    /// Writes them into the table, if they have become many.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        if self.newest.len() < AT_HAND {
            return Ok(());
        }
        let mut sorted: Vec<_> = self.newest.drain().collect();
        sorted.sort_unstable();
        let mut insert =
            connection.prepare_cached("INSERT OR IGNORE INTO known (id, seq) VALUES (?1, ?2)")?;
        for (id, seq) in sorted {
            insert.execute((id, seq))?;
        }
        connection.prepare_cached("UPDATE sums SET indexed = (SELECT max(seq) FROM event)")?.execute([])?;
        Ok(())
    }
}

/// Writes the ids that are not in the table, if they are more than may be at hand: it was emptied.
pub(super) fn catch_up(connection: &Connection) -> Result<()> {
    let (newest, indexed): (Seq, Seq) = connection.query_row(
        "SELECT coalesce((SELECT max(seq) FROM event), 0), indexed FROM sums",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if newest - indexed > 2 * AT_HAND as Seq {
        connection.execute(
            "INSERT OR IGNORE INTO known SELECT id, seq FROM event WHERE seq > ?1 ORDER BY id",
            [indexed],
        )?;
        connection.execute("UPDATE sums SET indexed = ?1", [newest])?;
    }
    Ok(())
}

/// Makes the table anew.
pub(super) fn rebuild(connection: &Connection) -> Result<()> {
    connection.execute_batch(
        "DELETE FROM known; INSERT INTO known SELECT id, seq FROM event ORDER BY id;
         UPDATE sums SET indexed = (SELECT coalesce(max(seq), 0) FROM event);",
    )
}

/// How many ids the table lacks, or has too many.
pub(super) fn astray(connection: &Connection) -> Result<u64> {
    connection.query_row(
        "SELECT (SELECT count(*) FROM event e WHERE seq <= (SELECT indexed FROM sums)
             AND NOT EXISTS (SELECT 1 FROM known k WHERE k.id = e.id AND k.seq = e.seq))
             + (SELECT count(*) FROM known k WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.seq = k.seq))",
        [],
        |row| row.get(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_at_hand_in_the_table_and_after_a_restart() {
        let connection = Connection::open_in_memory().unwrap();
        super::super::schema::create(&connection).unwrap();
        let mut ids = Ids::new(&connection).unwrap();
        let name = |seq: Seq| format!("msg_{}", seq * 7919 % 10_007);
        let insert = "INSERT INTO event (seq, id, received_at, occurred_at, basis, sent_at, verified, source, is_json, size)
            VALUES (?1, ?2, 0, 0, 0, 0, 1, 0, 1, 0)";
        let newest = AT_HAND as Seq + 100;
        for seq in 1..=newest {
            connection.prepare_cached(insert).unwrap().execute((seq, name(seq))).unwrap();
            ids.add(&name(seq), seq);
            ids.flush(&connection).unwrap();
        }
        let sorted: usize = connection.query_row("SELECT count(*) FROM known", [], |row| row.get(0)).unwrap();
        assert_eq!((sorted, ids.newest.len()), (AT_HAND, 100));
        let again = Ids::new(&connection).unwrap();
        for seq in [1, 2, 4000, AT_HAND as Seq, newest - 50, newest] {
            for ids in [&ids, &again] {
                assert_eq!(ids.find(&connection, &name(seq)).unwrap(), Some(seq));
            }
            let found: Seq = connection.query_row(FIND, [name(seq)], |row| row.get(0)).unwrap();
            assert_eq!(found, seq);
        }
        assert_eq!(ids.find(&connection, "msg_never").unwrap(), None);
        assert_eq!(astray(&connection).unwrap(), 0);
        connection.execute("DELETE FROM known WHERE seq = 2", []).unwrap();
        connection.execute("DELETE FROM event WHERE seq = 1", []).unwrap();
        assert_eq!(astray(&connection).unwrap(), 1, "a deleted event takes its id along");
        rebuild(&connection).unwrap();
        assert_eq!(astray(&connection).unwrap(), 0);
    }
}
