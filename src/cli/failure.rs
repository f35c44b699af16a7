//! How a command ends when it does not end well: one line on stderr and an exit code.
#![expect(
    clippy::disallowed_methods,
    reason = "a reader who does not read holds up a thread of its own only"
)]

use std::fmt;
use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::domain::clean::Clean;
use crate::domain::secret::masked;

/// How long whoever reads the line may take.
const PATIENCE: Duration = Duration::from_secs(3);

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

    /// Says it, as far as somebody reads: where nobody does, the code still tells.
    #[must_use]
    pub fn tell(&self) -> ExitCode {
        let line = format!("invigil: {self}\n");
        let (told, written) = mpsc::channel();
        thread::spawn(move || {
            let _ = std::io::stderr().write_all(line.as_bytes());
            let _ = told.send(());
        });
        let _ = written.recv_timeout(PATIENCE);
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An error text of a library may hold line breaks or control characters of a hostile file name, and what
        // was typed may be a secret in the wrong place.
        f.write_str(Clean::one_line(&masked(&self.line)).as_str().trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_clean_line_without_a_secret() {
        let failure = Failure::usage("--session a\u{1b}]0;x\u{7}\u{202e}:\n  no such file; whsec_AAAABBBB\n");
        assert_eq!(failure.to_string(), "--session a␛]0;x␇⟨U+202E⟩: no such file; whsec_…");
    }
}
