//! How listener, relay, door and store are doing: one snapshot for a header, a log or a health check.

use std::time::Duration;

use super::alert::Alert;
use super::forward::Forwarding;
use super::refusal::{Code, Refusal};
use super::time::Timestamp;

/// A snapshot of listener, relay, door and store.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vitals {
    /// Deliveries accepted since the start, repeated ones included.
    pub accepted: u64,
    /// Those that repeated an event.
    pub repeated: u64,
    /// Deliveries refused for good, by code in the order of [`Code::ALL`].
    pub refused: [u64; Code::ALL.len()],
    /// Accepted ones that were not understood.
    pub unrecognised: u64,
    /// Deliveries answered 503.
    pub unavailable: u64,
    /// Deliveries answered 413.
    pub too_large: u64,
    /// The latest refusals, oldest first; bounded.
    pub refusals: Vec<Refusal>,
    /// Refusals since the last acceptance.
    pub streak: u64,
    /// Deliveries that wait for a secret.
    pub pending: u64,
    /// The webhook URL, once the listener listens.
    pub url: Option<String>,
    /// Why the session cannot be written, if it cannot.
    pub storage_fault: Option<String>,
    /// Why the certificate of the listener could not be renewed, if it could not.
    pub certificate_fault: Option<String>,
    /// When the certificate of the listener expires, if it has one and that can be told.
    pub certificate_expires_at: Option<Timestamp>,
    /// What a peer had against the certificate, if nothing was accepted since.
    pub certificate_doubt: Option<String>,
    /// What is wrong with the log file here, if something is.
    pub log_fault: Option<String>,
    /// How the port is doing.
    pub port: Port,
    /// Why nothing can be received, if nothing can.
    pub listener_fault: Option<String>,
    /// How the relay is doing, if there is one.
    pub relay: Option<Relay>,
    /// How passing events on to the user's own code is doing, if there is a target.
    pub forward: Option<Forwarding>,
    /// The invigil that is looked at from here, if this is only a look at one. The rest is then how it is
    /// doing, as it says.
    pub attachment: Option<Attachment>,
    /// Deliveries that wait to be written, of a hundred that may.
    pub queue_percent: u64,
    /// Bytes left on the disk of the session, once known.
    pub disk_free: Option<u64>,
    /// When the latest delivery was accepted.
    pub last_accepted_at: Option<Timestamp>,
    /// From the creation of an event, as its id tells it, to its arrival: the middle one of the latest
    /// deliveries. Negative if our clock is behind the sender's.
    pub lag_millis: Option<i64>,
    /// The latest alerts, oldest first; bounded.
    pub alerts: Vec<Alert>,
    /// All alerts since the start.
    pub called: u64,
}

impl Vitals {
    /// Accepted deliveries that brought a new event.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.accepted.saturating_sub(self.repeated)
    }

    /// Nothing can be received: the listener does not listen, and no relay stands in for it.
    #[must_use]
    pub fn is_deaf(&self) -> bool {
        self.listener_fault.is_some() && !self.relay.as_ref().is_some_and(Relay::is_live)
    }

    /// All refusals.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.iter().sum()
    }
}

/// How the port is doing: what is open, and what was closed on those who did not behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Port {
    /// Connections open now.
    pub open: u64,
    /// Closed to make room for others.
    pub evicted: u64,
    /// Closed because something took too long.
    pub overdue: u64,
    /// Closed because what came was no HTTP.
    pub malformed: u64,
    /// TLS handshakes that came to nothing.
    pub handshakes: u64,
}

/// A look at another invigil.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    /// The link to it.
    pub link: Link,
    /// How many of its events are not here yet.
    pub behind: u64,
    /// How many events its forwarding has given up.
    pub unforwarded: u64,
    /// It lets nobody in with the token that was given, or without one.
    pub refused: bool,
    /// It has said how it is doing.
    pub reported: bool,
    /// What ended the latest link or attempt at one.
    pub last_end: Option<String>,
    /// Since when no link holds, if one ended.
    pub down_since: Option<Timestamp>,
}

impl Attachment {
    /// True while events can come.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.link, Link::Live { .. })
    }
}

/// How long groups of deliveries took to be written: how many took no longer than each of some bounds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writes {
    counts: [u64; Self::BOUNDS.len()],
    /// Groups, however long they took.
    pub groups: u64,
    /// What they took together.
    pub took: Duration,
    /// Deliveries that were written with them.
    pub deliveries: u64,
}

impl Writes {
    /// The bounds, in milliseconds.
    const BOUNDS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

    /// Another group of so many took so long. One that holds no delivery is none: nobody waits for it.
    pub fn add(&mut self, deliveries: usize, took: Duration) {
        if deliveries == 0 {
            return;
        }
        self.groups += 1;
        self.took += took;
        self.deliveries += deliveries as u64;
        let bounds = Self::BOUNDS.into_iter().zip(&mut self.counts);
        bounds.filter(|(bound, _)| took <= Duration::from_millis(*bound)).for_each(|(_, count)| *count += 1);
    }

    /// Each bound, and how many groups took no longer.
    pub fn within(&self) -> impl Iterator<Item = (Duration, u64)> {
        Self::BOUNDS.into_iter().map(Duration::from_millis).zip(self.counts)
    }
}

/// How the relay is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relay {
    /// The link to it.
    pub link: Link,
    /// The public URL, once the relay has answered.
    pub url: Option<String>,
    /// The URL before, if it had to be given up and nothing was delivered to the new one yet.
    pub replaced: Option<String>,
    /// How many links and attempts at one have ended.
    pub ends: u64,
    /// What ended the latest of them.
    pub last_end: Option<String>,
    /// Since when no link holds, if one ended.
    pub down_since: Option<Timestamp>,
    /// Frames that were not understood.
    pub skipped: u64,
    /// What was wrong with the latest of them.
    pub last_skipped: Option<String>,
}

/// The link to the relay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// It is being made.
    #[default]
    Connecting,
    /// It holds.
    Live {
        /// When the relay was last heard: it pings every 20 seconds or so.
        heard_at: Timestamp,
    },
    /// It is down, and tried again in a while.
    Retrying {
        /// When.
        at: Timestamp,
    },
}

impl Relay {
    /// True while deliveries can come this way.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.link, Link::Live { .. })
    }
}
