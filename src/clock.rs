//! The only reader of the time of day.
#![expect(clippy::disallowed_methods, reason = "this is the file the others get the time from")]

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// Now, by the machine's clock; 1970 if that stands before it.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus_millis(i64::try_from(since.as_millis()).unwrap_or_default())
}
