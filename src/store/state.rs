//! The part of a candidacy's or assessment's state that nobody asks SQL for: from which event each value is.

use std::fmt::Write as _;

use crate::domain::projection::{Register, Stamp, Tally};
use crate::domain::time::Timestamp;

/// Writes stamps and times as words with blanks between: small, and readable in `sqlite3`. Most values are from
/// the same event as the one before; for those stands `=`.
#[derive(Default)]
pub(super) struct Writer<'a> {
    text: String,
    before: Option<&'a Stamp>,
}

impl<'a> Writer<'a> {
    pub(super) fn stamp<T>(mut self, register: &'a Register<T>) -> Self {
        match &register.latest {
            Some((_, stamp)) if self.before == Some(stamp) => self.word(format_args!("=")),
            // Ids hold no blanks: the door lets none in.
            Some((_, stamp)) => {
                self.word(format_args!("{}:{}", stamp.at.millis(), stamp.id));
                self.before = Some(stamp);
            }
            None => self.word(format_args!("-")),
        }
        self
    }

    pub(super) fn tallies(mut self, tallies: &[Tally]) -> Self {
        for tally in tallies {
            if tally.count == 0 {
                self.word(format_args!("-"));
            } else {
                self.word(format_args!("{}:{}", tally.first_seen_at.millis(), tally.last_seen_at.millis()));
            }
        }
        self
    }

    fn word(&mut self, word: std::fmt::Arguments<'_>) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(word);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Reads back what [`Writer`] wrote, in the same order.
pub(super) struct Reader<'a> {
    words: std::str::Split<'a, char>,
    before: Option<&'a str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { words: text.split(' '), before: None }
    }

    fn pair(&mut self) -> Option<(Timestamp, &'a str)> {
        let word = self.words.next()?;
        let word = if word == "=" { self.before? } else { word };
        let (at, rest) = word.split_once(':')?;
        self.before = Some(word);
        Some((Timestamp::from_millis(at.parse().ok()?)?, rest))
    }

    pub(super) fn register<T>(&mut self, value: Option<T>) -> Register<T> {
        let stamp = self.pair().map(|(at, id)| Stamp { at, id: id.into() });
        Register { latest: value.zip(stamp) }
    }

    pub(super) fn tally(&mut self, count: u32) -> Tally {
        let pair =
            self.pair().and_then(|(first, last)| Some((first, Timestamp::from_millis(last.parse().ok()?)?)));
        let (first_seen_at, last_seen_at) = pair.unwrap_or_default();
        Tally { count, first_seen_at, last_seen_at }
    }
}
