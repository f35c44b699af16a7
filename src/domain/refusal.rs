//! Refusals: deliveries the door turned away, and what a person is told about them.

use super::time::Timestamp;

/// Why a delivery was refused: the `error` of the 401 answer, or why it was answered 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// One of the three signature headers is not there.
    MissingHeader,
    /// A header is there but cannot be read.
    MalformedHeader,
    /// Sent longer ago than the tolerance, by our clock.
    TimestampTooOld,
    /// Sent further in the future than the tolerance, by our clock.
    TimestampTooNew,
    /// No `v1` signature matches under any secret.
    NoMatchingSignature,
    /// It came from an address that deliveries are not taken from; answered 403.
    SenderNotAllowed,
}

impl Code {
    /// Every code, in the order in which the checks are made.
    pub const ALL: [Self; 6] = [
        Self::MissingHeader,
        Self::MalformedHeader,
        Self::TimestampTooOld,
        Self::TimestampTooNew,
        Self::NoMatchingSignature,
        Self::SenderNotAllowed,
    ];

    /// The word in the answer and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::MissingHeader => "missing_header",
            Self::MalformedHeader => "malformed_header",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampTooNew => "timestamp_too_new",
            Self::NoMatchingSignature => "no_matching_signature",
            Self::SenderNotAllowed => "sender_not_allowed",
        }
    }
}

/// One refused delivery, as a screen or a log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 1, 2, 3 … since the program started.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// Address of the peer, if known.
    pub peer: Option<String>,
    /// Its `svix-id`, unverified and possibly hostile, cut to 80 characters.
    pub id: Option<String>,
    /// Why it was refused.
    pub code: Code,
    /// The same as a sentence a person can act on.
    pub sentence: String,
    /// Our clock less the sender's, in seconds, if it gave a readable timestamp.
    pub clock_off_secs: Option<i64>,
    /// True if there was no secret yet: it will be looked at again when there is one.
    pub pending: bool,
}
