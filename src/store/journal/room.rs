//! Room on the disk of a session: how much is left, and whether enough is there again.

use std::path::Path;

use rusqlite::Connection;

/// Bytes that are written to find out: more than nearly every group of deliveries needs.
const GROUP: u32 = 256 << 10;

/// Bytes that the disk of a file has left, to the mebibyte, so that not every event is a change.
pub(super) fn left(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    Some(free >> 20 << 20)
}

/// Writes as much as a group may need, and takes it back: a commit of nothing finds a full disk to be well.
///
/// # Errors
/// If there is no room.
pub(super) fn try_out(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('room', randomblob(?1))")?
        .execute([GROUP])?;
    give_back(connection)
}

/// Takes back what was written to find out. Who was killed in between has left it.
///
/// # Errors
/// If the session cannot be written.
pub(super) fn give_back(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM meta WHERE key = 'room'")?.execute([]).map(drop)
}
