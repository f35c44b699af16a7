//! The tables of a session file, and what marks a file as one.

use rusqlite::Connection;

use super::StoreError;

/// `application_id` of the SQLite header: "INVG".
pub const APPLICATION_ID: u32 = 0x494E_5647;
/// `user_version` of the SQLite header. A file of a higher one was written by a newer invigil.
pub const VERSION: u32 = 1;

/// Assessments and candidacies have small numbers (`n`) of the file's own: an event then costs a few bytes in
/// an index instead of two ids of 24 characters. Bodies stand apart, so that a list reads small rows.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE sums (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    events INTEGER NOT NULL, deliveries INTEGER NOT NULL, unrecognised INTEGER NOT NULL,
    candidates INTEGER NOT NULL, assessments INTEGER NOT NULL, rises INTEGER NOT NULL,
    last_received_at INTEGER
);
INSERT INTO sums VALUES (1, 0, 0, 0, 0, 0, 0, NULL);
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
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
CREATE INDEX event_candidacy ON event (candidacy, seq) WHERE candidacy IS NOT NULL;
CREATE INDEX event_assessment ON event (assessment, seq) WHERE assessment IS NOT NULL;
CREATE INDEX event_kind ON event (kind, seq);
CREATE INDEX event_occurred ON event (occurred_at);
CREATE INDEX event_marked ON event (seq) WHERE marked;
CREATE INDEX event_repeated ON event (seq) WHERE deliveries > 1;
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
CREATE INDEX candidacy_last ON candidacy (last_at, n);
CREATE INDEX candidacy_status ON candidacy (status, status_at, n);
CREATE INDEX candidacy_worst ON candidacy (flag, violations, n);
CREATE TABLE rise (
    seq INTEGER NOT NULL, kind INTEGER NOT NULL,
    \"before\" INTEGER NOT NULL, \"after\" INTEGER NOT NULL,
    candidacy INTEGER NOT NULL,
    PRIMARY KEY (seq, kind)
) WITHOUT ROWID;
CREATE INDEX rise_candidacy ON rise (candidacy, seq);
";

/// Makes the tables of a new session file.
///
/// # Errors
/// If SQLite cannot write them.
pub fn create(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    ))?;
    Ok(())
}
