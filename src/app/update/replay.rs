//! Sending events to the user's own code again: the one under the cursor, or all that a filter shows.

use super::super::action::Action;
use super::super::keymap::Context;
use super::super::model::{Errand, Mode, Model};
use super::super::msg::{Effect, Question};
use super::super::notice::Tone;
use super::super::overlay::{Again, Counted, Overlay};
use super::{doing, finding};
use crate::domain::clean::Clean;
use crate::domain::count::plural;
use crate::domain::delivery::Seq;
use crate::domain::forward::{Forwarding, Progress, Replay, Replayed};
use crate::domain::query::Query;

/// Sends the event under the cursor, or asks about all that the filter shows.
pub(super) fn replay(model: &mut Model, out: &mut Vec<Effect>) {
    if !model.forwards() {
        let text = match model.mode {
            Mode::Open => "There is nowhere to send it: open it with --forward-to URL",
            Mode::Attach => {
                "A mirror sends nothing: press it over there, or `invigil open` its file with --forward-to URL"
            }
            Mode::Watch | Mode::Demo => "There is nowhere to send it: start with --forward-to URL",
        };
        return model.say(Tone::Info, text);
    }
    if let (None, Some(_), Some(slot)) = (model.payload(), &model.filter, model.list()) {
        return ask(model, model.query(slot), out);
    }
    match doing::seq(model) {
        Some(seq) => one(model, seq, out),
        None => {
            model.say(Tone::Info, "Only an event can be sent again: open one, or choose some by a filter");
        }
    }
}

/// Asks before all that a list shows is sent. The question stands at once, so that the next key is its answer; how
/// many they are is filled in.
fn ask(model: &mut Model, query: Query, out: &mut Vec<Effect>) {
    let one = doing::seq(model);
    let again = Again { query: query.clone(), counted: None, one, agreed: false };
    model.overlays.push(Overlay::Replay(Box::new(again)));
    finding::send(model, Errand::Replay, Question::Chosen(query), out);
}

/// They are counted, or cannot be.
pub(super) fn counted(model: &mut Model, counted: Result<Counted, String>, out: &mut Vec<Effect>) {
    let asked = |overlay: &Overlay| matches!(overlay, Overlay::Replay(again) if again.counted.is_none());
    // Somebody may have said no meanwhile.
    let Some(place) = model.overlays.iter().rposition(asked) else { return };
    let wrong = match counted {
        Ok(Counted { total: 0, .. }) => (Tone::Info, "The filter shows no event to send".to_owned()),
        Err(why) => (Tone::Bad, why),
        Ok(counted) => {
            if let Some(Overlay::Replay(again)) = model.overlays.get_mut(place) {
                again.counted = Some(counted);
                if again.agreed {
                    agreed(model, out);
                }
            }
            return;
        }
    };
    model.overlays.remove(place);
    model.say(wrong.0, wrong.1);
}

/// Somebody has agreed to all of them; they are sent once they are counted.
pub(super) fn agreed(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(Overlay::Replay(again)) = model.overlays.last_mut() else { return };
    again.agreed = true;
    let Some(Counted { total, until }) = again.counted else { return };
    let query = again.query.clone();
    model.overlays.pop();
    if total > 1 {
        model.replay = Some(Progress { done: 0, failed: 0, total });
        model.replays += 1;
    }
    out.push(Effect::Replay(Replay::Chosen { query, until, total }));
    progress(model);
}

/// Somebody has agreed to the one under the cursor alone.
pub(super) fn agreed_to_one(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(Overlay::Replay(again)) = model.overlays.last() else { return };
    if let Some(seq) = again.one {
        model.overlays.pop();
        one(model, seq, out);
    }
}

fn one(model: &mut Model, seq: Seq, out: &mut Vec<Effect>) {
    model.replayed = Some(seq);
    out.push(Effect::Replay(Replay::One(seq)));
    model.say(Tone::Info, "Sending it again…");
}

/// Ends a replay of many; false if there is none.
pub(super) fn stop(model: &mut Model, out: &mut Vec<Effect>) -> bool {
    if model.replay.take().is_none() {
        return false;
    }
    out.push(Effect::StopReplay);
    true
}

/// Takes in how far a replay of many is.
pub(super) fn follow(model: &mut Model, before: Option<&Forwarding>) {
    let of = |forward: Option<&Forwarding>| forward.and_then(|forward| forward.progress);
    let now = of(model.vitals.forward.as_ref());
    // What is told late of one that has ended is no progress, and that one has ended says nothing of the next.
    if model.replays > 0 && model.replay.is_some() && now.is_some() && now != of(before) {
        model.replay = now;
        progress(model);
    }
}

/// Says how far a replay of many is.
pub(super) fn progress(model: &mut Model) {
    let Some(Progress { done, failed, total }) = model.replay else { return };
    let keys = model.keymap.chord(Context::Panes, Action::Back, model.ascii).unwrap_or_default();
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    model.say(Tone::Info, format!("Sending again… {done} of {total}{failed} ({keys} stops it)"));
}

/// What a replay came to, in a sentence.
pub(super) fn told(model: &mut Model, sum: &Replayed) -> (Tone, String) {
    let (sent, count) = (sum.sent(), sum.sent() + sum.left);
    if sum.total > 1 {
        model.replays = model.replays.saturating_sub(1);
        if model.replays == 0 {
            model.replay = None;
        }
    }
    let last = sum.last.as_ref().map(|last| {
        let note =
            if model.redact || last.note.is_empty() { String::new() } else { format!(": {}", last.note) };
        let note: String = Clean::of(&note).to_string().chars().take(80).collect();
        if last.status.is_some() { format!("{last}{note}") } else { last.note.clone() }
    });
    let last = last.unwrap_or_else(|| "it is not in the session any more".into());
    let old = if sum.unsigned && sum.failed > 0 {
        " (no secret is known: sent with its old timestamp, which a receiver may find too old)"
    } else if sum.unsigned {
        " (no secret is known: not signed afresh)"
    } else {
        ""
    };
    let (tone, text) = match (count, &sum.stopped, sum.failed) {
        (0 | 1, None, 0) => (Tone::Good, format!("Sent again: {last}")),
        (0 | 1, Some(why), _) if sum.unanswered > 0 => {
            (Tone::Warn, format!("Sent again, not answered yet: {why}"))
        }
        (0 | 1, Some(why), _) if sent == 0 => {
            let why = if sum.last.is_some() { &last } else { why };
            return (Tone::Bad, format!("Not sent: {why}"));
        }
        (0 | 1, ..) => (Tone::Bad, format!("Sent again, not taken: {last}")),
        (_, Some(why), _) if sent == 0 => {
            return (Tone::Warn, format!("None of {} was sent: {why}", plural(count, "event")));
        }
        (_, Some(why), failed) => {
            let part = |number: u64, what: &str| match number {
                0 => String::new(),
                number => format!(", {number} {what}"),
            };
            let (failed, open) = (part(failed, "failed"), part(sum.unanswered, "not answered yet"));
            (Tone::Warn, format!("Sent {sent} of {count}{failed}{open}: {why}"))
        }
        (_, None, 0) => (Tone::Good, format!("Sent {} again", plural(sent, "event"))),
        (_, None, failed) => {
            (Tone::Bad, format!("Sent {} again, {failed} failed: {last}", plural(sent, "event")))
        }
    };
    (tone, format!("{text}{old}"))
}
