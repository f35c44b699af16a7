//! Which questions the screen needs answered now: looked at after every message, asked once.

use super::super::geometry::{self, Part};
use super::super::level::Level;
use super::super::model::Model;
use super::super::msg::{Effect, Question, Slot, Ticket};

/// Asks for what is on screen and missing or out of date.
pub(super) fn ask(model: &mut Model, out: &mut Vec<Effect>) {
    let hold = model.paused.is_some();
    if model.sums.due(hold) {
        let number = next(model);
        model.sums.asking(number);
        send(Slot::Sums, number, Question::Sums, out);
    }
    let Some(regions) = geometry::regions(model, model.area()) else { return };
    for (part, rect) in regions.parts {
        match part {
            Part::List(slot) => {
                let area = geometry::list_area(rect, regions.framing, Model::has_strip(slot));
                ask_list(model, slot, Some(area.rows.height), hold, out);
            }
            Part::Assessment | Part::Candidacy => ask_head(model, hold, out),
            Part::Payload => {
                ask_payload(model, out);
                if let Some(Level::Payload(level)) = model.levels.last_mut() {
                    let area = geometry::payload_area(rect, regions.framing, level);
                    if let Some(reading) = &mut level.reading {
                        reading.fit(area.raw().width, area.rows.height);
                    }
                }
                // Its neighbours are wanted even where their list is not on screen.
                ask_list(model, model.list_below(), None, hold, out);
            }
            Part::Refusal => {}
        }
    }
}

/// The number of the next ticket.
pub(super) fn next(model: &mut Model) -> u64 {
    model.serial += 1;
    model.serial
}

/// Sends a question on its way.
pub(super) fn send(slot: Slot, number: u64, question: Question, out: &mut Vec<Effect>) {
    out.push(Effect::Ask { ticket: Ticket { slot, number }, question });
}

fn ask_list(model: &mut Model, slot: Slot, lines: Option<u16>, hold: bool, out: &mut Vec<Effect>) {
    let query = model.query(slot);
    let number = model.serial + 1;
    macro_rules! need {
        ($window:expr, $question:path) => {{
            if let Some(lines) = lines {
                $window.fit(lines);
            }
            $window.need(&query, hold).map(|stretch| {
                $window.asking(number, &query);
                $question(stretch)
            })
        }};
    }
    let question = match slot {
        Slot::Assessments => need!(model.assessments, Question::Assessments),
        Slot::Candidates => need!(model.candidates, Question::Candidates),
        Slot::Violations => need!(model.rises, Question::Rises),
        Slot::Events => need!(model.events, Question::Events),
        Slot::Roster => model.levels.iter_mut().rev().find_map(|level| match level {
            Level::Assessment(level) => need!(level.roster, Question::Candidates),
            _ => None,
        }),
        Slot::Timeline => model.levels.iter_mut().rev().find_map(|level| match level {
            Level::Candidacy(level) => need!(level.timeline, Question::Events),
            _ => None,
        }),
        _ => None,
    };
    if let Some(question) = question {
        model.serial = number;
        send(slot, number, question, out);
    }
}

fn ask_head(model: &mut Model, hold: bool, out: &mut Vec<Effect>) {
    let number = model.serial + 1;
    let question = model.levels.iter_mut().rev().find_map(|level| match level {
        Level::Assessment(level) if level.head.due(hold) => {
            level.head.asking(number);
            Some(Question::Assessment(level.id.clone()))
        }
        Level::Candidacy(level) if level.head.due(hold) => {
            level.head.asking(number);
            Some(Question::Candidacy(level.assessment_id.clone(), level.candidate_id.clone()))
        }
        _ => None,
    });
    if let Some(question) = question {
        model.serial = number;
        send(Slot::Head, number, question, out);
    }
}

fn ask_payload(model: &mut Model, out: &mut Vec<Effect>) {
    let number = model.serial + 1;
    let Some(Level::Payload(level)) = model.levels.last_mut() else { return };
    let previous = level.head.get().and_then(|detail| detail.previous);
    let (slot, seq) = if level.head.due(false) {
        level.head.asking(number);
        (Slot::Payload, level.seq)
    } else if let (true, true, Some(previous)) = (level.diff, level.before.due(true), previous) {
        level.before.asking(number);
        (Slot::Before, previous)
    } else {
        return;
    };
    model.serial = number;
    send(slot, number, Question::Detail(seq), out);
}
