//! The lines a user types: filter, search, file name, secret.

use super::edit::Line;
use crate::domain::event::{EventKind, Status};
use crate::domain::filter::{self, Is};
use crate::domain::proctoring::{Flag, ViolationKind};

/// What is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// What to show.
    Filter,
    /// What to look for.
    Search {
        /// In whole bodies, not only in names, addresses, ids and titles.
        bodies: bool,
    },
    /// Where to save.
    Save {
        /// A filter is in force: write only what it chooses.
        only: bool,
        /// With pseudonyms, as the screen shows them.
        redact: bool,
    },
    /// The endpoint's secret.
    Secret,
}

/// What is on screen and may be named in a filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Of assessments.
    pub assessments: Vec<String>,
    /// Of candidates; none while people are hidden.
    pub candidates: Vec<String>,
}

/// A line being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What for.
    pub purpose: Purpose,
    /// The line.
    pub line: Line,
    /// What is wrong with it, and in which column (from 1) if that can be told.
    pub error: Option<(Option<usize>, String)>,
    /// How the word before the cursor could go on.
    pub choices: Vec<String>,
    /// Which of the lines typed before is shown; 0 is the newest.
    recalled: Option<usize>,
}

impl Prompt {
    /// An empty or prefilled line.
    #[must_use]
    pub fn new(purpose: Purpose, text: &str) -> Self {
        let line = Line::new(text);
        Self { purpose, line, error: None, choices: Vec::new(), recalled: None }
    }

    /// Looks at what is typed: errors and choices.
    pub fn check(&mut self, names: &Names) {
        self.error = None;
        self.choices.clear();
        if self.purpose != Purpose::Filter {
            return;
        }
        let (text, before) = (self.line.text(), self.line.before());
        self.choices = choices(last_word(&before), names);
        // A word that can still become one is no mistake yet.
        let unfinished = before == text && (!self.choices.is_empty() || begins_key(last_word(&before)));
        if let (Err(error), false) = (filter::parse(&text), unfinished) {
            self.error = Some((Some(error.column), error.what));
        }
    }

    /// Takes the first choice that adds something.
    pub fn complete(&mut self) {
        let before = self.line.before();
        let word = last_word(&before).to_owned();
        let Some(choice) = self.choices.iter().find(|choice| **choice != word) else { return };
        let whole = !choice.ends_with(':') && choice != "score";
        let text = if whole { format!("{choice} ") } else { choice.clone() };
        let letters = Line::new(&word).len();
        self.line.replace_before(letters, &text);
    }

    /// Shows what was typed before (`by` = 1) or after (−1).
    pub fn recall(&mut self, history: &[String], by: isize) {
        let at = self.recalled.map_or(-1, |at| at as isize) + by;
        if at < 0 {
            self.recalled = None;
            self.line.set("");
            return;
        }
        let at = at as usize;
        if let Some(text) = history.iter().rev().nth(at) {
            self.recalled = Some(at);
            self.line.set(text);
        }
    }
}

/// A key whose value is still to come.
fn begins_key(word: &str) -> bool {
    word.ends_with(':') && filter::KEYS.iter().any(|(key, _)| *key == word)
}

/// The word being typed, a minus or bracket before it left out.
fn last_word(before: &str) -> &str {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    word.strip_prefix('-').unwrap_or(word)
}

/// How a word of a filter can go on.
fn choices(word: &str, names: &Names) -> Vec<String> {
    let Some((key, value)) = word.split_once(':') else {
        let keys = filter::KEYS.iter().map(|(key, _)| (*key).to_owned());
        return keys.filter(|key| key.starts_with(word) && key != word).collect();
    };
    let value = value.trim_start_matches('"').to_lowercase();
    let words: Vec<String> = match key {
        "type" => EventKind::ALL.iter().map(|kind| kind.name().into()).collect(),
        "event" => EventKind::ALL.iter().map(|kind| kind.event().into()).collect(),
        "status" => Status::ALL.map(|status| status.word().into()).into(),
        "flag" => Flag::ALL.map(|flag| flag.word().into()).into(),
        "violation" => ViolationKind::ALL.map(|kind| kind.word().into()).into(),
        "is" => Is::ALL.map(|is| is.word().into()).into(),
        "since" => ["5m", "15m", "1h", "24h"].map(String::from).into(),
        "assessment" => names.assessments.clone(),
        "candidate" => names.candidates.clone(),
        _ => Vec::new(),
    };
    let fits = words.into_iter().filter(|word| word.to_lowercase().starts_with(&value));
    let quoted = fits.map(|word| if word.contains(' ') { format!("\"{word}\"") } else { word });
    let mut all: Vec<String> = quoted.map(|word| format!("{key}:{word}")).collect();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Prompt {
        let mut prompt = Prompt::new(Purpose::Filter, text);
        let (assessments, candidates) = (vec!["Backend Engineer".into()], vec!["Bea Grant".into()]);
        prompt.check(&Names { assessments, candidates });
        prompt
    }

    #[test]
    fn a_word_can_be_completed() {
        let completed = |text: &str| {
            let mut prompt = filter(text);
            prompt.complete();
            prompt.line.text().to_string()
        };
        assert_eq!(completed("st"), "status:");
        assert_eq!(completed("flag:red -viol"), "flag:red -violation:");
        assert_eq!(completed("status:dis"), "status:disqualified ");
        assert_eq!(completed("(assessment:back"), "(assessment:\"Backend Engineer\" ");
        assert_eq!(completed("candidate:b"), "candidate:\"Bea Grant\" ");
        assert_eq!(completed("nothing:x"), "nothing:x");
    }

    #[test]
    fn a_mistake_has_its_column() {
        assert_eq!(filter("flag:red").error, None);
        assert_eq!(filter("a flag:rod").error.unwrap().0, Some(8));
        assert_eq!(filter("a flag:re").error, None, "it may become red");
        assert_eq!(filter("a candidate:").error, None, "a name is still to come");
        assert!(filter("a candidate: b").error.is_some(), "none will come there");
    }

    #[test]
    fn what_was_typed_before_comes_back() {
        let history = ["one".to_owned(), "two".to_owned()];
        let mut prompt = filter("");
        let mut shown = |by| {
            prompt.recall(&history, by);
            prompt.line.text().to_string()
        };
        assert_eq!([shown(1), shown(1), shown(1), shown(-1), shown(-1)], ["two", "one", "one", "two", ""]);
    }
}
