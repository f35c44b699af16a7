//! Signals from outside: those that ask to stop, and one that must not.
#![expect(clippy::disallowed_methods, reason = "somebody waits for the signals")]

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;

/// SIGXFSZ, the same on Linux and macOS: a file has reached the limit that the system set.
const FILE_LIMIT: i32 = 25;

/// Cancelled by SIGTERM, SIGINT or SIGHUP.
///
/// # Errors
/// If the signals cannot be listened for.
pub(super) fn stop_signal() -> Result<CancellationToken, Failure> {
    let wrong = |error| Failure::running(format!("signals cannot be listened for: {error}"));
    let mut signals = [
        signal(SignalKind::terminate()).map_err(wrong)?,
        signal(SignalKind::interrupt()).map_err(wrong)?,
        signal(SignalKind::hangup()).map_err(wrong)?,
    ];
    // Somebody listens, so that the signal no longer ends the process: the write fails, as on a full disk.
    drop(signal(SignalKind::from_raw(FILE_LIMIT)).map_err(wrong)?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let [terminate, interrupt, hangup] = &mut signals;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
