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
use super::happening::Happening;
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
    stderr: bool,
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
        Ok(Self { stderr, human: std::io::stderr().is_terminal(), file })
    }

    /// Writes one line.
    pub fn write(&self, happening: &Happening) {
        self.write_all(std::slice::from_ref(happening));
    }

    /// Writes lines at once. A log that cannot be written must not stop what it tells of.
    fn write_all(&self, happenings: &[Happening]) {
        let now = clock::now();
        let text = |line: fn(&Happening, Timestamp) -> String| -> String {
            happenings.iter().flat_map(|happening| [line(happening, now), "\n".to_owned()]).collect()
        };
        let wants_json = self.file.is_some() || !self.human;
        let json = if wants_json { text(Happening::json) } else { String::new() };
        if self.stderr {
            let human = self.human.then(|| text(Happening::human));
            let _ = std::io::stderr().lock().write_all(human.as_ref().unwrap_or(&json).as_bytes());
        }
        if let Some(file) = &self.file {
            file.lock().unwrap_or_else(PoisonError::into_inner).write(&json);
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
        !self.stderr && self.file.is_none()
    }
}

/// The log file, for the user's eyes only. Whoever rotates it moves it away or deletes it: the next line begins
/// a new one under its name, with no signal needed.
struct LogFile {
    path: PathBuf,
    file: File,
    /// Device and number of the file that is open.
    identity: (u64, u64),
}

impl LogFile {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).mode(0o600).open(path)?;
        let identity = identity(&file.metadata()?);
        Ok(Self { path: path.to_path_buf(), file, identity })
    }

    fn write(&mut self, lines: &str) {
        let there = std::fs::metadata(&self.path).ok().map(|there| identity(&there));
        if there != Some(self.identity)
            && let Ok(opened) = Self::open(&self.path)
        {
            *self = opened;
        }
        // In one piece: a line that another writer cuts in two is none.
        let _ = self.file.write_all(lines.as_bytes());
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Writes a line for every event and refusal from now on, until `stop`, and for what is left then.
pub async fn follow(lines: Lines, mut follower: Follower, pulse: Pulse, stop: CancellationToken) -> Lines {
    if lines.silent() {
        stop.cancelled().await;
        return lines;
    }
    let mut changed = pulse.changed();
    // What happened between the start and here is told too.
    changed.mark_changed();
    let (mut refused, mut called, mut noticed, mut fault) = (0, 0, 0, None);
    let (mut relayed, mut forwarded) = (None, None);
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = follower.ready() => false,
            Ok(()) = changed.changed() => false,
        };
        // A session that cannot be read is told by the storage fault below; nothing is skipped.
        while let Ok(Some(batch)) = some(follower.batch()) {
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
        relay::tell(&mut relayed, &pulse, |happening| lines.write(happening));
        forward::tell(&mut forwarded, &pulse, |happening| lines.write(happening));
        let fault_now = pulse.storage_fault();
        if fault_now != fault {
            lines.write(&fault_now.clone().map_or(Happening::StorageRecovered, Happening::StorageFault));
            fault = fault_now;
        }
        if stopped {
            return lines;
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
