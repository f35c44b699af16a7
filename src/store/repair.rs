//! Deriving everything again from the events, in one transaction.

use std::path::Path;

use rusqlite::{Connection, params_from_iter};

use super::check::{self, Findings, Report};
use super::{StoreError, ids, session};
use crate::domain::secret::Keyring;

type Result<T> = std::result::Result<T, StoreError>;

/// Tables that hold nothing but what the events tell.
const DERIVED: [&str; 3] = ["rise", "candidacy", "assessment"];

/// Columns of an event that its body, its id and its deliveries tell.
const OF_EVENTS: [&str; 9] =
    ["occurred_at", "basis", "kind", "name", "is_json", "score", "size", "assessment", "candidacy"];

/// Checks a session and, if it is not sound, makes its indexes and everything derived anew. What came is never
/// touched: events, their bodies, marks and counts of deliveries. Returns how many findings there were, and what
/// a check says then.
///
/// # Errors
/// If another process writes the session, or what came cannot be read whole: the session is then as it was.
pub fn repair(path: &Path, keyring: &Keyring, tell: &mut dyn FnMut(&str)) -> Result<(u64, Report)> {
    let (connection, _lock) = session::open_writer(path)?;
    connection.execute_batch("PRAGMA temp_store = FILE")?;
    let mut findings = Findings::new(tell);
    let report = check::look(&connection, keyring, &mut findings)?.report;
    let before = findings.all();
    if before == 0 {
        return Ok((0, report));
    }
    // If anything fails, the connection goes, and with it what was begun.
    connection.execute_batch("BEGIN IMMEDIATE; REINDEX")?;
    if let Some(what) = check::integrity(&connection)?.first() {
        let what = format!(
            "{what}; what can be read may be saved with `sqlite3 FILE .recover`, nothing was changed"
        );
        return Err(StoreError::file(path, what));
    }
    derive(path, &connection)?;
    connection.execute_batch("COMMIT")?;
    let mut findings = Findings::new(tell);
    let report = check::look(&connection, keyring, &mut findings)?.report;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok((before, Report { findings: findings.all(), ..report }))
}

/// Replaces everything derived by what a fresh fold of the events gives. The caller holds the transaction.
pub(super) fn derive(path: &Path, connection: &Connection) -> Result<()> {
    let unreadable =
        "some bodies cannot be read, and what was derived from them would be lost; nothing was changed";
    let fresh = check::fold(connection)?.ok_or_else(|| StoreError::file(path, unreadable))?;
    for table in DERIVED {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
        copy(&fresh, connection, table)?;
    }
    let sums = "events, deliveries, unrecognised, candidates, assessments, rises, last_received_at";
    let told: Vec<rusqlite::types::Value> =
        fresh
            .query_row(&format!("SELECT {sums} FROM sums"), [], |row| (0..7).map(|n| row.get(n)).collect())?;
    ids::rebuild(connection)?;
    // The last delivery may have been a repeat, whose time only the sum itself tells.
    connection.execute(
        "UPDATE sums SET events = ?1, deliveries = ?2, unrecognised = ?3, candidates = ?4, assessments = ?5, rises = ?6,
         last_received_at = max(ifnull(last_received_at, ?7), ?7)",
        params_from_iter(told),
    )?;
    events(&fresh, connection)
}

/// Copies a whole table.
fn copy(from: &Connection, to: &Connection, table: &str) -> Result<()> {
    let mut read = from.prepare(&format!("SELECT * FROM {table}"))?;
    let columns: Vec<String> = read.column_names().map(|name| format!("\"{name}\"")).collect();
    let marks = vec!["?"; columns.len()].join(", ");
    let mut write = to.prepare(&format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", ")))?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let cells = (0..columns.len())
            .map(|n| row.get(n))
            .collect::<rusqlite::Result<Vec<rusqlite::types::Value>>>()?;
        write.execute(params_from_iter(cells))?;
    }
    Ok(())
}

/// Corrects what a row repeats of its event; one that is right is not written.
fn events(from: &Connection, to: &Connection) -> Result<()> {
    let mut read = from.prepare(&format!("SELECT {}, seq FROM event", OF_EVENTS.join(", ")))?;
    let numbered = OF_EVENTS.iter().enumerate();
    let set: Vec<_> = numbered.clone().map(|(n, column)| format!("{column} = ?{}", n + 1)).collect();
    let same: Vec<_> = numbered.map(|(n, column)| format!("{column} IS ?{}", n + 1)).collect();
    let text =
        format!("UPDATE event SET {} WHERE seq = ?10 AND NOT ({})", set.join(", "), same.join(" AND "));
    let mut write = to.prepare(&text)?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let cells = (0..10).map(|n| row.get(n)).collect::<rusqlite::Result<Vec<rusqlite::types::Value>>>()?;
        write.execute(params_from_iter(cells))?;
    }
    Ok(())
}
