//! The vocabulary and the rules, as pure functions and plain values: no clock, no I/O, no async.
//!
//! A *delivery* is one request that carried a webhook; an *event* is what its body says, once; a
//! *candidacy* is one candidate in one assessment; a *violation* is one kind of proctoring breach of one
//! candidacy, with its count; a *flag* sums a candidacy's violations up.

pub mod alert;
pub mod bearer;
pub mod capture;
pub mod clean;
pub mod count;
pub mod delivery;
mod diagnosis;
pub mod duration;
pub mod envelope;
pub mod event;
pub mod filter;
pub mod forward;
pub mod id;
pub mod proctoring;
pub mod projection;
pub mod query;
pub mod redact;
pub mod refusal;
pub mod secret;
pub mod signature;
pub mod stream;
pub mod time;
pub mod tombstone;
pub mod vitals;
