//! The tables of a session file, and what marks a file as one.

use std::fmt::Write as _;

use rusqlite::Connection;

use super::{StoreError, forwarded, ids};

/// `application_id` of the SQLite header: "INVG".
pub const APPLICATION_ID: u32 = 0x494E_5647;
/// `user_version` of the SQLite header. A file of a higher one was written by a newer invigil.
pub const VERSION: u32 = 2;

/// Assessments and candidacies have small numbers (`n`) of the file's own: an event then costs a few bytes in
/// an index instead of two ids of 24 characters. Bodies stand apart, so that a list reads small rows.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE sums (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    events INTEGER NOT NULL, deliveries INTEGER NOT NULL, unrecognised INTEGER NOT NULL,
    candidates INTEGER NOT NULL, assessments INTEGER NOT NULL, rises INTEGER NOT NULL,
    last_received_at INTEGER,
    indexed INTEGER NOT NULL DEFAULT 0 -- the ids of events up to this one stand in `known`
);
INSERT INTO sums (one, events, deliveries, unrecognised, candidates, assessments, rises) VALUES (1, 0, 0, 0, 0, 0, 0);
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,                -- unique: see `known`
    received_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    basis INTEGER NOT NULL,          -- of occurred_at: 0 the body, 1 the id, 2 the earliest svix-timestamp
    sent_at INTEGER NOT NULL,        -- earliest svix-timestamp
    deliveries INTEGER NOT NULL DEFAULT 1,
    conflicts INTEGER NOT NULL DEFAULT 0,
    verified INTEGER NOT NULL,
    source INTEGER NOT NULL,
    kind INTEGER,                    -- NULL: unrecognised
    name TEXT,
    is_json INTEGER NOT NULL,
    assessment INTEGER,
    candidacy INTEGER,
    score REAL,
    size INTEGER NOT NULL,
    marked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE known (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER event_gone AFTER DELETE ON event BEGIN DELETE FROM known WHERE id = old.id; END;
CREATE TABLE body (seq INTEGER PRIMARY KEY, coding INTEGER NOT NULL, length INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE dictionary (one INTEGER PRIMARY KEY CHECK (one = 1), bytes BLOB NOT NULL);
CREATE TABLE assessment (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT, workspace TEXT, org_id TEXT,
    latest_event INTEGER, is_archived INTEGER, last_at INTEGER,
    candidates INTEGER NOT NULL, by_status TEXT NOT NULL, scored INTEGER NOT NULL,
    score_micros INTEGER NOT NULL, violations INTEGER NOT NULL, red INTEGER NOT NULL, yellow INTEGER NOT NULL,
    state TEXT NOT NULL
);
CREATE TABLE candidacy (
    n INTEGER PRIMARY KEY,
    assessment INTEGER NOT NULL,
    candidate_id TEXT NOT NULL,
    name TEXT, email TEXT, status INTEGER, status_at INTEGER, stage TEXT, score REAL,
    detail_link TEXT, result_link TEXT,
    flag INTEGER NOT NULL, violations INTEGER NOT NULL,
    v0 INTEGER NOT NULL, v1 INTEGER NOT NULL, v2 INTEGER NOT NULL, v3 INTEGER NOT NULL, v4 INTEGER NOT NULL,
    v5 INTEGER NOT NULL, v6 INTEGER NOT NULL, v7 INTEGER NOT NULL, v8 INTEGER NOT NULL, v9 INTEGER NOT NULL,
    outside_secs REAL NOT NULL, mouse_out_secs REAL NOT NULL,
    events INTEGER NOT NULL,
    invited_at INTEGER, started_at INTEGER, finished_at INTEGER, first_at INTEGER, last_at INTEGER,
    state TEXT NOT NULL,
    UNIQUE (assessment, candidate_id)
);
CREATE TABLE rise (
    seq INTEGER NOT NULL, kind INTEGER NOT NULL,
    \"before\" INTEGER NOT NULL, \"after\" INTEGER NOT NULL,
    candidacy INTEGER NOT NULL,
    PRIMARY KEY (seq, kind)
) WITHOUT ROWID;
";

/// What was removed for good, by a hash that tells nothing else; `until` is when one may go, or never.
const TOMBSTONES: &str =
    "CREATE TABLE IF NOT EXISTS tombstone (hash BLOB PRIMARY KEY, until INTEGER) WITHOUT ROWID; ";

/// What makes answers quick and may be made anew at any time: name, table and columns. A file that was made
/// before one of them gets it when it is next written.
const INDEXES: &[(&str, &str)] = &[
    ("event_candidacy", "event (candidacy, seq) WHERE candidacy IS NOT NULL"),
    ("event_assessment", "event (assessment, seq) WHERE assessment IS NOT NULL"),
    // The columns after `seq` are there to be told without reading the row.
    ("event_kinds", "event (kind, seq, candidacy, assessment)"),
    ("event_occurred", "event (occurred_at)"),
    ("event_marked", "event (seq) WHERE marked"),
    ("event_repeated", "event (seq) WHERE deliveries > 1"),
    ("event_unverified", "event (seq) WHERE NOT verified"),
    ("event_elsewhere", "event (source, seq) WHERE source > 0"),
    ("rise_candidacy", "rise (candidacy, seq)"),
    // The columns after `n` are there to be tested without reading the row.
    ("candidacy_latest", "candidacy (last_at, n, assessment, ifnull(status, 99), flag)"),
    ("candidacy_standing", "candidacy (ifnull(status, 99), ifnull(status_at, 0), n)"),
    ("candidacy_worst", "candidacy (flag, violations, n)"),
    ("candidacy_scored", "candidacy (ifnull(score, -1e300), n)"),
    // Small enough to be searched through for part of a name.
    ("candidacy_people", "candidacy (name, email, candidate_id, assessment)"),
];

/// Which events were delivered again, in the order in which they last were: so that who looks on from elsewhere
/// can be told of what has changed since. A file that was made before has none of its own yet, which is fine:
/// nobody has looked on then.
const REPEATS: &str =
    "CREATE TABLE IF NOT EXISTS repeat (n INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL UNIQUE);";

/// The tables that have a row of an event under its number: all of them, whoever added one. What is derived of
/// candidacies is removed with those, and a table of ids keeps itself.
///
/// # Errors
/// If SQLite cannot read the schema.
pub(super) fn of_events(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.name = 'seq' AND m.name NOT IN ('rise', 'known')",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

/// Indexes of earlier forms.
const FORMER: &[&str] = &["candidacy_last", "candidacy_status", "event_kind"];

/// Makes the indexes (and the list of repeats) that a file lacks, and drops those that no question uses any more.
///
/// # Errors
/// If SQLite cannot write them.
pub fn index(connection: &Connection) -> Result<(), StoreError> {
    let mut text = format!("{REPEATS} {TOMBSTONES}");
    for name in FORMER {
        let _ = write!(text, "DROP INDEX IF EXISTS {name}; ");
    }
    for (name, on) in INDEXES {
        let _ = write!(text, "CREATE INDEX IF NOT EXISTS {name} ON {on}; ");
    }
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {text}"))?;
    ids::catch_up(connection)?;
    connection.execute_batch("COMMIT")?;
    forwarded::create(connection)?;
    Ok(())
}

/// Makes the tables of a new session file.
///
/// # Errors
/// If SQLite cannot write them.
pub fn create(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    ))?;
    forwarded::create(connection)?;
    Ok(())
}
