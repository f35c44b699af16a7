//! A payload being read: as a tree, as it came, or as what changed; with folds, a cursor, a search.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::action::Action;
use crate::domain::clean::Clean;
use crate::domain::redact::Redactor;
use crate::payload::diff::{self, Line};
use crate::payload::find::Hits;
use crate::payload::fold::Folds;
use crate::payload::tree::{Kind, Tree};
use crate::payload::{decode, path};

/// How a payload is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// As a tree of values.
    #[default]
    Tree,
    /// As it came, broken into lines.
    Raw,
    /// What changed since the candidacy's event before.
    Changes,
}

/// What is shown of the value under the cursor, below the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Inspector {
    /// Nothing.
    #[default]
    Closed,
    /// All of it.
    Value,
    /// The JSON hidden in it.
    Decoded(String),
}

/// A payload and how it is being read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The document.
    pub tree: Tree,
    /// What of it is open.
    pub folds: Folds,
    /// How it is shown.
    pub shape: Shape,
    /// What changed, once that is known.
    pub changes: Option<Vec<Line>>,
    /// What is shown below.
    pub inspector: Inspector,
    /// All headers are shown, not the verdict alone.
    pub envelope: bool,
    /// The word searched for and where it is.
    pub hits: Option<(String, Hits)>,
    /// The row of the tree under the cursor.
    cursor: u32,
    /// Where the cursor was before what is being typed was looked for.
    origin: Option<u32>,
    /// The line of the other shapes under the cursor.
    line: usize,
    top: usize,
    height: usize,
    width: u16,
    /// The lines of the raw shape, with what hides in them made visible.
    raw: Vec<String>,
}

impl Reading {
    /// Begins to read a body.
    #[must_use]
    pub fn new(body: &[u8]) -> Self {
        let tree = Tree::new(body);
        let folds = Folds::new(&tree);
        Self {
            tree,
            folds,
            shape: Shape::Tree,
            changes: None,
            inspector: Inspector::Closed,
            envelope: false,
            hits: None,
            origin: None,
            cursor: 0,
            line: 0,
            top: 0,
            height: 1,
            width: 0,
            raw: Vec::new(),
        }
    }

    /// Shows another spelling of the same document (with or without what names a person), in the same place.
    pub fn dress(&mut self, body: &[u8]) {
        let tree = Tree::new(body);
        if tree.rows().len() != self.tree.rows().len() {
            (self.folds, self.cursor) = (Folds::new(&tree), 0);
        }
        self.tree = tree;
        self.changes = None;
        self.inspector = Inspector::Closed;
        self.width = 0;
        if let Some((word, _)) = self.hits.take() {
            let hits = Hits::of(&self.tree, &word);
            self.hits = Some((word, hits));
        }
        self.settle();
    }

    /// Finds what changed since an earlier body, and shows it.
    pub fn compare(&mut self, before: &[u8]) {
        self.changes = Some(diff::compare(&Tree::new(before), &self.tree));
        self.turn(Shape::Changes);
    }

    /// Shows what changed, as soon as it is known, or the tree again.
    pub fn show_changes(&mut self, on: bool) {
        self.turn(if on && self.changes.is_some() { Shape::Changes } else { Shape::Tree });
    }

    fn turn(&mut self, shape: Shape) {
        self.shape = shape;
        (self.line, self.top) = (0, 0);
        self.settle();
    }

    /// There is room for so many cells beside the cursor, and so many lines.
    pub fn fit(&mut self, width: u16, height: u16) {
        self.height = usize::from(height.max(1));
        if self.shape == Shape::Raw && self.width != width {
            self.raw = break_up(self.tree.text(), usize::from(width.max(1)));
            self.width = width;
        }
        self.settle();
    }

    /// The row of the tree under the cursor.
    #[must_use]
    pub fn cursor(&self) -> u32 {
        self.cursor
    }

    /// The line under the cursor, counted over all lines of the shape.
    #[must_use]
    pub fn at(&self) -> usize {
        if self.shape == Shape::Tree { self.folds.place(self.cursor) } else { self.line }
    }

    /// The first line on screen.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// How many lines the shape has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.shape {
            Shape::Tree => self.folds.visible().len(),
            Shape::Raw => self.raw.len(),
            Shape::Changes => self.changes.as_ref().map_or(0, Vec::len),
        }
    }

    /// True if there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lines of the raw shape that are on screen.
    pub fn raw_lines(&self) -> impl Iterator<Item = &str> {
        self.raw.iter().skip(self.top).take(self.height).map(String::as_str)
    }

    fn settle(&mut self) {
        let (at, count) = (self.at(), self.len());
        let most = count.saturating_sub(self.height);
        self.top = self.top.min(at).max((at + 1).saturating_sub(self.height)).min(most);
    }

    fn go(&mut self, line: usize) {
        let line = line.min(self.len().saturating_sub(1));
        match self.shape {
            Shape::Tree => self.cursor = self.folds.visible().get(line).copied().unwrap_or_default(),
            _ => self.line = line,
        }
        if matches!(self.inspector, Inspector::Decoded(_)) {
            self.inspector = Inspector::Closed;
        }
        self.settle();
    }

    /// Carries out an action.
    pub fn act(&mut self, action: Action) {
        let (at, page) = (self.at(), self.height);
        match action {
            Action::Down => self.go(at + 1),
            Action::Up => self.go(at.saturating_sub(1)),
            Action::First => self.go(0),
            Action::Last => self.go(usize::MAX),
            Action::HalfDown => self.leap(at + page / 2, page / 2),
            Action::HalfUp => self.leap_up(at, page / 2),
            Action::PageDown => self.leap(at + page, page),
            Action::PageUp => self.leap_up(at, page),
            Action::Open => self.open(),
            Action::Fold => self.fold(),
            Action::FoldAll | Action::UnfoldAll => {
                self.folds.set_all(&self.tree, action == Action::UnfoldAll);
                self.rest();
            }
            Action::FoldSiblings => {
                let open = self.folds.is_open(self.cursor);
                self.folds.set_siblings(&self.tree, self.cursor, !open);
                self.rest();
            }
            Action::Wrap => {
                self.inspector = match self.inspector {
                    Inspector::Closed => Inspector::Value,
                    _ => Inspector::Closed,
                };
            }
            Action::Decode => self.decode(),
            Action::Raw => self.turn(if self.shape == Shape::Raw { Shape::Tree } else { Shape::Raw }),
            Action::Envelope => self.envelope = !self.envelope,
            _ => {}
        }
    }

    fn leap(&mut self, to: usize, by: usize) {
        self.top = self.top.saturating_add(by);
        self.go(to);
    }

    fn leap_up(&mut self, at: usize, by: usize) {
        self.top = self.top.saturating_sub(by);
        self.go(at.saturating_sub(by));
    }

    /// After folding: the cursor goes to what hides its row.
    fn rest(&mut self) {
        self.go(self.folds.place(self.cursor));
    }

    fn is_container(&self) -> bool {
        self.tree.row(self.cursor).is_some_and(|row| row.kind.is_container())
    }

    fn open(&mut self) {
        if self.shape != Shape::Tree {
            return;
        }
        if self.is_container() {
            self.folds.toggle(&self.tree, self.cursor);
            self.rest();
        } else if self.hidden().is_some() && self.inspector == Inspector::Value {
            self.decode();
        } else {
            self.act(Action::Wrap);
        }
    }

    /// Folds the part under the cursor, or the one that a plain value stands in.
    fn fold(&mut self) {
        if self.shape != Shape::Tree {
            return;
        }
        if !self.is_container()
            && let Some(parent) = self.tree.row(self.cursor).and_then(|row| row.parent)
        {
            self.cursor = parent;
        }
        if self.is_container() {
            self.folds.toggle(&self.tree, self.cursor);
        }
        self.rest();
    }

    fn hidden(&self) -> Option<String> {
        let row = self.tree.row(self.cursor)?;
        if row.kind != Kind::String {
            return None;
        }
        decode::hidden_json(&self.tree.scalar(self.cursor))
    }

    fn decode(&mut self) {
        self.inspector = match (&self.inspector, self.hidden()) {
            (Inspector::Decoded(_), _) => Inspector::Closed,
            (_, Some(text)) => Inspector::Decoded(text),
            (_, None) => Inspector::Decoded("Nothing is hidden in this value".into()),
        };
    }

    /// Closes what is shown below; false if nothing is.
    pub fn step_back(&mut self) -> bool {
        std::mem::take(&mut self.inspector) != Inspector::Closed
    }

    /// Searches for what is typed so far, from where the cursor was before anything was.
    pub fn look(&mut self, word: &str) {
        let origin = *self.origin.get_or_insert(self.cursor);
        let hits = Hits::of(&self.tree, word);
        let found = hits.rows().iter().find(|row| **row >= origin).or(hits.rows().first()).copied();
        self.hits = (!word.is_empty()).then(|| (word.to_owned(), hits));
        if self.shape == Shape::Tree {
            let row = found.unwrap_or(origin);
            self.folds.reveal(&self.tree, row);
            self.go(self.folds.place(row));
        }
    }

    /// Ends what [`Reading::look`] began: with what was typed, or as if nothing had been. Returns how many rows
    /// hold the word.
    pub fn looked(&mut self, word: &str) -> usize {
        if let Some(origin) = self.origin.take() {
            self.folds.reveal(&self.tree, origin);
            self.go(self.folds.place(origin));
        }
        self.look(word);
        let found = self.hits.as_ref().map_or(0, |(_, hits)| hits.rows().len());
        if found > 0 && self.shape != Shape::Tree {
            self.turn(Shape::Tree);
            self.look(word);
        }
        self.origin = None;
        found
    }

    /// Goes to the next match, or the one before.
    ///
    /// # Errors
    /// A sentence, if there is none.
    pub fn next_match(&mut self, down: bool) -> Result<(), String> {
        let Some((word, hits)) = &self.hits else { return Err("Nothing searched for yet".into()) };
        let found = if down { hits.after(self.cursor) } else { hits.before(self.cursor) };
        let Some(row) = found else { return Err(format!("“{word}” is not in this payload")) };
        if self.shape != Shape::Tree {
            self.turn(Shape::Tree);
        }
        self.folds.reveal(&self.tree, row);
        self.go(self.folds.place(row));
        Ok(())
    }

    /// The path of the row under the cursor.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        (self.shape == Shape::Tree && self.tree.is_json()).then(|| path::of(&self.tree, self.cursor))
    }

    /// The link under the cursor.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        let text = self.tree.scalar(self.cursor);
        let is_link = text.starts_with("https://") || text.starts_with("http://");
        (self.shape == Shape::Tree && is_link).then(|| text.into_owned())
    }

    /// Puts the cursor on a line of the screen; twice in a short time opens or folds what is there.
    pub fn click(&mut self, line: u16, double: bool) {
        let at = self.top + usize::from(line);
        if at < self.len() {
            self.go(at);
            if double {
                self.act(Action::Open);
            }
        }
    }
}

/// The body without what names a person, as far as it is JSON.
#[must_use]
pub fn redacted(body: &[u8], people: &[String]) -> Vec<u8> {
    match std::str::from_utf8(body) {
        Ok(text) if crate::json::check(text).is_ok() => Redactor::new(people).payload(text).into_bytes(),
        _ => b"hidden: this body is no JSON, so what names a person in it cannot be told".to_vec(),
    }
}

/// A text in lines of at most so many cells, as it is shown: an escape made visible is wider than it was. No letter
/// is halved, so one that is wider than a line has a line of its own.
fn break_up(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for whole in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        let (mut line, mut used) = (String::new(), 0);
        for letter in Clean::of(whole).as_str().graphemes(true) {
            let wide = letter.width();
            if used > 0 && used + wide > cells {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push_str(letter);
            used += wide;
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BODY: &[u8] = include_bytes!("../../assets/samples/candidate.completed.json");

    fn reading() -> Reading {
        let mut reading = Reading::new(BODY);
        reading.fit(80, 10);
        reading
    }

    #[test]
    fn a_search_opens_what_hides_the_match() {
        let mut reading = reading();
        reading.act(Action::FoldAll);
        assert_eq!(reading.len(), reading.tree.children(0).count() + 1);
        assert_eq!(reading.looked("tabSwitch"), 1);
        assert_eq!(reading.path().as_deref(), Some(".data.signals.antiCheating.tabSwitchCount"));
        assert!(reading.at() >= reading.top() && reading.at() < reading.top() + 10);
    }

    #[test]
    fn a_folded_value_hands_the_cursor_to_its_holder() {
        let mut reading = reading();
        reading.looked("firstName");
        reading.act(Action::Fold);
        assert_eq!(reading.path().as_deref(), Some(".data.candidate"));
        reading.act(Action::Open);
        reading.act(Action::Down);
        assert_eq!(reading.path().as_deref(), Some(".data.candidate.email"));
    }

    #[test]
    fn redaction_keeps_the_place() {
        let mut reading = reading();
        reading.looked("lastName");
        let (path, count) = (reading.path(), reading.len());
        reading.dress(&redacted(BODY, &["Bea Grant".into()]));
        assert_eq!((reading.path(), reading.len()), (path, count));
        assert!(!reading.tree.text().contains("Grant"));
        assert!(!redacted(b"Bea Grant", &[]).contains(&b'B'));
    }

    #[test]
    fn raw_lines_are_broken_by_what_is_drawn() {
        assert_eq!(break_up("{\"a\": 1}\n\nlong line é\n", 8), ["{\"a\": 1}", "", "long lin", "e é"]);
        assert_eq!(break_up("李小龍 a\tb", 5), ["李小", "龍 a ", "b"]);
        assert_eq!(break_up("a\u{9b}b", 6), ["a⟨U+00", "9B⟩b"]);
        assert_eq!(break_up("", 8), [""]);
    }

    proptest! {
        /// No letter is wider than sixteen cells, and no screen narrower.
        #[test]
        fn raw_lines_fit_and_lose_nothing(
            text in "([ -~é李😀🇩👨\u{1f3fb}\u{301}\u{200b}\u{200d}\u{fe0f}\u{600}\u{1100}\u{1161}\u{915}\u{94d}\u{644}\u{627}\u{0}-\u{9f}]|\\PC){0,200}",
            cells in 16usize..90,
        ) {
            let lines = break_up(&text, cells);
            for line in &lines {
                let drawn: usize = line.graphemes(true).map(UnicodeWidthStr::width).sum();
                prop_assert!(drawn <= cells && line.width() <= cells, "{:?}", line);
                prop_assert_eq!(&*Clean::of(line).into_cow(), line, "it is drawn as it is");
            }
            let whole: String = text.split('\n').map(|line| Clean::of(line).to_string()).collect();
            prop_assert_eq!(lines.concat(), whole);
        }
    }

    #[test]
    fn changes_are_shown_once_known() {
        let mut reading = reading();
        reading.show_changes(true);
        assert_eq!(reading.shape, Shape::Tree);
        let before = String::from_utf8_lossy(BODY).replace("\"tabSwitchCount\": 0", "\"tabSwitchCount\": 7");
        reading.compare(before.as_bytes());
        assert_eq!(reading.shape, Shape::Changes);
        assert!(reading.len() > 1);
        reading.act(Action::Last);
        assert_eq!(reading.at(), reading.len() - 1);
    }
}
