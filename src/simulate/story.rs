//! What happens to one candidate, from the invitation to the decision.
//!
//! A story is made again from the seed whenever a scene of it is due, so that a campaign of hundreds of
//! thousands keeps two numbers a candidate in memory.

use fastrand::Rng;

use super::rng_of;
use crate::domain::event::EventKind;
use crate::domain::proctoring::{Counts, ViolationKind};

/// One event of a story.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scene {
    /// Milliseconds since the campaign began.
    pub at_ms: i64,
    /// What happens.
    pub kind: EventKind,
    /// The violations so far.
    pub counts: Counts,
    /// How much of the test is done, 0 to 1.
    pub done: f64,
    /// The score so far, in per cent.
    pub score: Option<f64>,
}

/// All that happens to one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// Which assessment, from 0.
    pub assessment: usize,
    /// When the test was submitted, milliseconds since the campaign began.
    pub completed_ms: Option<i64>,
    /// The events, in order; the invitation is the first.
    pub scenes: Vec<Scene>,
}

enum Fate {
    Silent,
    EnrolledOnly,
    Completes,
    Disqualified,
    StaysRunning,
}

/// The first candidates of every campaign, so that each has something to see early.
const SOON_DISQUALIFIED: u64 = 3;
const SOON_RED: u64 = 5;

impl Fate {
    fn of(number: u64, rng: &mut Rng) -> Self {
        let (first, second) = (rng.f64(), rng.f64());
        match (number, first) {
            (SOON_DISQUALIFIED, _) => Self::Disqualified,
            (SOON_RED, _) => Self::Completes,
            (_, ..0.18) => Self::Silent,
            (_, 0.18..0.30) => Self::EnrolledOnly,
            _ if second < 0.90 => Self::Completes,
            _ if second < 0.98 => Self::Disqualified,
            _ => Self::StaysRunning,
        }
    }
}

/// The violations at the end: most candidates have none, some a few mild ones, few a grave one.
fn conduct(number: u64, disqualified: bool, rng: &mut Rng) -> Counts {
    use ViolationKind as V;
    let mut counts = Counts::default();
    let grave = [V::CopyPaste, V::AiPlugin, V::Webcam, V::CopyPaste];
    let limits = [V::TabSwitch, V::FullScreenExit, V::CopyPaste, V::AiPlugin, V::Webcam, V::FocusGuard];
    let roll = rng.f64();
    if disqualified {
        let kind = rng.choice(limits).unwrap_or(V::TabSwitch);
        counts.raise(kind, rng.u32(6..15));
        counts.raise(V::TabSwitch, rng.u32(1..4));
    } else if roll < 0.05 || number == SOON_RED {
        let kind = rng.choice(grave).unwrap_or(V::CopyPaste);
        counts.raise(kind, if kind == V::AiPlugin { rng.u32(1..3) } else { rng.u32(4..9) });
        counts.raise(V::TabSwitch, rng.u32(0..6));
    } else if roll < 0.28 {
        let mild = [V::TabSwitch, V::MouseOut, V::FullScreenExit, V::TabSwitch, V::ScreenLeft, V::Talking];
        for _ in 0..rng.u8(1..4) {
            counts.raise(rng.choice(mild).unwrap_or(V::TabSwitch), rng.u32(1..6));
        }
        counts.raise(V::IpChange, u32::from(rng.f64() < 0.1));
    }
    counts
}

/// What of the counts is there when this much of the test is done. An address changes only at the end.
fn so_far(counts: &Counts, done: f64) -> Counts {
    let mut part = Counts::default();
    for (kind, count) in counts.given() {
        if kind != ViolationKind::IpChange || done >= 1.0 {
            part.raise(kind, (f64::from(count) * done).floor() as u32);
        }
    }
    part
}

/// A score about the middle of a bell, with the long decimals of a division.
fn bell(rng: &mut Rng) -> f64 {
    let sum: f64 = (0..4).map(|_| rng.f64()).sum();
    let questions = f64::from(rng.u32(20..90)) * 3.0;
    let share = ((sum / 4.0 - 0.5) * 1.25 + 0.62).clamp(0.03, 0.99);
    (share * questions).round() / questions * 100.0
}

/// Writes scenes one after another.
struct Script {
    rng: Rng,
    length_ms: i64,
    scene: Scene,
    scenes: Vec<Scene>,
}

impl Script {
    /// The next scene, after a share of the story's length between these.
    fn then(&mut self, kind: EventKind, least: f64, most: f64) {
        let share = least + (most - least) * self.rng.f64();
        self.scene.at_ms += ((self.length_ms as f64 * share) as i64).max(1);
        self.scene.kind = kind;
        self.scenes.push(self.scene);
    }

    fn works(&mut self, steps: u32, end: f64, counts: &Counts) {
        for step in 1..=steps {
            self.scene.done = end * f64::from(step) / f64::from(steps);
            self.scene.counts = so_far(counts, self.scene.done);
            self.then(EventKind::InProgress, 0.015, 0.05);
        }
    }

    fn completes(&mut self, counts: &Counts) {
        let score = bell(&mut self.rng);
        self.scene.done = 1.0;
        self.scene.counts = so_far(counts, 1.0);
        self.scene.score = Some(score);
        self.then(EventKind::Completed, 0.01, 0.04);
        let updates = self.rng.u32(1..=2);
        for _ in 0..updates {
            let better = score + (100.0 - score) * self.rng.f64() * 0.15;
            self.scene.score = Some(better);
            self.then(EventKind::ScoreUpdated, 0.01, 0.06);
        }
        let passed = self.scene.score.is_some_and(|score| score >= 66.0) && self.scene.counts.sum() < 6;
        let decision = if passed { EventKind::InvitedForInterview } else { EventKind::Rejected };
        self.then(decision, 0.04, 0.25);
    }
}

impl Story {
    /// The story of candidate `number`, who is invited at `invited_ms`; all of it happens within
    /// `length_ms` after that.
    #[must_use]
    pub fn new(seed: u64, number: u64, invited_ms: i64, length_ms: i64) -> Self {
        let mut rng = rng_of(seed, 2, number);
        let assessment = rng.choice([0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5]).unwrap_or_default();
        let fate = Fate::of(number, &mut rng);
        let counts = conduct(number, matches!(fate, Fate::Disqualified), &mut rng);
        let scene = Scene {
            at_ms: invited_ms,
            kind: EventKind::Invited,
            counts: Counts::default(),
            done: 0.0,
            score: None,
        };
        let mut script = Script { rng, length_ms, scene, scenes: Vec::with_capacity(11) };
        script.scenes.push(scene);
        match fate {
            Fate::Silent => script.then(EventKind::InvitationExpired, 0.8, 0.95),
            Fate::EnrolledOnly => script.then(EventKind::Enrolled, 0.02, 0.6),
            Fate::Completes | Fate::Disqualified | Fate::StaysRunning => {
                script.then(EventKind::Enrolled, 0.02, 0.20);
                let steps = script.rng.u32(2..=5);
                let end = if matches!(fate, Fate::Completes) { 0.95 } else { 0.7 };
                script.works(steps, end, &counts);
            }
        }
        match fate {
            Fate::Completes => script.completes(&counts),
            Fate::Disqualified => {
                script.scene.counts = so_far(&counts, 1.0);
                script.then(EventKind::Disqualified, 0.005, 0.02);
            }
            _ => {}
        }
        let completed = script.scenes.iter().find(|scene| scene.kind == EventKind::Completed);
        Self { assessment, completed_ms: completed.map(|scene| scene.at_ms), scenes: script.scenes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::proctoring::Flag;

    #[test]
    fn stories_are_told_in_the_proportions_meant() {
        let stories: Vec<_> = (0..20_000).map(|number| Story::new(7, number, 0, 1_000_000)).collect();
        let share = |holds: &dyn Fn(&Story) -> bool| {
            stories.iter().filter(|story| holds(story)).count() as f64 / stories.len() as f64
        };
        let ends = |kind| share(&|story: &Story| story.scenes.last().is_some_and(|scene| scene.kind == kind));
        let red = share(&|story| story.scenes.last().unwrap().counts.flag() == Flag::Red);
        assert!((0.16..0.20).contains(&ends(EventKind::InvitationExpired)));
        assert!((0.10..0.14).contains(&ends(EventKind::Enrolled)));
        assert!((0.04..0.07).contains(&ends(EventKind::Disqualified)));
        assert!(ends(EventKind::Rejected) > 0.1 && ends(EventKind::InvitedForInterview) > 0.1);
        assert!((0.03..0.09).contains(&red), "{red}");
        assert!(stories.iter().all(|story| story.scenes.last().unwrap().at_ms <= 1_000_000));
    }

    #[test]
    fn counters_never_fall() {
        for number in 0..2_000 {
            let story = Story::new(3, number, 0, 1_000_000);
            for pair in story.scenes.windows(2) {
                assert!(pair[0].at_ms < pair[1].at_ms);
                for kind in ViolationKind::ALL {
                    assert!(pair[0].counts.of(kind) <= pair[1].counts.of(kind));
                }
            }
        }
    }
}
