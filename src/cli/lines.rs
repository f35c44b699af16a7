//! Where a happening is told: a line on stderr, for people or as JSON, and one in the log file.
#![expect(clippy::disallowed_methods, reason = "the log file is opened here")]

use std::fs::{File, Metadata};
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::failure::Failure;
use super::happening::Happening;
use super::reference::written;
use super::stderr::Stderr;
use crate::clock;
use crate::domain::count::plural;
use crate::domain::time::Timestamp;

/// Where lines go to. Clones write to the same places.
#[derive(Clone)]
pub struct Lines {
    stderr: Option<Stderr>,
    human: bool,
    /// Standard output is for the events alone.
    events: bool,
    file: Option<Arc<Mutex<LogFile>>>,
}

impl Lines {
    /// Lines on stderr, for people if that is a terminal, and as JSON in `file`, if one is named. With `events`,
    /// standard output is not for us.
    ///
    /// # Errors
    /// Code 2 if the file cannot be opened for appending.
    pub fn of_server(events: bool, file: Option<&Path>) -> Result<Self, Failure> {
        Ok(Self { stderr: Some(Stderr::start()), events, ..Self::of_screen(file)? })
    }

    /// Lines in `file`, if one is named: the terminal is the screen's.
    ///
    /// # Errors
    /// Code 2 if the file cannot be opened for appending.
    pub fn of_screen(file: Option<&Path>) -> Result<Self, Failure> {
        let opened = file.map(|path| {
            LogFile::open(path).map_err(|error| {
                Failure::usage(format!("--log-file {}: cannot be written: {error}", path.display()))
            })
        });
        let file = opened.transpose()?.map(|file| Arc::new(Mutex::new(file)));
        Ok(Self { stderr: None, human: std::io::stderr().is_terminal(), events: false, file })
    }

    /// Writes one line.
    pub fn write(&self, happening: &Happening) {
        self.write_all(std::slice::from_ref(happening));
    }

    /// Writes lines at once. A log that cannot be written must not stop what it tells of.
    pub fn write_all(&self, happenings: &[Happening]) {
        let now = clock::now();
        let wants_json = self.file.is_some() || !self.human;
        let json = if wants_json { text(happenings, false, now) } else { String::new() };
        let mut fault = None;
        if let Some(file) = &self.file {
            fault = file.lock().unwrap_or_else(PoisonError::into_inner).write(&json);
        }
        let Some(stderr) = &self.stderr else { return };
        let mut shown = if self.human { text(happenings, true, now) } else { json };
        if let Some(why) = fault {
            shown.push_str(&text(&[Happening::Caution(why)], self.human, now));
        }
        stderr.write(shown, happenings.len() as u64, |missed| self.left_out(missed));
    }

    /// Says something that scripts wait for: on standard output, or where that belongs to the events, on standard
    /// error.
    ///
    /// # Errors
    /// Code 1 if it cannot be written, though somebody reads.
    pub fn say(&self, line: &str) -> Result<(), Failure> {
        match &self.stderr {
            Some(stderr) if self.events => {
                stderr.write(format!("{line}\n"), 1, |missed| self.left_out(missed));
                Ok(())
            }
            _ => {
                let mut out = std::io::stdout();
                written(writeln!(out, "{line}").and_then(|()| out.flush()))
            }
        }
    }

    fn left_out(&self, missed: u64) -> String {
        let why = format!("{} left out here, where nobody read", plural(missed, "line"));
        text(&[Happening::Notice(why)], self.human, clock::now())
    }

    /// What is wrong with the log file, and what becomes of the lines.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).fault()
    }

    /// Waits a while until whoever reads the lines has read some of those that wait.
    pub async fn room(&self) {
        if let Some(stderr) = &self.stderr {
            stderr.room().await;
        }
    }

    /// Waits until all lines are written, but not for ever on a reader who does not read.
    pub async fn end(&self) {
        if let Some(stderr) = &self.stderr {
            stderr.end(|missed| self.left_out(missed)).await;
        }
    }

    /// Writes a line for each thing that is unwise.
    pub fn warn(&self, cautions: &[String]) {
        let cautions: Vec<_> = cautions.iter().cloned().map(Happening::Caution).collect();
        if !cautions.is_empty() {
            self.write_all(&cautions);
        }
    }

    /// True if nobody reads them.
    #[must_use]
    pub fn silent(&self) -> bool {
        self.stderr.is_none() && self.file.is_none()
    }
}

/// The lines of happenings, for a person or for a machine.
fn text(happenings: &[Happening], human: bool, now: Timestamp) -> String {
    let line = if human { Happening::human } else { Happening::json };
    happenings.iter().flat_map(|happening| [line(happening, now), "\n".to_owned()]).collect()
}

/// What is told of lines that cannot be kept at all, and of those that cannot be kept where they belong.
const MISSING: &str = "lines are missing there until it can";
const ELSEWHERE: &str = "until it can, lines go to the file that is still open, wherever that is now";

/// The log file, for the user's eyes only. Whoever rotates it moves it away or deletes it: the next line begins
/// a new one under its name, with no signal needed.
struct LogFile {
    path: PathBuf,
    file: File,
    /// Device and number of the file that is open.
    identity: (u64, u64),
    /// Why the latest lines are not where they belong, if so, and what becomes of them.
    fault: Option<(String, &'static str)>,
}

impl LogFile {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        let identity = identity(&file.metadata()?);
        Ok(Self { path: path.to_path_buf(), file, identity, fault: None })
    }

    /// What is wrong with it, and what becomes of the lines.
    fn fault(&self) -> Option<String> {
        let (why, lot) = self.fault.as_ref()?;
        Some(format!("--log-file {}: {why}; {lot}", self.path.display()))
    }

    /// Writes lines, or says what becomes of them from here on.
    fn write(&mut self, lines: &str) -> Option<String> {
        let before = self.fault.as_ref().map(|(_, lot)| *lot);
        let mut fault = self.follow_name();
        let length = |file: &File| file.metadata().map_or(0, |file| file.len());
        let begin = length(&self.file);
        // In one piece, if there is room: a line that another writer cuts in two is none.
        let (written, done) = write(&mut self.file, lines.as_bytes());
        if let Err(why) = done {
            // Nor is one that was only begun. Where another writer has added something it stays.
            if written > 0 && length(&self.file) == begin + written {
                let _ = self.file.set_len(begin);
            }
            fault = Some((format!("cannot be written: {why}"), MISSING));
        }
        let now = fault.as_ref().map(|(_, lot)| *lot);
        self.fault = fault;
        self.fault().filter(|_| now != before)
    }

    /// Goes on with the file that has the name now, a new one if none has. Where it cannot: why not, and what
    /// becomes of the lines.
    fn follow_name(&mut self) -> Option<(String, &'static str)> {
        let there = std::fs::metadata(&self.path).ok().map(|there| identity(&there));
        if there == Some(self.identity) {
            return None;
        }
        match Self::open(&self.path) {
            Ok(opened) => {
                *self = opened;
                None
            }
            Err(why) => {
                // One that no directory names any more goes when it is closed.
                let is_kept = self.file.metadata().is_ok_and(|file| file.nlink() > 0);
                let why = format!("was moved away or deleted, and cannot be opened anew: {why}");
                Some((why, if is_kept { ELSEWHERE } else { MISSING }))
            }
        }
    }
}

/// Writes all of it, and says how much was written if that ended early.
fn write(file: &mut File, mut lines: &[u8]) -> (u64, std::io::Result<()>) {
    let mut written = 0;
    while !lines.is_empty() {
        match file.write(lines) {
            Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
            Ok(count) => {
                written += count as u64;
                lines = lines.get(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A device that is always full, where there is one.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_log_file_that_cannot_be_written_is_told_of_once() {
        let mut full = LogFile::open(Path::new("/dev/full")).unwrap();
        let why = full.write("a line\n").unwrap();
        assert!(
            why.starts_with("--log-file /dev/full: cannot be written: ") && why.contains("missing"),
            "{why}"
        );
        assert_eq!(full.write("another\n"), None);
    }

    #[test]
    fn a_log_file_that_cannot_be_begun_anew_is_told_of_once_and_loses_nothing_that_can_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("logs");
        let (path, moved) = (logs.join("a.log"), logs.join("a.log.1"));
        std::fs::create_dir(&logs).unwrap();
        let mut log = LogFile::open(&path).unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(log.write("1\n"), None);
        std::fs::rename(&path, &moved).unwrap();
        // Whoever runs the tests, nobody opens a directory to write into it.
        std::fs::create_dir(&path).unwrap();
        let why = log.write("2\n").unwrap();
        assert!(why.starts_with(&format!("--log-file {}: ", path.display())), "{why}");
        assert!(why.contains("cannot be opened anew: ") && why.contains("still open"), "{why}");
        assert_eq!(log.write("3\n"), None);
        assert_eq!(read(&moved), "1\n2\n3\n");
        std::fs::remove_dir(&path).unwrap();
        assert_eq!(log.write("4\n"), None);
        assert_eq!((read(&moved).as_str(), read(&path).as_str()), ("1\n2\n3\n", "4\n"));
        std::fs::remove_dir_all(&logs).unwrap();
        let why = log.write("5\n").unwrap();
        assert!(why.contains("cannot be opened anew: ") && why.contains("lines are missing"), "{why}");
        assert_eq!(log.write("6\n"), None);
        std::fs::create_dir(&logs).unwrap();
        assert_eq!(log.write("7\n"), None);
        assert_eq!(read(&path), "7\n");
    }

    #[test]
    fn a_log_file_that_is_moved_away_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("a.log"), dir.path().join("a.log.1"));
        let lines = Lines::of_screen(Some(&path)).unwrap();
        let recovered = || lines.write(&Happening::StorageRecovered);
        recovered();
        recovered();
        std::fs::rename(&path, &moved).unwrap();
        recovered();
        let count = |path: &Path| std::fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((count(&moved), count(&path)), (2, 1));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_file(&path).unwrap();
        recovered();
        assert_eq!(count(&path), 1, "also if it is deleted");
        std::fs::write(&path, "").unwrap();
        recovered();
        assert_eq!(count(&path), 1, "or emptied in its place");
    }
}
