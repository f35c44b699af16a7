//! A session in memory: a small made-up rollout, folded by the real rules.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that reaches beyond the end is to fail"
)]

use invigil::domain::delivery::{Seq, Source};
use invigil::domain::event::{Event, EventKind};
use invigil::domain::proctoring::ViolationKind;
use invigil::domain::projection::{Assessment, Candidacy, Stamp};
use invigil::domain::query::{EventLine, RiseRow};
use invigil::domain::refusal::{Code, Refusal};
use invigil::domain::time::Timestamp;

/// 2026-11-23T14:00:00Z
pub(crate) const NOON: i64 = 1_795_442_400_000;

const NAMES: [(&str, &str); 16] = [
    ("Bea", "Grant"),
    ("Tomás", "Ibáñez"),
    ("李", "小龍"),
    ("Amara", "Okafor"),
    ("Jürgen", "Weiß"),
    ("Zoë", "Laurent"),
    ("Priya", "Raman"),
    ("Olu", "Adeyemi"),
    ("Mia", "Novak"),
    ("Kenji", "Sato"),
    ("Fatima", "Zahra"),
    ("Lars", "Holm"),
    ("Noor", "Aziz"),
    ("Ivy", "Chen"),
    ("Diego", "Luna"),
    ("Sanna", "Virtanen"),
];
const ASSESSMENTS: [&str; 5] = [
    "Backend Engineer",
    "Data Analyst",
    "Customer Success Lead",
    "Sales Development Rep",
    "Platform SRE (Kraków)",
];

/// A candidacy or assessment and its ids.
pub(crate) struct Of<T>(pub(crate) Vec<String>, pub(crate) T);

/// A session in memory.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) events: Vec<(Event, EventLine)>,
    pub(crate) candidacies: Vec<Of<Candidacy>>,
    pub(crate) assessments: Vec<Of<Assessment>>,
    pub(crate) rises: Vec<(RiseRow, usize)>,
    pub(crate) refusals: Vec<(Seq, Refusal)>,
    seed: u64,
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(NOON + seconds * 1000).unwrap()
}

impl Session {
    /// A rollout of so many candidates that has gone on for a while: `now` is `at(0)`.
    pub(crate) fn rollout(candidates: usize) -> Self {
        let mut session = Self { seed: 7, ..Self::default() };
        for n in 0..ASSESSMENTS.len() {
            let kind = if n == 4 { EventKind::AssessmentArchived } else { EventKind::AssessmentCreated };
            session.accept(kind, n, None, -90_000 + n as i64, &[], None);
        }
        for n in 0..candidates {
            session.candidate(n, -(n as i64 * 131 % 3000) - 30);
        }
        session.events.sort_by_key(|(_, line)| line.occurred_at);
        let events = std::mem::take(&mut session.events);
        let mut fresh = Self { seed: 11, ..Self::default() };
        for (event, line) in events {
            fresh.keep(event, line.occurred_at);
        }
        fresh.touch_up();
        fresh
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn candidate(&mut self, n: usize, end: i64) {
        let assessment = (n * 7 + n / 3) % 4;
        let fate = self.random(100);
        self.accept(EventKind::Invited, assessment, Some(n), end - 86_000 - n as i64 * 60, &[], None);
        match fate {
            0..20 => return,
            20..26 => return self.accept(EventKind::InvitationExpired, assessment, Some(n), end, &[], None),
            _ => self.accept(EventKind::Enrolled, assessment, Some(n), end - 2400, &[], None),
        }
        if fate < 32 {
            return;
        }
        self.accept(EventKind::InProgress, assessment, Some(n), end - 1800, &[], None);
        let tabs = self.random(4) as u32;
        let pastes = u32::from(self.random(9) == 0);
        let mouse = self.random(3) as u32;
        let counts = [(ViolationKind::TabSwitch, tabs), (ViolationKind::MouseOut, mouse)];
        if tabs > 0 {
            self.accept(EventKind::InProgress, assessment, Some(n), end - 900, &counts, None);
        }
        if fate < 50 {
            return;
        }
        let more = [
            (ViolationKind::TabSwitch, tabs * 2),
            (ViolationKind::MouseOut, mouse),
            (ViolationKind::CopyPaste, pastes),
            (ViolationKind::Webcam, (fate == 57).into()),
        ];
        if fate < 58 {
            return self.accept(EventKind::Disqualified, assessment, Some(n), end, &more, None);
        }
        let score = 25.0 + self.random(720) as f64 / 10.0;
        self.accept(EventKind::Completed, assessment, Some(n), end, &more, Some(score));
        if fate > 90 {
            let kind = if score > 60.0 { EventKind::InvitedForInterview } else { EventKind::Rejected };
            self.accept(kind, assessment, Some(n), end + 20, &more, Some(score));
        }
    }

    fn accept(
        &mut self,
        kind: EventKind,
        assessment: usize,
        candidate: Option<usize>,
        seconds: i64,
        counts: &[(ViolationKind, u32)],
        score: Option<f64>,
    ) {
        let mut event = Event {
            name: Some(kind.name().into()),
            kind: Some(kind),
            is_json: true,
            assessment_id: Some(format!("6a019dfcd71395322307e37{assessment}")),
            assessment_name: Some(ASSESSMENTS[assessment % ASSESSMENTS.len()].into()),
            workspace: Some("example".into()),
            score,
            ..Event::default()
        };
        if let Some(n) = candidate {
            let (first, last) = NAMES[n % NAMES.len()];
            let again = n / NAMES.len();
            let last = if again == 0 {
                last.to_owned()
            } else {
                format!("{last}-{}", NAMES[(n * 5 + again) % 16].1)
            };
            event.candidate_id = Some(format!("69145db6968cb883ddfc{n:04x}"));
            event.candidate_name = Some(format!("{first} {last}"));
            event.email = Some(format!("candidate{n}@example.com"));
            event.detail_link =
                Some(format!("https://example.testlify.com/assessment/{assessment}/candidate/{n}"));
            event.stage = Some("ASSESSMENT_INCOMPLETE".into());
            event.signals.outside_secs = Some(f64::from(counts.iter().map(|(_, n)| n).sum::<u32>()) * 14.0);
        }
        for (kind, count) in counts {
            event.signals.counts.raise(*kind, *count);
        }
        self.keep(event, at(seconds));
    }

    /// Keeps an event that says so, at a time.
    pub(crate) fn keep(&mut self, event: Event, occurred_at: Timestamp) {
        let seq = self.events.len() as Seq + 1;
        let stamp = Stamp { at: occurred_at, id: format!("msg_{seq:027}").into() };
        let mut line = EventLine {
            seq,
            id: stamp.id.to_string(),
            name: event.name.clone(),
            kind: event.kind,
            occurred_at,
            received_at: occurred_at.plus_millis(740),
            sent_at: occurred_at,
            deliveries: 1,
            conflicts: 0,
            verified: true,
            source: Source::Http,
            size: 3_700 + seq as u64 % 400,
            marked: false,
            assessment_id: event.assessment_id.clone(),
            candidate_id: event.candidate_id.clone(),
            assessment_name: event.assessment_name.clone(),
            candidate_name: event.candidate_name.clone(),
            email: event.email.clone(),
            score: event.score,
            rises: Vec::new(),
            forwarded: None,
        };
        if let Some(id) = event.assessment() {
            let place = place(&mut self.assessments, &[id]);
            let mut before = None;
            let mut after = None;
            if let Some((a, c)) = event.candidacy() {
                let n = place_of(&mut self.candidacies, &[a, c]);
                let candidacy = &mut self.candidacies[n].1;
                before = (candidacy.events > 0).then(|| candidacy.share());
                line.rises = candidacy.fold(&event, &stamp);
                after = Some(candidacy.share());
                for rise in &line.rises {
                    let row = RiseRow {
                        seq,
                        kind: rise.kind,
                        before: rise.before,
                        after: rise.after,
                        at: occurred_at,
                        assessment_id: a.into(),
                        candidate_id: c.into(),
                        assessment_name: event.assessment_name.clone(),
                        candidate_name: event.candidate_name.clone(),
                        email: event.email.clone(),
                        flag: invigil::domain::proctoring::Flag::Green,
                        status: None,
                    };
                    self.rises.push((row, n));
                }
            }
            place.fold(&event, &stamp);
            place.totals.replace(before, after);
        }
        self.events.push((event, line));
    }

    /// Things a rollout has too: repeats, a mark, something not understood, refusals.
    fn touch_up(&mut self) {
        let count = self.events.len();
        for n in (3..count).step_by(17) {
            self.events[n].1.deliveries = 2 + (n as u64 % 3);
        }
        self.events[count - 4].1.marked = true;
        let odd = Event { name: Some("candidate.teleported".into()), is_json: true, ..Event::default() };
        self.keep(odd, at(-25));
        for n in 1..=3 {
            self.refuse(n, if n == 2 { Code::TimestampTooOld } else { Code::NoMatchingSignature });
        }
    }

    /// Takes note of a refusal after the newest event.
    pub(crate) fn refuse(&mut self, number: u64, code: Code) {
        let refusal = Refusal {
            number,
            at: at(-20 + number as i64),
            peer: Some("198.51.100.7:52114".into()),
            id: Some(format!("msg_forged{number}")),
            code,
            sentence: "no v1 signature matches under the secret …aLaSw; the body may have been re-serialised"
                .into(),
            clock_off_secs: Some(2),
            pending: false,
        };
        self.refusals.push((self.events.len() as Seq, refusal));
    }

    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.refusals.iter().map(|(_, refusal)| refusal.clone()).collect()
    }

    pub(crate) fn len(&self) -> u64 {
        self.events.len() as u64
    }

    pub(crate) fn mark(&mut self, seq: Seq, marked: bool) {
        self.events[seq as usize - 1].1.marked = marked;
    }
}

pub(crate) fn sample(kind: EventKind, event: &Event) -> Vec<u8> {
    if kind.of_assessment() {
        return include_bytes!("../../../assets/samples/assessment.created.json").to_vec();
    }
    let counts = &event.signals.counts;
    let text = include_str!("../../../assets/samples/candidate.completed.json")
        .replace("\"event\": \"completed\"", &format!("\"event\": \"{}\"", kind.event()))
        .replace(
            "\"tabSwitchCount\": 0",
            &format!("\"tabSwitchCount\": {}", counts.of(ViolationKind::TabSwitch)),
        )
        .replace(
            "\"mouseOutCount\": 0",
            &format!("\"mouseOutCount\": {}", counts.of(ViolationKind::MouseOut)),
        );
    text.into_bytes()
}

fn place_of<T: Default>(all: &mut Vec<Of<T>>, ids: &[&str]) -> usize {
    if let Some(at) = all.iter().position(|Of(of, _)| *of == ids) {
        return at;
    }
    all.push(Of(ids.iter().map(|id| (*id).to_owned()).collect(), T::default()));
    all.len() - 1
}

fn place<'a, T: Default>(all: &'a mut Vec<Of<T>>, ids: &[&str]) -> &'a mut T {
    let at = place_of(all, ids);
    &mut all[at].1
}
