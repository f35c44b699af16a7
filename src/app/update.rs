//! One message in, the model changed, effects out; then the questions whose answers the screen lacks.

mod asking;
mod doing;
mod errands;
mod fetched;
mod finding;
mod looks;
mod moves;
mod pointer;
mod replay;
mod typing;

use super::action::{Action, Group};
use super::call;
use super::key::Key;
use super::keymap::{Context, Resolved};
use super::level::Level;
use super::model::{Errand, Model};
use super::msg::{Effect, Msg, Outcome};
use super::notice::{Notice, Tone};
use super::overlay::Overlay;
use super::prompt::{Prompt, Purpose};
use crate::domain::clean::Clean;
use crate::domain::count::plural;
use crate::domain::filter::{Filter, Term, When};
use crate::domain::time::Timestamp;
use crate::domain::vitals::Vitals;

/// How often a list whose filter counts back from now is read again.
const SLIDING_SECS: i64 = 5;

/// Takes a message in.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut out = Vec::new();
    let lying = model.overlays.len();
    match msg {
        Msg::Key(key) => press(model, key, &mut out),
        Msg::Paste(text) => typing::paste(model, text.as_str()),
        Msg::Mouse { column, row, kind } => pointer::mouse(model, column, row, kind),
        Msg::Resize(columns, rows) => model.size = (columns, rows),
        Msg::Tick(now) => tick(model, now, &mut out),
        Msg::Vitals(vitals) => {
            take_vitals(model, *vitals);
            call::hear(model, &mut out);
        }
        Msg::Committed { revision } => {
            model.revision = revision;
            expire(model);
        }
        Msg::Fetched(ticket, answer) => fetched::take(model, ticket, answer, &mut out),
        Msg::Progress(ticket, percent) => progress(&mut *model, ticket.number, percent),
        Msg::Done(outcome) => done(model, outcome),
    }
    if model.overlays.len() > lying {
        // What was said before belongs to what lies underneath now.
        model.notice = None;
    }
    asking::ask(model, &mut out);
    out
}

fn press(model: &mut Model, key: Key, out: &mut Vec<Effect>) {
    model.pending.push(key);
    let context = model.context();
    match model.keymap.resolve(context, &model.pending) {
        Resolved::Action(action) => {
            model.pending.clear();
            act(model, action, out);
        }
        Resolved::Pending => {}
        Resolved::None => {
            model.pending.clear();
            if matches!(context, Context::Prompt | Context::Palette) {
                typing::key(model, key);
            }
        }
    }
}

/// Does what the user wants.
fn act(model: &mut Model, action: Action, out: &mut Vec<Effect>) {
    let now = model.now;
    model.notice.take_if(|notice| notice.gives_way(now));
    if model.context() == Context::Palette && matches!(action, Action::PageDown | Action::PageUp) {
        typing::page(model, if action == Action::PageDown { 10 } else { -10 });
        return;
    }
    if action == Action::Back && (finding::stop_hunt(model, out) || replay::stop(model, out)) {
        return;
    }
    match action.group() {
        Group::Move => moves::act(model, action, out),
        Group::Find => finding::act(model, action, out),
        Group::Act => doing::act(model, action, out),
        Group::Payload => match model.levels.last_mut() {
            Some(Level::Payload(level)) => {
                if let Some(reading) = &mut level.reading {
                    reading.act(action);
                }
            }
            _ => model.say(Tone::Info, "Only in a payload: open an event first"),
        },
        Group::Look | Group::Program => looks::act(model, action, out),
        Group::Typing => typing::act(model, action, out),
    }
}

/// How far a search of bodies is, if it is still wanted.
fn progress(model: &mut Model, number: u64, percent: u8) {
    if matches!(model.errand, Some((asked, Errand::Hunt { .. })) if asked == number) {
        let keys = model.keymap.chord(Context::Panes, Action::Back, model.ascii).unwrap_or_default();
        model.say(Tone::Info, format!("Searching bodies… {percent} % ({keys} stops it)"));
    }
}

fn tick(model: &mut Model, now: Timestamp, out: &mut Vec<Effect>) {
    model.now = now;
    // What another invigil took before it said so is no rate.
    if model.vitals.attachment.as_ref().is_none_or(|attachment| attachment.reported) {
        model.rate.sample(model.vitals.accepted, now);
    }
    model.assessments.tick(now);
    model.candidates.tick(now);
    model.rises.tick(now);
    model.events.tick(now);
    for level in &mut model.levels {
        match level {
            Level::Assessment(level) => level.roster.tick(now),
            Level::Candidacy(level) => level.timeline.tick(now),
            Level::Payload(_) | Level::Refusal(_) => {}
        }
    }
    if model.notice.as_ref().is_some_and(|notice| notice.is_over(now)) {
        model.notice = None;
        replay::progress(model);
    }
    let sliding = model.filter.as_ref().is_some_and(|active| slides(&active.filter));
    if sliding && now.secs() % SLIDING_SECS == 0 {
        expire(model);
    }
    let alarm = model.banner().is_some_and(|banner| banner.tone == Tone::Bad);
    if alarm && !model.alarmed {
        out.push(Effect::Bell);
    }
    model.alarmed = alarm;
    call::call(model, out);
    let title = title(model);
    if title != model.title {
        model.title.clone_from(&title);
        out.push(Effect::Title(Clean::of(&title).into_owned()));
    }
}

/// The terminal's title: enough to know whether to look.
fn title(model: &Model) -> String {
    let sums = model.sums();
    let refused = match model.vitals.refused() {
        0 => String::new(),
        count => format!(" · {count} refused"),
    };
    format!("invigil · {} · {}{refused}", model.session, plural(sums.events, "event"))
}

/// Whether a filter lets other rows through as time passes.
fn slides(filter: &Filter) -> bool {
    filter.has(|term| matches!(term, Term::Since(When::Ago(_)) | Term::Until(When::Ago(_))))
}

fn take_vitals(model: &mut Model, vitals: Vitals) {
    if vitals.url.is_some() {
        model.url.clone_from(&vitals.url);
    }
    let first = |vitals: &Vitals| vitals.relay.as_ref().is_none_or(|relay| relay.url.is_none());
    if first(&model.vitals) && !first(&vitals) {
        let text = "Relay live: who runs it, and who knows its URL, can read what passes";
        model.say(Tone::Warn, text);
    }
    let before = std::mem::replace(&mut model.vitals, vitals);
    replay::follow(model, before.forward.as_ref());
}

/// What is on disk has changed: everything shown may be out of date.
fn expire(model: &mut Model) {
    model.assessments.expire();
    model.candidates.expire();
    model.rises.expire();
    model.events.expire();
    model.sums.expire();
    let marking = std::mem::take(&mut model.marking);
    let (forwards, replayed) = (model.forwards(), model.replayed);
    for level in &mut model.levels {
        match level {
            Level::Assessment(level) => {
                level.roster.expire();
                level.head.expire();
            }
            Level::Candidacy(level) => {
                level.timeline.expire();
                level.head.expire();
            }
            // A body never changes; only its mark does, and what became of passing it on.
            Level::Payload(level) if marking || forwards && level.may_be_forwarded(replayed) => {
                level.head.expire();
            }
            Level::Payload(_) | Level::Refusal(_) => {}
        }
    }
}

fn done(model: &mut Model, outcome: Outcome) {
    let (tone, text) = match outcome {
        Outcome::Saved { path, events } => {
            let path = Clean::of(&path).to_string();
            (Tone::Good, format!("Saved {} to {path}", plural(events, "event")))
        }
        Outcome::NotSaved { path, only, redact, why } => {
            let why = format!("not saved: {}", Clean::of(&why));
            let saving = model.notice.as_ref().is_some_and(|notice| notice.text == typing::SAVING);
            if saving && model.overlays.is_empty() {
                // What was typed is mended where it was typed.
                let mut prompt = Prompt::new(Purpose::Save { only, redact }, &path);
                prompt.error = Some((None, why));
                model.overlays.push(Overlay::Prompt(prompt));
                model.notice = None;
                return;
            }
            (Tone::Bad, why)
        }
        Outcome::Failed(why) => (Tone::Bad, Clean::of(&why).to_string()),
        Outcome::Copied { what, bytes } => {
            (Tone::Good, format!("Copied {what} ({})", plural(bytes as u64, "byte")))
        }
        Outcome::Opened => (Tone::Good, "Handed to the browser".into()),
        Outcome::Replayed(sum) => replay::told(model, &sum),
        Outcome::SecretAccepted { verified, waiting } => {
            model.has_secret = true;
            model.overlays.retain(|overlay| !is_secret(overlay));
            let said = "The secret is in use";
            match (verified, waiting) {
                (0, 0) => (Tone::Good, said.to_owned()),
                (0, count) => {
                    let waited = plural(count, "delivery");
                    let keys = model.keymap.chord(Context::Panes, Action::Palette, model.ascii);
                    let keys = keys.unwrap_or_default();
                    (
                        Tone::Bad,
                        format!(
                            "{said}, but has signed none of the {waited} that waited: type {keys}secret to enter another"
                        ),
                    )
                }
                (count, _) => {
                    (Tone::Good, format!("{said}: verified {} that waited", plural(count, "delivery")))
                }
            }
        }
        Outcome::SecretRejected(why) => {
            let open = model.overlays.iter_mut().rev().find(|overlay| is_secret(overlay));
            if let Some(Overlay::Prompt(prompt)) = open {
                prompt.line.set("");
                prompt.error = Some((None, why));
                return;
            }
            (Tone::Bad, why)
        }
    };
    model.notice = Some(Notice::new(tone, text, model.now));
}

fn is_secret(overlay: &Overlay) -> bool {
    matches!(overlay, Overlay::Prompt(Prompt { purpose: Purpose::Secret, .. }))
}
