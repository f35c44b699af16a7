//! The live state that listener, relay, door and store report and that screens read: counters, faults and a
//! bounded ring of refusals. Nothing here is needed to know what a session says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::alert::{Alert, Rule, Rules};
use crate::domain::delivery::{Receipt, Seq};
use crate::domain::forward::Forwarding;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::stream::Report;
use crate::domain::time::Timestamp;
use crate::domain::vitals::{Attachment, Port, Relay, Vitals, Writes};

/// Refusals kept; older ones only count.
const RING: usize = 256;
/// Deliveries whose lag is remembered: enough that one late retry does not move the middle one.
const LAGS: usize = 31;
/// Notices kept for whoever looks a moment later.
const NOTICES: usize = 16;
/// Fewer connections closed to make room are not worth a notice.
const CROWD: u64 = 64;
/// Alerts kept for whoever looks a moment later.
const ALERTS: usize = 64;

/// A handle on the live state; clones share it.
#[derive(Clone)]
pub struct Pulse {
    inner: Arc<Mutex<Inner>>,
    rules: Rules,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    vitals: Vitals,
    /// Each with the newest event when it came, so that lists can put it among the events.
    ring: VecDeque<(Seq, Refusal)>,
    refusals: u64,
    newest: Seq,
    lags: VecDeque<i64>,
    /// When each rule last called, in their order: a rule about the door calls once for one trouble.
    called: Vec<Option<Timestamp>>,
    begun: Option<Timestamp>,
    /// Each with its number: 1, 2, 3 … since the program started.
    notices: VecDeque<(u64, String)>,
    noticed: u64,
    writes: Writes,
    /// Why the session here cannot be written, if it cannot.
    storage_fault: Option<String>,
    /// What the refusals are was told by another invigil.
    reported: bool,
}

impl Inner {
    fn count_refused(&mut self, code: Code) {
        let counts = Code::ALL.into_iter().zip(&mut self.vitals.refused);
        counts.filter(|(of, _)| *of == code).for_each(|(_, count)| *count += 1);
    }

    fn called_at(&self, rule: usize) -> Option<Timestamp> {
        self.called.get(rule).copied().flatten()
    }

    fn called_now(&mut self, rule: usize, at: Timestamp) {
        self.called.resize(self.called.len().max(rule + 1), None);
        if let Some(called) = self.called.get_mut(rule) {
            *called = Some(at);
        }
    }

    fn call(&mut self, mut alert: Alert) {
        self.vitals.called += 1;
        alert.number = self.vitals.called;
        if self.vitals.alerts.len() == ALERTS {
            self.vitals.alerts.remove(0);
        }
        self.vitals.alerts.push(alert);
    }

    fn notice(&mut self, text: String) {
        self.noticed += 1;
        if self.notices.len() == NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back((self.noticed, text));
    }

    /// Calls if enough deliveries were refused of late, and nobody was called within the same span.
    fn watch_refusals(&mut self, rules: &Rules, now: Timestamp) {
        for (n, rule) in rules.iter().enumerate() {
            let Rule::Refused(count, span) = rule else { continue };
            let span = span.as_millis();
            let of_late = self.ring.iter().rev().take_while(|(_, refusal)| now.since(refusal.at) <= span);
            let quiet = self.called_at(n).is_none_or(|called| now.since(called) > span);
            if quiet && of_late.count() >= count as usize {
                self.called_now(n, now);
                self.call(Alert { number: 0, at: now, rule, about: None });
            }
        }
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new(Rules::default())
    }
}

impl Pulse {
    /// A live state that calls somebody by these rules.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { inner: Arc::default(), rules, changed: watch::Sender::new(0) }
    }

    /// What somebody is called for.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

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
        let mut lags: Vec<i64> = inner.lags.iter().copied().collect();
        lags.sort_unstable();
        let lag_millis = lags.get(lags.len() / 2).copied();
        let lag_millis = lag_millis.or(inner.vitals.lag_millis);
        let storage_fault = inner.storage_fault.clone().or_else(|| inner.vitals.storage_fault.clone());
        Vitals { refusals, storage_fault, lag_millis, ..inner.vitals.clone() }
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

    /// A delivery was accepted and kept, so long after its event was created, if its id tells.
    pub fn accepted(&self, receipt: Receipt, recognised: bool, at: Timestamp, lag_millis: Option<i64>) {
        self.change(|inner| {
            if let Some(lag) = lag_millis {
                if inner.lags.len() == LAGS {
                    inner.lags.pop_front();
                }
                inner.lags.push_back(lag);
            }
            inner.vitals.accepted += 1;
            inner.vitals.streak = 0;
            inner.vitals.certificate_doubt = None;
            inner.vitals.last_accepted_at = Some(at);
            match receipt {
                Receipt::Fresh(seq) => {
                    inner.newest = inner.newest.max(seq);
                    inner.vitals.unrecognised += u64::from(!recognised);
                }
                Receipt::Repeat { .. } => inner.vitals.repeated += 1,
                Receipt::Gone => {}
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
            if refusal.pending {
                inner.vitals.pending += 1;
            } else {
                inner.count_refused(refusal.code);
            }
            // With a list of senders strangers are turned away all the time; that nobody else comes is news.
            if refusal.code != Code::SenderNotAllowed || inner.vitals.accepted == 0 {
                inner.vitals.streak += 1;
            }
            if inner.ring.len() == RING {
                inner.ring.pop_front();
            }
            let (newest, at) = (inner.newest, refusal.at);
            inner.ring.push_back((newest, refusal));
            inner.watch_refusals(&self.rules, at);
        });
        number
    }

    /// These candidacies are called about; the alerts get their numbers here.
    pub fn call(&self, alerts: Vec<Alert>) {
        if !alerts.is_empty() {
            self.change(|inner| alerts.into_iter().for_each(|alert| inner.call(alert)));
        }
    }

    /// Looks whether it has been quiet for too long.
    pub fn listen_for_silence(&self, now: Timestamp) {
        let mut inner = self.lock();
        let begun = *inner.begun.get_or_insert(now);
        let since = inner.vitals.last_accepted_at.unwrap_or(begun);
        for (n, rule) in self.rules.iter().enumerate() {
            let Rule::Quiet(span) = rule else { continue };
            let called = inner.called_at(n);
            if now.since(since) >= span.as_millis() && called.is_none_or(|called| called < since) {
                inner.called_now(n, now);
                inner.call(Alert { number: 0, at: now, rule, about: None });
                self.changed.send_modify(|revision| *revision += 1);
            }
        }
    }

    /// What waited for a secret has been looked at again: `number` is kept now, or refused for good.
    pub fn settled(&self, number: u64, refused: Option<(Code, String)>) {
        self.change(|inner| {
            inner.vitals.pending = inner.vitals.pending.saturating_sub(1);
            if let Some((code, sentence)) = refused {
                inner.count_refused(code);
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
    pub fn unavailable(&self) {
        self.change(|inner| inner.vitals.unavailable += 1);
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

    /// The certificate was read anew, or (`Some`) could not be and the one before stays, or it has to be soon.
    pub fn certificate(&self, fault: Option<String>) {
        self.change(|inner| {
            let text = fault.clone().unwrap_or_else(|| "the certificate was read anew".to_owned());
            inner.notice(text);
            inner.vitals.certificate_fault = fault;
        });
    }

    /// When the certificate that is in use expires, if that can be told.
    pub fn certificate_expires(&self, at: Option<Timestamp>) {
        self.change(|inner| inner.vitals.certificate_expires_at = at);
    }

    /// A peer hung up because of the certificate.
    pub fn certificate_doubted(&self, why: &'static str) {
        self.change(|inner| inner.vitals.certificate_doubt = Some(why.to_owned()));
    }

    /// Lines of the log are missing, or (`None`) are not any more.
    pub fn log_fault(&self, fault: Option<String>) {
        if self.lock().vitals.log_fault != fault {
            self.change(|inner| inner.vitals.log_fault = fault);
        }
    }

    /// How the port is doing. A crowd is told of whenever it has doubled.
    pub fn port(&self, port: Port) {
        let before = self.lock().vitals.port;
        if before == port {
            return;
        }
        self.change(|inner| {
            inner.vitals.port = port;
            let doubled = |count: u64| count.max(CROWD).ilog2();
            if doubled(port.evicted) > doubled(before.evicted) {
                let count = port.evicted;
                inner.notice(format!("the port is crowded: {count} connections were closed to make room"));
            }
        });
    }

    /// A TLS handshake came to nothing, for this reason, as so many before: told of whenever they have doubled.
    pub fn handshake_failed(&self, why: &str, failed: u64) {
        if failed.is_power_of_two() {
            self.notice(format!("TLS handshakes failed: {failed} so far, this one: {why}"));
        }
    }

    /// Something that a person may want to look into.
    pub fn notice(&self, text: String) {
        self.change(|inner| inner.notice(text));
    }

    /// The notices still known, oldest first, each with its number.
    #[must_use]
    pub fn notices(&self) -> Vec<(u64, String)> {
        self.lock().notices.iter().cloned().collect()
    }

    /// Something about the relay is otherwise now.
    pub fn relay(&self, change: impl FnOnce(&mut Relay)) {
        self.change(|inner| change(inner.vitals.relay.get_or_insert_default()));
    }

    /// Something about forwarding is otherwise now.
    pub fn forward(&self, change: impl FnOnce(&mut Forwarding)) {
        self.change(|inner| change(inner.vitals.forward.get_or_insert_default()));
    }

    /// Something about the invigil that is looked at from here is otherwise now.
    pub fn attachment(&self, change: impl FnOnce(&mut Attachment)) {
        self.change(|inner| change(inner.vitals.attachment.get_or_insert_default()));
    }

    /// How that invigil is doing, which stands here for how listener, relay and door are doing. Its refusals
    /// call as if they had come here.
    pub fn reported(&self, report: Report) {
        self.change(|inner| {
            let Report { vitals, unforwarded, refusals, .. } = report;
            let held = std::mem::take(&mut inner.vitals);
            inner.vitals =
                Vitals { attachment: held.attachment, alerts: held.alerts, called: held.called, ..vitals };
            let attachment = inner.vitals.attachment.get_or_insert_default();
            (attachment.reported, attachment.unforwarded) = (true, unforwarded);
            let Some(refusals) = refusals else { return };
            let first = !std::mem::replace(&mut inner.reported, true);
            // One that began anew begins to count anew.
            let counted = refusals.last().map_or(0, |(_, refusal)| refusal.number);
            let known = if counted < inner.refusals { 0 } else { inner.refusals };
            (inner.refusals, inner.ring) = (counted, VecDeque::new());
            let skipped = refusals.len().saturating_sub(RING);
            for (newest, refusal) in refusals.into_iter().skip(skipped) {
                let (number, at) = (refusal.number, refusal.at);
                inner.ring.push_back((newest, refusal));
                if number > known && !first {
                    inner.watch_refusals(&self.rules, at);
                }
            }
        });
    }

    /// A group of so many deliveries was written in so long. Nobody waits to hear of it.
    pub fn wrote(&self, deliveries: usize, took: Duration) {
        self.lock().writes.add(deliveries, took);
    }

    /// How long writing has taken since the start.
    #[must_use]
    pub fn writes(&self) -> Writes {
        self.lock().writes.clone()
    }

    /// The session cannot be written for this reason, or (`None`) can be again.
    pub fn storage(&self, fault: Option<String>) {
        if self.lock().storage_fault != fault {
            self.change(|inner| inner.storage_fault = fault);
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
        self.lock().storage_fault.clone()
    }
}

#[cfg(test)]
#[path = "pulse/tests.rs"]
mod tests;
