//! Short messages in the footer that go away by themselves.

use crate::domain::time::Timestamp;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tone {
    /// Something is so.
    Info,
    /// Something went well.
    Good,
    /// Something needs a look.
    Warn,
    /// Something went wrong.
    Bad,
}

/// A message and since when it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// How bad it is.
    pub tone: Tone,
    since: Timestamp,
}

impl Notice {
    /// A message that appears now.
    #[must_use]
    pub fn new(tone: Tone, text: impl Into<String>, now: Timestamp) -> Self {
        Self { text: text.into(), tone, since: now }
    }

    /// It has stood for long enough to give way to what is done next. Time comes in steps of a second.
    #[must_use]
    pub fn gives_way(&self, now: Timestamp) -> bool {
        let millis = match self.tone {
            Tone::Info | Tone::Good => 2_000,
            Tone::Warn | Tone::Bad => 4_000,
        };
        now.since(self.since) >= millis
    }

    /// It has stood long enough to be read.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        let millis = match self.tone {
            Tone::Info | Tone::Good => 4_000,
            Tone::Warn => 6_000,
            Tone::Bad => 12_000,
        };
        now.since(self.since) >= millis
    }
}
