//! Running without a screen: each happening is a line on stderr and in the log file.
#![expect(clippy::disallowed_methods, reason = "the log file is opened here")]

use std::fs::{File, Metadata};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::happening::{Happening, is_news};
use super::stderr::Stderr;
use super::{forward, relay};
use crate::clock;
use crate::domain::time::Timestamp;
use crate::pulse::Pulse;
use crate::store::StoreError;
use crate::store::follower::Follower;

/// Between two looks at what happened.
const PAUSE: Duration = Duration::from_millis(25);

/// Where lines go to. Clones write to the same places.
#[derive(Clone)]
pub struct Lines {
    stderr: Option<Stderr>,
    human: bool,
    file: Option<Arc<Mutex<LogFile>>>,
}

impl Lines {
    /// Lines on stderr (if `stderr`), for people if that is a terminal, and as JSON in `file`, if one is named.
    ///
    /// # Errors
    /// If the file cannot be opened for appending.
    pub fn open(stderr: bool, file: Option<&Path>) -> Result<Self, Failure> {
        let opened = file.map(|path| {
            LogFile::open(path).map_err(|error| {
                Failure::usage(format!("--log-file {}: cannot be written: {error}", path.display()))
            })
        });
        let file = opened.transpose()?.map(|file| Arc::new(Mutex::new(file)));
        Ok(Self { stderr: stderr.then(Stderr::start), human: std::io::stderr().is_terminal(), file })
    }

    /// Writes one line.
    pub fn write(&self, happening: &Happening) {
        self.write_all(std::slice::from_ref(happening));
    }

    /// Writes lines at once. A log that cannot be written must not stop what it tells of.
    fn write_all(&self, happenings: &[Happening]) {
        let now = clock::now();
        let text = |happenings: &[Happening], line: fn(&Happening, Timestamp) -> String| -> String {
            happenings.iter().flat_map(|happening| [line(happening, now), "\n".to_owned()]).collect()
        };
        let wants_json = self.file.is_some() || !self.human;
        let json = if wants_json { text(happenings, Happening::json) } else { String::new() };
        let mut fault = None;
        if let Some(file) = &self.file {
            fault = file.lock().unwrap_or_else(PoisonError::into_inner).write(&json);
        }
        let Some(stderr) = &self.stderr else { return };
        let line = if self.human { Happening::human } else { Happening::json };
        let mut shown = if self.human { text(happenings, line) } else { json };
        if let Some(why) = fault {
            shown.push_str(&text(&[Happening::Caution(why)], line));
        }
        stderr.write(shown, happenings.len() as u64, |missed| {
            let why = format!("{missed} lines were left out here, where nobody read them");
            text(&[Happening::Notice(why)], line)
        });
    }

    /// Waits a while until whoever reads the lines has read some of those that wait.
    async fn room(&self) {
        if let Some(stderr) = &self.stderr {
            stderr.room().await;
        }
    }

    /// Waits until all lines are written, but not for ever on a reader who does not read.
    pub async fn end(&self) {
        if let Some(stderr) = &self.stderr {
            stderr.end().await;
        }
    }

    /// Writes a line for each thing that is unwise.
    pub fn warn(&self, cautions: &[String]) {
        for caution in cautions {
            self.write(&Happening::Caution(caution.clone()));
        }
    }

    /// True if nobody reads them.
    #[must_use]
    pub fn silent(&self) -> bool {
        self.stderr.is_none() && self.file.is_none()
    }
}

/// The log file, for the user's eyes only. Whoever rotates it moves it away or deletes it: the next line begins
/// a new one under its name, with no signal needed.
struct LogFile {
    path: PathBuf,
    file: File,
    /// Device and number of the file that is open.
    identity: (u64, u64),
    /// The latest lines could not be written.
    faulty: bool,
}

impl LogFile {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        let identity = identity(&file.metadata()?);
        Ok(Self { path: path.to_path_buf(), file, identity, faulty: false })
    }

    /// Writes lines, or says that from here on they are missing.
    fn write(&mut self, lines: &str) -> Option<String> {
        let there = std::fs::metadata(&self.path).ok().map(|there| identity(&there));
        if there != Some(self.identity)
            && let Ok(opened) = Self::open(&self.path)
        {
            *self = opened;
        }
        let before = self.file.metadata().map_or(0, |file| file.len());
        // In one piece: a line that another writer cuts in two is none.
        let written = self.file.write_all(lines.as_bytes());
        let was_faulty = std::mem::replace(&mut self.faulty, written.is_err());
        let why = written.err()?;
        // Nor is one that was only begun. What another writer has added meanwhile stays.
        if self.file.metadata().is_ok_and(|file| file.len() < before + lines.len() as u64) {
            let _ = self.file.set_len(before);
        }
        let path = self.path.display();
        (!was_faulty).then(|| {
            format!("--log-file {path}: cannot be written: {why}; lines are missing there until it can")
        })
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Writes a line for every event and refusal from now on, until `stop`, and for what is left then.
pub async fn follow(lines: Lines, mut follower: Follower, pulse: Pulse, stop: CancellationToken) {
    if lines.silent() {
        return;
    }
    let mut changed = pulse.changed();
    // What happened between the start and here is told too.
    changed.mark_changed();
    let (mut refused, mut called, mut noticed, mut large, mut fault) = (0, 0, 0, 0, None);
    let (mut relayed, mut forwarded) = (None, None);
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = follower.ready() => false,
            Ok(()) = changed.changed() => false,
        };
        // A session that cannot be read is told by the storage fault below; nothing is skipped.
        loop {
            lines.room().await;
            let Ok(Some(batch)) = some(follower.batch()) else { break };
            let batch: Vec<_> = batch.into_iter().map(|line| Happening::Event(Box::new(line))).collect();
            lines.write_all(&batch);
        }
        for (_, refusal) in pulse.refusals() {
            if refusal.number > refused {
                refused = refusal.number;
                lines.write(&Happening::Refused(Box::new(refusal)));
            }
        }
        for alert in pulse.alerts() {
            if alert.number > called {
                called = alert.number;
                lines.write(&Happening::Alert(Box::new(alert)));
            }
        }
        for (number, text) in pulse.notices() {
            if number > noticed {
                noticed = number;
                lines.write(&Happening::Notice(text));
            }
        }
        let too_large = pulse.snapshot().too_large;
        if is_news(large, too_large) {
            let text =
                format!("too large, answered 413: {too_large} so far; --max-body says how large one may be");
            lines.write(&Happening::Notice(text));
            large = too_large;
        }
        relay::tell(&mut relayed, &pulse, |happening| lines.write(happening));
        forward::tell(&mut forwarded, &pulse, |happening| lines.write(happening));
        let fault_now = pulse.storage_fault();
        if fault_now != fault {
            lines.write(&fault_now.clone().map_or(Happening::StorageRecovered, Happening::StorageFault));
            fault = fault_now;
        }
        if stopped {
            return;
        }
        // In a burst, many events are read and written at once.
        let _ = timeout(PAUSE, stop.cancelled()).await;
    }
}

fn some<T>(batch: Result<Vec<T>, StoreError>) -> Result<Option<Vec<T>>, StoreError> {
    batch.map(|batch| (!batch.is_empty()).then_some(batch))
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
    fn a_log_file_that_is_moved_away_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("a.log"), dir.path().join("a.log.1"));
        let lines = Lines::open(false, Some(&path)).unwrap();
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
