//! Answers that move the cursor or hand something on.

use super::super::level::Level;
use super::super::model::{Errand, Model};
use super::super::msg::{Answer, Effect, Slot};
use super::super::notice::Tone;
use super::super::overlay::Counted;
use super::{doing, finding, replay};
use crate::domain::query::{EventDetail, EventKey, Page, Row};

/// Ends an errand.
pub(super) fn finish(model: &mut Model, number: u64, answer: Result<Answer, String>, out: &mut Vec<Effect>) {
    let Some((_, errand)) = model.errand.take_if(|(asked, _)| *asked == number) else { return };
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) if errand == Errand::Replay => return replay::counted(model, Err(why), out),
        Err(why) => return model.say(Tone::Bad, why),
    };
    match (errand, answer) {
        (Errand::Search { slot, down, wrapped }, answer) => {
            searched(model, slot, down, wrapped, answer, out);
        }
        (Errand::Next { slot, open, .. }, Answer::Next(Some(key))) => {
            go(model, slot, key);
            if open {
                let level = super::super::level::PayloadLevel::new(key.seq, "event".into(), false);
                reopen(model, level, key);
            }
        }
        (Errand::Hunt { slot }, Answer::Next(Some(key))) => {
            go(model, slot, key);
            model.say(Tone::Info, "Found in this body: Enter opens it, n goes on");
        }
        (Errand::Hunt { .. }, _) => {
            let word = model.search.clone().unwrap_or_default();
            let word = crate::domain::clean::Clean::of(&word).to_string();
            model.say(Tone::Info, format!("“{word}” is in no body of this list"));
        }
        (Errand::Replay, Answer::Chosen { total, until }) => {
            replay::counted(model, Ok(Counted { total, until }), out);
        }
        (Errand::Next { none, .. }, _) => model.say(Tone::Info, none),
        (errand, Answer::Detail(Some(detail))) => handed(model, &errand, &detail, out),
        _ => model.say(Tone::Info, "That event is no longer there"),
    }
}

fn handed(model: &mut Model, errand: &Errand, detail: &EventDetail, out: &mut Vec<Effect>) {
    match errand {
        Errand::CopyBody => out.push(doing::copy_body(detail)),
        Errand::CopyCurl => out.push(doing::copy_curl(model, detail)),
        _ => doing::open_link_of(model, &detail.body),
    }
}

/// Puts the cursor of a list of events on a row.
fn go(model: &mut Model, slot: Slot, key: EventKey) {
    match slot {
        Slot::Timeline => {
            for level in &mut model.levels {
                if let Level::Candidacy(level) = level {
                    level.timeline.go(key);
                }
            }
        }
        _ => model.events.go(key),
    }
}

/// Shows the payload of the event found in place of the one that is open.
fn reopen(model: &mut Model, found: super::super::level::PayloadLevel, key: EventKey) {
    if key.refusal != 0 {
        model.levels.pop();
        model.say(Tone::Info, "A refused delivery: Enter tells why");
        return;
    }
    match model.levels.last_mut() {
        Some(Level::Payload(level)) if level.seq != found.seq => **level = found,
        _ => {}
    }
}

fn searched(model: &mut Model, slot: Slot, down: bool, wrapped: bool, answer: Answer, out: &mut Vec<Effect>) {
    let found = match answer {
        Answer::Assessments(page) => {
            pick(&page, model.assessments.current(), down, wrapped).map(|(key, at)| {
                model.assessments.go(key);
                (at, page.total)
            })
        }
        Answer::Candidates(page) if slot == Slot::Candidates => {
            pick(&page, model.candidates.current(), down, wrapped).map(|(key, at)| {
                model.candidates.go(key);
                (at, page.total)
            })
        }
        Answer::Candidates(page) => model.levels.iter_mut().rev().find_map(|level| match level {
            Level::Assessment(level) => {
                let (key, at) = pick(&page, level.roster.current(), down, wrapped)?;
                level.roster.go(key);
                Some((at, page.total))
            }
            _ => None,
        }),
        Answer::Rises(page) => pick(&page, model.rises.current(), down, wrapped).map(|(key, at)| {
            model.rises.go(key);
            (at, page.total)
        }),
        Answer::Events(page) => {
            let current = match slot {
                Slot::Timeline => model.candidacy().and_then(|level| level.timeline.current()),
                _ => model.events.current(),
            };
            pick(&page, current, down, wrapped).map(|(key, at)| {
                go(model, slot, key);
                (at, page.total)
            })
        }
        _ => None,
    };
    match found {
        Some((at, total)) => model.say(Tone::Info, format!("Match {} of {total}", at + 1)),
        None if !wrapped => finding::seek(model, slot, down, true, out),
        None => {
            let word = model.search.clone().unwrap_or_default();
            let word = crate::domain::clean::Clean::of(&word).to_string();
            model.say(Tone::Info, format!("“{word}” is not in this list"));
        }
    }
}

/// The row to go to and its place among the matches.
fn pick<R: Row>(page: &Page<R>, current: Option<&R>, down: bool, wrapped: bool) -> Option<(R::Key, u64)> {
    let here = current.filter(|_| !wrapped).map(Row::key);
    let mut rows = page.rows.iter().enumerate().filter(|(_, row)| Some(row.key()) != here);
    let found = if down { rows.next() } else { rows.last() };
    found.map(|(n, row)| (row.key(), page.before + n as u64))
}
