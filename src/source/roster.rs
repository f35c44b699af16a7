//! Which connections are open, what each of them is waited for, and which have to go.
//!
//! Every deadline is kept by one look around twice a second, not by a timer a request: the way of a good
//! delivery costs a few atomic stores. When it is crowded, whoever has never delivered anything and has been
//! waited for longest goes first; a connection whose delivery is being kept never does.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::{self, Connections};
use crate::domain::vitals::Port;

/// What a connection is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its first byte, or the TLS handshake before it.
    Fresh,
    /// The rest of a request's head.
    Head,
    /// The rest of a request's body.
    Body,
    /// Our own answer.
    Store,
    /// Its next request.
    Rest,
    /// That it reads the last answer and closes.
    Leaving,
}

impl Phase {
    const ALL: [Self; 6] = [Self::Fresh, Self::Head, Self::Body, Self::Store, Self::Rest, Self::Leaving];

    fn limit(self) -> Duration {
        match self {
            Self::Fresh => limits::FIRST_BYTE,
            Self::Head => limits::HEAD,
            // Answered 408 by then; this is for who does not read that.
            Self::Body => limits::BODY + limits::LEAVING,
            Self::Store => limits::STORE,
            Self::Rest => limits::REST,
            Self::Leaving => limits::LEAVING,
        }
    }
}

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Close at once.
    Close,
    /// Answer what is asked, then close.
    Finish,
}

const NO_ORDER: u8 = 0;
const FINISH: u8 = 1;
const CLOSE: u8 = 2;
/// Bits of a stage that are the phase; the others are milliseconds since the roster began.
const PHASE_BITS: u32 = 3;

/// One connection, as the roster sees it.
#[derive(Debug)]
pub struct Line {
    roster: Arc<Roster>,
    number: u64,
    /// Whose connections it is counted among, if they are counted.
    counted: Option<IpAddr>,
    stage: AtomicU64,
    delivered: AtomicBool,
    held: AtomicUsize,
    order: AtomicU8,
    told: Notify,
}

impl Line {
    /// What it is waited for now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.stage().0
    }

    fn stage(&self) -> (Phase, u64) {
        let stage = self.stage.load(Relaxed);
        let phase = Phase::ALL.get((stage & ((1 << PHASE_BITS) - 1)) as usize);
        (phase.copied().unwrap_or(Phase::Leaving), stage >> PHASE_BITS)
    }

    /// It is waited for something else from now on.
    pub fn enter(&self, phase: Phase) {
        self.stage.store((self.roster.millis() << PHASE_BITS) | phase as u64, Relaxed);
    }

    /// Something of a request has come.
    pub fn heard(&self) {
        if matches!(self.phase(), Phase::Fresh | Phase::Rest) {
            self.enter(Phase::Head);
        }
    }

    /// It has brought a delivery that was kept: it is no stranger any more.
    pub fn delivered(&self) {
        self.delivered.store(true, Relaxed);
    }

    /// It holds so many bytes more of a body. False if there is no room for them.
    #[must_use]
    pub fn hold(&self, bytes: usize) -> bool {
        self.held.fetch_add(bytes, Relaxed);
        let all = self.roster.held.fetch_add(bytes, Relaxed) + bytes;
        if all > limits::BODY_BYTES {
            self.roster.relieve(self.number);
        }
        all <= limits::BODY_BYTES * 2
    }

    /// It holds none of a body any more.
    pub fn let_go(&self) {
        let held = self.held.swap(0, Relaxed);
        self.roster.held.fetch_sub(held, Relaxed);
    }

    fn tell(&self, order: Order) {
        let code = if order == Order::Close { CLOSE } else { FINISH };
        if self.order.fetch_max(code, Relaxed) < code {
            self.told.notify_one();
        }
    }

    /// Waits for an order other than the one already carried out.
    pub async fn order(&self, done: Option<Order>) -> Order {
        loop {
            match self.order.load(Relaxed) {
                CLOSE => return Order::Close,
                FINISH if done != Some(Order::Finish) => return Order::Finish,
                _ => self.told.notified().await,
            }
        }
    }

    /// How readily it is let go: strangers first, then those at rest, then those that are slow; in each of
    /// these who has been waited for longest. `None` while its delivery is being kept.
    fn rank(&self) -> Option<(u8, u64)> {
        let (phase, since) = self.stage();
        match phase {
            Phase::Store => None,
            Phase::Leaving => Some((0, since)),
            _ if !self.delivered.load(Relaxed) => Some((0, since)),
            Phase::Rest => Some((1, since)),
            _ => Some((2, since)),
        }
    }
}

/// A place in the roster, given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<Line>);

impl Place {
    /// The connection that has it.
    #[must_use]
    pub fn line(&self) -> &Arc<Line> {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.let_go();
        let mut open = self.0.roster.open();
        open.remove(self.0.number);
        drop(open);
        self.0.roster.left.notify_one();
    }
}

#[derive(Debug, Default)]
struct Open {
    lines: HashMap<u64, Arc<Line>>,
    counts: HashMap<IpAddr, usize>,
    next: u64,
}

impl Open {
    /// Takes a connection off the roster; those told to go are off it before they have gone.
    fn remove(&mut self, number: u64) {
        let Some(line) = self.lines.remove(&number) else { return };
        let Some(address) = line.counted else { return };
        if let Some(count) = self.counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&address);
            }
        }
    }

    /// Tells the `count` connections of an address (or of all) that are let go most readily to close.
    fn make_room(&mut self, address: Option<IpAddr>, count: usize) -> usize {
        let mut ranked: Vec<_> = self
            .lines
            .values()
            .filter(|line| address.is_none() || line.counted == address)
            .filter_map(|line| Some((line.rank()?, line.number)))
            .collect();
        let count = count.min(ranked.len());
        if count > 0 && count < ranked.len() {
            ranked.select_nth_unstable(count - 1);
        }
        for (_, number) in ranked.iter().take(count) {
            if let Some(line) = self.lines.get(number) {
                line.tell(Order::Close);
            }
            self.remove(*number);
        }
        count
    }
}

/// All connections of a listener.
#[derive(Debug)]
pub struct Roster {
    open: Mutex<Open>,
    limits: Connections,
    began: Instant,
    held: AtomicUsize,
    left: Notify,
    evicted: AtomicU64,
    overdue: AtomicU64,
    /// Requests that were no HTTP.
    pub malformed: AtomicU64,
    /// TLS handshakes that came to nothing.
    pub handshakes: AtomicU64,
}

impl Roster {
    /// An empty one.
    #[must_use]
    pub fn new(limits: Connections) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            limits,
            began: Instant::now(),
            held: AtomicUsize::new(0),
            left: Notify::new(),
            evicted: AtomicU64::new(0),
            overdue: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
            handshakes: AtomicU64::new(0),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX >> PHASE_BITS)
    }

    /// A place for a new connection, if need be that of another one; waits while every other one has a
    /// delivery that is being kept. `None` if its address has as many of those as it may have.
    pub async fn admit(self: &Arc<Self>, address: IpAddr, counted: bool) -> Option<Place> {
        let counted = counted.then(|| whose(address));
        loop {
            match self.try_admit(counted) {
                Admission::Given(place) => return Some(place),
                Admission::Refused => return None,
                Admission::Wait => self.left.notified().await,
            }
        }
    }

    fn try_admit(self: &Arc<Self>, counted: Option<IpAddr>) -> Admission {
        let mut open = self.open();
        if let Some(address) = counted
            && open.counts.get(&address).is_some_and(|count| *count >= self.limits.per_address)
        {
            let went = open.make_room(counted, batch(self.limits.per_address));
            self.evicted.fetch_add(went.max(1) as u64, Relaxed);
            if went == 0 {
                return Admission::Refused;
            }
        }
        if open.lines.len() >= self.limits.all {
            let went = open.make_room(None, batch(self.limits.all));
            self.evicted.fetch_add(went as u64, Relaxed);
            if went == 0 {
                return Admission::Wait;
            }
        }
        let number = open.next;
        open.next += 1;
        let line = Arc::new(Line {
            roster: Arc::clone(self),
            number,
            counted,
            stage: AtomicU64::new(self.millis() << PHASE_BITS),
            delivered: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            order: AtomicU8::new(NO_ORDER),
            told: Notify::new(),
        });
        if let Some(address) = counted {
            *open.counts.entry(address).or_default() += 1;
        }
        open.lines.insert(number, Arc::clone(&line));
        Admission::Given(Place(line))
    }

    /// Closes what is overdue.
    pub fn look(&self) {
        let now = self.millis();
        let mut open = self.open();
        let late = |line: &&Arc<Line>| {
            let (phase, since) = line.stage();
            u128::from(now.saturating_sub(since)) > phase.limit().as_millis()
        };
        let late: Vec<_> = open.lines.values().filter(late).cloned().collect();
        for line in late {
            // One that was answered and does not close is no news.
            let news = !matches!(line.phase(), Phase::Rest | Phase::Leaving);
            self.overdue.fetch_add(u64::from(news), Relaxed);
            line.tell(Order::Close);
            open.remove(line.number);
        }
    }

    /// Closes the stranger that holds most of a body, so that others have room for theirs.
    fn relieve(&self, but: u64) {
        let mut open = self.open();
        let strangers = open.lines.values().filter(|line| {
            line.number != but && line.phase() == Phase::Body && !line.delivered.load(Relaxed)
        });
        let heaviest = strangers.max_by_key(|line| line.held.load(Relaxed)).cloned();
        if let Some(line) = heaviest.filter(|line| line.held.load(Relaxed) > 0) {
            self.evicted.fetch_add(1, Relaxed);
            line.tell(Order::Close);
            open.remove(line.number);
        }
    }

    /// Sends away who asks nothing; the others are to finish.
    pub fn dismiss(&self) {
        for line in self.open().lines.values() {
            let asks = !matches!(line.phase(), Phase::Fresh | Phase::Rest | Phase::Leaving);
            line.tell(if asks { Order::Finish } else { Order::Close });
        }
    }

    /// Closes everything.
    pub fn close(&self) {
        self.open().lines.values().for_each(|line| line.tell(Order::Close));
    }

    /// True while a request that came whole up to its body is not answered.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.open().lines.values().any(|line| matches!(line.phase(), Phase::Body | Phase::Store))
    }

    /// How the port is doing.
    #[must_use]
    pub fn port(&self) -> Port {
        Port {
            open: self.open().lines.len() as u64,
            evicted: self.evicted.load(Relaxed),
            overdue: self.overdue.load(Relaxed),
            malformed: self.malformed.load(Relaxed),
            handshakes: self.handshakes.load(Relaxed),
        }
    }
}

enum Admission {
    Given(Place),
    Wait,
    Refused,
}

/// How many go at once when there is no room: looking for them costs a look at everybody.
fn batch(limit: usize) -> usize {
    (limit / 64).max(1)
}

/// Who is counted as one: an IPv4 address, or the network of 2^64 addresses that one IPv6 line is given.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
#[path = "roster/tests.rs"]
mod tests;
