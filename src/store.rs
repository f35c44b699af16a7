//! The session file: one SQLite file a rollout, one writer, any number of readers.
//!
//! Everything derived (candidacies, assessments, rises) is folded in the transaction that keeps the event,
//! so what a session says and what it holds can never differ. The log (WAL) is synced
//! after a commit and before anybody is answered: what was acknowledged survives a power cut. That costs one
//! sync of the disk a group of deliveries; the writer takes whatever waits as one group, and is at the next
//! while the disk syncs.

mod answers;
mod candidacies;
pub mod check;
mod codec;
mod counts;
mod csv;
mod depth;
mod durable;
mod events;
pub mod export;
mod folding;
pub mod follower;
pub mod forget;
pub mod form;
pub mod forwarded;
mod fresh;
mod gone;
mod ids;
pub mod import;
pub mod journal;
mod list;
pub mod mirror;
mod names;
mod patience;
mod projector;
pub mod reader;
pub mod repair;
mod retain;
mod rows;
pub mod save;
pub mod schema;
pub mod search;
pub mod session;
mod sql;
mod state;
mod tally;
pub mod tap;
mod terms;

use std::path::Path;

/// The version of SQLite that is built in.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Why a session cannot be opened, read or written: one line that says what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is not what it should be; it has not been touched.
    #[error("{file}: {what}")]
    File {
        /// Its name.
        file: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// The file is a session, but not a whole one; it has not been touched.
    #[error("{file}: {what}")]
    Damaged {
        /// Its name.
        file: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// It cannot be used now: the disk fails or is full, or another program has locked it. Of what is in the file that
    /// says nothing.
    #[error("{file}: cannot be opened: {why}; {help}")]
    Unusable {
        /// Its name.
        file: String,
        /// What SQLite or the file system says.
        why: String,
        /// What to do.
        help: &'static str,
    },
    /// Another process writes it.
    #[error("{file}: another invigil is writing this session; end it, or look on with `invigil open`")]
    Busy {
        /// Its name.
        file: String,
    },
    /// It was at rest, and somebody began to write it while it was read: what was read may be of two moments.
    #[error("{file}: somebody began to write it while it was being read; read it again")]
    Begun {
        /// Its name.
        file: String,
    },
    /// A question was given up because a newer one came.
    #[error("interrupted")]
    Interrupted,
    /// SQLite could not do it.
    #[error("the session file cannot be read or written: {0}")]
    Sqlite(rusqlite::Error),
    /// The file system could not do it.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl StoreError {
    fn file(path: &Path, what: impl Into<String>) -> Self {
        Self::File { file: path.display().to_string(), what: what.into() }
    }

    /// The same, naming the file where it does not yet.
    #[must_use]
    pub fn of_file(self, path: &Path) -> Self {
        match self {
            Self::Sqlite(error) => Self::file(path, format!("cannot be read or written: {error}")),
            Self::Io(error) => Self::file(path, error.to_string()),
            named => named,
        }
    }

    fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { file: path.display().to_string(), what: what.into() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => Self::Interrupted,
            _ => Self::Sqlite(error),
        }
    }
}

/// A delivery could not be kept; the sender is to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unavailable {
    /// Why.
    pub reason: String,
}
