//! A whole campaign as a lazy, repeatable sequence of requests, with the troubles of real delivery.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fastrand::Rng;

use super::body::{ASSESSMENTS, Campaign, Telling};
use super::rng_of;
use super::story::Story;
use crate::domain::event::EventKind;
use crate::domain::id::message_id;
use crate::domain::time::Timestamp;

/// What is wrong with a forged request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forgery {
    /// Signed with another secret.
    WrongSecret,
    /// Signed rightly, twenty minutes ago.
    Stale,
    /// Without the signature's header.
    NoSignature,
    /// The body was changed after signing.
    AlteredBody,
}

impl Forgery {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::WrongSecret, Self::Stale, Self::NoSignature, Self::AlteredBody];
}

/// What a campaign is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// How many candidates are invited.
    pub candidates: u64,
    /// When the campaign began.
    pub start: Timestamp,
    /// How long it lasts, milliseconds.
    pub story_span_ms: i64,
    /// The share of events that come twice.
    pub duplicates: f64,
    /// The share of events that come after later ones.
    pub disorder: f64,
    /// Forged requests to one event.
    pub forged: f64,
}

/// One request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// When, in milliseconds since the campaign began; never falls.
    pub at_ms: i64,
    /// `svix-id`
    pub id: String,
    /// The body, to the byte.
    pub body: Vec<u8>,
    /// What is wrong with it, if it is forged.
    pub forgery: Option<Forgery>,
}

/// When candidates are invited.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Invitations {
    /// In bursts: the share of the span at which each begins, and how many it invites.
    Waves(Vec<(f64, u64)>),
    /// One after another without end, from the candidate of a number on.
    Stream {
        /// The number of the first.
        first: u64,
        /// When that one is invited, milliseconds since the campaign began.
        from_ms: i64,
        /// Milliseconds between two.
        apart_ms: i64,
    },
}

/// A burst of invitations takes this share of the span.
const WAVE: f64 = 0.05;

impl Invitations {
    /// Six even waves in the first half.
    fn waves(candidates: u64) -> Self {
        let count = |wave| candidates / 6 + u64::from(wave < candidates % 6);
        Self::Waves((0..6).map(|wave| (0.01 + 0.09 * wave as f64, count(wave))).collect())
    }

    fn first(&self) -> u64 {
        match self {
            Self::Waves(_) => 0,
            Self::Stream { first, .. } => *first,
        }
    }

    /// When candidate `number` is invited, if there is such a one. Never earlier than the one before.
    fn at(&self, number: u64, span_ms: i64) -> Option<i64> {
        match self {
            Self::Stream { first, from_ms, apart_ms } => Some(from_ms + (number - first) as i64 * apart_ms),
            Self::Waves(waves) => {
                let mut place = number;
                for (share, count) in waves {
                    if place < *count {
                        let within = WAVE * place as f64 / *count as f64;
                        return Some(((share + within) * span_ms as f64) as i64);
                    }
                    place -= count;
                }
                None
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Assessment(u8),
    Candidate(u64),
}

/// How a step came onto the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// In its place of the story.
    First,
    /// Held back.
    Late,
    /// Once more.
    Again,
}

/// What is due next for one subject: all that is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    at_ms: i64,
    subject: Subject,
    scene: u8,
    turn: Turn,
}

/// The requests of a campaign, in the order in which they are made.
#[derive(Debug)]
pub struct Rollout {
    campaign: Campaign,
    span_ms: i64,
    /// Milliseconds within which a story ends.
    story_ms: i64,
    duplicates: f64,
    disorder: f64,
    forged: f64,
    invitations: Invitations,
    rng: Rng,
    due: BinaryHeap<Reverse<Step>>,
    forgery: Option<Send>,
    forgeries: usize,
}

/// The assessments' later events: which, when in the span, and what.
const CHANGES: [(u8, f64, EventKind); 2] =
    [(1, 0.3, EventKind::AssessmentUpdated), (5, 0.97, EventKind::AssessmentArchived)];

impl Rollout {
    /// The campaign of a plan.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let mut rollout = Self::with(plan, Invitations::waves(plan.candidates), 0.4);
        rollout.announce();
        rollout
    }

    /// The campaign of a plan with other invitations, and stories that take this share of the span.
    pub(super) fn with(plan: Plan, invitations: Invitations, share: f64) -> Self {
        let span_ms = plan.story_span_ms.max(1_000);
        let mut rollout = Self {
            campaign: Campaign {
                seed: plan.seed,
                start: plan.start,
                candidates: plan.candidates,
                telling: None,
            },
            span_ms,
            story_ms: (span_ms as f64 * share) as i64,
            duplicates: plan.duplicates,
            disorder: plan.disorder,
            forged: plan.forged,
            rng: rng_of(plan.seed, 3, invitations.first()),
            invitations,
            due: BinaryHeap::new(),
            forgery: None,
            forgeries: 0,
        };
        rollout.invite(rollout.invitations.first());
        rollout
    }

    /// Puts the assessments' events into the campaign.
    pub(super) fn announce(&mut self) {
        for number in 0..ASSESSMENTS {
            let at_ms = self.span_ms * number as i64 / 2_000;
            self.push(at_ms, Subject::Assessment(number as u8), 0, Turn::First);
        }
        for (number, share, _) in CHANGES {
            let at_ms = (self.span_ms as f64 * share) as i64;
            self.push(at_ms, Subject::Assessment(number), 1, Turn::First);
        }
    }

    fn push(&mut self, at_ms: i64, subject: Subject, scene: u8, turn: Turn) {
        self.due.push(Reverse(Step { at_ms, subject, scene, turn }));
    }

    fn invite(&mut self, number: u64) {
        if let Some(at_ms) = self.invitations.at(number, self.span_ms) {
            self.push(at_ms, Subject::Candidate(number), 0, Turn::First);
        }
    }

    fn a_while(&mut self, least: f64, most: f64) -> i64 {
        let share = least + (most - least) * self.rng.f64();
        (self.story_ms as f64 * share) as i64 + 1
    }

    /// The same story, told in another time. Its messages keep the times of the story.
    pub(super) fn told(mut self, telling: Telling) -> Self {
        self.campaign.telling = Some(telling);
        self
    }

    /// The id of a message: always the same for the same scene of the same subject.
    fn id(&self, subject: Subject, scene: u8, at_ms: i64) -> String {
        let (kind, number) = match subject {
            Subject::Assessment(number) => (20, u64::from(number)),
            Subject::Candidate(number) => (21, number),
        };
        let random = random_of(&mut rng_of(self.campaign.seed, kind + 16 * u64::from(scene), number));
        message_id(self.campaign.start.plus_millis(at_ms), random)
    }

    /// The message of a step, and when in the story it happens.
    fn tell(&self, step: Step, story: Option<&Story>) -> Option<Send> {
        let (happens, body) = match (step.subject, story) {
            (Subject::Candidate(number), Some(story)) => {
                let scene = story.scenes.get(usize::from(step.scene))?;
                (scene.at_ms, self.campaign.candidate(number, story, scene))
            }
            (Subject::Assessment(number), _) => {
                let change = CHANGES.iter().find(|change| change.0 == number && step.scene > 0);
                let kind = change.map_or(EventKind::AssessmentCreated, |change| change.2);
                let share = change.map_or(f64::from(number) / 2_000.0, |change| change.1);
                let happens = (self.span_ms as f64 * share) as i64;
                (happens, self.campaign.assessment(usize::from(number), kind))
            }
            (Subject::Candidate(_), None) => return None,
        };
        let id = self.id(step.subject, step.scene, happens);
        Some(Send { at_ms: step.at_ms, id, body, forgery: None })
    }

    fn story(&self, subject: Subject) -> Option<Story> {
        let Subject::Candidate(number) = subject else { return None };
        let invited = self.invitations.at(number, self.span_ms)?;
        Some(Story::new(self.campaign.seed, number, invited, self.story_ms))
    }

    /// Puts what follows a step onto the heap.
    fn follow(&mut self, step: Step, story: Option<&Story>) {
        let (Subject::Candidate(number), Some(story)) = (step.subject, story) else { return };
        if step.scene == 0 {
            self.invite(number + 1);
        }
        if let Some(next) = story.scenes.get(usize::from(step.scene) + 1) {
            self.push(next.at_ms, step.subject, step.scene + 1, Turn::First);
        }
    }

    /// Something forged after this message, now and then.
    fn forge(&mut self, send: &Send) {
        if self.rng.f64() >= self.forged {
            return;
        }
        let way = Forgery::ALL.get(self.forgeries % Forgery::ALL.len()).copied();
        self.forgeries += 1;
        let id = message_id(self.campaign.start.plus_millis(send.at_ms), random_of(&mut self.rng));
        self.forgery = Some(Send { id, forgery: way, ..send.clone() });
    }
}

/// The random part of a message id.
pub(super) fn random_of(rng: &mut Rng) -> [u8; 15] {
    let mut random = [0; 15];
    rng.fill(&mut random);
    random
}

impl Iterator for Rollout {
    type Item = Send;

    fn next(&mut self) -> Option<Send> {
        if let Some(forged) = self.forgery.take() {
            return Some(forged);
        }
        loop {
            let Reverse(step) = self.due.pop()?;
            let story = self.story(step.subject);
            if step.turn == Turn::First {
                self.follow(step, story.as_ref());
                if self.rng.f64() < self.disorder {
                    let at_ms = step.at_ms + self.a_while(0.02, 0.2);
                    self.push(at_ms, step.subject, step.scene, Turn::Late);
                    continue;
                }
            }
            if step.turn != Turn::Again && self.rng.f64() < self.duplicates {
                let at_ms = step.at_ms + self.a_while(0.001, 0.1);
                self.push(at_ms, step.subject, step.scene, Turn::Again);
            }
            let send = self.tell(step, story.as_ref())?;
            self.forge(&send);
            return Some(send);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::envelope::decode;

    fn plan(seed: u64, candidates: u64) -> Plan {
        let start = Timestamp::from_secs(1_790_000_000).unwrap();
        let (duplicates, disorder, forged) = (0.05, 0.05, 0.02);
        Plan { seed, candidates, start, story_span_ms: 21_600_000, duplicates, disorder, forged }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert!(Rollout::new(plan(1, 300)).eq(Rollout::new(plan(1, 300))));
        assert!(Rollout::new(plan(1, 30)).ne(Rollout::new(plan(2, 30))));
    }

    #[test]
    fn every_message_is_recognised_and_comes_again_unchanged() {
        let mut seen: HashMap<String, Vec<u8>> = HashMap::new();
        let (mut last, mut again, mut forged, mut late) = (0, 0, 0, 0);
        let mut newest = None;
        for send in Rollout::new(plan(5, 400)) {
            assert!(send.at_ms >= last);
            last = send.at_ms;
            let event = decode(&send.body);
            assert!(event.kind.is_some());
            if send.forgery.is_some() {
                forged += 1;
            } else if let Some(before) = seen.insert(send.id, send.body.clone()) {
                assert_eq!(before, send.body);
                again += 1;
            } else {
                late += usize::from(event.timestamp.is_some() && event.timestamp < newest);
                newest = newest.max(event.timestamp);
            }
        }
        assert!(again > 60 && forged > 20 && late > 60, "{again} {forged} {late}");
        assert!(seen.len() > 2_000, "{}", seen.len());
    }

    #[test]
    fn a_large_campaign_is_told_quickly_and_keeps_little() {
        let mut rollout = Rollout::new(plan(9, 200_000));
        assert_eq!(rollout.by_ref().take(300_000).count(), 300_000);
        assert!(rollout.due.len() < 200_000);
        assert!(std::mem::size_of::<Step>() <= 32);
    }
}
