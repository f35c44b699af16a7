//! A session in memory: a small made-up rollout, folded by the real rules, that answers as a store does.

use invigil::app::msg::{Answer, Mark, Question, Stretch};
use invigil::domain::delivery::{Headers, Seq, Source};
use invigil::domain::event::{Event, EventKind};
use invigil::domain::filter::{Filter, Standing, Subject};
use invigil::domain::proctoring::ViolationKind;
use invigil::domain::projection::{Assessment, Candidacy, Stamp};
use invigil::domain::query::{
    Anchor, AssessmentDetail, AssessmentRow, CandidateRow, EventDetail, EventKey, EventLine, EventRow, Page,
    Query, RiseRow, Row, Scope, Sort, Sums,
};
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
struct Of<T>(Vec<String>, T);

/// A session in memory.
#[derive(Default)]
pub(crate) struct Session {
    events: Vec<(Event, EventLine)>,
    candidacies: Vec<Of<Candidacy>>,
    assessments: Vec<Of<Assessment>>,
    rises: Vec<(RiseRow, usize)>,
    refusals: Vec<(Seq, Refusal)>,
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
        let stamp = Stamp { at: occurred_at, id: format!("msg_{seq:027}") };
        let mut line = EventLine {
            seq,
            id: stamp.id.clone(),
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

    fn standing(&self, line: &EventLine) -> Option<Standing> {
        let ids = [line.assessment_id.clone()?, line.candidate_id.clone()?];
        let Of(_, held) = self.candidacies.iter().find(|Of(of, _)| *of == ids)?;
        let (status, score) = (held.status.value().copied(), held.score.value().copied());
        Some(Standing { status, score, counts: held.counts() })
    }

    fn chosen(&self, line: &EventLine, query: &Query) -> bool {
        let within = match &query.scope {
            Scope::Session => true,
            Scope::Assessment(a) => line.assessment_id.as_ref() == Some(a),
            Scope::Candidacy(a, c) => {
                line.assessment_id.as_ref() == Some(a) && line.candidate_id.as_ref() == Some(c)
            }
        };
        let subject = Subject { line, standing: self.standing(line) };
        within && query.filters.iter().all(|filter| filter.matches(&subject, query.now))
    }

    fn any(&self, query: &Query, of: impl Fn(&EventLine) -> bool) -> bool {
        self.events.iter().any(|(_, line)| of(line) && self.chosen(line, query))
    }

    fn events(&self, query: &Query) -> Vec<EventRow> {
        let mut rows: Vec<EventRow> = Vec::new();
        let mut refusals = self.refusals.iter().peekable();
        for (_, line) in &self.events {
            if self.chosen(line, query) {
                rows.push(EventRow::Event(Box::new(line.clone())));
            }
            while let Some((seq, refusal)) = refusals.next_if(|(seq, _)| *seq == line.seq) {
                let wanted = |filter: &Filter| filter.matches_refusal(refusal, query.now);
                if query.scope == Scope::Session && query.filters.iter().all(wanted) {
                    rows.push(EventRow::Refusal(*seq, Box::new(refusal.clone())));
                }
            }
        }
        if query.sort != Sort::Oldest {
            rows.reverse();
        }
        rows
    }

    fn rises(&self, query: &Query) -> Vec<RiseRow> {
        let chosen = self.rises.iter().filter(|(row, _)| self.any(query, |line| line.seq == row.seq));
        let mut rows: Vec<RiseRow> = chosen
            .map(|(row, n)| {
                let held = &self.candidacies[*n].1;
                RiseRow { flag: held.counts().flag(), status: held.status.value().copied(), ..row.clone() }
            })
            .collect();
        if query.sort != Sort::Oldest {
            rows.reverse();
        }
        rows
    }

    fn candidates(&self, query: &Query) -> Vec<CandidateRow> {
        let wanted = |Of(ids, _): &&Of<Candidacy>| {
            self.any(query, |line| {
                line.candidate_id.as_ref() == Some(&ids[1]) && line.assessment_id.as_ref() == Some(&ids[0])
            })
        };
        let mut rows: Vec<CandidateRow> =
            self.candidacies.iter().filter(wanted).map(|held| self.candidate_row(held)).collect();
        rows.sort_by(|a, b| match query.sort {
            Sort::Latest => b.last_event_at.cmp(&a.last_event_at),
            Sort::Oldest => a.last_event_at.cmp(&b.last_event_at),
            Sort::Name => a.name.cmp(&b.name),
            Sort::Status => (a.status, a.status_at).cmp(&(b.status, b.status_at)),
            Sort::Score => b.score.unwrap_or(-1.0).total_cmp(&a.score.unwrap_or(-1.0)),
            Sort::Worst => (b.flag, b.counts.sum()).cmp(&(a.flag, a.counts.sum())),
        });
        rows
    }

    fn candidate_row(&self, Of(ids, held): &Of<Candidacy>) -> CandidateRow {
        let assessment = self.assessments.iter().find(|Of(of, _)| of[0] == ids[0]);
        CandidateRow {
            assessment_id: ids[0].clone(),
            candidate_id: ids[1].clone(),
            assessment_name: assessment.and_then(|Of(_, held)| held.name.value().cloned()),
            name: held.name.value().cloned(),
            email: held.email.value().cloned(),
            status: held.status.value().copied(),
            status_at: held.status.at(),
            stage: held.stage.value().cloned(),
            score: held.score.value().copied(),
            flag: held.counts().flag(),
            counts: held.counts(),
            outside_secs: held.outside_secs,
            mouse_out_secs: held.mouse_out_secs,
            events: held.events,
            invited_at: held.invited_at,
            started_at: held.started_at,
            finished_at: held.finished_at,
            last_event_at: held.last_at,
            detail_link: held.detail_link.value().cloned(),
            result_link: None,
        }
    }

    fn assessments(&self, query: &Query) -> Vec<AssessmentRow> {
        let wanted = |Of(ids, _): &&Of<Assessment>| {
            self.any(query, |line| line.assessment_id.as_ref() == Some(&ids[0]))
        };
        let mut rows: Vec<AssessmentRow> =
            self.assessments.iter().filter(wanted).map(assessment_row).collect();
        rows.sort_by(|a, b| match query.sort {
            Sort::Latest => b.last_event_at.cmp(&a.last_event_at),
            Sort::Worst => b.totals.red.cmp(&a.totals.red),
            _ => a.name.cmp(&b.name),
        });
        rows
    }

    fn assessment(&self, id: &str) -> Option<AssessmentDetail> {
        let held = self.assessments.iter().find(|Of(ids, _)| ids[0] == id)?;
        let mut detail = AssessmentDetail { row: assessment_row(held), ..AssessmentDetail::default() };
        for Of(_, one) in self.candidacies.iter().filter(|Of(ids, _)| ids[0] == id) {
            if let Some(score) = one.score.value() {
                detail.scores[(*score as usize / 10).min(9)] += 1;
            }
            detail.funnel[0] += u64::from(one.invited_at.is_some());
            detail.funnel[1] += u64::from(one.started_at.is_some());
            detail.funnel[2] += u64::from(one.finished_at.is_some());
            for (slot, count) in detail.violations.iter_mut().zip(one.counts().0) {
                *slot = (slot.0 + u64::from(count > 0), slot.1 + u64::from(count));
            }
        }
        detail.median_to_start = Some(84_100_000);
        detail.median_to_finish = Some(1_790_000);
        detail.body = Some(include_bytes!("../../../assets/samples/assessment.created.json").to_vec());
        Some(detail)
    }

    fn detail(&self, seq: Seq) -> Option<EventDetail> {
        let (event, line) = self.events.get(usize::try_from(seq).ok()?.checked_sub(1)?)?;
        let scope = event.candidacy().map(|(a, c)| Scope::Candidacy(a.into(), c.into()));
        let beside = |step: i64| {
            let query = Query { scope: scope.clone()?, sort: Sort::Oldest, ..Query::default() };
            let rows = self.events(&query);
            let at = rows.iter().position(|row| row.key().seq == seq)?;
            Some(rows.get(usize::try_from(at as i64 + step).ok()?)?.key().seq)
        };
        let body = match event.kind {
            None => br#"{"type":"candidate","event":"teleported","data":{}}"#.to_vec(),
            Some(kind) => sample(kind, event),
        };
        let headers = [
            ("content-type", "application/json"),
            ("svix-id", &line.id),
            ("svix-timestamp", "1795442400"),
            ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ("user-agent", "Svix-Webhooks/1.84.0 (sender-9YMgn; +https://www.svix.com/http-sender/)"),
        ];
        Some(EventDetail {
            line: line.clone(),
            headers: Headers(headers.map(|(name, value)| (name.into(), value.into())).to_vec()),
            body,
            previous: beside(-1),
            next: beside(1),
        })
    }

    fn next(&self, query: &Query, from: Option<EventKey>, down: bool, what: Mark) -> Option<EventKey> {
        let mut rows = self.events(query);
        if !down {
            rows.reverse();
        }
        let skip = from.and_then(|key| rows.iter().position(|row| row.key() == key)).map_or(0, |at| at + 1);
        let wanted = |row: &&EventRow| match (row, what) {
            (EventRow::Event(line), Mark::Problem) => !line.rises.is_empty() || line.kind.is_none(),
            (EventRow::Event(line), Mark::Marked) => line.marked,
            (EventRow::Refusal(..), what) => what == Mark::Problem,
        };
        rows.iter().skip(skip).find(wanted).map(Row::key)
    }

    /// Answers as a store does.
    pub(crate) fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Assessments(stretch) => {
                Answer::Assessments(page(self.assessments(&stretch.query), stretch))
            }
            Question::Candidates(stretch) => {
                Answer::Candidates(page(self.candidates(&stretch.query), stretch))
            }
            Question::Rises(stretch) => Answer::Rises(page(self.rises(&stretch.query), stretch)),
            Question::Events(stretch) => Answer::Events(page(self.events(&stretch.query), stretch)),
            Question::Sums => Answer::Sums(self.sums()),
            Question::Detail(seq) => Answer::Detail(self.detail(*seq).map(Box::new)),
            Question::Assessment(id) => Answer::Assessment(self.assessment(id).map(Box::new)),
            Question::Candidacy(a, c) => {
                let held = self.candidacies.iter().find(|Of(ids, _)| *ids == [a.clone(), c.clone()]);
                Answer::Candidacy(held.map(|held| Box::new(self.candidate_row(held))))
            }
            Question::Next { query, from, down, what } => Answer::Next(self.next(query, *from, *down, *what)),
        }
    }

    fn sums(&self) -> Sums {
        Sums {
            events: self.events.len() as u64,
            deliveries: self.events.iter().map(|(_, line)| line.deliveries).sum(),
            unrecognised: self.events.iter().filter(|(_, line)| line.kind.is_none()).count() as u64,
            candidates: self.candidacies.len() as u64,
            assessments: self.assessments.len() as u64,
            rises: self.rises.len() as u64,
            last_received_at: self.events.iter().map(|(_, line)| line.received_at).max(),
        }
    }
}

fn sample(kind: EventKind, event: &Event) -> Vec<u8> {
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

fn assessment_row(Of(ids, held): &Of<Assessment>) -> AssessmentRow {
    AssessmentRow {
        id: ids[0].clone(),
        name: held.name.value().cloned(),
        workspace: held.workspace.value().cloned(),
        org_id: None,
        archived: held.archived(),
        deleted: held.deleted(),
        contradiction: false,
        totals: held.totals,
        last_event_at: held.last_at,
    }
}

fn page<R: Row>(rows: Vec<R>, stretch: &Stretch<R::Key>) -> Page<R> {
    let (before, after) = (stretch.before as usize, stretch.after as usize);
    let total = rows.len();
    let from = match &stretch.anchor {
        Anchor::First => 0..before + after,
        Anchor::Last => total.saturating_sub(before + after)..total,
        Anchor::At(key) => match rows.iter().position(|row| row.key() == *key) {
            Some(at) => at.saturating_sub(before)..at + after,
            None => 0..before + after,
        },
    };
    let first = from.start.min(total);
    Page { rows: rows[first..from.end.min(total)].to_vec(), before: first as u64, total: total as u64 }
}
