//! What is to be sent when: new events in the order they came, those that failed again after a pause, and nothing
//! but a try now and then while nobody is there. Pure: time comes in as so long since the beginning.

use std::collections::BTreeMap;
use std::time::Duration;

use super::target::Ending;
use crate::domain::delivery::Seq;
use crate::domain::forward::State;

/// Pauses before an event is tried again.
pub(super) const PAUSES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)];
/// Between two tries to reach a target that is not there.
const OUTAGE: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(30),
];
/// Events that may wait to be tried again; until there are fewer, no new ones are begun.
const AGAIN: usize = 1024;

/// Nobody is there.
#[derive(Debug, Clone, Copy)]
struct Outage {
    tries: usize,
    until: Duration,
    /// One event is under way to see whether somebody is.
    probing: bool,
}

/// The state of all events that are not settled. Each is but a number: its body is read when it is sent.
#[derive(Debug)]
pub(super) struct Schedule {
    /// The first event that was not begun.
    next: Seq,
    /// The newest event there is.
    newest: Seq,
    /// Under way, and how often it was tried before.
    under_way: BTreeMap<Seq, usize>,
    /// To be tried again: from when on, and how often it was tried before.
    again: BTreeMap<(Duration, Seq), usize>,
    outage: Option<Outage>,
}

impl Schedule {
    /// All events up to this one are settled.
    pub(super) fn new(settled: Seq, newest: Seq) -> Self {
        let (under_way, again) = (BTreeMap::new(), BTreeMap::new());
        Self { next: settled + 1, newest, under_way, again, outage: None }
    }

    /// There are events up to this one.
    pub(super) fn reached(&mut self, newest: Seq) {
        self.newest = self.newest.max(newest);
    }

    /// The event to begin now, if one is to be.
    pub(super) fn take(&mut self, now: Duration) -> Option<Seq> {
        if self.outage.is_some_and(|outage| outage.probing || now < outage.until) {
            return None;
        }
        let due = self.again.first_key_value().map(|(key, _)| *key).filter(|(at, _)| *at <= now);
        let (seq, tries) = match due {
            Some(key) => (key.1, self.again.remove(&key).unwrap_or_default()),
            None if self.next <= self.newest && self.again.len() < AGAIN => {
                self.next += 1;
                (self.next - 1, 0)
            }
            None => return None,
        };
        self.under_way.insert(seq, tries);
        if let Some(outage) = &mut self.outage {
            outage.probing = true;
        }
        Some(seq)
    }

    /// When there may be one to begin, if there is none now and nothing else happens.
    pub(super) fn due(&self) -> Option<Duration> {
        let again = self.again.keys().next().map(|(at, _)| *at);
        match self.outage {
            Some(Outage { probing: true, .. }) => None,
            // Where there is none to begin, nobody is to be asked for.
            Some(Outage { until, .. }) if self.next <= self.newest && self.again.len() < AGAIN => Some(until),
            Some(Outage { until, .. }) => again.map(|at| at.max(until)),
            None => again,
        }
    }

    /// It need not be sent: it was, before the program was started anew.
    pub(super) fn skip(&mut self, seq: Seq) {
        self.under_way.remove(&seq);
        if let Some(outage) = &mut self.outage {
            outage.probing = false;
        }
    }

    /// It could not be begun after all.
    pub(super) fn put_back(&mut self, seq: Seq) {
        let before = self.under_way.get(&seq).copied().unwrap_or_default();
        self.skip(seq);
        self.again.insert((Duration::ZERO, seq), before);
    }

    /// Somebody has sent it by hand, and it was taken: it need not be tried again.
    pub(super) fn settle(&mut self, seq: Seq) {
        self.again.retain(|(_, waiting), _| *waiting != seq);
    }

    /// An attempt has ended: how often the event was tried, and what that comes to; `None` if it was not the
    /// event's fault and does not count.
    pub(super) fn ended(&mut self, seq: Seq, ending: &Ending, now: Duration) -> Option<(u32, State)> {
        let before = self.under_way.remove(&seq).unwrap_or_default();
        if matches!(ending, Ending::Unreachable(_)) {
            // As soon as somebody is there, and in the order they came.
            self.again.insert((Duration::ZERO, seq), before);
            self.unreachable(now);
            return None;
        }
        self.answered();
        let state = match PAUSES.get(before) {
            _ if ending.is_taken() => State::Delivered,
            Some(pause) => {
                self.again.insert((now + *pause, seq), before + 1);
                State::Retrying
            }
            None => State::GivenUp,
        };
        Some((before as u32 + 1, state))
    }

    /// Nobody is there: nothing is tried for a while. Several that were under way together count as one try.
    fn unreachable(&mut self, now: Duration) {
        let tries = match self.outage {
            Some(outage) if !outage.probing => return,
            Some(outage) => outage.tries + 1,
            None => 0,
        };
        let pause = OUTAGE.get(tries).or(OUTAGE.last()).copied().unwrap_or_default();
        self.outage = Some(Outage { tries, until: now + pause, probing: false });
    }

    /// Somebody is there.
    pub(super) fn answered(&mut self) {
        self.outage = None;
    }

    /// Until when nothing is tried because nobody is there.
    pub(super) fn outage(&self) -> Option<Duration> {
        self.outage.map(|outage| outage.until)
    }

    /// All events up to this one are settled.
    pub(super) fn settled(&self) -> Seq {
        let unsettled = self.under_way.keys().copied().chain(self.again.keys().map(|(_, seq)| *seq));
        unsettled.chain([self.next]).min().unwrap_or(self.next) - 1
    }

    /// Events that are not settled.
    pub(super) fn waiting(&self) -> u64 {
        let begun = self.under_way.len() + self.again.len();
        u64::try_from(self.newest - self.next + 1).unwrap_or_default() + begun as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn answer(status: u16) -> Ending {
        Ending::Answered { status, begins: String::new() }
    }

    #[test]
    fn an_event_is_tried_a_few_times_and_then_given_up() {
        let mut schedule = Schedule::new(0, 1);
        let mut now = Duration::ZERO;
        for (n, pause) in PAUSES.into_iter().enumerate() {
            assert_eq!(schedule.take(now), Some(1));
            assert_eq!(schedule.ended(1, &answer(500), now), Some((n as u32 + 1, State::Retrying)));
            assert_eq!(schedule.take(now), None);
            assert_eq!((schedule.settled(), schedule.waiting()), (0, 1));
            now = schedule.due().unwrap();
            assert!(now >= pause);
        }
        assert_eq!(schedule.take(now), Some(1));
        assert_eq!(schedule.ended(1, &Ending::Failed("x".into()), now), Some((4, State::GivenUp)));
        assert_eq!((schedule.settled(), schedule.waiting(), schedule.due()), (1, 0, None));
    }

    #[test]
    fn while_nobody_is_there_one_is_tried_now_and_then_and_none_is_lost() {
        let mut schedule = Schedule::new(0, 5);
        let gone = || Ending::Unreachable("refused".into());
        let mut now = Duration::ZERO;
        let begun: Vec<_> = (0..3).map(|_| schedule.take(now).unwrap()).collect();
        for seq in begun {
            assert_eq!(schedule.ended(seq, &gone(), now), None, "does not count");
        }
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let due = schedule.due().unwrap();
            assert_eq!(schedule.take(due.saturating_sub(S / 10)), None);
            pauses.push(due.abs_diff(now).as_secs());
            now = due;
            assert_eq!(schedule.take(now), Some(1));
            assert_eq!(schedule.take(now), None, "one is enough to see");
            assert_eq!(schedule.ended(1, &gone(), now), None);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!((schedule.settled(), schedule.waiting()), (0, 5));
        now = schedule.due().unwrap();
        assert_eq!(schedule.take(now), Some(1));
        assert_eq!(schedule.ended(1, &answer(204), now), Some((1, State::Delivered)));
        let rest: Vec<_> = std::iter::from_fn(|| schedule.take(now)).collect();
        assert_eq!(rest, [2, 3, 4, 5]);
        assert_eq!(schedule.settled(), 1);
    }

    #[test]
    fn nobody_is_asked_for_where_nothing_waits_any_more() {
        let mut schedule = Schedule::new(0, 1);
        assert_eq!(schedule.take(Duration::ZERO), Some(1));
        schedule.ended(1, &Ending::Unreachable("refused".into()), Duration::ZERO);
        let due = schedule.due().unwrap();
        assert_eq!(schedule.take(due), Some(1));
        // It was removed meanwhile.
        schedule.skip(1);
        assert_eq!((schedule.waiting(), schedule.due(), schedule.take(2 * due)), (0, None, None));
        schedule.reached(2);
        assert!(schedule.due().is_some());
        assert_eq!(schedule.take(2 * due), Some(2));
    }

    #[test]
    fn what_waits_to_be_tried_again_is_bounded() {
        let mut schedule = Schedule::new(0, 3 * AGAIN as Seq);
        let mut begun = 0;
        while let Some(seq) = schedule.take(Duration::ZERO) {
            begun += 1;
            schedule.ended(seq, &answer(500), Duration::ZERO);
        }
        assert_eq!(begun, AGAIN);
        assert_eq!(schedule.waiting(), 3 * AGAIN as u64);
        assert!(schedule.take(PAUSES[0]).is_some());
    }
}
