//! Whether the files that are being written still have their names.

use std::path::Path;

use super::Writer;
use crate::store::{StoreError, session};

/// What tells the session's file from another one that took its name, and its log likewise.
pub(super) fn identities(path: &Path) -> [Identity; 2] {
    [identity(path), identity(&session::log_of(path))]
}

pub(super) type Identity = Option<(u64, u64)>;

#[cfg(unix)]
fn identity(path: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Identity {
    path.exists().then_some((0, 0))
}

impl Writer {
    /// SQLite would go on writing to files that no longer have a name.
    pub(super) fn is_in_place(&self) -> Result<(), StoreError> {
        let [session, log] = identities(&self.path);
        let [session_then, log_then] = self.identities;
        if session != session_then {
            return Err(StoreError::file(
                &self.path,
                "was removed or replaced while it was being written; put it back, or start again",
            ));
        }
        if log != log_then {
            // What was acknowledged is moved to where it will be found. If that fails it is tried again.
            let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(FULL)");
            let what =
                "was removed or replaced while it was being written; stop and start again, nothing is lost";
            return Err(StoreError::file(&session::log_of(&self.path), what));
        }
        Ok(())
    }
}
