//! How things look, and the program itself.

use super::super::action::Action;
use super::super::level::Level;
use super::super::model::{Mode, Model};
use super::super::msg::{Effect, Slot};
use super::super::notice::Tone;
use super::super::overlay::{Choice, Overlay};
use super::super::pane::{self, Pane};
use super::moves;
use crate::domain::query::Sort;

/// Carries out an action of this kind.
pub(super) fn act(model: &mut Model, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Pause => pause(model),
        Action::Zoom => model.zoomed = !model.zoomed,
        Action::Sort => sort(model),
        Action::Redact => {
            model.redact = !model.redact;
            for level in &mut model.levels {
                if let Level::Payload(level) = level {
                    level.dress(model.redact);
                }
            }
            let told = if model.redact { "Names, addresses and links are hidden" } else { "Shown in full" };
            model.say(Tone::Info, told);
        }
        Action::Times => model.absolute = !model.absolute,
        Action::Theme => theme(model),
        Action::Mouse => {
            model.mouse = !model.mouse;
            out.push(Effect::MouseCapture(model.mouse));
            let told = if model.mouse { "The mouse works here" } else { "The mouse selects text" };
            model.say(Tone::Info, told);
        }
        Action::Help => {
            let open = matches!(model.overlays.last(), Some(Overlay::Help(_)));
            model.overlays.retain(|overlay| !matches!(overlay, Overlay::Help(_)));
            if !open {
                model.overlays.push(Overlay::Help(Choice::default()));
            }
        }
        Action::Palette => model.overlays.push(Overlay::Palette(Choice::default())),
        Action::Secret => model.ask_for_secret(),
        Action::CopyUrl => match model.url.clone() {
            Some(text) => out.push(Effect::Copy { text, what: "the webhook URL" }),
            None => model.say(Tone::Info, "This session listens to nothing"),
        },
        Action::CopyRelayUrl => match model.vitals.relay.as_ref().map(|relay| relay.url.clone()) {
            Some(Some(text)) => out.push(Effect::Copy { text, what: "the relay URL" }),
            Some(None) => model.say(Tone::Info, "The relay has not answered yet"),
            None => model.say(Tone::Info, "There is no relay: start with --relay"),
        },
        Action::Suspend => out.push(Effect::Suspend),
        Action::Leave if moves::back(model) => {}
        Action::Leave | Action::Quit => out.push(Effect::Quit),
        _ => {}
    }
}

fn pause(model: &mut Model) {
    if model.mode == Mode::Open {
        model.say(Tone::Info, "Nothing comes to a saved session: it stands still already");
        return;
    }
    if model.paused.take().is_none() {
        model.paused = Some(model.vitals.events());
        model.say(Tone::Info, "Paused: everything is still received and kept");
    } else {
        model.notice = None;
    }
}

fn theme(model: &mut Model) {
    let at = model.themes.iter().position(|theme| *theme == model.theme).map_or(0, |at| at + 1);
    if let Some(next) = model.themes.get(at).or(model.themes.first()).cloned() {
        model.say(Tone::Info, format!("Theme {next}"));
        model.theme = next;
    }
}

fn sort(model: &mut Model) {
    let Some(slot) = model.list() else { return };
    let sorts: &[Sort] = match slot {
        Slot::Assessments => Pane::Assessments.sorts(),
        Slot::Candidates | Slot::Roster => &pane::CANDIDATE_SORTS,
        Slot::Timeline => &[Sort::Oldest, Sort::Latest],
        _ => Pane::Events.sorts(),
    };
    let now = model.sort(slot);
    let at = sorts.iter().position(|sort| *sort == now).map_or(0, |at| at + 1);
    let Some(next) = sorts.get(at).or(sorts.first()).copied() else { return };
    match (slot, model.levels.last_mut()) {
        (Slot::Roster, Some(Level::Assessment(level))) => level.sort = next,
        (Slot::Timeline, Some(Level::Candidacy(level))) => level.sort = next,
        _ => {
            if let Some(sort) = model.sorts.get_mut(model.focus as usize) {
                *sort = next;
            }
        }
    }
    model.say(Tone::Info, format!("Sorted {}", pane::sort_word(next)));
}
