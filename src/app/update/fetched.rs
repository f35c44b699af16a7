//! Answers: each goes to who asked, if they still want it.

use super::super::level::{self, Level};
use super::super::model::Model;
use super::super::msg::{Answer, Effect, Slot, Ticket};
use super::errands;
use crate::domain::query::{EventDetail, Page};

type Told = Result<Answer, String>;

/// Takes an answer in.
pub(super) fn take(model: &mut Model, ticket: Ticket, answer: Told, out: &mut Vec<Effect>) {
    let (now, number) = (model.now, ticket.number);
    macro_rules! page {
        ($window:expr, $kind:path) => {{
            let page = answer.map(|answer| if let $kind(page) = answer { page } else { Page::default() });
            $window.answer(number, page, now);
        }};
    }
    match ticket.slot {
        Slot::Assessments => page!(model.assessments, Answer::Assessments),
        Slot::Candidates => page!(model.candidates, Answer::Candidates),
        Slot::Violations => page!(model.rises, Answer::Rises),
        Slot::Events => page!(model.events, Answer::Events),
        Slot::Roster => {
            if let Some(level) = model.levels.iter_mut().rev().find_map(roster) {
                page!(level.roster, Answer::Candidates);
            }
        }
        Slot::Timeline => {
            if let Some(level) = model.levels.iter_mut().rev().find_map(timeline) {
                page!(level.timeline, Answer::Events);
            }
        }
        Slot::Sums => {
            let sums = answer.map(|answer| if let Answer::Sums(sums) = answer { Some(sums) } else { None });
            model.sums.answer(number, sums);
        }
        Slot::Head => head(model, number, &answer),
        Slot::Payload => payload(model, number, detail(answer)),
        Slot::Before => before(model, number, detail(answer)),
        Slot::Jump => errands::finish(model, number, answer, out),
    }
}

fn roster(level: &mut Level) -> Option<&mut level::AssessmentLevel> {
    if let Level::Assessment(level) = level { Some(level) } else { None }
}

fn timeline(level: &mut Level) -> Option<&mut level::CandidacyLevel> {
    if let Level::Candidacy(level) = level { Some(level) } else { None }
}

fn head(model: &mut Model, number: u64, answer: &Told) {
    for level in &mut model.levels {
        match (level, answer) {
            (Level::Assessment(level), Ok(Answer::Assessment(detail))) => {
                let taken = level.head.answer(number, Ok(detail.as_deref().cloned()));
                let Some(detail) = level.head.get().filter(|_| taken) else { continue };
                level.label = detail.row.name.clone().unwrap_or_else(|| level.id.clone());
                level.settings = detail.body.as_deref().map(level::settings).unwrap_or_default();
            }
            (Level::Candidacy(level), Ok(Answer::Candidacy(row))) => {
                if level.head.answer(number, Ok(row.as_deref().cloned()))
                    && let Some(name) = level.head.get().and_then(|row| row.name.clone())
                {
                    level.label = name;
                }
            }
            (Level::Assessment(level), Err(why)) => {
                level.head.answer(number, Err(why.clone()));
            }
            (Level::Candidacy(level), Err(why)) => {
                level.head.answer(number, Err(why.clone()));
            }
            _ => {}
        }
    }
}

type Detail = Result<Option<EventDetail>, String>;

fn detail(answer: Told) -> Detail {
    answer.map(|answer| if let Answer::Detail(detail) = answer { detail.map(|detail| *detail) } else { None })
}

fn payload(model: &mut Model, number: u64, answer: Detail) {
    let Some(Level::Payload(level)) = model.levels.last_mut() else { return };
    if !level.head.answer(number, answer) {
        return;
    }
    let Some(detail) = level.head.get() else { return };
    level.label = detail.line.name.clone().unwrap_or_else(|| "unrecognised".into());
    if level.reading.is_none() {
        level.dress(model.redact);
        // It was found by what is in it: that is where to look.
        if let (true, Some(word), Some(reading)) = (model.in_bodies, &model.search, &mut level.reading) {
            reading.looked(word);
        }
    }
}

fn before(model: &mut Model, number: u64, answer: Detail) {
    let Some(Level::Payload(level)) = model.levels.last_mut() else { return };
    if level.before.answer(number, answer) {
        level.dress(model.redact);
    }
}
