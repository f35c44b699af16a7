//! Choosing one of the saved sessions, when `open` is given no file.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::action::Action as A;
use super::edit::Line;
use super::key::Key;
use super::keymap::{Context, Keymap, Resolved};
use crate::domain::query::Sums;
use crate::domain::time::Timestamp;

/// Rows of a page.
const PAGE: isize = 10;

/// What the keys do here, for the list of them.
const KEYS: &[(&[A], &str)] = &[
    (&[A::Down], "One row down"),
    (&[A::Up], "One row up"),
    (&[A::First], "To the newest"),
    (&[A::Last], "To the oldest"),
    (&[A::HalfDown, A::PageDown], "Further down"),
    (&[A::HalfUp, A::PageUp], "Further up"),
    (&[A::Search], "Show only files with a word in their name"),
    (&[A::Open], "Open this session"),
    (&[A::Help], "This list"),
    (&[A::Back, A::Leave, A::Quit], "Leave without opening one"),
];

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

impl Saved {
    /// The file's name, without where it lies.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// The list of saved sessions and the row chosen, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Chooser {
    /// The sessions.
    pub sessions: Vec<Saved>,
    /// The row under the cursor, among those that are shown.
    pub at: usize,
    /// The word that names are to hold, while it is typed.
    pub word: Option<Line>,
    /// The row of the list of keys, while that is open.
    pub helps: Option<usize>,
    /// Why the session chosen last was not opened.
    pub told: Option<String>,
    /// The time zone that dates are shown in.
    zone: TimeZone,
    keymap: Keymap,
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
    pub fn new(mut sessions: Vec<Saved>, zone: TimeZone, keymap: Keymap) -> Self {
        sessions.sort_by(|a, b| b.begun.cmp(&a.begun).then_with(|| b.path.cmp(&a.path)));
        Self { sessions, at: 0, word: None, helps: None, told: None, zone, keymap }
    }

    /// A point in time as the list shows it.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at.civil()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The sessions whose names hold what is typed.
    #[must_use]
    pub fn shown(&self) -> Vec<&Saved> {
        let word = self.word.as_ref().map(|word| word.text().to_lowercase()).unwrap_or_default();
        self.sessions.iter().filter(|saved| saved.name().to_lowercase().contains(&word)).collect()
    }

    /// What can be done now: keys and a word or two for each.
    #[must_use]
    pub fn hints(&self, ascii: bool) -> Vec<(String, &'static str)> {
        let context = self.context();
        let one = |action| self.keymap.chord(context, action, ascii);
        let two = |one, other| self.keymap.pair(context, [one, other], ascii);
        let all = if self.word.is_some() {
            vec![(one(A::Accept), "open"), (one(A::Cancel), "show all"), (two(A::Older, A::Newer), "move")]
        } else {
            vec![
                (one(A::Help), "help"),
                (one(A::Open), "open"),
                (one(A::Search), "search"),
                (one(A::Leave), "leave"),
                (two(A::Down, A::Up), "move"),
            ]
        };
        all.into_iter().filter_map(|(keys, what)| Some((keys?, what))).collect()
    }

    /// While a word is typed, letters are no keys.
    fn context(&self) -> Context {
        if self.word.is_some() { Context::Palette } else { Context::Everywhere }
    }

    /// Every key with what it does.
    #[must_use]
    pub fn keys(&self, ascii: bool) -> Vec<(String, &'static str)> {
        let keys = |actions: &[A]| {
            let keys =
                actions.iter().flat_map(|action| self.keymap.chords(Context::Everywhere, *action, ascii));
            keys.collect::<Vec<_>>().join(" ")
        };
        KEYS.iter().map(|(actions, what)| (keys(actions), *what)).collect()
    }

    /// Moves, narrows the list down, chooses or leaves. Of a session that cannot be read it is told why.
    pub fn press(&mut self, key: Key) -> Choice {
        self.told = None;
        let resolved = self.keymap.resolve(self.context(), &[key]);
        if let Some(at) = self.helps.take() {
            self.helps = match resolved {
                Resolved::Action(A::Quit) => return Choice::Nothing,
                Resolved::Action(A::Down) => Some((at + 1).min(KEYS.len() - 1)),
                Resolved::Action(A::Up) => Some(at.saturating_sub(1)),
                _ => None,
            };
            return Choice::Open;
        }
        let Resolved::Action(action) = resolved else {
            if self.word.as_mut().is_some_and(|word| word.press(key)) {
                self.at = 0;
            }
            return Choice::Open;
        };
        match action {
            A::Down | A::Newer => self.step(1),
            A::Up | A::Older => self.step(-1),
            A::HalfDown => self.step(PAGE / 2),
            A::HalfUp => self.step(-PAGE / 2),
            A::PageDown => self.step(PAGE),
            A::PageUp => self.step(-PAGE),
            A::First => self.at = 0,
            A::Last => self.step(isize::MAX),
            A::Search => (self.word, self.at) = (Some(Line::default()), 0),
            A::Cancel => (self.word, self.at) = (None, 0),
            A::Help => self.helps = Some(0),
            A::Open | A::Accept => return self.open(),
            A::Back | A::Leave | A::Quit => return Choice::Nothing,
            _ => {}
        }
        Choice::Open
    }

    /// Pasted text is typed.
    pub fn paste(&mut self, text: &str) {
        if let Some(word) = &mut self.word {
            word.insert(text);
            self.at = 0;
        }
    }

    fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.shown().len().saturating_sub(1));
    }

    fn open(&mut self) -> Choice {
        let shown = self.shown();
        let Some(saved) = shown.get(self.at) else { return Choice::Open };
        if let Err(why) = &saved.sums {
            self.told = Some(format!("{}: {why}", saved.name()));
            return Choice::Open;
        }
        Choice::Session(saved.path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chooser() -> Chooser {
        let saved =
            |name: &str, secs, sums| Saved { path: name.into(), begun: Timestamp::from_secs(secs), sums };
        let sessions = vec![
            saved("/x/old", 1, Ok(Sums::default())),
            saved("/x/New", 3, Ok(Sums::default())),
            saved("/x/broken", 2, Err("is cut off".into())),
        ];
        Chooser::new(sessions, TimeZone::UTC, Keymap::built_in().unwrap())
    }

    fn press(chooser: &mut Chooser, keys: &str) -> Choice {
        keys.split(' ').map(|key| chooser.press(Key::parse(key).unwrap())).last().unwrap()
    }

    #[test]
    fn the_newest_comes_first_and_a_broken_one_says_why_it_is_not_opened() {
        let mut chooser = chooser();
        assert_eq!(press(&mut chooser.clone(), "enter"), Choice::Session("/x/New".into()));
        assert_eq!(press(&mut chooser, "j enter"), Choice::Open);
        assert_eq!(chooser.told.as_deref(), Some("broken: is cut off"));
        assert_eq!(press(&mut chooser, "G"), Choice::Open);
        assert_eq!(chooser.told, None, "it is over with the next key");
        assert_eq!(press(&mut chooser, "enter"), Choice::Session("/x/old".into()));
    }

    #[test]
    fn what_is_typed_narrows_the_list_down_and_is_no_key() {
        let mut all = chooser();
        assert_eq!(press(&mut all, "j / n e w"), Choice::Open);
        assert_eq!(all.shown().iter().map(|saved| saved.name()).collect::<Vec<_>>(), ["New"]);
        assert_eq!(press(&mut all.clone(), "enter"), Choice::Session("/x/New".into()));
        assert_eq!(press(&mut all, "q ? enter"), Choice::Open, "nothing fits, nothing is opened");
        assert!(all.shown().is_empty() && all.helps.is_none());
        assert_eq!(press(&mut all, "esc"), Choice::Open);
        assert_eq!((all.shown().len(), all.at), (3, 0));
        assert_eq!(press(&mut all, "/ down down down enter"), Choice::Session("/x/old".into()));
    }

    #[test]
    fn every_key_that_leaves_leaves() {
        for keys in ["q", "Q", "esc", "ctrl-c", "/ q ctrl-c", "? q q", "? ctrl-c", "? j k Q"] {
            assert_eq!(press(&mut chooser(), keys), Choice::Nothing, "{keys}");
        }
        for keys in ["?", "? q", "? esc", "f1 ?", "/ q", "/ esc", "m"] {
            assert_eq!(press(&mut chooser(), keys), Choice::Open, "{keys}");
        }
    }

    #[test]
    fn the_keys_that_are_listed_are_those_of_the_keymap() {
        let keys = chooser().keys(false);
        assert!(keys.contains(&("j ↓".into(), "One row down")), "{keys:?}");
        assert!(keys.contains(&("Enter l →".into(), "Open this session")), "{keys:?}");
        let mut keymap = Keymap::built_in().unwrap();
        keymap.merge("[everywhere]\n\"L\" = \"leave\"\n\"q\" = \"none\"").unwrap();
        let mut other = Chooser { keymap, ..chooser() };
        assert!(other.hints(false).contains(&("L".into(), "leave")));
        assert_eq!((press(&mut other, "q"), press(&mut other, "L")), (Choice::Open, Choice::Nothing));
    }
}
