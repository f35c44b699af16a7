//! Signals from outside: those that ask to stop, and one that must not.
#![expect(clippy::disallowed_methods, reason = "somebody waits for the signals")]

use std::future::poll_fn;
use std::task::Poll;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;

/// SIGXFSZ, the same on Linux and macOS: a file has reached the limit that the system set.
const FILE_LIMIT: i32 = 25;

/// Cancelled by SIGTERM, SIGINT or SIGHUP, and by the others with which people end a program: each of them would end
/// it at once otherwise, and leave the terminal as the screen has made it.
///
/// # Errors
/// If the signals cannot be listened for.
pub(super) fn stop_signal() -> Result<CancellationToken, Failure> {
    let wrong = |error| Failure::running(format!("signals cannot be listened for: {error}"));
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
        SignalKind::quit(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
        SignalKind::alarm(),
    ];
    let signals: std::io::Result<Vec<_>> = kinds.into_iter().map(signal).collect();
    let mut signals = signals.map_err(wrong)?;
    // Somebody listens, so that the signal no longer ends the process: the write fails, as on a full disk.
    drop(signal(SignalKind::from_raw(FILE_LIMIT)).map_err(wrong)?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        poll_fn(|context| {
            let told = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if told { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        told.cancel();
    });
    Ok(stop)
}
