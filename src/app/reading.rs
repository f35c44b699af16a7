//! A payload being read.

use super::action::Action;

/// How a payload is being read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Lines as they came.
    pub lines: Vec<String>,
    /// Cursor.
    pub at: usize,
}

impl Reading {
    /// Begins.
    #[must_use]
    pub fn new(body: &[u8]) -> Self {
        Self { lines: String::from_utf8_lossy(body).lines().map(str::to_owned).collect(), at: 0 }
    }
    /// Acts.
    pub fn act(&mut self, action: Action) {
        if action == Action::Down {
            self.at += 1;
        }
    }
    /// Next.
    ///
    /// # Errors
    /// None.
    pub fn next_match(&mut self, _down: bool) -> Result<(), String> {
        Ok(())
    }
    /// Search.
    pub fn search(&mut self, _word: &str) -> usize {
        0
    }
    /// Path.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        None
    }
    /// Link.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        None
    }
    /// Compare.
    pub fn compare(&mut self, _before: &[u8]) {}
    /// Show.
    pub fn show_changes(&mut self, _on: bool) {}
    /// Back.
    pub fn step_back(&mut self) -> bool {
        false
    }
    /// Click.
    pub fn click(&mut self, _line: u16, _double: bool) {}
}
