//! Folding events into the state of candidacies and assessments: the same for every order of arrival.
//!
//! Every part of the state is either a register that keeps the value of the latest event that has one
//! (latest by the sender's time, ties by the larger `svix-id`), or a minimum, a maximum or a count over
//! events. All of these commute, so neither disorder nor a retry can change what a session says. A repeated
//! event is counted by whoever keeps the session and never folded twice.

use std::sync::Arc;

use super::event::{Event, EventKind, Status};
use super::filter::Standing;
use super::proctoring::{Counts, Flag, ViolationKind};
use super::time::Timestamp;

/// The place of an event in the order of the sender: its time, then its `svix-id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Stamp {
    /// The event's time.
    pub at: Timestamp,
    /// Its `svix-id`; shared, since one event is the latest for many values.
    pub id: Arc<str>,
}

/// The value that the latest event which has one gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Register<T> {
    /// The value and the event it is from; `None` while no event had one.
    pub latest: Option<(T, Stamp)>,
}

impl<T> Default for Register<T> {
    fn default() -> Self {
        Self { latest: None }
    }
}

impl<T> Register<T> {
    /// The value, if any event gave one.
    pub fn value(&self) -> Option<&T> {
        self.latest.as_ref().map(|(value, _)| value)
    }

    /// The time of the event it is from.
    pub fn at(&self) -> Option<Timestamp> {
        self.latest.as_ref().map(|(_, stamp)| stamp.at)
    }
}

impl<T: Clone + PartialEq> Register<T> {
    /// Takes the value of one event in. Most say again what is known, which costs no copy.
    fn offer(&mut self, value: Option<&T>, stamp: &Stamp) {
        let Some(value) = value else { return };
        match &mut self.latest {
            Some((_, from)) if *from >= *stamp => {}
            Some((held, from)) if held == value => from.clone_from(stamp),
            latest => *latest = Some((value.clone(), stamp.clone())),
        }
    }
}

/// How often one kind of violation happened in one candidacy, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// The greatest count ever stated.
    pub count: u32,
    /// Time of the earliest event that states any count.
    pub first_seen_at: Timestamp,
    /// Time of the earliest event that states the greatest count.
    pub last_seen_at: Timestamp,
}

impl Tally {
    /// Takes one reading in; returns the count before it if it rose.
    fn offer(&mut self, count: u32, at: Timestamp) -> Option<u32> {
        if count == 0 {
            return None;
        }
        let before = self.count;
        self.first_seen_at = if before == 0 { at } else { self.first_seen_at.min(at) };
        match count.cmp(&before) {
            std::cmp::Ordering::Greater => {
                self.count = count;
                self.last_seen_at = at;
                return Some(before);
            }
            std::cmp::Ordering::Equal => self.last_seen_at = self.last_seen_at.min(at),
            std::cmp::Ordering::Less => {}
        }
        None
    }
}

/// One rise of a violation's count, as one event brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rise {
    /// What rose.
    pub kind: ViolationKind,
    /// The greatest count before.
    pub before: u32,
    /// The count now.
    pub after: u32,
}

/// One candidate in one assessment, as all events so far tell it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidacy {
    /// Status, from the latest candidate event that says one.
    pub status: Register<Status>,
    /// `data.status.candidateStage`, as the sender spells it.
    pub stage: Register<String>,
    /// `data.scores.avgScorePercentage`
    pub score: Register<f64>,
    /// First and last name.
    pub name: Register<String>,
    /// E-mail address.
    pub email: Register<String>,
    /// The candidate's page at Testlify.
    pub detail_link: Register<String>,
    /// The report (PDF).
    pub result_link: Register<String>,
    /// Counts and times of violations, in the order of [`ViolationKind::ALL`].
    pub tallies: [Tally; 10],
    /// Most seconds ever stated as spent outside the test.
    pub outside_secs: f64,
    /// Most seconds ever stated with the pointer outside the window.
    pub mouse_out_secs: f64,
    /// How many events speak of it.
    pub events: u64,
    /// Time of the earliest `invited`.
    pub invited_at: Option<Timestamp>,
    /// Time of the earliest `in_progress`.
    pub started_at: Option<Timestamp>,
    /// Time of the earliest `completed` or `disqualified`.
    pub finished_at: Option<Timestamp>,
    /// Time of the earliest event.
    pub first_at: Option<Timestamp>,
    /// Time of the latest event.
    pub last_at: Option<Timestamp>,
}

fn earliest(held: &mut Option<Timestamp>, at: Timestamp) {
    *held = Some(held.map_or(at, |held| held.min(at)));
}

fn latest(held: &mut Option<Timestamp>, at: Timestamp) {
    *held = Some(held.map_or(at, |held| held.max(at)));
}

impl Candidacy {
    /// Takes one event in and returns the violations it made rise.
    ///
    /// Call it once an event, not once a delivery.
    pub fn fold(&mut self, event: &Event, stamp: &Stamp) -> Vec<Rise> {
        self.events += 1;
        earliest(&mut self.first_at, stamp.at);
        latest(&mut self.last_at, stamp.at);
        self.status.offer(event.kind.and_then(EventKind::status).as_ref(), stamp);
        self.stage.offer(event.stage.as_ref(), stamp);
        self.score.offer(event.score.as_ref(), stamp);
        self.name.offer(event.candidate_name.as_ref(), stamp);
        self.email.offer(event.email.as_ref(), stamp);
        self.detail_link.offer(event.detail_link.as_ref(), stamp);
        self.result_link.offer(event.result_link.as_ref(), stamp);
        match event.kind {
            Some(EventKind::Invited) => earliest(&mut self.invited_at, stamp.at),
            Some(EventKind::InProgress) => earliest(&mut self.started_at, stamp.at),
            Some(EventKind::Completed | EventKind::Disqualified) => {
                earliest(&mut self.finished_at, stamp.at);
            }
            _ => {}
        }
        self.outside_secs = self.outside_secs.max(event.signals.outside_secs.unwrap_or_default());
        self.mouse_out_secs = self.mouse_out_secs.max(event.signals.mouse_out_secs.unwrap_or_default());
        let readings = ViolationKind::ALL.into_iter().zip(event.signals.counts.0);
        let rises = readings.zip(&mut self.tallies).filter_map(|((kind, count), tally)| {
            tally.offer(count, stamp.at).map(|before| Rise { kind, before, after: count })
        });
        rises.collect()
    }

    /// The counts of its violations.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts(self.tallies.map(|tally| tally.count))
    }

    /// How it stands, as far as a filter or an alert asks.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            status: self.status.value().copied(),
            score: self.score.value().copied(),
            counts: self.counts(),
        }
    }

    /// What an assessment adds up of it.
    #[must_use]
    pub fn share(&self) -> Share {
        let counts = self.counts();
        Share {
            status: self.status.value().copied(),
            score: self.score.value().copied(),
            violations: counts.sum(),
            flag: counts.flag(),
        }
    }
}

/// The part of a candidacy that its assessment adds up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Its status.
    pub status: Option<Status>,
    /// Its score.
    pub score: Option<f64>,
    /// Its violations, all kinds added up.
    pub violations: u64,
    /// Its flag.
    pub flag: Flag,
}

/// An assessment, as the events that name it tell it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assessment {
    /// Its name.
    pub name: Register<String>,
    /// `workspaceUrl`
    pub workspace: Register<String>,
    /// `orgId`
    pub org_id: Register<String>,
    /// The latest event that speaks of the assessment itself: says whether it is archived or deleted.
    pub latest_event: Register<EventKind>,
    /// `data.status.isArchived`, shown where it contradicts the event.
    pub is_archived: Register<bool>,
    /// Time of the latest event that names it.
    pub last_at: Option<Timestamp>,
    /// What its candidacies add up to.
    pub totals: Totals,
}

impl Assessment {
    /// Takes one event in that names it. What its candidacies add up to is kept by [`Totals::replace`].
    ///
    /// Call it once an event, not once a delivery.
    pub fn fold(&mut self, event: &Event, stamp: &Stamp) {
        latest(&mut self.last_at, stamp.at);
        self.name.offer(event.assessment_name.as_ref(), stamp);
        self.workspace.offer(event.workspace.as_ref(), stamp);
        self.org_id.offer(event.org_id.as_ref(), stamp);
        if let Some(kind) = event.kind.filter(|kind| kind.of_assessment()) {
            self.latest_event.offer(Some(&kind), stamp);
            self.is_archived.offer(event.is_archived.as_ref(), stamp);
        }
    }

    /// Its latest assessment event says that it is archived.
    #[must_use]
    pub fn archived(&self) -> bool {
        self.latest_event.value() == Some(&EventKind::AssessmentArchived)
    }

    /// Its latest assessment event says that it is deleted.
    #[must_use]
    pub fn deleted(&self) -> bool {
        self.latest_event.value() == Some(&EventKind::AssessmentDeleted)
    }
}

/// What the candidacies of an assessment add up to; kept up to date by what changes, never counted anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// How many candidacies.
    pub candidates: u64,
    /// How many of each status, in the order of [`Status::ALL`].
    pub by_status: [u64; 8],
    /// How many have a score.
    pub scored: u64,
    /// Sum of the scores in millionths: whole, so that the order of additions cannot show.
    pub score_micros: i64,
    /// All violations of all candidacies.
    pub violations: u64,
    /// Candidacies flagged red.
    pub red: u64,
    /// Candidacies flagged yellow.
    pub yellow: u64,
}

impl Totals {
    /// Takes out what a candidacy added before and adds what it adds now.
    pub fn replace(&mut self, before: Option<Share>, after: Option<Share>) {
        if let Some(share) = before {
            self.add(share, -1);
        }
        if let Some(share) = after {
            self.add(share, 1);
        }
    }

    fn add(&mut self, share: Share, sign: i64) {
        let step = |slot: &mut u64, by: u64| *slot = slot.saturating_add_signed(sign * by as i64);
        step(&mut self.candidates, 1);
        if let Some(slot) = share.status.and_then(|status| self.by_status.get_mut(status.index())) {
            step(slot, 1);
        }
        if let Some(score) = share.score {
            step(&mut self.scored, 1);
            // A score of a quintillion is nobody's score; clamped, it cannot overflow the sum.
            let micros = (score.clamp(-1e6, 1e6) * 1e6).round() as i64;
            self.score_micros = self.score_micros.saturating_add(sign * micros);
        }
        step(&mut self.violations, share.violations);
        match share.flag {
            Flag::Red => step(&mut self.red, 1),
            Flag::Yellow => step(&mut self.yellow, 1),
            Flag::Green => {}
        }
    }

    /// Mean score of the candidacies that have one, to a millionth.
    #[must_use]
    pub fn average_score(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.score_micros as f64 / 1e6 / self.scored as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event() -> impl Strategy<Value = Event> {
        let kinds = proptest::sample::select(EventKind::ALL);
        let text = || proptest::option::of("[a-c]");
        (kinds, text(), text(), proptest::option::of(0u8..5), 0u32..4, 0u32..4).prop_map(
            |(kind, name, stage, score, tabs, pastes)| {
                let mut event = Event {
                    kind: Some(kind),
                    candidate_name: name,
                    stage,
                    score: score.map(f64::from),
                    ..Event::default()
                };
                event.signals.counts.raise(ViolationKind::TabSwitch, tabs);
                event.signals.counts.raise(ViolationKind::CopyPaste, pastes);
                event
            },
        )
    }

    fn history() -> impl Strategy<Value = Vec<(Event, Stamp)>> {
        proptest::collection::vec((event(), 0i64..6), 1..12).prop_map(|events| {
            let stamped = events.into_iter().enumerate();
            stamped
                .map(|(n, (event, at))| {
                    (event, Stamp { at: Timestamp::from_millis(at).unwrap(), id: format!("msg_{n}").into() })
                })
                .collect()
        })
    }

    fn fold(events: &[(Event, Stamp)]) -> (Candidacy, Assessment, u64) {
        let (mut candidacy, mut assessment, mut risen) = (Candidacy::default(), Assessment::default(), 0);
        for (event, stamp) in events {
            let before = (candidacy.events > 0).then(|| candidacy.share());
            for rise in candidacy.fold(event, stamp) {
                risen += u64::from(rise.after - rise.before);
            }
            assessment.fold(event, stamp);
            assessment.totals.replace(before, Some(candidacy.share()));
        }
        (candidacy, assessment, risen)
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_state(events in history(), seed in any::<u64>()) {
            let mut shuffled = events.clone();
            fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
            let (candidacy, assessment, risen) = fold(&events);
            prop_assert_eq!(risen, candidacy.counts().sum(), "rises add up to the counts");
            prop_assert_eq!(assessment.totals.candidates, 1);
            prop_assert_eq!((candidacy, assessment, risen), fold(&shuffled));
        }
    }

    #[test]
    fn a_score_says_nothing_of_the_status() {
        let at = |millis, id: &str| Stamp { at: Timestamp::from_millis(millis).unwrap(), id: id.into() };
        let of = |kind| Event { kind: Some(kind), score: Some(70.0), ..Event::default() };
        let mut candidacy = Candidacy::default();
        candidacy.fold(&of(EventKind::Completed), &at(1, "a"));
        candidacy.fold(&of(EventKind::ScoreUpdated), &at(2, "b"));
        assert_eq!(candidacy.status.value(), Some(&Status::Completed));
        candidacy.fold(&of(EventKind::Rejected), &at(3, "c"));
        candidacy.fold(&of(EventKind::InvitedForInterview), &at(3, "d"));
        assert_eq!(
            candidacy.status.value(),
            Some(&Status::InvitedForInterview),
            "a tie goes to the larger id"
        );
    }

    #[test]
    fn a_late_lower_count_is_no_rise() {
        let with = |count| {
            let mut event = Event::default();
            event.signals.counts.raise(ViolationKind::TabSwitch, count);
            event
        };
        let at = |millis| Stamp { at: Timestamp::from_millis(millis).unwrap(), id: "".into() };
        let mut candidacy = Candidacy::default();
        assert_eq!(candidacy.fold(&with(5), &at(10)).len(), 1);
        assert_eq!(candidacy.fold(&with(2), &at(5)), []);
        assert_eq!(candidacy.fold(&with(5), &at(7)), []);
        let tally = candidacy.tallies[ViolationKind::TabSwitch.index()];
        assert_eq!((tally.count, tally.first_seen_at.millis(), tally.last_seen_at.millis()), (5, 5, 7));
    }
}
