//! The campaign of `invigil demo`: six hours of it told in minutes, and then on without end.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::time::Duration;

use fastrand::Rng;
use tokio_util::sync::CancellationToken;

use super::body::Telling;
use super::rng_of;
use super::rollout::{Forgery, Invitations, Plan, Rollout, Send, random_of};
use super::sender::{self, Report, Target};
use crate::client::trust::Trust;
use crate::client::url::Url;
use crate::clock;
use crate::domain::id::message_id;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// How long ago the campaign began.
const SPAN_MS: i64 = 6 * 3_600_000;
/// What happened up to here comes in the opening.
const OPENING_STORY_MS: i64 = SPAN_MS / 4 * 3;
/// How long the opening takes.
const OPENING_MS: i64 = 12_000;
/// How long the rest of the six hours takes, about.
const REST_MS: i64 = 240_000;
/// Milliseconds between two messages of the rest, at least and at most: nine to four a second.
const APART_MS: (i64, i64) = (111, 250);
/// The six hours as they are told: what comes in the opening has just happened when the opening ends, and the
/// rest happens while one looks on.
const TELLING: Telling = Telling {
    part_ms: OPENING_STORY_MS,
    story_ms: SPAN_MS,
    part_told_ms: SPAN_MS + OPENING_MS - 12_000,
    told_ms: SPAN_MS + OPENING_MS + REST_MS,
};
/// The bursts of invitations: a few candidates early, who are through by now, and most of them later.
const WAVES: [(f64, u64); 5] = [(0.01, 32), (0.65, 50), (0.69, 52), (0.715, 54), (0.735, 52)];
/// A story's share of the span; the last one ends before the present.
const STORY: f64 = 0.22;
/// New candidates are invited from here on, this far apart, with stories of five minutes.
const NEWCOMERS: (i64, i64, i64) = (30_000, 6_700, 300_000);
/// A newcomer's event is sent so long after it happened.
const LAG_MS: i64 = 600;
/// The first forged request, and the pause between a few of them and the next few.
const FORGED_MS: (i64, i64) = (6_000, 40_000);
/// Nothing comes twice before this.
const REPEATS_FROM_MS: i64 = 8_000;
const REPEATS: f64 = 0.04;

/// The demonstration as a sequence without end. `at_ms` of its messages counts from its beginning.
#[derive(Debug)]
pub struct Demo {
    begin: Timestamp,
    rng: Rng,
    story: VecDeque<Send>,
    newcomers: Peekable<Rollout>,
    recent: VecDeque<Send>,
    repeat: Option<Send>,
    forge_ms: i64,
    forgeries: usize,
    last_ms: i64,
}

impl Demo {
    /// The demonstration of a seed that begins now.
    #[must_use]
    pub fn new(seed: u64, now: Timestamp) -> Self {
        let candidates = WAVES.iter().map(|wave| wave.1).sum();
        let start = now.plus_millis(-SPAN_MS);
        let (duplicates, forged) = (0.0, 0.0);
        let plan =
            Plan { seed, candidates, start, story_span_ms: SPAN_MS, duplicates, disorder: 0.03, forged };
        let mut rollout = Rollout::with(plan, Invitations::Waves(WAVES.to_vec()), STORY).told(TELLING);
        rollout.announce();
        let mut rng = rng_of(seed, 4, 0);
        let story = timed(rollout.collect(), &mut rng);
        let (from_ms, apart_ms, story_span_ms) = NEWCOMERS;
        let stream = Invitations::Stream { first: candidates, from_ms: SPAN_MS + from_ms, apart_ms };
        let newcomers = Rollout::with(Plan { story_span_ms, ..plan }, stream, 1.0).peekable();
        Self {
            begin: now,
            rng,
            story,
            newcomers,
            recent: VecDeque::new(),
            repeat: None,
            forge_ms: FORGED_MS.0,
            forgeries: 0,
            last_ms: 0,
        }
    }

    /// A message with an id that was made a little before it is sent.
    fn stamped(&mut self, at_ms: i64, send: Send) -> Send {
        let created = self.begin.plus_millis(at_ms - self.rng.i64(200..900));
        Send { at_ms, id: message_id(created, random_of(&mut self.rng)), ..send }
    }

    /// The next message of the campaign itself.
    fn told(&mut self) -> Option<Send> {
        let newcomer_ms = self.newcomers.peek().map_or(i64::MAX, |send| send.at_ms - SPAN_MS + LAG_MS);
        let send = match self.story.front() {
            Some(send) if send.at_ms <= newcomer_ms => self.story.pop_front()?,
            _ => Send { at_ms: newcomer_ms, ..self.newcomers.next()? },
        };
        let send = self.stamped(send.at_ms.max(self.last_ms), send);
        self.last_ms = send.at_ms;
        self.recent.push_back(send.clone());
        if self.recent.len() > 24 {
            self.recent.pop_front();
        }
        if self.last_ms > REPEATS_FROM_MS && self.rng.f64() < REPEATS {
            let again = self.rng.choice(self.recent.iter()).cloned();
            self.repeat = again.map(|again| Send { at_ms: self.last_ms, ..again });
        }
        Some(send)
    }

    /// The next forged request, if it is time for one.
    fn forged(&mut self) -> Option<Send> {
        if self.last_ms < self.forge_ms {
            return None;
        }
        let forgery = Forgery::ALL.get(self.forgeries % Forgery::ALL.len()).copied();
        self.forgeries += 1;
        // One at first, then three close together every time.
        let pause = if self.forgeries % 3 == 1 { FORGED_MS.1 - 800 } else { 400 };
        self.forge_ms = self.last_ms + pause;
        let model = self.recent.back()?.clone();
        Some(Send { forgery, ..self.stamped(self.last_ms, model) })
    }
}

/// Gives the messages of the six hours their times: the opening evenly, the rest at a walk with small runs.
fn timed(messages: Vec<Send>, rng: &mut Rng) -> VecDeque<Send> {
    let opening = messages.partition_point(|send| send.at_ms <= OPENING_STORY_MS);
    let rest = (messages.len() - opening).max(1) as i64;
    let apart = (REST_MS / rest).clamp(APART_MS.0, APART_MS.1);
    let (mut at_ms, mut run) = (OPENING_MS, 0);
    let place = |(n, send): (usize, Send)| {
        // Nothing is sent before it has happened.
        let happened = TELLING.of(send.at_ms) - SPAN_MS + LAG_MS;
        if n < opening {
            return Send { at_ms: (OPENING_MS * n as i64 / opening as i64).max(happened), ..send };
        }
        if run == 0 && rng.f64() < 0.03 {
            run = rng.i64(4..9);
        }
        // What a run of messages saves in time, the pause after it gives back.
        at_ms += match run {
            0 => apart * rng.i64(60..=140) / 100,
            1 => apart * 3,
            _ => apart / 4,
        };
        run = (run - 1).max(0);
        at_ms = at_ms.max(happened);
        Send { at_ms, ..send }
    };
    messages.into_iter().enumerate().map(place).collect()
}

impl Iterator for Demo {
    type Item = Send;

    fn next(&mut self) -> Option<Send> {
        self.repeat.take().or_else(|| self.forged()).or_else(|| self.told())
    }
}

/// Sends the demonstration to a receiver until it is to stop.
///
/// # Errors
/// Why the URL cannot be used, in a sentence.
pub async fn run(secret: Secret, url: &str, seed: u64, stop: CancellationToken) -> Result<Report, String> {
    let target = Target::new(Url::parse(url)?, secret, &Trust::default())?;
    let demo = Demo::new(seed, clock::now())
        .map(|send| (Duration::from_millis(u64::try_from(send.at_ms).unwrap_or_default()), send));
    Ok(sender::drive(demo, &target, 64, &stop, |_, _| {}).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::decode;
    use crate::domain::event::EventKind;
    use crate::domain::id::created_at;

    #[test]
    fn it_is_lively_from_the_start_and_never_ahead_of_the_clock() {
        for seed in 0..4 {
            let begin = Timestamp::from_secs(1_790_000_000).unwrap();
            let messages: Vec<_> = Demo::new(seed, begin).take_while(|send| send.at_ms < 900_000).collect();
            let between = |from: i64, to: i64| {
                messages.iter().filter(|send| (from..to).contains(&send.at_ms)).count() as f64
            };
            let rates = [between(20_000, 220_000) / 200.0, between(400_000, 900_000) / 500.0];
            assert!(between(0, 2_000) >= 10.0 && between(0, 12_000) < 900.0, "{}", between(0, 12_000));
            assert!((4.0..9.0).contains(&rates[0]) && (0.7..1.5).contains(&rates[1]), "{rates:?}");
            let early: Vec<_> = messages.iter().filter(|send| send.at_ms < 15_000).collect();
            let events: Vec<_> = early.iter().map(|send| decode(&send.body)).collect();
            assert!(events.iter().any(|event| event.kind == Some(EventKind::Disqualified)));
            assert!(events.iter().any(|event| event.signals.counts.sum() > 0));
            assert!(early.iter().any(|send| send.forgery.is_some() && send.at_ms < 6_500));
            let mut assessments = std::collections::HashSet::new();
            for send in &messages {
                let event = decode(&send.body);
                let sent = begin.plus_millis(send.at_ms);
                assert!(event.timestamp.is_none_or(|happened| happened <= sent));
                assert!(created_at(&send.id).is_some_and(|created| created < sent));
                assessments.insert(event.assessment_id);
            }
            assert_eq!(assessments.len(), 6);
            let forged = messages.iter().filter(|send| send.forgery.is_some()).count();
            assert!((30..80).contains(&forged), "{forged}");
        }
    }
}
