//! The places a drill-down leads to: an assessment, a candidacy, a refused delivery, a payload.

use super::fact::Fact;
use super::pane::View;
use super::reading::{Reading, redacted};
use super::window::Window;
use crate::domain::delivery::Seq;
use crate::domain::forward::State;
use crate::domain::query::{AssessmentDetail, CandidateRow, EventDetail, EventKey, EventRow, Sort};
use crate::domain::refusal::Refusal;
use crate::json::{Kind, Reader};

/// One place on the way down.
#[derive(Debug, Clone, PartialEq)]
pub enum Level {
    /// An assessment and its candidates.
    Assessment(Box<AssessmentLevel>),
    /// A candidacy and its events.
    Candidacy(Box<CandidacyLevel>),
    /// An event's payload.
    Payload(Box<PayloadLevel>),
    /// A delivery that was turned away.
    Refusal(Box<Refusal>),
}

/// An assessment in depth, above its candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct AssessmentLevel {
    /// `assessmentId`
    pub id: String,
    /// Its name, for the breadcrumb.
    pub label: String,
    /// What is known of it.
    pub head: Fact<AssessmentDetail>,
    /// Its configuration worth knowing, read from its latest event.
    pub settings: Vec<(String, String)>,
    /// Its candidates.
    pub roster: Window<CandidateRow>,
    /// Which of them.
    pub view: View,
    /// In which order.
    pub sort: Sort,
}

impl AssessmentLevel {
    /// An assessment that is about to be looked at.
    #[must_use]
    pub fn new(id: String, label: String) -> Self {
        Self {
            id,
            label,
            head: Fact::default(),
            settings: Vec::new(),
            roster: Window::default(),
            view: View::All,
            sort: Sort::Worst,
        }
    }
}

/// A candidacy: its events in the sender's time.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidacyLevel {
    /// `assessmentId`
    pub assessment_id: String,
    /// `candidateId`
    pub candidate_id: String,
    /// The candidate's name, for the breadcrumb.
    pub label: String,
    /// What is known of it.
    pub head: Fact<CandidateRow>,
    /// Its events.
    pub timeline: Window<EventRow>,
    /// In which order.
    pub sort: Sort,
}

impl CandidacyLevel {
    /// A candidacy that is about to be looked at, on the event if one is given.
    #[must_use]
    pub fn new(assessment_id: String, candidate_id: String, label: String, on: Option<Seq>) -> Self {
        let on = on.map(|seq| EventKey { seq, refusal: 0 });
        Self {
            assessment_id,
            candidate_id,
            label,
            head: Fact::default(),
            timeline: on.map_or_else(Window::default, Window::on),
            sort: Sort::Oldest,
        }
    }
}

/// A payload and how it is being read.
#[derive(Debug, Clone, PartialEq)]
pub struct PayloadLevel {
    /// The event.
    pub seq: Seq,
    /// Its name, for the breadcrumb.
    pub label: String,
    /// The event in full.
    pub head: Fact<EventDetail>,
    /// The candidacy's event before it, once asked for.
    pub before: Fact<EventDetail>,
    /// How it is being read, once it is here.
    pub reading: Option<Reading>,
    /// What changed is to be shown as soon as it is known.
    pub diff: bool,
}

impl PayloadLevel {
    /// A payload that is about to be looked at.
    #[must_use]
    pub fn new(seq: Seq, label: String, diff: bool) -> Self {
        Self { seq, label, head: Fact::default(), before: Fact::default(), reading: None, diff }
    }
}

impl PayloadLevel {
    /// What became of passing it on may have changed. `replayed` is the event that was sent again last.
    #[must_use]
    pub fn may_be_forwarded(&self, replayed: Option<Seq>) -> bool {
        let result = self.head.get().and_then(|detail| detail.line.forwarded.as_ref());
        replayed == Some(self.seq) || result.is_none_or(|result| result.state == State::Retrying)
    }

    /// The names of people that the event tells, for hiding them.
    fn people(&self) -> Vec<String> {
        let line = self.head.get().map(|detail| &detail.line);
        line.and_then(|line| line.candidate_name.clone()).into_iter().collect()
    }

    /// Shows the body in full or without what names a person; with what changed, if that was shown.
    pub fn dress(&mut self, redact: bool) {
        let people = self.people();
        let worn = |body: &[u8]| if redact { redacted(body, &people) } else { body.to_vec() };
        let Some(body) = self.head.get().map(|detail| worn(&detail.body)) else { return };
        let reading = self.reading.get_or_insert_with(|| Reading::new(&body));
        reading.dress(&body);
        if let (true, Some(before)) = (self.diff, self.before.get()) {
            reading.compare(&worn(&before.body));
        }
    }
}

/// The configuration of an assessment that says something: limits and switches, in the sender's words.
#[must_use]
pub fn settings(body: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Ok(text) = std::str::from_utf8(body) else { return found };
    let read = Reader::new(text).object(|top, key| {
        if key != "data" {
            return top.skip().map(drop);
        }
        top.object(|data, key| {
            if !matches!(key, "limits" | "configuration") {
                return data.skip().map(drop);
            }
            data.object(|part, name| {
                let kind = part.peek()?;
                let value = part.skip()?;
                if matches!(kind, Kind::Number | Kind::Bool) {
                    found.push((words(name), value.to_owned()));
                }
                Ok(())
            })
            .map(drop)
        })
        .map(drop)
    });
    if read.is_err() {
        found.clear();
    }
    found
}

/// `forceFullScreen` as people write it: `force full screen`.
fn words(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_uppercase() {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assessment_tells_its_limits_and_switches() {
        let body = include_bytes!("../../assets/samples/assessment.created.json");
        let all = settings(body);
        assert!(all.contains(&("total time".into(), "440".into())));
        assert!(all.contains(&("force full screen".into(), "true".into())));
        assert_eq!(settings(b"{\"data\":{\"limits\":{\"a\":1},"), []);
    }
}
