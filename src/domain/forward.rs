//! Passing events on to the user's own code: how it went for one event, and how the target is doing.

use std::fmt;

use super::delivery::Seq;
use super::query::Query;
use super::time::Timestamp;

/// What passing an event on has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The target took it.
    Delivered,
    /// It did not, and is asked again in a while.
    Retrying,
    /// It did not, and is asked no more but by hand.
    GivenUp,
}

impl State {
    /// Every state, in the order of their codes in a session file.
    pub const ALL: [Self; 3] = [Self::Delivered, Self::Retrying, Self::GivenUp];
}

/// How passing an event on went when it was last tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// When it was tried.
    pub at: Timestamp,
    /// The how-manieth attempt that was; 1 for a replay.
    pub attempts: u32,
    /// What it came to.
    pub state: State,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// How long the answer, or the error, took.
    pub millis: u32,
    /// How the answer's body begins, or why there is no answer. From outside: clean it before it is shown.
    pub note: String,
    /// Somebody asked for it by hand.
    pub replayed: bool,
}

impl fmt::Display for Forwarded {
    /// `204 in 12 ms`, or `no answer after 15000 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status} in {} ms", self.millis),
            None => write!(f, "no answer after {} ms", self.millis),
        }
    }
}

/// What is to be sent again.
#[derive(Debug, Clone, PartialEq)]
pub enum Replay {
    /// This event.
    One(Seq),
    /// What a list of events shows.
    Chosen {
        /// The list.
        query: Query,
        /// Its newest event when somebody agreed to it: what comes later is not meant.
        until: Seq,
        /// How many events it had then.
        total: u64,
    },
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Events that were to be sent.
    pub total: u64,
    /// Events that the target took.
    pub delivered: u64,
    /// Events that it did not.
    pub failed: u64,
    /// Events that were sent, and not answered when it ended before its end.
    pub unanswered: u64,
    /// Events that were not sent any more.
    pub left: u64,
    /// Why not: it was stopped, or the target cannot be reached.
    pub stopped: Option<String>,
    /// No secret is known: they went out with the signature and timestamp they came with.
    pub unsigned: bool,
    /// How the latest one went; the latest failure, if there is one.
    pub last: Option<Forwarded>,
}

/// How forwarding is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forwarding {
    /// Where to: scheme, host and path, without what a query may hold.
    pub target: String,
    /// Events that come are passed on; false for a saved session, of which events are only replayed.
    pub follows: bool,
    /// Events that the target took since the start.
    pub delivered: u64,
    /// Events that are not settled: not sent yet, under way, or to be sent again.
    pub waiting: u64,
    /// What is wrong with the target, if something is.
    pub trouble: Option<Trouble>,
    /// The latest events that were given up, oldest first; bounded.
    pub failures: Vec<Failure>,
    /// All events that were given up since the start.
    pub given_up: u64,
    /// How far a replay of many is.
    pub progress: Option<Progress>,
}

impl Replayed {
    /// Events that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.delivered + self.failed + self.unanswered
    }
}

impl Forwarding {
    /// Failures kept for whoever looks a moment later.
    pub const FAILURES: usize = 32;

    /// What is wrong now. Where nothing waits and nothing is sent again, nobody knows how the target is.
    #[must_use]
    pub fn lasting(&self) -> Option<&Trouble> {
        self.trouble.as_ref().filter(|_| self.waiting > 0 || self.progress.is_some())
    }

    /// An event was given up.
    pub fn fail(&mut self, seq: Seq, id: String, last: Forwarded) {
        self.given_up += 1;
        if self.failures.len() == Self::FAILURES {
            self.failures.remove(0);
        }
        self.failures.push(Failure { number: self.given_up, seq, id, last });
    }
}

/// The target cannot be reached, or has failed several times in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What happened last.
    pub why: String,
    /// When it is tried again, while it cannot be reached and everything waits.
    pub again_at: Option<Timestamp>,
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// 1, 2, 3 … since the start.
    pub number: u64,
    /// The event.
    pub seq: Seq,
    /// Its id.
    pub id: String,
    /// The last attempt.
    pub last: Forwarded,
}

/// How far a replay of many is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Events that were tried.
    pub done: u64,
    /// Those of them that the target did not take.
    pub failed: u64,
    /// How many there are.
    pub total: u64,
}
