//! The spine: deliveries go in, one thread writes them in groups, and a receipt comes back when they are on
//! disk.
#![expect(clippy::disallowed_methods, reason = "the writing thread is started here")]

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{mpsc, oneshot, watch};

use super::codec::{self, Packed, Packer};
use super::projector::Projector;
use super::session::{self, WriterLock};
use super::{StoreError, Unavailable};
use crate::domain::delivery::{Delivery, Receipt, Seq};
use crate::domain::time::Timestamp;
use crate::pulse::Pulse;

/// Deliveries that may wait to be written. A full queue is answered 503 at once, which bounds memory.
const QUEUE: usize = 2048;
/// Deliveries written with one sync of the disk, at most: what waits while the disk is busy.
const GROUP: usize = 512;
/// While the session cannot be written, it is tried again after so long even if nothing arrives.
const PROBE: Duration = Duration::from_secs(2);
/// Queue and disk are looked at so often, if anything is written at all.
const LOOK: Duration = Duration::from_secs(1);

/// What has been committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Commit {
    /// The newest event.
    pub seq: Seq,
    /// Grows with each commit, also where only repeats were counted.
    pub revision: u64,
}

enum Order {
    Keep(Box<Delivery>, Packed, oneshot::Sender<Result<Receipt, Unavailable>>),
    Mark(Seq, bool),
    /// Write this fact about the session.
    Remember(&'static str, String, oneshot::Sender<()>),
    /// Pack with this dictionary from now on.
    Dictionary(Vec<u8>),
    /// Write what waits, then end.
    Close,
    /// Nothing to write: only to see whether the session can be written again.
    Probe,
}

/// A handle on the session being written. Clones share it; [`Journal::close`] ends it.
#[derive(Clone)]
pub struct Journal {
    orders: mpsc::Sender<Order>,
    committed: watch::Receiver<Commit>,
    packer: Packer,
    path: Arc<Path>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Journal {
    /// Makes or continues the session at `path` and starts its writer.
    ///
    /// # Errors
    /// If the file is no session, is damaged, newer or being written by another process.
    pub fn open(path: &Path, now: Timestamp, pulse: Pulse) -> Result<Self, StoreError> {
        let (connection, lock) = session::open_writer(path)?;
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('created_at', ?1)", [now.to_string()])?;
        let projector = Projector::new(&connection, pulse.rules().clone())?;
        let packer = Packer::of(&connection)?;
        let seq = projector.newest();
        pulse.reached(seq);
        let (orders, waiting) = mpsc::channel(QUEUE);
        let (told, committed) = watch::channel(Commit { seq, revision: 0 });
        let identities = identities(path);
        let path: Arc<Path> = path.into();
        let writer = Writer {
            connection,
            projector,
            stale: false,
            packer: packer.clone(),
            training: Some(orders.downgrade()),
            path: Arc::clone(&path),
            identities,
            told,
            pulse,
            looked: Instant::now(),
            _lock: lock,
        };
        let thread = std::thread::spawn(move || writer.run(waiting));
        Ok(Self { orders, committed, packer, path, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Keeps a delivery. When it returns a receipt, the event is on disk, power loss included.
    ///
    /// # Errors
    /// If it cannot be kept now: the queue is full, the disk fails, or the session is being closed.
    pub async fn append(&self, delivery: Delivery) -> Result<Receipt, Unavailable> {
        let (receipt, coming) = oneshot::channel();
        let unavailable = |reason: &str| Unavailable { reason: reason.to_owned() };
        // Packed here, on the caller's thread: the one writer is what all wait for.
        let packed = self.packer.pack(&delivery.headers, &delivery.body);
        self.orders.try_send(Order::Keep(Box::new(delivery), packed, receipt)).map_err(
            |error| match error {
                mpsc::error::TrySendError::Full(_) => unavailable("too many deliveries wait to be written"),
                mpsc::error::TrySendError::Closed(_) => unavailable("the session is being closed"),
            },
        )?;
        coming.await.map_err(|_closed| unavailable("the session is being closed"))?
    }

    /// Sets or clears the mark of an event.
    pub async fn mark(&self, seq: Seq, on: bool) {
        // A session that is being closed takes no marks.
        let _ = self.orders.send(Order::Mark(seq, on)).await;
    }

    /// Keeps a fact about the session, in place of the one of that name.
    ///
    /// # Errors
    /// If it cannot be kept now: the disk fails, or the session is being closed.
    pub async fn remember(&self, name: &'static str, fact: &str) -> Result<(), Unavailable> {
        let (done, coming) = oneshot::channel();
        let unavailable = || Unavailable { reason: "the session cannot be written".to_owned() };
        let order = Order::Remember(name, fact.to_owned(), done);
        self.orders.send(order).await.map_err(|_closed| unavailable())?;
        coming.await.map_err(|_failed| unavailable())
    }

    /// The fact of that name, if the session has one.
    ///
    /// # Errors
    /// If the session cannot be read.
    pub fn recall(&self, name: &str) -> Result<Option<String>, StoreError> {
        let connection = session::connect_reader(&self.path)?;
        let fact = connection.query_row("SELECT value FROM meta WHERE key = ?1", [name], |row| row.get(0));
        Ok(fact.optional()?)
    }

    /// Tells of commits.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Commit> {
        self.committed.clone()
    }

    /// The session's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what waits, folds the log into the file and ends the writer. Other handles then answer that the
    /// session is being closed.
    pub async fn close(self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A writer that is gone needs no order.
        let _ = self.orders.send(Order::Close).await;
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join());
            // A writer that panicked has nothing left to write; the log holds what was acknowledged.
            let _ = joined.await;
        }
    }
}

/// Bytes that the disk of a file has left, to the mebibyte, so that not every event is a change.
fn disk_free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    Some(free >> 20 << 20)
}

/// What tells the session's file from another one that took its name, and its log likewise.
fn identities(path: &Path) -> [Identity; 2] {
    [identity(path), identity(&session::log_of(path))]
}

type Identity = Option<(u64, u64)>;

#[cfg(unix)]
fn identity(path: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Identity {
    path.exists().then_some((0, 0))
}

struct Writer {
    connection: Connection,
    projector: Projector,
    /// The last group failed: what the projector has at hand is not what the file holds.
    stale: bool,
    packer: Packer,
    /// Where a new dictionary is sent to; `None` once one is being made.
    training: Option<mpsc::WeakSender<Order>>,
    path: Arc<Path>,
    identities: [Identity; 2],
    told: watch::Sender<Commit>,
    pulse: Pulse,
    /// When queue and disk were looked at last.
    looked: Instant,
    _lock: WriterLock,
}

impl Writer {
    fn run(mut self, mut waiting: mpsc::Receiver<Order>) {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = next(&mut waiting, self.pulse.storage_fault().is_some()) {
            group.push(first);
            while group.len() < GROUP
                && let Ok(order) = waiting.try_recv()
            {
                group.push(order);
            }
            if group.iter().any(|order| matches!(order, Order::Close)) {
                // What is waiting already is still handed out; nothing more comes in.
                waiting.close();
            }
            let queued = waiting.len() as u64 * 100 / QUEUE as u64;
            self.write(&mut group);
            self.train();
            if self.looked.elapsed() > LOOK {
                self.looked = Instant::now();
                self.pulse.pressure(queued, disk_free(&self.path));
            }
        }
        // Nothing is lost if this fails: the log is read again at the next start.
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Writes a group in one transaction and hands out the receipts.
    fn write(&mut self, group: &mut Vec<Order>) {
        let done = self.transact(group);
        if let Err(error) = &done {
            // The error is told below; that there is nothing to roll back is fine.
            let _ = self.connection.execute_batch("ROLLBACK");
            let path = self.path.display();
            let what = match error {
                StoreError::File { .. } => error.to_string(),
                _ => format!("{path}: {error}; make room on the disk or give it back"),
            };
            self.pulse
                .storage(Some(format!("{what}. Until then deliveries are answered 503, and sent again")));
            self.stale = true;
        } else {
            self.pulse.storage(None);
            self.pulse.call(self.projector.alerts());
        }
        let mut receipts = done.as_ref().map(|receipts| receipts.iter().copied());
        for order in group.drain(..) {
            // Whoever asked may have gone; what was kept is kept all the same.
            match order {
                Order::Dictionary(bytes) if receipts.is_ok() => self.packer.adopt(bytes),
                Order::Remember(.., done) if receipts.is_ok() => drop(done.send(())),
                Order::Keep(_, _, answer) => {
                    let receipt = match &mut receipts {
                        Ok(receipts) => {
                            receipts.next().ok_or_else(|| Unavailable { reason: "not written".into() })
                        }
                        Err(error) => Err(Unavailable { reason: error.to_string() }),
                    };
                    let _ = answer.send(receipt);
                }
                _ => {}
            }
        }
        if done.is_ok() {
            let seq = self.projector.newest();
            self.told.send_modify(|commit| *commit = Commit { seq, revision: commit.revision + 1 });
        }
    }

    /// Has a dictionary made, once there are enough events for one, without keeping anybody waiting.
    fn train(&mut self) {
        if self.projector.sums().events < codec::SAMPLES || self.packer.has_dictionary() {
            return;
        }
        if let (Some(orders), Ok(connection)) = (self.training.take(), session::connect_reader(&self.path)) {
            std::thread::spawn(move || {
                let made = codec::train(&connection);
                if let (Some(bytes), Some(orders)) = (made, orders.upgrade()) {
                    // A session that is being closed does without.
                    let _ = orders.blocking_send(Order::Dictionary(bytes));
                }
            });
        }
    }

    /// SQLite would go on writing to files that no longer have a name.
    fn is_in_place(&self) -> Result<(), StoreError> {
        let [session, log] = identities(&self.path);
        let [session_then, log_then] = self.identities;
        if session != session_then {
            return Err(StoreError::file(
                &self.path,
                "was removed or replaced while it was being written; put it back, or start again",
            ));
        }
        if log != log_then {
            // What was acknowledged is moved to where it will be found. If that fails it is tried again.
            let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(FULL)");
            let what =
                "was removed or replaced while it was being written; stop and start again, nothing is lost";
            return Err(StoreError::file(&session::log_of(&self.path), what));
        }
        Ok(())
    }

    fn transact(&mut self, group: &[Order]) -> Result<Vec<Receipt>, StoreError> {
        self.is_in_place()?;
        let connection = &self.connection;
        if self.stale {
            // What was rolled back is still counted at hand. As long as it cannot be read anew, nothing is kept.
            self.projector = Projector::new(connection, self.pulse.rules().clone())?;
            self.stale = false;
        }
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut receipts = Vec::with_capacity(group.len());
        for order in group {
            match order {
                Order::Keep(delivery, packed, _) => {
                    receipts.push(self.projector.take(connection, delivery, packed)?);
                }
                Order::Dictionary(bytes) => codec::keep_dictionary(connection, bytes)?,
                Order::Probe | Order::Close => {}
                Order::Remember(name, fact, _) => {
                    connection
                        .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
                        .execute((name, fact))?;
                }
                Order::Mark(seq, on) => {
                    connection
                        .prepare_cached("UPDATE event SET marked = ?2 WHERE seq = ?1")?
                        .execute((seq, on))?;
                }
            }
        }
        self.projector.finish(connection)?;
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(receipts)
    }
}

/// Waits for an order. While the session cannot be written it gives a probe now and then; `None` when all
/// handles are gone.
fn next(waiting: &mut mpsc::Receiver<Order>, faulty: bool) -> Option<Order> {
    if !faulty {
        return waiting.blocking_recv();
    }
    let begun = Instant::now();
    while begun.elapsed() < PROBE {
        match waiting.try_recv() {
            Ok(order) => return Some(order),
            Err(mpsc::error::TryRecvError::Disconnected) => return None,
            Err(mpsc::error::TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    Some(Order::Probe)
}
