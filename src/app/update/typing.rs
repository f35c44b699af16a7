//! Lines being typed and lists narrowed down by typing.

use super::super::action::Action;
use super::super::key::Key;
use super::super::keymap::{Context, Resolved};
use super::super::level::Level;
use super::super::model::{Active, Model};
use super::super::msg::Effect;
use super::super::notice::Tone;
use super::super::overlay::{self, Choice, Overlay};
use super::super::prompt::{Prompt, Purpose};
use super::super::reading::Reading;
use super::{finding, replay};
use crate::domain::filter;

/// What stands while a session is being saved.
pub(super) const SAVING: &str = "Saving…";
/// How many lines typed before are remembered.
const HISTORY: usize = 100;

/// A key that means no action: it is typed.
pub(super) fn key(model: &mut Model, key: Key) {
    if let Some(Overlay::Help(choice)) = model.overlays.last()
        && choice.line.is_empty()
        && model.keymap.resolve(Context::Everywhere, &[key]) == Resolved::Action(Action::Help)
    {
        // The key that opened it; no word begins with it.
        model.overlays.pop();
        return;
    }
    edit(model, |line| {
        line.press(key);
    });
}

/// Pasted text goes into the line that is open. A secret pasted anywhere opens the line for it.
pub(super) fn paste(model: &mut Model, text: &str) {
    if model.overlays.is_empty() && text.trim_start().starts_with("whsec_") {
        model.ask_for_secret();
    }
    edit(model, |line| line.insert(text));
}

fn edit(model: &mut Model, change: impl FnOnce(&mut super::super::edit::Line)) {
    let names = finding::names(model);
    match model.overlays.last_mut() {
        Some(Overlay::Prompt(prompt)) => {
            change(&mut prompt.line);
            prompt.check(&names);
            if let Purpose::Search { .. } = prompt.purpose {
                let text = prompt.line.text();
                if let Some(reading) = reading(model) {
                    reading.look(&text);
                }
            }
        }
        Some(Overlay::Palette(choice)) => {
            change(&mut choice.line);
            choice.at = 0;
        }
        Some(Overlay::Help(choice)) => {
            change(&mut choice.line);
            choice.at = overlay::best_row(&model.keymap, &choice.line.text(), model.ascii);
        }
        Some(Overlay::Link(_) | Overlay::Replay(_)) | None => {}
    }
}

/// The payload that is open.
fn reading(model: &mut Model) -> Option<&mut Reading> {
    match model.levels.last_mut() {
        Some(Level::Payload(level)) => level.reading.as_mut(),
        _ => None,
    }
}

/// Moves in help or palette by many rows.
pub(super) fn page(model: &mut Model, by: isize) {
    let count = rows(model);
    if let Some(Overlay::Palette(choice) | Overlay::Help(choice)) = model.overlays.last_mut() {
        choice.step(by, count);
    }
}

fn rows(model: &Model) -> usize {
    match model.overlays.last() {
        Some(Overlay::Palette(choice)) => {
            overlay::find(&model.keymap, &choice.line.text(), model.ascii).len()
        }
        Some(Overlay::Help(choice)) => {
            overlay::help_rows(&model.keymap, &choice.line.text(), model.ascii).len()
        }
        _ => 0,
    }
}

/// Carries out an action of this kind.
pub(super) fn act(model: &mut Model, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Accept => accept(model, out),
        Action::Cancel => {
            let closed = model.overlays.pop();
            if let Some(Overlay::Prompt(Prompt { purpose: Purpose::Search { .. }, .. })) = closed
                && let Some(reading) = reading(model)
            {
                reading.looked("");
            }
        }
        Action::Confirm => match model.overlays.last() {
            Some(Overlay::Replay(_)) => replay::agreed(model, out),
            _ => {
                if let Some(Overlay::Link(link)) = model.overlays.pop() {
                    out.push(Effect::Open(link));
                }
            }
        },
        Action::ConfirmOne => replay::agreed_to_one(model, out),
        Action::Older => older(model, 1),
        Action::Newer => older(model, -1),
        Action::Complete => {
            let names = finding::names(model);
            if let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() {
                prompt.complete();
                prompt.check(&names);
            }
        }
        Action::Toggle => toggle(model),
        _ => {}
    }
}

fn toggle(model: &mut Model) {
    let (filtered, in_payload) = (model.filter.is_some(), model.payload().is_some());
    let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() else { return };
    match &mut prompt.purpose {
        Purpose::Save { only, .. } => *only = filtered && !*only,
        Purpose::Search { bodies } => *bodies = !in_payload && !*bodies,
        Purpose::Filter | Purpose::Secret => {}
    }
}

fn older(model: &mut Model, by: isize) {
    if matches!(model.overlays.last(), Some(Overlay::Palette(_) | Overlay::Help(_))) {
        return page(model, -by);
    }
    let names = finding::names(model);
    let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() else { return };
    let history = match prompt.purpose {
        Purpose::Filter => &model.filters,
        Purpose::Search { .. } => &model.searches,
        Purpose::Save { .. } | Purpose::Secret => return,
    };
    prompt.recall(history, by);
    prompt.check(&names);
}

fn accept(model: &mut Model, out: &mut Vec<Effect>) {
    match model.overlays.pop() {
        Some(Overlay::Prompt(prompt)) => accept_line(model, prompt, out),
        Some(Overlay::Palette(choice)) => {
            let found = overlay::find(&model.keymap, &choice.line.text(), model.ascii);
            run(model, found.get(choice.at).map(|entry| entry.action), out);
        }
        Some(Overlay::Help(choice)) => {
            let rows = overlay::help_rows(&model.keymap, &choice.line.text(), model.ascii);
            run(model, rows.get(choice.at).map(|(_, entry)| entry.action), out);
        }
        Some(Overlay::Link(_) | Overlay::Replay(_)) | None => {}
    }
}

/// Does what was chosen, as if its key had been pressed.
fn run(model: &mut Model, action: Option<Action>, out: &mut Vec<Effect>) {
    match action {
        Some(action) => super::act(model, action, out),
        None => model.say(Tone::Info, "No such action"),
    }
}

fn accept_line(model: &mut Model, prompt: Prompt, out: &mut Vec<Effect>) {
    let text = prompt.line.text();
    match prompt.purpose {
        Purpose::Filter => accept_filter(model, prompt, &text),
        Purpose::Search { bodies } => search(model, &text, bodies, out),
        Purpose::Save { only, redact } => {
            if text.trim().is_empty() {
                model.say(Tone::Info, "Not saved: no file name");
                return;
            }
            let filter = model.filter.as_ref().filter(|_| only).map(|active| active.filter.clone());
            model.say(Tone::Info, SAVING);
            out.push(Effect::Save { path: text.trim().into(), filter, redact });
        }
        Purpose::Secret => {
            if !text.trim().is_empty() {
                out.push(Effect::SetSecret(text.trim().into()));
            }
            // It stays until the secret is found good.
            model.overlays.push(Overlay::Prompt(prompt));
        }
    }
}

fn accept_filter(model: &mut Model, mut prompt: Prompt, text: &str) {
    match filter::parse(text) {
        Ok(filter) => {
            remember(&mut model.filters, text);
            model.filter = (!filter.is_empty()).then(|| Active { text: text.trim().into(), filter });
        }
        Err(error) => {
            prompt.error = Some((Some(error.column), error.what));
            model.overlays.push(Overlay::Prompt(prompt));
        }
    }
}

fn search(model: &mut Model, text: &str, bodies: bool, out: &mut Vec<Effect>) {
    if text.is_empty() {
        model.search = None;
    } else {
        remember(&mut model.searches, text);
    }
    if let Some(reading) = reading(model) {
        if reading.looked(text) == 0 && !text.is_empty() {
            let word = crate::domain::clean::Clean::of(text).to_string();
            model.say(Tone::Info, format!("“{word}” is not in this payload"));
        }
        return;
    }
    if text.is_empty() {
        return;
    }
    model.search = Some(text.into());
    model.in_bodies = bodies;
    finding::again(model, true, out);
}

fn remember(history: &mut Vec<String>, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    history.retain(|held| held != text);
    history.push(text.into());
    if history.len() > HISTORY {
        history.remove(0);
    }
}

impl Model {
    /// The list that help or palette shows now, with the row chosen.
    #[must_use]
    pub fn choice(&self) -> Option<&Choice> {
        match self.overlays.last() {
            Some(Overlay::Palette(choice) | Overlay::Help(choice)) => Some(choice),
            _ => None,
        }
    }
}
