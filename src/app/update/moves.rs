//! Getting around: rows, panes, views, down into things and back.

use super::super::action::Action;
use super::super::level::{AssessmentLevel, CandidacyLevel, Level, PayloadLevel};
use super::super::model::Model;
use super::super::msg::{Effect, Slot};
use super::super::notice::Tone;
use super::super::pane::{self, Pane, View};
use super::super::reading::Reading;
use super::super::window::{Live, Window};
use crate::domain::query::{AssessmentRow, CandidateRow, EventLine, EventRow, RiseRow};

/// Carries out an action of this kind.
pub(super) fn act(model: &mut Model, action: Action, _out: &mut Vec<Effect>) {
    match action {
        Action::Open => open(model),
        Action::Back => {
            back(model);
        }
        Action::PaneAssessments => focus(model, Pane::Assessments),
        Action::PaneCandidates => focus(model, Pane::Candidates),
        Action::PaneViolations => focus(model, Pane::Violations),
        Action::PaneEvents => focus(model, Pane::Events),
        Action::NextPane => focus(model, model.focus.neighbour(1)),
        Action::PreviousPane => focus(model, model.focus.neighbour(-1)),
        Action::NextView => turn(model, 1),
        Action::ByCandidate => by_candidate(model),
        Action::PreviousView => turn(model, -1),
        _ => {
            if let Some(slot) = model.list() {
                scroll(model, slot, action);
            } else if let Some(Level::Payload(level)) = model.levels.last_mut()
                && let Some(reading) = &mut level.reading
            {
                reading.act(action);
            }
        }
    }
}

/// What a list can be told; lets one function speak to lists of any rows.
trait Scroll {
    fn scroll(&mut self, action: Action);
    fn pin(&mut self);
}

impl<R: Live> Scroll for Window<R> {
    fn scroll(&mut self, action: Action) {
        match action {
            Action::Down => self.step(1),
            Action::Up => self.step(-1),
            Action::First => self.first(),
            Action::Last => self.last(),
            Action::HalfDown => self.turn(1),
            Action::HalfUp => self.turn(-1),
            Action::PageDown => self.turn(2),
            Action::PageUp => self.turn(-2),
            _ => {}
        }
    }

    fn pin(&mut self) {
        Self::pin(self);
    }
}

/// A list of any rows.
fn window(model: &mut Model, slot: Slot) -> Option<&mut dyn Scroll> {
    match slot {
        Slot::Assessments => Some(&mut model.assessments),
        Slot::Candidates => Some(&mut model.candidates),
        Slot::Violations => Some(&mut model.rises),
        Slot::Events => Some(&mut model.events),
        Slot::Roster | Slot::Timeline => model.levels.iter_mut().rev().find_map(|level| match level {
            Level::Assessment(level) if slot == Slot::Roster => Some(&mut level.roster as &mut dyn Scroll),
            Level::Candidacy(level) if slot == Slot::Timeline => Some(&mut level.timeline),
            _ => None,
        }),
        _ => None,
    }
}

/// Moves in a list.
pub(super) fn scroll(model: &mut Model, slot: Slot, action: Action) {
    if let Some(window) = window(model, slot) {
        window.scroll(action);
    }
}

fn focus(model: &mut Model, pane: Pane) {
    model.focus = pane;
}

/// The next view of the candidates, or the next event's payload.
fn turn(model: &mut Model, by: isize) {
    match model.levels.last_mut() {
        Some(Level::Payload(_)) => {
            let slot = model.list_below();
            scroll(model, slot, if by > 0 { Action::Down } else { Action::Up });
            reopen(model);
        }
        Some(Level::Assessment(level)) => {
            let view = level.view.neighbour(by);
            show(model, Slot::Roster, view);
        }
        None => {
            // From any pane: the strip is what the keys are for, so they lead to it.
            model.focus = Pane::Candidates;
            show(model, Slot::Candidates, model.view.neighbour(by));
        }
        _ => model.say(Tone::Info, "Views are for candidates"),
    }
}

/// From the violations as they come to those of each candidate, and back.
fn by_candidate(model: &mut Model) {
    if model.focus == Pane::Candidates && model.view == View::Flagged {
        show(model, Slot::Candidates, View::All);
        model.focus = Pane::Violations;
    } else {
        model.focus = Pane::Candidates;
        show(model, Slot::Candidates, View::Flagged);
    }
}

/// Shows a view of a list of candidates, in the order that answers its question.
fn show(model: &mut Model, slot: Slot, view: View) {
    if slot == Slot::Candidates {
        model.view = view;
        model.candidates.first();
        if let Some(sort) = model.sorts.get_mut(Pane::Candidates as usize) {
            *sort = view.sort();
        }
    } else if let Some(Level::Assessment(level)) = model.levels.last_mut() {
        (level.view, level.sort) = (view, view.sort());
        level.roster.first();
    }
}

/// The view at a cell of the strip of views.
pub(super) fn view(model: &mut Model, slot: Slot, x: u16, room: u16) {
    let places = pane::strip(model.view(slot), room);
    if let Some((view, _)) = places.into_iter().rev().find(|(_, from)| *from <= x) {
        show(model, slot, view);
    }
}

/// Opens the payload of the row under the cursor of the list below, in place of the one that is open.
pub(super) fn reopen(model: &mut Model) {
    let row = match model.list_below() {
        Slot::Timeline => model.candidacy().and_then(|level| level.timeline.current()),
        _ => model.events.current(),
    };
    let level = match row {
        Some(EventRow::Event(line)) => {
            let diff = model.payload().is_some_and(|level| level.diff);
            Level::Payload(Box::new(payload(line, diff)))
        }
        Some(EventRow::Refusal(..)) => {
            model.say(Tone::Info, "That one was refused: there is no payload. Back to see why");
            return;
        }
        None => return,
    };
    if let (Level::Payload(new), Some(Level::Payload(old))) = (&level, model.levels.last_mut()) {
        if new.seq != old.seq {
            **old = (**new).clone();
        }
    } else {
        model.levels.push(level);
    }
}

/// A payload that is about to be looked at.
pub(super) fn payload(line: &EventLine, diff: bool) -> PayloadLevel {
    let label = line.name.clone().unwrap_or_else(|| "unrecognised".into());
    PayloadLevel::new(line.seq, label, diff)
}

/// Drills in. What is open is the row that was under the cursor: it stays there for the way back.
pub(super) fn open(model: &mut Model) {
    if let Some(slot) = model.list()
        && let Some(window) = window(model, slot)
    {
        window.pin();
    }
    let level = match model.list() {
        Some(Slot::Assessments) => model.assessments.current().map(assessment),
        Some(Slot::Candidates) => model.candidates.current().map(candidacy),
        Some(Slot::Violations) => model.rises.current().map(rise),
        Some(Slot::Events) => model.events.current().map(event),
        Some(Slot::Roster) => model.assessment().and_then(|level| level.roster.current()).map(candidacy),
        Some(Slot::Timeline) => model.candidacy().and_then(|level| level.timeline.current()).map(event),
        _ => {
            if let Some(Level::Payload(level)) = model.levels.last_mut()
                && let Some(reading) = &mut level.reading
            {
                reading.act(Action::Open);
            }
            return;
        }
    };
    match level {
        Some(level) => model.levels.push(level),
        None => model.say(Tone::Info, "Nothing here to open yet"),
    }
}

fn assessment(row: &AssessmentRow) -> Level {
    let label = row.name.clone().unwrap_or_else(|| row.id.clone());
    Level::Assessment(Box::new(AssessmentLevel::new(row.id.clone(), label)))
}

fn candidacy(row: &CandidateRow) -> Level {
    let label = row.name.clone().or_else(|| row.email.clone()).unwrap_or_else(|| row.candidate_id.clone());
    let (assessment, candidate) = (row.assessment_id.clone(), row.candidate_id.clone());
    Level::Candidacy(Box::new(CandidacyLevel::new(assessment, candidate, label, None)))
}

fn rise(row: &RiseRow) -> Level {
    let name = row.candidate_name.clone().or_else(|| row.email.clone());
    let label = name.unwrap_or_else(|| row.candidate_id.clone());
    let (assessment, candidate) = (row.assessment_id.clone(), row.candidate_id.clone());
    Level::Candidacy(Box::new(CandidacyLevel::new(assessment, candidate, label, Some(row.seq))))
}

fn event(row: &EventRow) -> Level {
    match row {
        EventRow::Event(line) => Level::Payload(Box::new(payload(line, false))),
        EventRow::Refusal(_, refusal) => Level::Refusal(refusal.clone()),
    }
}

/// One step back; false if there is none.
pub(super) fn back(model: &mut Model) -> bool {
    if model.overlays.pop().is_some() {
        return true;
    }
    if let Some(Level::Payload(level)) = model.levels.last_mut()
        && level.reading.as_mut().is_some_and(Reading::step_back)
    {
        return true;
    }
    model.levels.pop().is_some() || std::mem::take(&mut model.zoomed) || from_suspect(model)
}

/// From what one candidate did, back to the candidates.
fn from_suspect(model: &mut Model) -> bool {
    let was_there = model.focus == Pane::Violations && model.suspect().is_some();
    if was_there {
        model.focus = Pane::Candidates;
    }
    was_there
}
