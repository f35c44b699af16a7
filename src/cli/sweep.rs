//! Having what is too old removed from the session, a little at a time, for as long as it is written.
#![expect(clippy::disallowed_methods, reason = "it is a task of its own")]

use std::time::Duration;

use crate::clock;
use crate::store::journal::Journal;

/// Between two steps of one round: whatever waits to be written goes first.
const STEP: Duration = Duration::from_millis(100);
/// Between two rounds.
const ROUND: Duration = Duration::from_secs(600);

/// Begins. It ends when the session is closed.
pub fn begin(journal: Journal) {
    tokio::spawn(async move {
        while let Some(more) = journal.sweep(clock::now()).await {
            tokio::time::sleep(if more { STEP } else { ROUND }).await;
        }
    });
}
