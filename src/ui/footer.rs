//! The last line: what can be done here, what just happened, how a chord begun goes on.
//!
//! ```text
//!  Enter open  / search  f filter  Space pause  ? help                     Saved 1,284 events to …
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells::clean;
use super::draw::{self, Piece, Scene};
use super::styles::Styles;
use super::text;
use crate::app::action::Action as A;
use crate::app::geometry::{Framing, Regions};
use crate::app::keymap::Context;
use crate::app::level::Level;
use crate::app::model::{Mode, Model};
use crate::app::msg::Slot;
use crate::app::overlay::Overlay;
use crate::app::prompt::{Prompt, Purpose};
use crate::app::reading::Shape;

/// A notice is no page: what is longer than so many lines is cut.
const NOTICE_LINES: usize = 3;

/// Draws the footer, and the box over it that shows how a chord goes on.
pub(super) fn draw(buf: &mut Buffer, regions: &Regions, scene: Scene<'_>) {
    let (model, styles) = (scene.model, scene.styles);
    let area = regions.footer;
    draw::ground(buf, area, styles.bar);
    let mut told = Vec::new();
    if !model.pending.is_empty() {
        let keys: String = model.pending.iter().map(|key| key.label(model.ascii)).collect();
        told.push(Piece::styled(format!(" {keys} "), styles.key));
        which_key(buf, area, scene);
    } else if let Some(notice) = &model.notice {
        let style = styles.tone(notice.tone);
        let said = clean(&notice.text);
        // What lies over the panes is not to be covered.
        if text::width(&said) + 2 > area.width && model.overlays.is_empty() {
            return at_length(buf, area, &said, style, styles);
        }
        told.push(Piece::styled(format!(" {said} "), style));
    }
    // What just happened matters more than what could.
    let wide = draw::pieces_width(&told).min(area.width);
    let used = draw::pieces_right(buf, area, &told, styles);
    let rest = Rect { width: area.width - wide.max(used), ..area };
    let all = wanted(scene).iter().filter(|action| does(**action, model)).filter_map(|action| {
        let keys = keys(*action, scene)?;
        Some(hint(&keys, action.hint(model.context()), styles))
    });
    hints(buf, rest, all, styles);
}

/// A hint: keys, and a word or two for what they do.
pub(super) fn hint(keys: &str, what: &'static str, styles: &Styles) -> [Piece<'static>; 2] {
    [Piece::styled(format!(" {keys}"), styles.key), Piece::styled(format!(" {what} "), styles.dim)]
}

/// As many hints as there is room for, none of them cut.
pub(super) fn hints(
    buf: &mut Buffer,
    area: Rect,
    all: impl Iterator<Item = [Piece<'static>; 2]>,
    styles: &Styles,
) {
    let mut shown: Vec<Piece<'_>> = Vec::new();
    for hint in all {
        if draw::pieces_width(&shown) + draw::pieces_width(&hint) > area.width {
            break;
        }
        shown.extend(hint);
    }
    draw::pieces(buf, area, &shown, styles);
}

/// The key of a hint. To move up and down is one hint.
fn keys(action: A, scene: Scene<'_>) -> Option<String> {
    let model = scene.model;
    let (keymap, context) = (&model.keymap, model.context());
    match (action, context) {
        (A::Older, Context::Palette) => keymap.pair(context, [A::Older, A::Newer], model.ascii),
        _ => keymap.chord(context, action, model.ascii),
    }
}

/// A notice that one line does not hold: what to do stands at its end, so it takes lines of what is above. They are
/// given back when it goes, and nothing else moves.
pub(super) fn at_length(buf: &mut Buffer, area: Rect, said: &str, style: Style, styles: &Styles) {
    let lines = text::wrap_to(said, area.width.saturating_sub(2), NOTICE_LINES);
    let above = (lines.len() as u16).saturating_sub(1).min(area.y);
    let whole = Rect { y: area.y - above, height: area.height + above, ..area };
    draw::clear(buf, whole, styles.bar);
    for (n, line) in lines.into_iter().enumerate() {
        let told = [Piece::styled(format!(" {line}"), style)];
        draw::pieces(buf, draw::line_of(whole, n as u16), &told, styles);
    }
}

/// The actions worth a hint in a place, the most useful first.
const CANDIDATES: &[A] = &[
    A::Help,
    A::Open,
    A::NextView,
    A::Search,
    A::Filter,
    A::Sort,
    A::Pause,
    A::Leave,
    A::NextProblem,
    A::OpenLink,
    A::Save,
    A::Zoom,
    A::Redact,
    A::Palette,
];
const TIMELINE: &[A] = &[
    A::Help,
    A::Open,
    A::Back,
    A::Diff,
    A::NextProblem,
    A::Mark,
    A::CopyBody,
    A::OpenLink,
    A::Times,
    A::Sort,
    A::Filter,
    A::Save,
    A::Palette,
];
const EVENTS: &[A] = &[
    A::Help,
    A::Open,
    A::Search,
    A::Filter,
    A::NextProblem,
    A::Mark,
    A::Pause,
    A::Leave,
    A::First,
    A::Save,
    A::Zoom,
    A::Times,
    A::Redact,
    A::Palette,
];
const PAYLOAD: &[A] = &[
    A::Help,
    A::Back,
    A::Fold,
    A::Search,
    A::NextMatch,
    A::Diff,
    A::NextView,
    A::CopyPath,
    A::CopyBody,
    A::FoldAll,
    A::UnfoldAll,
    A::Raw,
    A::Decode,
    A::OpenLink,
];
const VIOLATIONS: &[A] = &[
    A::Help,
    A::Open,
    A::Back,
    A::ByCandidate,
    A::Search,
    A::Filter,
    A::NextProblem,
    A::Pause,
    A::Leave,
    A::Save,
    A::Zoom,
    A::Redact,
    A::Palette,
];
const PANES: &[A] = &[
    A::Help,
    A::Open,
    A::NextPane,
    A::Search,
    A::Filter,
    A::NextProblem,
    A::Pause,
    A::Leave,
    A::Save,
    A::Zoom,
    A::Sort,
    A::Times,
    A::Redact,
    A::Theme,
    A::Palette,
];

fn wanted(scene: Scene<'_>) -> &'static [A] {
    let model = scene.model;
    match (model.context(), model.list(), model.levels.last()) {
        (Context::Prompt, ..) => match model.overlays.last() {
            Some(Overlay::Prompt(Prompt { purpose: Purpose::Filter, .. })) => {
                &[A::Accept, A::Cancel, A::Complete, A::Older]
            }
            Some(Overlay::Prompt(Prompt { purpose: Purpose::Search { .. }, .. })) => match model.payload() {
                Some(_) => &[A::Accept, A::Cancel, A::Older],
                None => &[A::Accept, A::Cancel, A::Toggle, A::Older],
            },
            Some(Overlay::Prompt(Prompt { purpose: Purpose::Save { .. }, .. })) => {
                &[A::Accept, A::Cancel, A::Toggle]
            }
            _ => &[A::Accept, A::Cancel],
        },
        (Context::Palette, ..) => &[A::Accept, A::Cancel, A::Older],
        (Context::Confirm, ..) => &[A::Confirm, A::Cancel],
        (Context::Payload, ..) => PAYLOAD,
        (_, Some(Slot::Candidates | Slot::Roster), _) => CANDIDATES,
        (_, Some(Slot::Timeline), _) => TIMELINE,
        (_, _, Some(Level::Refusal(_))) => &[A::Help, A::Back, A::CopyId, A::Palette],
        (_, Some(Slot::Violations), _) => VIOLATIONS,
        (_, Some(Slot::Events), _) => EVENTS,
        _ => PANES,
    }
}

/// Whether a key would do something now.
fn does(action: A, model: &Model) -> bool {
    let reading = model.payload().map(|level| level.reading.as_ref());
    match action {
        A::Mark | A::Pause => model.mode != Mode::Open,
        A::Back if model.levels.is_empty() => model.suspect().is_some(),
        A::NextMatch => match reading {
            Some(reading) => reading.is_some_and(|reading| reading.hits.is_some()),
            None => model.search.is_some(),
        },
        A::Fold | A::FoldAll | A::UnfoldAll | A::Decode => {
            reading.flatten().is_some_and(|reading| reading.shape == Shape::Tree)
        }
        _ => true,
    }
}

/// How the chord begun goes on: each key with what it does.
fn which_key(buf: &mut Buffer, footer: Rect, scene: Scene<'_>) {
    let (model, styles) = (scene.model, scene.styles);
    let ways = model.keymap.continuations(model.context(), &model.pending, model.ascii);
    let widest = ways.iter().map(|(key, action)| text::width(key) + text::width(action.sentence()) + 3).max();
    let (width, height) = (widest.unwrap_or_default() + 4, ways.len() as u16 + 2);
    let rect = Rect {
        x: footer.right().saturating_sub(width),
        y: footer.y.saturating_sub(height),
        width: width.min(footer.width),
        height: height.min(footer.y),
    };
    boxed(buf, rect, styles);
    let inside = crate::app::geometry::inside(rect, Framing::Box);
    for (n, (key, action)) in ways.iter().enumerate() {
        let pieces =
            [Piece::styled(format!(" {key:<2} "), styles.key), Piece::styled(action.sentence(), styles.text)];
        draw::pieces(buf, draw::line_of(inside, n as u16), &pieces, styles);
    }
}

/// Empties a rectangle and sets it off as something on top.
pub(super) fn boxed(buf: &mut Buffer, rect: Rect, styles: &Styles) {
    let rect = rect.intersection(buf.area);
    // A wide letter that the box would halve goes whole.
    for y in rect.top()..rect.bottom() {
        let left = rect.x.checked_sub(1).and_then(|x| buf.cell_mut((x, y)));
        if let Some(cell) = left.filter(|cell| text::width(cell.symbol()) > 1) {
            cell.set_symbol(" ");
        }
    }
    draw::clear(buf, rect, styles.bar);
    draw::frame(buf, rect, Framing::Box, styles.dim, &draw::Labels::default(), styles);
}
