//! Finding things: search, filter, the next problem, the next mark.

use super::super::action::Action;
use super::super::level::Level;
use super::super::model::{Errand, Mode, Model};
use super::super::msg::{Effect, Mark, Question, Slot, Stretch};
use super::super::notice::Tone;
use super::super::overlay::Overlay;
use super::super::pane::Pane;
use super::super::prompt::{Names, Prompt, Purpose};
use super::asking;
use crate::domain::filter::{Filter, Term};
use crate::domain::query::{Anchor, Hunt, Query, Row};

/// Carries out an action of this kind.
pub(super) fn act(model: &mut Model, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Search => {
            let purpose = Purpose::Search { bodies: model.in_bodies && model.payload().is_none() };
            model.overlays.push(Overlay::Prompt(Prompt::new(purpose, "")));
        }
        Action::NextMatch => again(model, true, out),
        Action::PreviousMatch => again(model, false, out),
        Action::Filter => {
            let text = model.filter.as_ref().map(|active| active.text.clone()).unwrap_or_default();
            let mut prompt = Prompt::new(Purpose::Filter, &text);
            prompt.check(&names(model));
            model.overlays.push(Overlay::Prompt(prompt));
        }
        Action::NextProblem => next(model, Mark::Problem, true, out),
        Action::PreviousProblem => next(model, Mark::Problem, false, out),
        Action::NextMark => next(model, Mark::Marked, true, out),
        Action::PreviousMark => next(model, Mark::Marked, false, out),
        _ => {}
    }
}

/// Names that are held, for completion.
pub(super) fn names(model: &Model) -> Names {
    let assessments = model.assessments.rows().iter().filter_map(|row| row.name.clone()).collect();
    let people = model.candidates.rows().iter().filter(|_| !model.redact);
    let mut candidates: Vec<String> = people.filter_map(|row| row.name.clone()).collect();
    candidates.sort_unstable();
    Names { assessments, candidates }
}

/// The next or the previous match of the word last searched for.
pub(super) fn again(model: &mut Model, down: bool, out: &mut Vec<Effect>) {
    if let Some(Level::Payload(level)) = model.levels.last_mut() {
        let told = level.reading.as_mut().map(|reading| reading.next_match(down));
        if let Some(Err(why)) = told {
            model.say(Tone::Info, why);
        }
        return;
    }
    let Some(slot) = model.list() else { return };
    if model.search.is_none() {
        model.say(Tone::Info, "Nothing searched for yet");
        return;
    }
    if model.in_bodies {
        return hunt(model, down, out);
    }
    seek(model, slot, down, false, out);
}

/// Asks for the next event whose body holds the word.
fn hunt(model: &mut Model, down: bool, out: &mut Vec<Effect>) {
    let Some(text) = model.search.clone() else { return };
    let Some(slot) = event_list(model) else { return };
    let from = match slot {
        Slot::Timeline => model.candidacy().and_then(|level| level.timeline.current()),
        _ => model.events.current(),
    };
    let hunt = Hunt { query: model.query(slot), text, from: from.map(Row::key), down };
    model.say(Tone::Info, "Searching bodies…");
    send(model, Errand::Hunt { slot }, Question::Hunt(hunt), out);
}

/// Ends a search of bodies; false if there is none.
pub(super) fn stop_hunt(model: &mut Model, out: &mut Vec<Effect>) -> bool {
    if !matches!(model.errand, Some((_, Errand::Hunt { .. }))) {
        return false;
    }
    model.errand = None;
    out.push(Effect::StopHunt);
    model.say(Tone::Info, "Search stopped");
    true
}

/// The list of events that is meant: the one open, else the pane, which then hears the keys.
fn event_list(model: &mut Model) -> Option<Slot> {
    match model.list() {
        Some(Slot::Timeline) => Some(Slot::Timeline),
        None if model.payload().is_some() => Some(model.list_below()),
        Some(Slot::Roster) | None => {
            model.say(Tone::Info, "Back to the panes first");
            None
        }
        Some(_) => {
            model.focus = Pane::Events;
            Some(Slot::Events)
        }
    }
}

/// Asks for the next match in a list.
pub(super) fn seek(model: &mut Model, slot: Slot, down: bool, wrapped: bool, out: &mut Vec<Effect>) {
    let Some(word) = model.search.clone() else { return };
    let mut query = model.query(slot);
    query.filters.push(Filter::Term(Term::Word(word)));
    let question = match slot {
        Slot::Assessments => {
            Question::Assessments(stretch(query, model.assessments.current(), down, wrapped))
        }
        Slot::Candidates => Question::Candidates(stretch(query, model.candidates.current(), down, wrapped)),
        Slot::Violations => Question::Rises(stretch(query, model.rises.current(), down, wrapped)),
        Slot::Events => Question::Events(stretch(query, model.events.current(), down, wrapped)),
        Slot::Roster => {
            let row = model.assessment().and_then(|level| level.roster.current());
            Question::Candidates(stretch(query, row, down, wrapped))
        }
        Slot::Timeline => {
            let row = model.candidacy().and_then(|level| level.timeline.current());
            Question::Events(stretch(query, row, down, wrapped))
        }
        _ => return,
    };
    send(model, Errand::Search { slot, down, wrapped }, question, out);
}

/// The matches next to a row. Whether that row is among them does not matter: it is known.
fn stretch<R: Row>(query: Query, current: Option<&R>, down: bool, wrapped: bool) -> Stretch<R::Key> {
    let current = current.filter(|_| !wrapped).map(Row::key);
    let (anchor, before, after) = match (current, down) {
        (Some(key), true) => (Anchor::At(key), 0, 2),
        (Some(key), false) => (Anchor::At(key), 1, 0),
        (None, true) => (Anchor::First, 0, 1),
        (None, false) => (Anchor::Last, 1, 0),
    };
    Stretch { query, anchor, before, after }
}

/// Goes to the next problem or mark among the events.
fn next(model: &mut Model, what: Mark, down: bool, out: &mut Vec<Effect>) {
    let open = model.payload().is_some();
    let Some(slot) = event_list(model) else { return };
    let current = match slot {
        Slot::Timeline => model.candidacy().and_then(|level| level.timeline.current()),
        _ => model.events.current(),
    };
    let question = Question::Next { query: model.query(slot), from: current.map(Row::key), down, what };
    let none = match (what, down) {
        (Mark::Problem, true) => "No further problem",
        (Mark::Problem, false) => "No problem before",
        (Mark::Marked, true) if model.mode == Mode::Open => "No further mark",
        (Mark::Marked, false) if model.mode == Mode::Open => "No mark before",
        (Mark::Marked, true) => "No further mark: m sets one",
        (Mark::Marked, false) => "No mark before: m sets one",
    };
    send(model, Errand::Next { slot, none, open }, question, out);
}

/// Sends a question whose answer moves something.
pub(super) fn send(model: &mut Model, errand: Errand, question: Question, out: &mut Vec<Effect>) {
    if matches!(model.errand, Some((_, Errand::Hunt { .. }))) {
        out.push(Effect::StopHunt);
    }
    let number = asking::next(model);
    model.errand = Some((number, errand));
    asking::send(Slot::Jump, number, question, out);
}
