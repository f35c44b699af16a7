//! Whether the files that are being written still have their names.

use std::path::Path;

use super::Writer;
use crate::store::session::Identity;
use crate::store::{StoreError, session};

/// Which file the session is, and which its log.
pub(super) fn identities(path: &Path) -> [Option<Identity>; 2] {
    [session::named(path), session::named(&session::log_of(path))]
}

impl Writer {
    /// SQLite would go on writing to files that no longer have a name.
    pub(super) fn is_in_place(&mut self) -> Result<(), StoreError> {
        let [session, log] = identities(&self.path);
        let [session_then, log_then] = self.identities;
        if session != session_then {
            // Wherever it is now, it should need no log beside it.
            let _ = self.fold("PASSIVE");
            return Err(StoreError::file(
                &self.path,
                "was removed or replaced while it was being written; put it back, or start again",
            ));
        }
        if log == log_then {
            return Ok(());
        }
        let what = match self.keep_log(log) {
            Ok(()) => "stop and start again, nothing is lost".to_owned(),
            Err(why) => format!("what it held cannot be saved yet ({why}); let invigil run until it is"),
        };
        let what = format!("was removed or replaced while it was being written; {what}");
        Err(StoreError::file(&session::log_of(&self.path), what))
    }

    /// What was acknowledged is to be found where it will be looked for, even if this ends at once: the log is
    /// given its name back, as a copy, or all of it is moved into the session.
    fn keep_log(&mut self, log: Option<Identity>) -> Result<(), StoreError> {
        if log.is_some() && log == self.log_again {
            return Ok(());
        }
        let path = session::log_of(&self.path);
        if let Err(error) = session::write_log_again(self.durable.log(), &self.path) {
            return self.fold("FULL")?.then_some(()).ok_or_else(|| StoreError::from(error));
        }
        self.log_again = session::named(&path);
        // The copy is enough; so nobody who reads is waited for.
        let _ = self.fold("PASSIVE");
        Ok(())
    }

    /// Moves the log into the session, and says whether all of it was.
    pub(super) fn fold(&self, mode: &str) -> Result<bool, StoreError> {
        let (busy, pages, folded): (bool, i64, i64) =
            self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        Ok(!busy && pages == folded)
    }
}
