//! How long a statement may take before it is asked in another way.
//!
//! A page under a filter can be read in two ways: by walking the list and testing each row, which is quick
//! where many rows are chosen, or by gathering what is chosen first, which is quick where few are. Nobody knows
//! beforehand which it is, so the list is walked for a moment, and if that has not filled the page, the rows
//! are gathered.

#![expect(clippy::disallowed_methods, reason = "how long a statement takes is measured here")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// How long a list is walked. What a page may take in all is this and the gathering.
const WALK: Duration = Duration::from_millis(6);
/// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 2000;

/// The patience with the statements of one connection.
pub(super) struct Patience(Arc<Clock>);

struct Clock {
    begun: Instant,
    /// Microseconds a list is walked.
    walk: AtomicU64,
    /// Microseconds since then at which patience ends; 0 for never.
    until: AtomicU64,
    ran_out: AtomicBool,
}

impl Patience {
    /// Watches over a connection.
    pub(super) fn with(connection: &mut Connection) -> rusqlite::Result<Self> {
        let clock = Arc::new(Clock {
            begun: Instant::now(),
            walk: AtomicU64::new(WALK.as_micros() as u64),
            until: AtomicU64::new(0),
            ran_out: AtomicBool::new(false),
        });
        let watched = Arc::clone(&clock);
        connection.progress_handler(STEPS, Some(move || watched.is_over()))?;
        Ok(Self(clock))
    }

    /// Has it last so long.
    pub(super) fn last(&self, walk: Duration) {
        self.0.walk.store(u64::try_from(walk.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Reads as long as patience lasts; `None` if it did not, or there is none.
    pub(super) fn limit<T, E>(&self, read: impl FnOnce() -> Result<T, E>) -> Result<Option<T>, E> {
        let walk = self.0.walk.load(Ordering::Relaxed);
        if walk == 0 {
            return Ok(None);
        }
        let until = (self.0.begun.elapsed().as_micros() as u64).saturating_add(walk);
        self.0.ran_out.store(false, Ordering::Relaxed);
        self.0.until.store(until, Ordering::Relaxed);
        let read = read();
        self.0.until.store(0, Ordering::Relaxed);
        match read {
            Err(_) if self.0.ran_out.load(Ordering::Relaxed) => Ok(None),
            read => read.map(Some),
        }
    }
}

impl Clock {
    fn is_over(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        let over = until > 0 && self.begun.elapsed().as_micros() as u64 > until;
        if over {
            self.ran_out.store(true, Ordering::Relaxed);
        }
        over
    }
}
