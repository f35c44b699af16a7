//! The part of a candidacy's or assessment's state that nobody asks SQL for: from which event each value is.

use crate::domain::projection::{Register, Stamp, Tally};
use crate::domain::time::Timestamp;

/// Writes stamps and times as words with blanks between: small, and readable in `sqlite3`.
#[derive(Default)]
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn stamp<T>(mut self, register: &Register<T>) -> Self {
        match &register.latest {
            // Ids hold no blanks: the door lets none in.
            Some((_, stamp)) => self.word(&format!("{}:{}", stamp.at.millis(), stamp.id)),
            None => self.word("-"),
        }
        self
    }

    pub(super) fn tallies(mut self, tallies: &[Tally]) -> Self {
        for tally in tallies {
            if tally.count == 0 {
                self.word("-");
            } else {
                self.word(&format!("{}:{}", tally.first_seen_at.millis(), tally.last_seen_at.millis()));
            }
        }
        self
    }

    fn word(&mut self, word: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Reads back what [`Writer`] wrote, in the same order.
pub(super) struct Reader<'a>(std::str::Split<'a, char>);

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text.split(' '))
    }

    fn pair(&mut self) -> Option<(Timestamp, &'a str)> {
        let (at, rest) = self.0.next()?.split_once(':')?;
        Some((Timestamp::from_millis(at.parse().ok()?)?, rest))
    }

    pub(super) fn register<T>(&mut self, value: Option<T>) -> Register<T> {
        let stamp = self.pair().map(|(at, id)| Stamp { at, id: id.to_owned() });
        Register { latest: value.zip(stamp) }
    }

    pub(super) fn tally(&mut self, count: u32) -> Tally {
        let pair =
            self.pair().and_then(|(first, last)| Some((first, Timestamp::from_millis(last.parse().ok()?)?)));
        let (first_seen_at, last_seen_at) = pair.unwrap_or_default();
        Tally { count, first_seen_at, last_seen_at }
    }
}
