//! Standard error as a log: a thread of its own writes it, so that a reader who does not read holds up nothing.
#![expect(clippy::disallowed_methods, reason = "the writing thread is started here")]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Texts that may wait to be written, each of a batch of lines at most.
const WAITING: usize = 8;
/// How long a reader who is slow is waited for, and how long the last lines may take.
const PATIENCE: Duration = Duration::from_secs(3);

enum Order {
    Write(String),
    /// All before it is written.
    Told(oneshot::Sender<()>),
}

/// The way to the thread. Clones lead to the same one.
#[derive(Clone)]
pub struct Stderr {
    orders: mpsc::Sender<Order>,
    /// Lines that were left out since the last one that was not.
    missed: Arc<AtomicU64>,
    /// Nobody has read for so long that nobody is waited for.
    stalled: Arc<AtomicBool>,
}

impl Stderr {
    /// Starts the thread.
    #[must_use]
    pub fn start() -> Self {
        let (orders, mut coming) = mpsc::channel(WAITING);
        std::thread::spawn(move || {
            while let Some(order) = coming.blocking_recv() {
                match order {
                    // A log that cannot be written must not stop what it tells of.
                    Order::Write(text) => drop(std::io::stderr().lock().write_all(text.as_bytes())),
                    Order::Told(told) => drop(told.send(())),
                }
            }
        });
        Self { orders, missed: Arc::default(), stalled: Arc::default() }
    }

    /// Waits a while for a reader who is slow but reads.
    pub async fn room(&self) {
        let stalled = self.stalled.load(Ordering::Relaxed);
        if !stalled && timeout(PATIENCE, self.orders.reserve()).await.is_err() {
            self.stalled.store(true, Ordering::Relaxed);
        }
    }

    /// Has so many lines written, or leaves them out if too much waits already. `note` says how many were left out
    /// before.
    pub fn write(&self, text: String, lines: u64, note: impl FnOnce(u64) -> String) {
        let Ok(room) = self.orders.try_reserve() else {
            self.missed.fetch_add(lines, Ordering::Relaxed);
            return;
        };
        self.stalled.store(false, Ordering::Relaxed);
        let missed = self.missed.swap(0, Ordering::Relaxed);
        room.send(Order::Write(if missed == 0 { text } else { note(missed) + &text }));
    }

    /// Waits until all is written, but not for ever. `note` says how many were left out, if some were.
    pub async fn end(&self, note: impl FnOnce(u64) -> String) {
        let (told, written) = oneshot::channel();
        let missed = self.missed.swap(0, Ordering::Relaxed);
        let all = async {
            if missed > 0 {
                let _ = self.orders.send(Order::Write(note(missed))).await;
            }
            if self.orders.send(Order::Told(told)).await.is_ok() {
                // A thread that is gone has nothing left to write.
                let _ = written.await;
            }
        };
        // Whoever was waited for already is not waited for again.
        let stalled = self.stalled.load(Ordering::Relaxed);
        let _ = timeout(if stalled { Duration::ZERO } else { PATIENCE }, all).await;
    }
}
