//! The spine: deliveries go in, one thread writes them in groups, and a receipt comes back when they are on
//! disk.
#![expect(clippy::disallowed_methods, reason = "the writing thread is started here")]

mod place;
mod room;
mod sweeping;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use self::place::identities;
use super::answers::{Answer, Answers};
use super::codec::{self, Packed, Packer};
use super::durable::Durable;
use super::folding::Folding;
use super::forwarded::Outbox;
use super::gone::Gone;
use super::mirror::{self, Reflection};
use super::projector::Projector;
use super::retain::Retention;
use super::session::{self, WriterLock};
use super::{StoreError, Unavailable};
use crate::domain::delivery::{Delivery, Receipt, Seq};
use crate::domain::stream::Hello;
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
    /// How many events there are: fewer than that, once some were removed.
    pub events: u64,
    /// Grows with each commit, also where only repeats were counted.
    pub revision: u64,
}

pub(super) enum Order {
    Keep(Box<Delivery>, Packed, oneshot::Sender<Answer>),
    Mark(Seq, bool),
    /// Keep what a mirror was told.
    Reflect(Box<Reflection>, oneshot::Sender<Result<(), Unavailable>>),
    /// Write this fact about the session.
    Remember(&'static str, String, oneshot::Sender<()>),
    /// Pack with this dictionary from now on.
    Dictionary(Vec<u8>),
    /// Remove a little of what is too old now; answered with whether there is more.
    Sweep(Timestamp, oneshot::Sender<bool>),
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
    pub(super) outbox: Outbox,
    path: Arc<Path>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Journal {
    /// Makes or continues the session at `path` and starts its writer.
    ///
    /// # Errors
    /// If the file is no session, is damaged, newer or being written by another process.
    pub fn open(path: &Path, now: Timestamp, pulse: Pulse) -> Result<Self, StoreError> {
        Self::retaining(path, now, pulse, None)
    }

    /// Makes or continues at `path` the mirror of the session that has said hello at this URL, and starts its
    /// writer.
    ///
    /// # Errors
    /// The same, and if it is the mirror of another session, or a session of its own.
    pub fn mirror(
        path: &Path,
        of: &Hello,
        url: &str,
        now: Timestamp,
        pulse: Pulse,
    ) -> Result<Self, StoreError> {
        let (connection, lock) = session::open_writer(path)?;
        mirror::begin_mirror(&connection, path, of, url)?;
        Self::begin(path, (connection, lock), pulse, Some(now), None)
    }

    fn begin(
        path: &Path,
        (mut connection, lock): (Connection, WriterLock),
        pulse: Pulse,
        mirror_since: Option<Timestamp>,
        span_millis: Option<i64>,
    ) -> Result<Self, StoreError> {
        // The log is synced after a commit, not in it: see `durable`.
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        room::give_back(&connection)?;
        let durable = Durable::start(path)?;
        let folding = Folding::start(&mut connection, path)?;
        let projector = Projector::new(&connection, pulse.rules().clone())?;
        let gone = Gone::of(&connection)?;
        let retention = span_millis.map(Retention::new);
        let packer = if retention.is_some() {
            connection.execute_batch("PRAGMA secure_delete = ON")?;
            // A dictionary would keep pieces of the events it is made from.
            Packer::default()
        } else {
            Packer::of(&connection)?
        };
        let seq = projector.newest();
        pulse.reached(seq);
        let (orders, waiting) = mpsc::channel(QUEUE);
        let (told, committed) = watch::channel(Commit { seq, events: projector.sums().events, revision: 0 });
        let identities = identities(path);
        let outbox = Outbox::default();
        let path: Arc<Path> = path.into();
        let writer = Writer {
            connection,
            projector,
            stale: false,
            gone,
            retention,
            packer: packer.clone(),
            outbox: outbox.clone(),
            training: span_millis.is_none().then(|| orders.downgrade()),
            path: Arc::clone(&path),
            identities,
            log_again: None,
            mirror_since,
            told: Arc::new(told),
            pulse,
            durable,
            folding,
            looked: Instant::now(),
            _lock: lock,
        };
        let thread = std::thread::spawn(move || writer.run(waiting));
        Ok(Self { orders, committed, packer, outbox, path, thread: Arc::new(Mutex::new(Some(thread))) })
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
        let (receipt, _delivery) =
            coming.await.map_err(|_closed| unavailable("the session is being closed"))?;
        receipt
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
        Ok(mirror::fact(&session::connect_reader(&self.path)?, name)?)
    }

    /// Hands an order in, and waits while too many are waiting.
    pub(super) async fn order(&self, order: Order) -> Result<(), Unavailable> {
        let closed = |_| Unavailable { reason: "the session is being closed".to_owned() };
        self.orders.send(order).await.map_err(closed)
    }

    pub(super) fn packer(&self) -> &Packer {
        &self.packer
    }

    /// How much waits to be written, and how much may.
    #[must_use]
    pub fn queue(&self) -> (usize, usize) {
        (self.orders.max_capacity() - self.orders.capacity(), self.orders.max_capacity())
    }

    /// Bytes that the disk of the session has left, if it says.
    #[must_use]
    pub fn disk_free(&self) -> Option<u64> {
        room::left(&self.path)
    }

    /// Has the results of forwarding written now, unless a group is being written anyway.
    pub fn flush(&self) {
        // A full queue takes them along.
        let _ = self.orders.try_send(Order::Probe);
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
    /// session is being closed. Returns what has been committed by then.
    pub async fn close(self) -> Commit {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A writer that is gone needs no order.
        let _ = self.orders.send(Order::Close).await;
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join());
            // A writer that panicked has nothing left to write; the log holds what was acknowledged.
            let _ = joined.await;
        }
        *self.committed.borrow()
    }
}

struct Writer {
    connection: Connection,
    projector: Projector,
    /// The last group failed: what the projector has at hand is not what the file holds.
    stale: bool,
    /// What was removed for good and is not to come back.
    gone: Gone,
    /// How long events are kept, if not for ever.
    retention: Option<Retention>,
    packer: Packer,
    /// Results of forwarding, taken along with each group.
    outbox: Outbox,
    /// Where a new dictionary is sent to; `None` once one is being made.
    training: Option<mpsc::WeakSender<Order>>,
    path: Arc<Path>,
    identities: [Option<session::Identity>; 2],
    /// The copy of the log that took the name of one that was removed.
    log_again: Option<session::Identity>,
    /// It is a mirror, looked at since then: nobody is called about what came before.
    mirror_since: Option<Timestamp>,
    told: Arc<watch::Sender<Commit>>,
    pulse: Pulse,
    durable: Durable,
    folding: Folding,
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
                self.pulse.pressure(queued, room::left(&self.path));
            }
        }
        let Self { connection, durable, folding, .. } = self;
        drop((durable, folding));
        // Nothing is lost if this fails: the log is read again at the next start.
        let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Writes a group in one transaction, and has the receipts handed out once it is durable.
    fn write(&mut self, group: &mut Vec<Order>) {
        let begun = Instant::now();
        let done = self.transact(group);
        let mut sweep = None;
        let (ok, done) = (done.is_ok(), done.as_ref());
        let mut answers = Answers::default();
        let mut receipts = done.ok().map(|done| done.receipts.iter().copied());
        let mut reflected = done.ok().map(|done| done.reflected.iter().copied());
        for order in group.drain(..) {
            match order {
                // It is in the log before any body that is packed with it.
                Order::Dictionary(bytes) if ok => self.packer.adopt(bytes),
                Order::Remember(.., done) => answers.remembered.push(done),
                Order::Keep(delivery, _, answer) => {
                    answers.kept.push((answer, receipts.as_mut().and_then(Iterator::next), delivery));
                }
                Order::Reflect(_, answer) => {
                    answers.reflected.push((answer, reflected.as_mut().and_then(Iterator::next)));
                }
                Order::Sweep(now, answer) => sweep = Some((now, answer)),
                _ => {}
            }
        }
        match done {
            Ok(_) => self.answer_once_durable(answers, begun),
            Err(error) => {
                // The error is told below; that there is nothing to roll back is fine.
                let _ = self.connection.execute_batch("ROLLBACK");
                self.stale = true;
                let what = match error {
                    StoreError::File { .. } => error.to_string(),
                    _ => format!("{}: {error}; make room on the disk or give it back", self.path.display()),
                };
                cannot_store(&self.pulse, &what, self.mirror_since.is_some());
                answers.refuse(&error.to_string());
            }
        }
        if let Some((now, answer)) = sweep {
            let _ = answer.send(ok && self.sweep(now));
        }
    }

    /// Hands a group that is committed on to be synced; the writer goes on meanwhile.
    fn answer_once_durable(&mut self, answers: Answers, begun: Instant) {
        let (pulse, path, mirror_since) = (self.pulse.clone(), Arc::clone(&self.path), self.mirror_since);
        let mut alerts = self.projector.alerts();
        alerts.retain(|alert| mirror_since.is_none_or(|since| alert.at >= since));
        let (seq, events) = (self.projector.newest(), self.projector.sums().events);
        let told = Arc::clone(&self.told);
        let faulty = self.pulse.storage_fault().is_some();
        self.durable.after_sync(Box::new(move |synced| match synced {
            Ok(()) => {
                if faulty {
                    pulse.storage(None);
                }
                pulse.wrote(answers.kept.len(), begun.elapsed());
                answers.give();
                pulse.call(alerts);
                if mirror_since.is_some() {
                    pulse.reached(seq);
                }
                told.send_modify(|commit| *commit = Commit { seq, events, revision: commit.revision + 1 });
            }
            Err(why) => {
                let what = format!("{}: {why}; see to the disk", path.display());
                cannot_store(&pulse, &what, mirror_since.is_some());
                answers.refuse(&why);
            }
        }));
        self.folding.committed(&self.connection);
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

    fn transact(&mut self, group: &[Order]) -> Result<Done, StoreError> {
        self.is_in_place()?;
        let connection = &self.connection;
        if self.durable.is_broken() {
            // The log may have a gap. What was committed goes into the file itself, synced, before anything else.
            if !self.fold("TRUNCATE")? {
                return Err(StoreError::file(&self.path, "is being read, and cannot be mended meanwhile"));
            }
            self.durable.mended();
        }
        if self.stale {
            // What was rolled back is still counted at hand. As long as it cannot be read anew, nothing is kept.
            self.projector = Projector::new(connection, self.pulse.rules().clone())?;
            self.stale = false;
        }
        if self.pulse.storage_fault().is_some() && group.iter().all(|order| matches!(order, Order::Probe)) {
            room::try_out(connection)?;
        }
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut done = Done::default();
        for order in group {
            match order {
                Order::Keep(delivery, packed, _) => {
                    done.receipts.push(if self.is_gone(delivery)? {
                        Receipt::Gone
                    } else {
                        self.projector.take(connection, delivery, packed)?
                    });
                }
                Order::Reflect(batch, _) => {
                    done.reflected.push(mirror::reflect(connection, &mut self.projector, &self.gone, batch)?);
                }
                Order::Dictionary(bytes) => codec::keep_dictionary(connection, bytes)?,
                Order::Probe | Order::Close | Order::Sweep(..) => {}
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
        let taken = self.outbox.write(connection)?;
        connection.prepare_cached("COMMIT")?.execute([])?;
        self.outbox.written(&taken);
        Ok(done)
    }
}

/// What writing a group came to.
#[derive(Default)]
struct Done {
    /// Of what was to be kept, in order.
    receipts: Vec<Receipt>,
    /// Whether what a mirror was told fitted, in order.
    reflected: Vec<bool>,
}

fn cannot_store(pulse: &Pulse, what: &str, is_mirror: bool) {
    let until = if is_mirror {
        "Until then nothing new is shown; it is kept where it comes from"
    } else {
        "Until then deliveries are answered 503, and sent again"
    };
    pulse.storage(Some(format!("{what}. {until}")));
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
