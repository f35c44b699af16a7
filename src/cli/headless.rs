//! Running without a screen: each happening is a line on stderr and in the log file.
#![expect(clippy::disallowed_methods, reason = "the log file is opened here")]

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::happening::Happening;
use super::relay;
use crate::clock;
use crate::pulse::Pulse;
use crate::store::StoreError;
use crate::store::follower::Follower;

/// Where lines go to.
pub struct Lines {
    stderr: bool,
    human: bool,
    file: Option<File>,
}

impl Lines {
    /// Lines on stderr (if `stderr`), for people if that is a terminal, and as JSON in `file`, if one is named.
    ///
    /// # Errors
    /// If the file cannot be opened for appending.
    pub fn open(stderr: bool, file: Option<&Path>) -> Result<Self, Failure> {
        let opened = file.map(|path| {
            let mut options = File::options();
            // Ids and addresses of senders are nobody else's business.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.create(true).append(true).open(path);
            file.map_err(|error| {
                Failure::usage(format!("--log-file {}: cannot be written: {error}", path.display()))
            })
        });
        Ok(Self { stderr, human: std::io::stderr().is_terminal(), file: opened.transpose()? })
    }

    /// Writes one line. A log that cannot be written must not stop what it tells of.
    pub fn write(&mut self, happening: &Happening) {
        let now = clock::now();
        if self.stderr {
            let line = if self.human { happening.human(now) } else { happening.json(now) };
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        if let Some(file) = &mut self.file {
            let _ = writeln!(file, "{}", happening.json(now));
        }
    }

    /// True if nobody reads them.
    #[must_use]
    pub fn silent(&self) -> bool {
        !self.stderr && self.file.is_none()
    }
}

/// Writes a line for every event and refusal from now on, until `stop`, and for what is left then.
pub async fn follow(
    mut lines: Lines,
    mut follower: Follower,
    pulse: Pulse,
    stop: CancellationToken,
) -> Lines {
    if lines.silent() {
        stop.cancelled().await;
        return lines;
    }
    let mut changed = pulse.changed();
    let (mut refused, mut called, mut fault, mut relayed) = (0, 0, None, None);
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = follower.ready() => false,
            Ok(()) = changed.changed() => false,
        };
        // A session that cannot be read is told by the storage fault below; nothing is skipped.
        while let Ok(Some(batch)) = some(follower.batch()) {
            for line in batch {
                lines.write(&Happening::Event(Box::new(line)));
            }
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
        relay::tell(&mut relayed, &pulse, |happening| lines.write(happening));
        let fault_now = pulse.storage_fault();
        if fault_now != fault {
            lines.write(&fault_now.clone().map_or(Happening::StorageRecovered, Happening::StorageFault));
            fault = fault_now;
        }
        if stopped {
            return lines;
        }
    }
}

fn some<T>(batch: Result<Vec<T>, StoreError>) -> Result<Option<Vec<T>>, StoreError> {
    batch.map(|batch| (!batch.is_empty()).then_some(batch))
}
