//! What the session in memory answers, as a store does.

#![expect(clippy::indexing_slicing, reason = "a test that reaches beyond the end is to fail")]

use invigil::app::msg::{Answer, Mark, Question, Stretch};
use invigil::domain::delivery::{Headers, Seq};
use invigil::domain::filter::{Filter, Standing, Subject};
use invigil::domain::forward::State;
use invigil::domain::projection::{Assessment, Candidacy};
use invigil::domain::query::{
    Anchor, AssessmentDetail, AssessmentRow, CandidateRow, EventDetail, EventKey, EventLine, EventRow, Hunt,
    Page, Query, RiseRow, Row, Scope, Sort, Sums,
};

use super::session::{Of, Session, sample};

fn given_up(line: &EventLine) -> bool {
    line.forwarded.as_ref().is_some_and(|result| result.state == State::GivenUp)
}

impl Session {
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
        if matches!(query.scope, Scope::Candidacy(..)) {
            let time = |row: &EventRow| match row {
                EventRow::Event(line) => (line.occurred_at, line.id.clone()),
                EventRow::Refusal(_, refusal) => (refusal.at, String::new()),
            };
            rows.sort_by_key(time);
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

    fn hunt(&self, hunt: &Hunt) -> Option<EventKey> {
        let mut rows = self.events(&hunt.query);
        if !hunt.down {
            rows.reverse();
        }
        let skip = hunt.from.and_then(|from| rows.iter().position(|row| row.key() == from));
        rows.rotate_left(skip.map_or(0, |at| at + 1));
        let holds = |row: &&EventRow| {
            let body =
                self.detail(row.key().seq).filter(|_| row.key().refusal == 0).map(|detail| detail.body);
            body.is_some_and(|body| {
                String::from_utf8_lossy(&body).to_lowercase().contains(&hunt.text.to_lowercase())
            })
        };
        rows.iter().find(holds).map(Row::key)
    }

    /// Answers as a store does.
    pub(crate) fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Assessments(stretch) => {
                Answer::Assessments(page(&self.assessments(&stretch.query), stretch))
            }
            Question::Candidates(stretch) => {
                Answer::Candidates(page(&self.candidates(&stretch.query), stretch))
            }
            Question::Rises(stretch) => Answer::Rises(page(&self.rises(&stretch.query), stretch)),
            Question::Events(stretch) => Answer::Events(page(&self.events(&stretch.query), stretch)),
            Question::Chosen(query) => {
                let events = self.events(query);
                let chosen = events.iter().filter(|row| matches!(row, EventRow::Event(_)));
                Answer::Chosen { total: chosen.count() as u64, until: self.len() as Seq }
            }
            Question::Sums => Answer::Sums(self.sums()),
            Question::Detail(seq) => Answer::Detail(self.detail(*seq).map(Box::new)),
            Question::Assessment(id) => Answer::Assessment(self.assessment(id).map(Box::new)),
            Question::Candidacy(a, c) => {
                let held = self.candidacies.iter().find(|Of(ids, _)| *ids == [a.clone(), c.clone()]);
                Answer::Candidacy(held.map(|held| Box::new(self.candidate_row(held))))
            }
            Question::Hunt(hunt) => Answer::Next(self.hunt(hunt)),
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
            unforwarded: self.events.iter().filter(|(_, line)| given_up(line)).count() as u64,
        }
    }
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

fn page<R: Row>(rows: &[R], stretch: &Stretch<R::Key>) -> Page<R> {
    let (before, after) = (stretch.before as usize, stretch.after as usize);
    let total = rows.len();
    let from = match &stretch.anchor {
        Anchor::First | Anchor::Glimpse => 0..before + after,
        Anchor::Last => total.saturating_sub(before + after)..total,
        Anchor::At(key) => match rows.iter().position(|row| row.key() == *key) {
            Some(at) => at.saturating_sub(before)..at + after,
            None => 0..before + after,
        },
    };
    let first = from.start.min(total);
    Page {
        rows: rows[first..from.end.min(total)].to_vec(),
        before: first as u64,
        total: total as u64,
        exact: true,
    }
}
