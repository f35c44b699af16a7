//! On to the user's own code: each event that is kept is posted to a URL, and again by hand.
//!
//! Nothing is handed over on the way in: a number is all that tells what is to be sent, and the session is read
//! when it is. So a target that is slow, hangs or is gone costs neither an acknowledgement nor memory, and a
//! program that is started anew goes on from where it stood. All of it runs on a thread of its own.
//!
//! ```text
//! journal ──committed up to n──▶ Schedule ──seq──▶ Reader ──headers, body──▶ Target
//!    ▲                              ▲                                          │
//!    └──────── results ─────────────┴──────────────── ending ◀────────────────┘
//! ```
#![expect(clippy::disallowed_methods, reason = "forwarding has a thread of its own")]

mod replays;
mod request;
mod schedule;
pub mod target;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use self::replays::Replays;
use self::schedule::Schedule;
use self::target::{Ending, Target};
use crate::clock;
use crate::domain::delivery::Seq;
use crate::domain::forward::{Forwarded, Forwarding, Replay, Replayed, State, Trouble};
use crate::domain::secret::Keyring;
use crate::pulse::Pulse;
use crate::store::StoreError;
use crate::store::journal::{Commit, Journal};
use crate::store::reader::Reader;

/// Requests under way at once.
const CONCURRENCY: usize = 16;
/// So many failures in a row are told as a trouble of the target's and not of an event's.
const STREAK: u32 = 3;
/// Results are written after so long, if nothing else is written meanwhile.
const FLUSH: Duration = Duration::from_millis(250);
/// How long what is under way may take once we are to stop.
const GRACE: Duration = Duration::from_secs(2);
/// A session that cannot be read is tried again after so long, and one that cannot be written.
const PATIENCE: Duration = Duration::from_millis(500);

/// What forwarding works with.
pub struct Forward {
    /// Where to.
    pub target: Target,
    /// Reads the session.
    pub reader: Reader,
    /// The session that is being written, whose events are to be passed on; `None` for a saved one.
    pub journal: Option<Journal>,
    /// Where it is told how things are.
    pub pulse: Pulse,
    /// The secrets to sign with, as they are known at the moment.
    pub keyring: Box<dyn Fn() -> Keyring + Send>,
}

enum Order {
    Replay(Replay, oneshot::Sender<Replayed>),
    Stop,
}

/// Where replays are ordered. Clones share it.
#[derive(Clone)]
pub struct Orders(mpsc::Sender<Order>);

impl Orders {
    /// Sends something again, and tells what it came to.
    ///
    /// # Errors
    /// A sentence, if nothing is forwarded any more.
    pub async fn replay(&self, replay: Replay) -> Result<Replayed, String> {
        let gone = || "nothing is forwarded any more".to_owned();
        let (answer, coming) = oneshot::channel();
        self.0.send(Order::Replay(replay, answer)).await.map_err(|_closed| gone())?;
        coming.await.map_err(|_gone| gone())
    }

    /// Ends the replays under way.
    pub async fn stop(&self) {
        // Where nothing is forwarded there is nothing to end.
        let _ = self.0.send(Order::Stop).await;
    }
}

/// Begins to forward, until `stop`. What is kept from this call on is passed on, and what was left of earlier
/// times; the task ends when the last results are on their way to the session.
///
/// # Errors
/// If the session cannot be read, or no thread can be started.
pub fn begin(forward: Forward, stop: CancellationToken) -> Result<(Orders, JoinHandle<()>), StoreError> {
    let (orders, coming) = mpsc::channel(16);
    let worker = Worker::new(forward)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (done, ended) = oneshot::channel::<()>();
    std::thread::Builder::new().name("forward".into()).spawn(move || {
        runtime.block_on(worker.run(coming, stop));
        // A name that is still being looked up must not keep anybody waiting.
        runtime.shutdown_background();
        drop(done);
    })?;
    let task = tokio::spawn(async move {
        let _ = ended.await;
    });
    Ok((Orders(orders), task))
}

/// One request under way.
struct Job {
    seq: Seq,
    id: String,
    /// The replay it is for.
    replay: Option<u64>,
}

/// One request that has ended.
struct Done {
    job: Job,
    ending: Ending,
    millis: u32,
}

struct Worker {
    target: Arc<Target>,
    reader: Reader,
    journal: Option<Journal>,
    pulse: Pulse,
    keyring: Box<dyn Fn() -> Keyring + Send>,
    /// Events that come; nothing is ever to be begun in a saved session.
    schedule: Schedule,
    replays: Replays,
    /// Up to this event some may have been taken already: before we began, or sent by hand.
    doubted: Seq,
    begun: Instant,
    /// Failures since the last success.
    streak: u32,
    delivered: u64,
    trouble: Option<Trouble>,
    /// There was one when it was told last.
    told: bool,
    /// When results are to be written, and figures told.
    flush_at: Option<Instant>,
    /// When the session is looked at again, which could not be read or written.
    patience: Option<Instant>,
}

impl Worker {
    fn new(forward: Forward) -> Result<Self, StoreError> {
        let Forward { target, reader, journal, pulse, keyring } = forward;
        let newest = journal.as_ref().map_or(0, |journal| journal.committed().borrow().seq);
        let settled = match &journal {
            None => 0,
            Some(journal) => match reader.forwarded_to()? {
                Some(place) => place.min(newest),
                None => {
                    // From now on, and from here also if the program ends before anything was sent.
                    journal.forwarded([], Some(newest));
                    journal.flush();
                    newest
                }
            },
        };
        let schedule = Schedule::new(settled, newest);
        let shown = Forwarding {
            target: target.url().shown(),
            follows: journal.is_some(),
            waiting: schedule.waiting(),
            ..Forwarding::default()
        };
        pulse.forward(|forward| *forward = shown);
        Ok(Self {
            target: Arc::new(target),
            reader,
            journal,
            pulse,
            keyring,
            schedule,
            replays: Replays::default(),
            doubted: newest,
            begun: Instant::now(),
            streak: 0,
            delivered: 0,
            trouble: None,
            told: false,
            flush_at: None,
            patience: None,
        })
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
        let mut committed = self.journal.as_ref().map(Journal::committed);
        let mut seen = self.doubted;
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < CONCURRENCY
                && let Some((job, headers, body)) = self.next()
            {
                under_way.push(send(Arc::clone(&self.target), job, headers, body));
            }
            let wake = self.wake(under_way.len() < CONCURRENCY);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(order) = orders.recv() => self.order(order),
                newest = newer(&mut committed, seen) => {
                    seen = newest;
                    self.schedule.reached(newest);
                }
                Some(done) = under_way.next(), if !under_way.is_empty() => self.ended(done),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => self.woken(),
            }
        }
        self.replays.stop("the program is ending");
        let rest = async {
            while let Some(done) = under_way.next().await {
                self.ended(done);
            }
        };
        // What is not answered by then is not settled: it is sent again at the next start.
        let _ = timeout(GRACE, rest).await;
        self.flush();
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The next request to make, if one is to be made now.
    fn next(&mut self) -> Option<(Job, hyper::HeaderMap, Vec<u8>)> {
        loop {
            // Somebody may begin to write a saved session. If it cannot be read that is told with what is read next.
            let _ = self.reader.keep_up();
            let (seq, replay) = self.pick()?;
            let parcel = match self.reader.parcel(seq) {
                Ok(parcel) => parcel,
                Err(error) => {
                    self.unreadable(seq, replay, &error);
                    continue;
                }
            };
            let (Some(parcel), now) = (parcel, clock::now()) else {
                match replay {
                    Some(number) => self.replays.ended(number, None),
                    None => self.schedule.skip(seq),
                }
                self.flush_soon();
                continue;
            };
            let headers = match replay {
                Some(_) => request::afresh(&parcel, &(self.keyring)(), now),
                None => request::passed_on(&parcel, &self.keyring, now),
            };
            return Some((Job { seq, id: parcel.id, replay }, headers, parcel.body));
        }
    }

    /// The next event to send: what somebody waits for comes first.
    fn pick(&mut self) -> Option<(Seq, Option<u64>)> {
        if self.patience.is_some() {
            return None;
        }
        // Results wait in memory until they are written, those of replays as well.
        if self.journal.as_ref().is_some_and(Journal::is_behind) {
            self.patience = Some(Instant::now() + PATIENCE);
            return None;
        }
        if let Some((number, seq)) = self.replays.take(&self.reader) {
            return Some((seq, Some(number)));
        }
        self.journal.as_ref()?;
        loop {
            let seq = self.schedule.take(self.now())?;
            let taken = seq <= self.doubted
                && matches!(self.reader.forwarded(seq), Ok(Some(result)) if result.state == State::Delivered);
            if !taken {
                return Some((seq, None));
            }
            self.schedule.skip(seq);
            self.flush_soon();
        }
    }

    fn unreadable(&mut self, seq: Seq, replay: Option<u64>, error: &StoreError) {
        match replay {
            Some(number) => self.replays.end(number, &error.to_string()),
            None => {
                self.schedule.put_back(seq);
                self.patience = Some(Instant::now() + PATIENCE);
                self.troubled(error.to_string());
                self.tell();
            }
        }
    }

    /// When there is something to do although nothing happens. `room`: another request can be made.
    fn wake(&self, room: bool) -> Option<Instant> {
        let begins = room && self.journal.is_some() && self.patience.is_none();
        let due = self.schedule.due().filter(|_| begins);
        [self.flush_at, self.patience, due.map(|due| self.begun + due)].into_iter().flatten().min()
    }

    fn woken(&mut self) {
        let now = Instant::now();
        self.patience.take_if(|at| *at <= now);
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush();
        }
    }

    /// Has the results written, and tells the figures.
    fn flush(&mut self) {
        self.flush_at = None;
        if let Some(journal) = &self.journal {
            journal.forwarded([], Some(self.schedule.settled()));
            journal.flush();
        }
        self.tell();
    }

    fn flush_soon(&mut self) {
        self.flush_at.get_or_insert_with(|| Instant::now() + FLUSH);
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Replay(replay, answer) => {
                self.replays.add(replay, (self.keyring)().is_empty(), answer);
            }
            Order::Stop => self.replays.stop("stopped"),
        }
        self.flush_soon();
    }

    fn ended(&mut self, done: Done) {
        let Done { job: Job { seq, id, replay }, ending, millis } = done;
        let unreachable = matches!(ending, Ending::Unreachable(_));
        let judged = match replay {
            Some(_) => {
                if !unreachable {
                    self.schedule.answered();
                }
                if ending.is_taken() {
                    self.schedule.settle(seq);
                    self.doubted = self.doubted.max(seq);
                }
                Some((1, if ending.is_taken() { State::Delivered } else { State::GivenUp }))
            }
            None => self.schedule.ended(seq, &ending, self.now()),
        };
        let taken = ending.is_taken();
        let (status, note) = match ending {
            Ending::Answered { status, begins } => (Some(status), begins),
            Ending::Failed(why) | Ending::Unreachable(why) => (None, why),
        };
        let why = match status {
            Some(status) => format!("it answers {status}"),
            None => note.clone(),
        };
        if taken {
            self.streak = 0;
            self.trouble = None;
        } else {
            self.streak += 1;
            if unreachable || self.trouble.is_some() || self.streak >= STREAK {
                self.troubled(why);
            }
        }
        self.flush_soon();
        let Some((attempts, state)) = judged else { return self.tell() };
        let at = clock::now();
        let result = Forwarded { at, attempts, state, status, millis, note, replayed: replay.is_some() };
        if let Some(number) = replay {
            if unreachable {
                return self.replays.unreached(number, result);
            }
            self.replays.ended(number, Some(&result));
        } else if state == State::GivenUp {
            self.pulse.forward(|forward| forward.fail(seq, id, result.clone()));
        }
        self.delivered += u64::from(taken);
        if let Some(journal) = &self.journal {
            journal.forwarded([(seq, result)], None);
        }
        if self.told != self.trouble.is_some() {
            self.tell();
        }
    }

    fn troubled(&mut self, why: String) {
        let since = self.trouble.as_ref().map_or_else(clock::now, |trouble| trouble.since);
        let again_at = self.schedule.outage().map(|until| {
            let left = until.saturating_sub(self.now());
            clock::now().plus_millis(i64::try_from(left.as_millis()).unwrap_or_default())
        });
        self.trouble = Some(Trouble { since, why, again_at });
    }

    fn tell(&mut self) {
        self.told = self.trouble.is_some();
        let waiting = if self.journal.is_some() { self.schedule.waiting() } else { 0 };
        self.pulse.forward(|forward| {
            forward.waiting = waiting;
            forward.delivered = self.delivered;
            forward.trouble.clone_from(&self.trouble);
            forward.progress = self.replays.progress();
        });
    }
}

async fn send(target: Arc<Target>, job: Job, headers: hyper::HeaderMap, body: Vec<u8>) -> Done {
    let (ending, millis) = target.send(headers, body).await;
    Done { job, ending, millis }
}

/// Ends when there are newer events than this one; never, if there can be none any more.
async fn newer(committed: &mut Option<watch::Receiver<Commit>>, seen: Seq) -> Seq {
    if let Some(receiver) = committed
        && let Ok(commit) = receiver.wait_for(|commit| commit.seq > seen).await
    {
        return commit.seq;
    }
    std::future::pending().await
}
