//! Forwarding on the screen: how it is doing in the header, how it went beside an event, and the question before
//! many are sent again.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells::clean;
use super::draw::{self, Labels, Piece, Scene};
use super::table::Spot;
use super::{footer, text};
use crate::app::action::Action;
use crate::app::geometry::{self, Framing};
use crate::app::keymap::Context;
use crate::app::overlay::Again;
use crate::domain::forward::{Forwarded, State};
use crate::domain::query::EventRow;

/// So many events that wait are no more than what is under way.
const BEHIND: u64 = 100;

/// In words, with the space before them, or in as few as say it; nothing where nothing is forwarded.
pub(super) fn state(brief: bool, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let (model, styles) = (scene.model, scene.styles);
    let Some(forward) = model.vitals.forward.as_ref().filter(|forward| forward.follows && model.is_told())
    else {
        return Vec::new();
    };
    let behind = format!("{} behind", text::short(forward.waiting));
    let (said, style) = match (forward.lasting(), &forward.trouble) {
        (Some(_), _) if brief => (behind, styles.warn),
        (Some(trouble), _) if trouble.again_at.is_some() => (format!("waits, {behind}"), styles.warn),
        (Some(_), _) => (format!("fails, {behind}"), styles.warn),
        (None, _) if forward.waiting > BEHIND => (behind, styles.warn),
        (None, None) if forward.delivered > 0 => ("ok".to_owned(), styles.ok),
        // Nothing is under way that would tell how the target is.
        (None, _) => ("idle".to_owned(), styles.text),
    };
    let name = if brief { "fwd" } else { "forward" };
    let mut pieces = vec![Piece::styled(format!("  {name} {said}"), style)];
    if model.unforwarded() > 0 {
        let failed = format!(", {} failed", text::short(model.unforwarded()));
        pieces.push(Piece::styled(failed, styles.bad));
    }
    pieces
}

/// In two words, if something is wrong with it.
pub(super) fn fault(scene: Scene<'_>) -> Option<Piece<'static>> {
    let (model, styles) = (scene.model, scene.styles);
    let forward = model.vitals.forward.as_ref().filter(|forward| forward.follows && model.is_told())?;
    match (forward.lasting(), model.unforwarded()) {
        (Some(trouble), _) => {
            let said = if trouble.again_at.is_some() { "waits" } else { "fails" };
            Some(Piece::styled(format!("  forward {said}"), styles.warn))
        }
        (None, 0) => None,
        (None, failed) => Some(Piece::styled(format!("  fwd {} failed", text::short(failed)), styles.bad)),
    }
}

/// The sign and the colour of a result.
fn look(result: &Forwarded, scene: Scene<'_>) -> (&'static str, Style) {
    let styles = scene.styles;
    match result.state {
        State::Delivered => (styles.symbols.good, styles.ok),
        State::Retrying => (styles.symbols.warn, styles.warn),
        State::GivenUp => (styles.symbols.bad, styles.bad),
    }
}

/// The cell of a list: a sign, and the status if there is room for it.
pub(super) fn cell<'a>(row: &'a EventRow, scene: Scene<'a>, spot: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let EventRow::Event(line) = row else { return Vec::new() };
    let Some(result) = &line.forwarded else { return Vec::new() };
    let (sign, style) = look(result, scene);
    let status = result.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    let whole = format!("{sign} {status}");
    let room = text::width(&whole) <= spot.width;
    vec![if room { Piece::styled(whole, style) } else { Piece::styled(sign, style) }]
}

/// The line of a payload: what came of it, how often it was tried, when last.
pub(super) fn line<'a>(result: &'a Forwarded, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let (sign, style) = look(result, scene);
    let how = match result.state {
        State::Delivered if result.replayed => "sent again".to_owned(),
        _ if result.replayed => "sent again, not taken".to_owned(),
        State::Delivered if result.attempts == 1 => "forwarded".to_owned(),
        State::Delivered => format!("forwarded at the {} attempt", ordinal(result.attempts)),
        State::Retrying => format!("tried {}, tries again", times(result.attempts)),
        State::GivenUp => format!("given up after {}", text::plural(result.attempts.into(), "attempt")),
    };
    let mut pieces = vec![
        Piece::styled(format!("{sign} {how}"), style),
        Piece::styled("   answer ", styles.dim),
        Piece::styled(result.to_string(), styles.text),
        Piece::styled(format!("   {}", text::clock(scene.model, result.at)), styles.dim),
    ];
    if result.status.is_none() {
        pieces.push(Piece::styled("   ", styles.dim));
        pieces.push(Piece::styled(clean(&result.note), style));
    }
    pieces
}

/// How the answer begins, or why there is none.
pub(super) fn note<'a>(result: &'a Forwarded, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let said = match (scene.model.redact, result.note.as_str()) {
        (_, "") => "an empty body".into(),
        (true, _) => "(hidden)".into(),
        (false, note) => clean(note),
    };
    vec![Piece::styled("the answer says: ", styles.dim), Piece::styled(said, styles.text)]
}

fn times(count: u32) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        count => format!("{count} times"),
    }
}

fn ordinal(count: u32) -> String {
    match count {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        4 => "fourth".into(),
        count => format!("{count}th"),
    }
}

/// Asks before many are sent again.
pub(super) fn question(buf: &mut Buffer, screen: Rect, again: &Again, scene: Scene<'_>) {
    let (model, styles) = (scene.model, scene.styles);
    let width = screen.width.saturating_sub(4).min(84);
    let target = model.vitals.forward.as_ref().map(|forward| clean(&forward.target)).unwrap_or_default();
    let rect = draw::centred(screen, width, 6);
    footer::boxed(buf, rect, scene.styles);
    let title = vec![Piece::styled(" Send again? ", styles.strong)];
    draw::frame(buf, rect, Framing::Box, styles.info, &Labels { title, ..Labels::default() }, styles);
    let inside = geometry::inside(rect, Framing::Box);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let what = match again.counted.map(|counted| counted.total) {
        Some(total) => [
            Piece::styled("All ", styles.dim),
            Piece::styled(text::plural(total, "event"), styles.strong),
            Piece::styled(" that the filter shows", styles.dim),
        ],
        None => [
            Piece::styled("All", styles.strong),
            Piece::styled(" that the filter shows: ", styles.dim),
            Piece::styled(if again.agreed { "counting, then sending…" } else { "counting…" }, styles.dim),
        ],
    };
    draw::pieces(buf, draw::line_of(inside, 0), &what, styles);
    let to = [Piece::styled("to ", styles.dim), Piece::styled(target, styles.strong)];
    draw::pieces(buf, draw::line_of(inside, 1), &to, styles);
    let key = |action| model.keymap.chord(Context::Confirm, action, model.ascii).unwrap_or_default();
    let mut keys = vec![
        Piece::styled(key(Action::Confirm), styles.key),
        Piece::styled(" send   ", styles.dim),
        Piece::styled("Esc", styles.key),
        Piece::styled(" no", styles.dim),
    ];
    if again.one.is_some() {
        keys.push(Piece::styled(format!("   {}", key(Action::ConfirmOne)), styles.key));
        keys.push(Piece::styled(" only the one under the cursor", styles.dim));
    }
    draw::pieces(buf, draw::line_of(inside, 3), &keys, styles);
}
