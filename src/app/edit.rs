//! One line of text being typed: cursor by letters as people see them, and the usual keys of a shell. It may be a
//! secret, so it is not shown in a debug print, and wiped from memory when dropped, letter by letter.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

use super::key::{Code, Key};

/// No line is longer than this, whatever is pasted.
const MOST_LETTERS: usize = 2_000;

/// A line of text with a cursor in it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Line {
    letters: Vec<Zeroizing<String>>,
    cursor: usize,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line(… {} letters)", self.letters.len())
    }
}

/// Put together in one piece: a text that grew would leave copies behind.
fn joined(letters: &[Zeroizing<String>]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(letters.iter().map(|letter| letter.len()).sum()));
    for letter in letters {
        text.push_str(letter);
    }
    text
}

impl Line {
    /// A line with the cursor at its end.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    /// What is typed.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        joined(&self.letters)
    }

    /// The letters before the cursor.
    #[must_use]
    pub fn before(&self) -> Zeroizing<String> {
        joined(self.letters.get(..self.cursor).unwrap_or_default())
    }

    /// The letters from the cursor on.
    #[must_use]
    pub fn after(&self) -> Zeroizing<String> {
        joined(self.letters.get(self.cursor..).unwrap_or_default())
    }

    /// True if nothing is typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// How many letters are typed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// Puts a text in at the cursor: one line of it, without controls.
    pub fn insert(&mut self, text: &str) {
        let line = text.trim_start_matches(['\r', '\n']).lines().next().unwrap_or_default();
        let room = MOST_LETTERS.saturating_sub(self.letters.len());
        let new: Vec<_> = line
            .graphemes(true)
            .filter(|letter| !letter.chars().any(char::is_control))
            .take(room)
            .map(|letter| Zeroizing::new(letter.to_owned()))
            .collect();
        let count = new.len();
        self.letters.splice(self.cursor..self.cursor, new);
        self.cursor += count;
    }

    /// Puts another text in place of the whole line.
    pub fn set(&mut self, text: &str) {
        *self = Self::new(text);
    }

    /// Puts another text in place of the last so many letters before the cursor.
    pub fn replace_before(&mut self, letters: usize, text: &str) {
        let from = self.cursor.saturating_sub(letters);
        self.letters.drain(from..self.cursor);
        self.cursor = from;
        self.insert(text);
    }

    /// Takes a key; false if it means nothing to a line of text.
    pub fn press(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl || key.alt) {
            (Code::Char(c), false) => self.insert(c.encode_utf8(&mut [0; 4])),
            (Code::Backspace, false) | (Code::Char('h'), true) => self.erase(1),
            (Code::Backspace | Code::Char('w'), true) => self.erase(self.word()),
            (Code::Char('u'), true) => self.erase(self.cursor),
            (Code::Char('k'), true) => self.letters.truncate(self.cursor),
            (Code::Delete, _) | (Code::Char('d'), true) => {
                if self.cursor < self.letters.len() {
                    self.letters.remove(self.cursor);
                }
            }
            (Code::Left, false) | (Code::Char('b'), true) => self.cursor = self.cursor.saturating_sub(1),
            (Code::Left, true) => self.cursor -= self.word(),
            (Code::Right, _) | (Code::Char('f'), true) => {
                self.cursor = (self.cursor + 1).min(self.letters.len());
            }
            (Code::Home, _) | (Code::Char('a'), true) => self.cursor = 0,
            (Code::End, _) | (Code::Char('e'), true) => self.cursor = self.letters.len(),
            _ => return false,
        }
        true
    }

    fn erase(&mut self, letters: usize) {
        self.replace_before(letters, "");
    }

    /// How many letters the word before the cursor has, blanks behind it included.
    fn word(&self) -> usize {
        let blank = |letter: &&Zeroizing<String>| letter.trim().is_empty();
        let back = || self.letters.iter().take(self.cursor).rev();
        let blanks = back().take_while(blank).count();
        blanks + back().skip(blanks).take_while(|letter| !blank(letter)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[&str]) -> Line {
        let mut line = Line::default();
        for key in keys {
            line.press(Key::parse(key).unwrap());
        }
        line
    }

    #[test]
    fn moves_and_erases_by_letters_and_words() {
        let mut line = Line::new("flag:red  score<50");
        line.press(Key::ctrl('w'));
        assert_eq!(*line.text(), "flag:red  ");
        line.press(Key::ctrl('w'));
        assert!(line.is_empty());
        assert_eq!(
            typed(&["a", "b", "left", "c", "home", "d", "end", "e", "backspace"]).text().as_str(),
            "dacb"
        );
        let mut flags = Line::new("🇩🇪é");
        flags.press(Key::plain(Code::Backspace));
        assert_eq!(*flags.text(), "🇩🇪");
    }

    #[test]
    fn a_paste_is_one_line_without_controls() {
        assert_eq!(*Line::new("\nwhsec_ab\u{1b}c\nrm -rf\n").text(), "whsec_abc");
        assert_eq!(format!("{:?}", Line::new("whsec_abc")), "Line(… 9 letters)");
        assert_eq!(Line::new(&"x".repeat(9000)).len(), MOST_LETTERS);
    }
}
