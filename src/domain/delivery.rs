//! Deliveries: what arrives from a source, before and after the door has looked at it.

use std::fmt;

use bytes::Bytes;

use super::{event::Event, time::Timestamp};

/// Position of an event in its session: 1, 2, 3 … in the order of first acceptance.
pub type Seq = i64;

/// Where deliveries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The HTTP listener.
    Http,
    /// The Svix relay.
    Relay,
    /// Another invigil.
    Attach,
    /// A file.
    File,
}

impl Source {
    /// Every source, in the order of their codes in a session file.
    pub const ALL: [Self; 4] = [Self::Http, Self::Relay, Self::Attach, Self::File];

    /// The word for it on screen and in the saved JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Relay => "relay",
            Self::Attach => "attach",
            Self::File => "file",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Request headers as they came: names in lower case, in order, values made text lossily.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of the header with this lower-case name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One request (or relay frame) as it came: not verified, nothing read into it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Where it came from.
    pub source: Source,
    /// Address of the peer, if the source knows one.
    pub peer: Option<String>,
    /// When its last byte was in.
    pub received_at: Timestamp,
    /// Its headers.
    pub headers: Headers,
    /// Its body, byte for byte.
    pub body: Bytes,
}

/// A delivery the door has accepted: its signature holds, or nobody asked for one.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `svix-id`: the same for every delivery of one event.
    pub id: String,
    /// `svix-timestamp`: when the sender made this attempt.
    pub sent_at: Timestamp,
    /// When its last byte was in.
    pub received_at: Timestamp,
    /// Where it came from.
    pub source: Source,
    /// False if it was taken unsigned (`--no-verify`).
    pub verified: bool,
    /// Its headers.
    pub headers: Headers,
    /// Its body, byte for byte.
    pub body: Bytes,
    /// What the body says.
    pub event: Event,
}

/// What keeping a delivery came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// The event was new and is now durable.
    Fresh(Seq),
    /// The event was there; this delivery is counted.
    Repeat {
        /// Where the event stands.
        first: Seq,
        /// The body differs from the one kept.
        conflict: bool,
    },
    /// What it is about was removed for good: it is acknowledged and not kept.
    Gone,
}
