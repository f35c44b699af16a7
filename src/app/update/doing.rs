//! Things to do with a row or a payload: mark, compare, copy, open its link, save.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::action::Action;
use super::super::level::Level;
use super::super::model::{Errand, Mode, Model};
use super::super::msg::{Effect, Question, Slot};
use super::super::notice::Tone;
use super::super::overlay::{Link, Overlay};
use super::super::prompt::{Prompt, Purpose};
use super::super::reading::{Reading, Shape};
use super::{finding, moves, replay};
use crate::domain::clean::{self, Clean};
use crate::domain::delivery::Seq;
use crate::domain::envelope;
use crate::domain::query::{EventDetail, EventLine, EventRow};
use crate::json;

/// Carries out an action of this kind.
pub(super) fn act(model: &mut Model, action: Action, out: &mut Vec<Effect>) {
    match action {
        Action::Mark => mark(model, out),
        Action::Diff => diff(model),
        Action::CopyBody | Action::CopyCurl => copy_event(model, action, out),
        Action::CopyId => copy_id(model, out),
        Action::CopyPath => copy_path(model, out),
        Action::OpenLink => open_link(model, out),
        Action::Save => save(model),
        Action::Replay => replay::replay(model, out),
        _ => {}
    }
}

/// The row of events under the cursor, if a list of events hears the keys.
fn row(model: &Model) -> Option<&EventRow> {
    match model.list()? {
        Slot::Events => model.events.current(),
        Slot::Timeline => model.candidacy()?.timeline.current(),
        _ => None,
    }
}

fn line(model: &Model) -> Option<&EventLine> {
    match row(model)? {
        EventRow::Event(line) => Some(line),
        EventRow::Refusal(..) => None,
    }
}

/// The event under the cursor, in whichever list there is one, or the payload that is open.
pub(super) fn seq(model: &Model) -> Option<Seq> {
    if let Some(level) = model.payload() {
        return Some(level.seq);
    }
    match model.list()? {
        Slot::Violations => model.rises.current().map(|row| row.seq),
        _ => line(model).map(|line| line.seq),
    }
}

fn mark(model: &mut Model, out: &mut Vec<Effect>) {
    if model.mode == Mode::Open {
        model.say(Tone::Info, "A saved session is only read: its marks stay as they are");
        return;
    }
    let marked = match model.payload() {
        Some(level) => level.head.get().is_some_and(|detail| detail.line.marked),
        None => line(model).is_some_and(|line| line.marked),
    };
    let Some(seq) = seq(model) else {
        model.say(Tone::Info, "Only events can be marked");
        return;
    };
    model.marking = true;
    out.push(Effect::Mark(seq, !marked));
    model.say(Tone::Good, if marked { "Mark taken away" } else { "Marked: u and U step through marks" });
}

fn diff(model: &mut Model) {
    if let Some(Level::Payload(level)) = model.levels.last_mut() {
        level.diff = level.reading.as_ref().is_none_or(|reading| reading.shape != Shape::Changes);
        if let Some(reading) = &mut level.reading {
            reading.show_changes(level.diff);
        }
        let first = level.head.get().is_some_and(|detail| detail.previous.is_none());
        if level.diff && first {
            level.diff = false;
            model.say(Tone::Info, "Nothing to compare with: it is the candidacy's first event");
        }
        return;
    }
    match line(model).map(|line| moves::payload(line, true)) {
        Some(level) => model.levels.push(Level::Payload(Box::new(level))),
        None => model.say(Tone::Info, "Changes are shown between a candidate's events: open one first"),
    }
}

fn copy_event(model: &mut Model, action: Action, out: &mut Vec<Effect>) {
    let body = action == Action::CopyBody;
    if let Some(detail) = model.payload().and_then(|level| level.head.get()) {
        out.push(if body { copy_body(detail) } else { copy_curl(model, detail) });
        return;
    }
    match seq(model) {
        Some(seq) => {
            let errand = if body { Errand::CopyBody } else { Errand::CopyCurl };
            finding::send(model, errand, Question::Detail(seq), out);
        }
        None => model.say(Tone::Info, "Only an event has a body: open one first"),
    }
}

/// The body, for the clipboard. Where it is pasted nothing may hide in it: in JSON such characters are spelt as
/// escapes, which is the same document; in anything else they are shown.
pub(super) fn copy_body(detail: &EventDetail) -> Effect {
    let text = String::from_utf8_lossy(&detail.body);
    let text = if json::check(&text).is_ok() {
        clean::json(&text).into_owned()
    } else {
        text.split('\n').map(|line| Clean::of(line).to_string()).collect::<Vec<_>>().join("\n")
    };
    Effect::Copy { text, what: "the body" }
}

/// A command that sends the delivery again, for the clipboard.
pub(super) fn copy_curl(model: &Model, detail: &EventDetail) -> Effect {
    Effect::Copy { text: curl(model.url.as_deref(), detail), what: "a curl command" }
}

/// A `curl` that sends the same headers and the same bytes. Pasted into a shell it can do nothing else:
/// what is quoted has no quote in it, and no control character that a terminal would act on.
fn curl(url: Option<&str>, detail: &EventDetail) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let plain = |text: &str| text.chars().all(clean::plain);
    let url = url.filter(|url| plain(url)).unwrap_or("http://127.0.0.1:8080/webhook");
    let mut headers = String::new();
    for (name, value) in &detail.headers.0 {
        let wanted = name == "content-type" || name.starts_with("svix-") || name.starts_with("webhook-");
        if wanted && plain(value) {
            let _ = write!(headers, " -H {}", quote(&format!("{name}: {value}")));
        }
    }
    match std::str::from_utf8(&detail.body) {
        Ok(body) if body.split('\n').all(plain) && !body.starts_with('@') => {
            format!("curl -sS -X POST {}{headers} --data-binary {}", quote(url), quote(body))
        }
        _ => {
            let body = STANDARD.encode(&detail.body);
            format!("echo {body} | base64 -d | curl -sS -X POST {}{headers} --data-binary @-", quote(url))
        }
    }
}

fn copy_id(model: &mut Model, out: &mut Vec<Effect>) {
    let found: Option<(String, &'static str)> = match (model.payload(), model.list()) {
        (Some(level), _) => level.head.get().map(|detail| (detail.line.id.clone(), "the event's id")),
        (None, Some(Slot::Assessments)) => {
            model.assessments.current().map(|row| (row.id.clone(), "the assessment's id"))
        }
        (None, Some(Slot::Candidates)) => {
            model.candidates.current().map(|row| (row.candidate_id.clone(), "the candidate's id"))
        }
        (None, Some(Slot::Roster)) => {
            let row = model.assessment().and_then(|level| level.roster.current());
            row.map(|row| (row.candidate_id.clone(), "the candidate's id"))
        }
        (None, Some(Slot::Violations)) => {
            model.rises.current().map(|row| (row.candidate_id.clone(), "the candidate's id"))
        }
        _ => match row(model) {
            Some(EventRow::Event(line)) => Some((line.id.clone(), "the event's id")),
            Some(EventRow::Refusal(_, refusal)) => refusal.id.clone().map(|id| (id, "the delivery's id")),
            None => None,
        },
    };
    match found {
        Some((text, what)) => out.push(Effect::Copy { text: Clean::of(&text).to_string(), what }),
        None => model.say(Tone::Info, "Nothing here has an id"),
    }
}

fn copy_path(model: &mut Model, out: &mut Vec<Effect>) {
    let path = model.payload().and_then(|level| level.reading.as_ref()).and_then(Reading::path);
    match path {
        Some(text) => out.push(Effect::Copy { text: Clean::of(&text).to_string(), what: "the JSON path" }),
        None => model.say(Tone::Info, "Only a line of a payload has a path: open an event first"),
    }
}

fn open_link(model: &mut Model, out: &mut Vec<Effect>) {
    let candidate = match model.list() {
        Some(Slot::Candidates) => model.candidates.current(),
        Some(Slot::Roster) => model.assessment().and_then(|level| level.roster.current()),
        Some(Slot::Timeline) => model.candidacy().and_then(|level| level.head.get()),
        _ => None,
    };
    if let Some(row) = candidate {
        let link = row.detail_link.clone().or_else(|| row.result_link.clone());
        return confirm(model, link.as_deref());
    }
    if let Some(level) = model.payload() {
        let under = level.reading.as_ref().and_then(Reading::link);
        let body = level.head.get().map(|detail| detail.body.clone()).unwrap_or_default();
        return match under {
            Some(link) => confirm(model, Some(&link)),
            None => open_link_of(model, &body),
        };
    }
    match seq(model) {
        Some(seq) => finding::send(model, Errand::Link, Question::Detail(seq), out),
        None => confirm(model, None),
    }
}

/// Asks about the link of an event's candidate.
pub(super) fn open_link_of(model: &mut Model, body: &[u8]) {
    let event = envelope::decode(body);
    confirm(model, event.detail_link.or(event.result_link).as_deref());
}

fn confirm(model: &mut Model, link: Option<&str>) {
    match link.map(Link::new) {
        Some(Ok(link)) => {
            // What was pressed before it was seen is no answer to it.
            model.pending.clear();
            model.overlays.push(Overlay::Link(link));
        }
        Some(Err(why)) => model.say(Tone::Warn, why),
        None => model.say(Tone::Info, "There is no link here"),
    }
}

fn save(model: &mut Model) {
    let only = model.filter.is_some();
    let name = Clean::file_name(&model.session);
    let date = model.zone.to_datetime(model.now.civil()).strftime("%Y-%m-%d").to_string();
    let name = match name.as_str() {
        "" => format!("invigil-{date}.json"),
        name if name.contains(&date) => format!("{name}.json"),
        name => format!("{name}-{date}.json"),
    };
    let purpose = Purpose::Save { only, redact: model.redact };
    model.overlays.push(Overlay::Prompt(Prompt::new(purpose, &name)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::{Headers, Source};
    use crate::domain::time::Timestamp;

    fn detail(body: &[u8]) -> EventDetail {
        let line = EventLine {
            seq: 1,
            id: "msg_1".into(),
            name: None,
            kind: None,
            occurred_at: Timestamp::default(),
            received_at: Timestamp::default(),
            sent_at: Timestamp::default(),
            deliveries: 1,
            conflicts: 0,
            verified: true,
            source: Source::Http,
            size: 0,
            marked: false,
            assessment_id: None,
            candidate_id: None,
            assessment_name: None,
            candidate_name: None,
            email: None,
            score: None,
            rises: Vec::new(),
            forwarded: None,
        };
        let headers = Headers(vec![
            ("host".into(), "x".into()),
            ("svix-id".into(), "msg_1".into()),
            ("svix-signature".into(), "v1,a\u{1b}".into()),
        ]);
        EventDetail { line, headers, body: body.into(), previous: None, next: None }
    }

    #[test]
    fn a_curl_command_cannot_break_out_of_its_quotes() {
        let url = Some("http://h/w");
        assert_eq!(
            curl(url, &detail(b"{\"a\":\"it's; rm -rf\"}")),
            r#"curl -sS -X POST 'http://h/w' -H 'svix-id: msg_1' --data-binary '{"a":"it'\''s; rm -rf"}'"#
        );
        for odd in [&b"\x1b[201~x"[..], b"@/etc/passwd", b"\xff"] {
            assert!(curl(url, &detail(odd)).starts_with("echo "), "{odd:?}");
        }
        assert!(curl(url, &detail("{\"a\":\"\u{202e}\"}".as_bytes())).starts_with("echo "), "bidi");
    }

    #[test]
    fn nothing_hides_in_a_copied_body_and_json_stays_the_same_document() {
        let copied = |body: &[u8]| match copy_body(&detail(body)) {
            Effect::Copy { text, .. } => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(copied("{\n \"a\": \"é\u{9b}2J\"}".as_bytes()), "{\n \"a\": \"é\\u009b2J\"}");
        assert_eq!(copied(b"no json\n\x1b[201~ls\r\n"), "no json\n␛[201~ls␍\n");
    }
}
