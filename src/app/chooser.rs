//! Choosing one of the saved sessions, when `open` is given no file.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::key::{Code, Key};
use crate::domain::query::Sums;
use crate::domain::time::Timestamp;

/// A saved session as the list tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Its file.
    pub path: PathBuf,
    /// When it was begun.
    pub begun: Option<Timestamp>,
    /// What it holds, or why it cannot be read.
    pub sums: Result<Sums, String>,
}

/// The list of saved sessions and the row chosen, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Chooser {
    /// The sessions.
    pub sessions: Vec<Saved>,
    /// The row under the cursor.
    pub at: usize,
    /// The time zone that dates are shown in.
    pub zone: TimeZone,
}

/// What a key came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Nothing yet.
    Open,
    /// This session.
    Session(PathBuf),
    /// None.
    Nothing,
}

impl Chooser {
    /// A list of these, newest first.
    #[must_use]
    pub fn new(mut sessions: Vec<Saved>, zone: TimeZone) -> Self {
        sessions.sort_by(|a, b| b.begun.cmp(&a.begun).then_with(|| b.path.cmp(&a.path)));
        Self { sessions, at: 0, zone }
    }

    /// A point in time as the list shows it.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at.civil()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Moves, chooses or leaves. A session that cannot be read is not chosen.
    pub fn press(&mut self, key: Key) -> Choice {
        let last = self.sessions.len().saturating_sub(1);
        match key.code {
            Code::Char('c') if key.ctrl => return Choice::Nothing,
            Code::Char('q' | 'Q') | Code::Esc => return Choice::Nothing,
            Code::Enter | Code::Char('l') | Code::Right => {
                if let Some(saved) = self.sessions.get(self.at).filter(|saved| saved.sums.is_ok()) {
                    return Choice::Session(saved.path.clone());
                }
            }
            Code::Char('j') | Code::Down => self.at = (self.at + 1).min(last),
            Code::Char('k') | Code::Up => self.at = self.at.saturating_sub(1),
            Code::Char('g') | Code::Home => self.at = 0,
            Code::Char('G') | Code::End => self.at = last,
            Code::PageDown => self.at = (self.at + 10).min(last),
            Code::PageUp => self.at = self.at.saturating_sub(10),
            _ => {}
        }
        Choice::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_and_a_broken_one_cannot_be_chosen() {
        let saved =
            |name: &str, secs, sums| Saved { path: name.into(), begun: Timestamp::from_secs(secs), sums };
        let mut chooser = Chooser::new(
            vec![
                saved("old", 1, Ok(Sums::default())),
                saved("new", 3, Ok(Sums::default())),
                saved("broken", 2, Err("is cut off".into())),
            ],
            TimeZone::UTC,
        );
        let key = |text: &str| Key::parse(text).unwrap();
        assert_eq!(chooser.clone().press(key("enter")), Choice::Session("new".into()));
        assert_eq!(chooser.press(key("j")), Choice::Open);
        assert_eq!(chooser.press(key("enter")), Choice::Open);
        chooser.press(key("G"));
        assert_eq!(chooser.press(key("enter")), Choice::Session("old".into()));
        assert_eq!(chooser.press(key("q")), Choice::Nothing);
    }
}
