//! How a command ends when it does not end well: one line on stderr and an exit code.

use std::fmt;

/// Why a command ended: the line and the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed, where, and what to do; one line.
    pub line: String,
    /// 1: it failed while running. 2: the command line, config, secret or file is wrong.
    pub code: u8,
}

impl Failure {
    /// Something given to the command is wrong.
    #[must_use]
    pub fn usage(line: impl Into<String>) -> Self {
        Self { line: line.into(), code: 2 }
    }

    /// It was well asked and still failed.
    #[must_use]
    pub fn running(line: impl Into<String>) -> Self {
        Self { line: line.into(), code: 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An error text of a library may hold line breaks or control characters of a hostile file name.
        let line: String = self.line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        f.write_str(line.trim())
    }
}
