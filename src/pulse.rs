//! The live state that listener, door and store report and that screens read: counters, faults and a
//! bounded ring of refusals. Nothing here is needed to know what a session says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::delivery::{Receipt, Seq};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::time::Timestamp;
use crate::domain::vitals::Vitals;

/// Refusals kept; older ones only count.
const RING: usize = 256;

/// A handle on the live state; clones share it.
#[derive(Clone)]
pub struct Pulse {
    inner: Arc<Mutex<Inner>>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    vitals: Vitals,
    /// Each with the newest event when it came, so that lists can put it among the events.
    ring: VecDeque<(Seq, Refusal)>,
    refusals: u64,
    newest: Seq,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { inner: Arc::default(), changed: watch::Sender::new(0) }
    }
}

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.lock());
        self.changed.send_modify(|revision| *revision += 1);
    }

    /// Tells of every change from now on.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Everything as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Vitals {
        let inner = self.lock();
        let refusals = inner.ring.iter().map(|(_, refusal)| refusal.clone()).collect();
        Vitals { refusals, ..inner.vitals.clone() }
    }

    /// The refusals still known, oldest first, each with the newest event when it came.
    #[must_use]
    pub fn refusals(&self) -> Vec<(Seq, Refusal)> {
        self.lock().ring.iter().cloned().collect()
    }

    /// The newest event of the session, so that a refusal knows where it stands.
    pub fn reached(&self, seq: Seq) {
        self.lock().newest = seq;
    }

    /// A delivery was accepted and kept.
    pub fn accepted(&self, receipt: Receipt, recognised: bool, at: Timestamp) {
        self.change(|inner| {
            inner.vitals.accepted += 1;
            inner.vitals.streak = 0;
            inner.vitals.last_at = Some(at);
            inner.vitals.last_accepted_at = Some(at);
            match receipt {
                Receipt::Fresh(seq) => {
                    inner.newest = inner.newest.max(seq);
                    inner.vitals.unrecognised += u64::from(!recognised);
                }
                Receipt::Repeat { .. } => inner.vitals.repeated += 1,
            }
        });
    }

    /// A delivery was refused. The refusal gets its number here, which is returned.
    pub fn refused(&self, mut refusal: Refusal) -> u64 {
        let mut number = 0;
        self.change(|inner| {
            inner.refusals += 1;
            number = inner.refusals;
            refusal.number = number;
            let counts = Code::ALL.into_iter().zip(&mut inner.vitals.refused);
            counts.filter(|(code, _)| *code == refusal.code).for_each(|(_, count)| *count += 1);
            inner.vitals.streak += 1;
            inner.vitals.pending += u64::from(refusal.pending);
            inner.vitals.last_at = Some(refusal.at);
            if inner.ring.len() == RING {
                inner.ring.pop_front();
            }
            let newest = inner.newest;
            inner.ring.push_back((newest, refusal));
        });
        number
    }

    /// What waited for a secret has been looked at again: `number` is kept now, or refused for good.
    pub fn settled(&self, number: u64, refused: Option<(Code, String)>) {
        self.change(|inner| {
            inner.vitals.pending = inner.vitals.pending.saturating_sub(1);
            if let Some((code, sentence)) = refused {
                let waiting = inner.ring.iter_mut().find(|(_, refusal)| refusal.number == number);
                if let Some((_, refusal)) = waiting {
                    (refusal.code, refusal.sentence, refusal.pending) = (code, sentence, false);
                }
            } else {
                inner.ring.retain(|(_, refusal)| refusal.number != number);
                inner.vitals.streak = 0;
            }
        });
    }

    /// A delivery was answered 503.
    pub fn unavailable(&self, at: Timestamp) {
        self.change(|inner| {
            inner.vitals.unavailable += 1;
            inner.vitals.last_at = Some(at);
        });
    }

    /// A body was over the limit.
    pub fn too_large(&self) {
        self.change(|inner| inner.vitals.too_large += 1);
    }

    /// The listener listens at this URL, or cannot for this reason.
    pub fn listening(&self, url: Result<String, String>) {
        self.change(|inner| {
            (inner.vitals.url, inner.vitals.listener_fault) = match url {
                Ok(url) => (Some(url), None),
                Err(why) => (inner.vitals.url.take(), Some(why)),
            };
        });
    }

    /// The session cannot be written for this reason, or (`None`) can be again.
    pub fn storage(&self, fault: Option<String>) {
        if self.lock().vitals.storage_fault != fault {
            self.change(|inner| inner.vitals.storage_fault = fault);
        }
    }

    /// How full the writer's queue is, and how many bytes the disk has left.
    pub fn pressure(&self, queue_percent: u64, disk_free: Option<u64>) {
        let vitals = (queue_percent, disk_free);
        let held = {
            let inner = self.lock();
            (inner.vitals.queue_percent, inner.vitals.disk_free)
        };
        if held != vitals {
            self.change(|inner| (inner.vitals.queue_percent, inner.vitals.disk_free) = vitals);
        }
    }

    /// Why the session cannot be written, if it cannot.
    #[must_use]
    pub fn storage_fault(&self) -> Option<String> {
        self.lock().vitals.storage_fault.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pending: bool) -> Refusal {
        Refusal {
            number: 0,
            at: Timestamp::default(),
            peer: None,
            id: None,
            code: Code::NoMatchingSignature,
            sentence: String::new(),
            clock_off_secs: None,
            pending,
        }
    }

    #[test]
    fn the_ring_forgets_and_the_counters_do_not() {
        let pulse = Pulse::default();
        for _ in 0..RING + 10 {
            pulse.refused(refusal(false));
        }
        assert_eq!(pulse.refusals().len(), RING);
        assert_eq!(
            (pulse.snapshot().refused(), pulse.snapshot().streak),
            (RING as u64 + 10, RING as u64 + 10)
        );
    }

    #[test]
    fn what_waited_for_a_secret_leaves_or_stays_refused() {
        let pulse = Pulse::default();
        let (first, second) = (pulse.refused(refusal(true)), pulse.refused(refusal(true)));
        pulse.settled(first, None);
        pulse.settled(second, Some((Code::NoMatchingSignature, "wrong".into())));
        let vitals = pulse.snapshot();
        assert_eq!((vitals.pending, vitals.refusals.len()), (0, 1));
        assert!(!vitals.refusals[0].pending);
    }
}
