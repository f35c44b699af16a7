//! Replays under way: one event, or all that a list shows, each sent once. Several may run beside one another.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::domain::delivery::Seq;
use crate::domain::forward::{Forwarded, Progress, Replay, Replayed, State};
use crate::domain::query::{Query, Scope};
use crate::store::StoreError;
use crate::store::reader::Reader;

/// Events of a list that are read at a time.
const PAGE: u32 = 256;
/// Replays that may run beside one another.
const MOST: usize = 16;

/// The rest of a list: what comes after an event, up to another.
struct Rest {
    query: Query,
    until: Seq,
    after: Option<Seq>,
}

struct Replaying {
    number: u64,
    next: VecDeque<Seq>,
    rest: Option<Rest>,
    under_way: u64,
    sum: Replayed,
    answer: oneshot::Sender<Replayed>,
}

impl Replaying {
    fn done(&self) -> u64 {
        self.sum.delivered + self.sum.failed
    }

    /// Nothing is left to send, and nothing under way.
    fn is_over(&self) -> bool {
        self.under_way == 0 && self.next.is_empty() && self.rest.is_none()
    }

    fn finish(mut self) {
        self.sum.unanswered = self.under_way;
        self.sum.left = match self.sum.stopped {
            Some(_) => self.sum.total.saturating_sub(self.sum.sent()),
            None => 0,
        };
        // Whoever asked may have gone.
        let _ = self.answer.send(self.sum);
    }

    /// Reads on in the list, once what was read is begun.
    fn read(&mut self, reader: &Reader) -> Result<(), StoreError> {
        while self.next.is_empty()
            && let Some(rest) = &mut self.rest
        {
            let page = reader.chosen(&rest.query, rest.after, PAGE)?;
            let beyond =
                rest.query.scope == Scope::Session && page.last().is_some_and(|seq| *seq > rest.until);
            rest.after = page.last().copied();
            let until = rest.until;
            self.next.extend(page.iter().copied().filter(|seq| *seq <= until));
            if beyond || page.len() < PAGE as usize {
                self.rest = None;
            }
        }
        Ok(())
    }
}

/// All replays under way.
#[derive(Default)]
pub(super) struct Replays {
    list: Vec<Replaying>,
    number: u64,
}

impl Replays {
    /// Begins one. `unsigned`: no secret is known to sign with.
    pub(super) fn add(&mut self, replay: Replay, unsigned: bool, answer: oneshot::Sender<Replayed>) {
        self.number += 1;
        let (next, rest, total) = match replay {
            Replay::One(seq) => (VecDeque::from([seq]), None, 1),
            Replay::Chosen { query, until, total } => {
                (VecDeque::new(), Some(Rest { query, until, after: None }), total)
            }
        };
        let sum = Replayed { total, unsigned, ..Replayed::default() };
        let replaying = Replaying { number: self.number, next, rest, under_way: 0, sum, answer };
        self.list.push(replaying);
        if self.list.len() > MOST {
            self.end(self.number, "too many replays are under way");
        }
    }

    /// The next event to send, and for which replay.
    pub(super) fn take(&mut self, reader: &Reader) -> Option<(u64, Seq)> {
        let mut at = 0;
        while let Some(replaying) = self.list.get_mut(at) {
            if let Err(error) = replaying.read(reader) {
                let number = replaying.number;
                self.end(number, &error.to_string());
                continue;
            }
            if let Some(seq) = replaying.next.pop_front() {
                replaying.under_way += 1;
                return Some((replaying.number, seq));
            }
            if replaying.under_way == 0 {
                // A list that has become empty.
                self.list.remove(at).finish();
            } else {
                at += 1;
            }
        }
        None
    }

    /// An event of a replay was tried; `None` if it is not there any more.
    pub(super) fn ended(&mut self, number: u64, result: Option<&Forwarded>) {
        let Some(at) = self.list.iter().position(|replaying| replaying.number == number) else { return };
        let Some(replaying) = self.list.get_mut(at) else { return };
        replaying.under_way -= 1;
        let taken = result.is_some_and(|result| result.state == State::Delivered);
        let sum = &mut replaying.sum;
        *(if taken { &mut sum.delivered } else { &mut sum.failed }) += 1;
        let failed = sum.last.as_ref().is_some_and(|last| last.state != State::Delivered);
        if !(taken && failed) {
            sum.last = result.cloned().or(sum.last.take());
        }
        if replaying.is_over() {
            self.list.remove(at).finish();
        }
    }

    /// An event of a replay did not reach the target. That says nothing of the event, and more of them would come to
    /// the same: the replay ends with what is under way.
    pub(super) fn unreached(&mut self, number: u64, result: Forwarded) {
        let Some(at) = self.list.iter().position(|replaying| replaying.number == number) else { return };
        let Some(replaying) = self.list.get_mut(at) else { return };
        replaying.under_way -= 1;
        replaying.next.clear();
        replaying.rest = None;
        replaying.sum.stopped = Some("the target cannot be reached".to_owned());
        replaying.sum.last.get_or_insert(result);
        if replaying.is_over() {
            self.list.remove(at).finish();
        }
    }

    /// Ends one before its end.
    pub(super) fn end(&mut self, number: u64, why: &str) {
        if let Some(at) = self.list.iter().position(|replaying| replaying.number == number) {
            let mut replaying = self.list.remove(at);
            replaying.sum.stopped = Some(why.to_owned());
            replaying.finish();
        }
    }

    /// Ends all of them before their end. What is under way is not called back, and not waited for.
    pub(super) fn stop(&mut self, why: &str) {
        for mut replaying in self.list.drain(..) {
            replaying.sum.stopped = Some(why.to_owned());
            replaying.finish();
        }
    }

    /// How far the replay of many is, if there is one.
    pub(super) fn progress(&self) -> Option<Progress> {
        let goes_on = |replaying: &&Replaying| replaying.sum.total > 1 && replaying.sum.stopped.is_none();
        let many = self.list.iter().find(goes_on)?;
        Some(Progress { done: many.done(), failed: many.sum.failed, total: many.sum.total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    /// A replay of so many events, of which some are under way and the next are read.
    fn begun(total: u64, under_way: u64) -> (Replays, oneshot::Receiver<Replayed>) {
        let (answer, told) = oneshot::channel();
        let mut replays = Replays::default();
        replays.add(Replay::Chosen { query: Query::default(), until: 99, total }, false, answer);
        let replaying = &mut replays.list[0];
        (replaying.under_way, replaying.next) = (under_way, (50..60).collect());
        (replays, told)
    }

    fn result(state: State) -> Forwarded {
        let at = Timestamp::default();
        Forwarded { at, attempts: 1, state, status: None, millis: 3, note: String::new(), replayed: true }
    }

    #[test]
    fn what_is_under_way_when_it_is_stopped_was_sent() {
        let (mut replays, mut told) = begun(910, 18);
        replays.ended(1, Some(&result(State::Delivered)));
        replays.ended(1, Some(&result(State::GivenUp)));
        replays.stop("stopped");
        let sum = told.try_recv().unwrap();
        assert_eq!((sum.delivered, sum.failed, sum.unanswered, sum.left), (1, 1, 16, 892));
        replays.ended(1, Some(&result(State::Delivered)));
    }

    #[test]
    fn what_does_not_reach_the_target_was_not_sent() {
        let (mut replays, mut told) = begun(910, 3);
        assert!(replays.progress().is_some());
        replays.unreached(1, result(State::GivenUp));
        assert!(replays.progress().is_none() && told.try_recv().is_err(), "others are under way");
        replays.ended(1, Some(&result(State::Delivered)));
        replays.unreached(1, result(State::GivenUp));
        let sum = told.try_recv().unwrap();
        assert_eq!((sum.delivered, sum.failed, sum.unanswered, sum.left), (1, 0, 0, 909));
        assert_eq!(sum.stopped.as_deref(), Some("the target cannot be reached"));
    }
}
