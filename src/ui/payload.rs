//! A payload: verdict and headers, the path of the cursor, the document, and the value under the cursor.
//!
//! ```text
//! ╭ Payload  candidate.completed ──────────────────── event 12 of 1,284 ╮
//! │ ✓ verified  http  received 14:03:22  delivered ×2  3.8k             │
//! │ .data.signals.antiCheating.tabSwitchCount                  3/17     │
//! │ ▾ data {8}                                                          │
//! │   ▾ candidate {3}                                                   │
//! │▌      email: "bea.grant@example.com"                                │
//! ╰─────────────────────────────────────────────────────────────────────╯
//! ```

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::cells::clean;
use super::draw::{self, Labels, Piece, Scene};
use super::events::bytes;
use super::{forward, mask, text};
use crate::app::geometry::{self, Part, PayloadArea, Regions};
use crate::app::level::PayloadLevel;
use crate::app::pane::Pane;
use crate::app::reading::{Inspector, Reading, Shape};
use crate::domain::id::created_at;
use crate::domain::query::EventDetail;
use crate::payload::diff::{Change, Line};
use crate::payload::tree::Kind;

/// Cells a level of depth is worth.
const INDENT: u16 = 2;

/// Draws the payload if one is open.
pub(super) fn draw(buf: &mut Buffer, regions: &Regions, scene: Scene<'_>) {
    let (Some(rect), Some(level)) = (regions.of(Part::Payload), scene.model.payload()) else { return };
    let styles = scene.styles;
    let accent = styles.accent(Pane::Events);
    let mut title = vec![
        Piece::raw(" "),
        Piece::styled("Payload", accent.add_modifier(Modifier::BOLD)),
        Piece::raw("  "),
        Piece::styled(clean(&level.label), styles.text),
        Piece::raw(" "),
    ];
    if level.head.get().is_some_and(|detail| detail.line.marked) {
        title.push(Piece::styled(format!("{} ", styles.symbols.mark), styles.warn));
    }
    let labels = Labels { title, aside: aside(level, scene), ..Labels::default() };
    draw::frame(buf, rect, regions.framing, accent, &labels, styles);
    let area = geometry::payload_area(rect, regions.framing, level);
    let (Some(detail), Some(reading)) = (level.head.get(), &level.reading) else {
        let told = match level.head.fault() {
            Some(why) => clean(why),
            None if level.head.answered() => "This event is not in the session".into(),
            None => "Reading…".into(),
        };
        draw::pieces(
            buf,
            draw::first_line(area.rows),
            &[Piece::raw(" "), Piece::styled(told, styles.dim)],
            styles,
        );
        return;
    };
    envelope(buf, padded(area.envelope), detail, reading, scene);
    path(buf, padded(area.path), reading, scene);
    match reading.shape {
        Shape::Tree => tree(buf, area.rows, reading, accent, scene),
        Shape::Raw => raw(buf, &area, reading, accent, scene),
        Shape::Changes => changes(buf, area.rows, reading, accent, scene),
    }
    draw::scroll_bar(buf, area.rows, reading.top() as u64, reading.len() as u64, accent, styles);
    if let Some(rect) = area.inspector {
        inspector(buf, rect, reading, scene);
    }
}

fn padded(area: Rect) -> Rect {
    Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area }
}

fn aside<'a>(level: &PayloadLevel, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let Some(reading) = &level.reading else { return Vec::new() };
    let shape = match reading.shape {
        Shape::Tree => return Vec::new(),
        Shape::Raw => " as it came ",
        Shape::Changes => " what changed since the event before ",
    };
    vec![Piece::styled(shape, scene.styles.info)]
}

/// The verdict in a line, when and how it came in the next; then the headers, if they are shown.
fn envelope(buf: &mut Buffer, area: Rect, detail: &EventDetail, reading: &Reading, scene: Scene<'_>) {
    let (model, styles) = (scene.model, scene.styles);
    let line = &detail.line;
    let verdict = if line.verified {
        Piece::styled(format!("{} verified", styles.symbols.good), styles.ok)
    } else {
        Piece::styled(format!("{} unverified: taken unsigned", styles.symbols.warn), styles.warn)
    };
    let mut first = vec![verdict];
    let mut add = |label: &'static str, value: Cow<'static, str>, style: Style| {
        first.push(Piece::styled(format!("   {label}"), styles.dim));
        first.push(Piece::styled(value, style));
    };
    add("happened ", text::clock(model, line.occurred_at).into(), styles.text);
    let lag = line.received_at.since(created_at(&line.id).unwrap_or(line.occurred_at));
    add(
        "received ",
        format!("{} ({} later)", text::clock(model, line.received_at), text::duration(lag)).into(),
        styles.text,
    );
    if line.conflicts > 0 {
        add(
            "",
            format!("{} came with another body; the first one is kept", line.conflicts).into(),
            styles.bad,
        );
    }
    draw::pieces(buf, draw::line_of(area, 0), &first, styles);
    let mut second = vec![
        Piece::styled("id ", styles.dim),
        Piece::raw(clean(&line.id)),
        Piece::styled(format!("   by {}   ", line.source.word()), styles.dim),
        Piece::styled(bytes(detail.body.len() as u64), styles.dim),
        Piece::styled(if reading.tree.is_json() { "" } else { "   no JSON" }, styles.warn),
    ];
    if line.deliveries > 1 {
        let sent = format!("   sent {}{}", styles.symbols.times, line.deliveries);
        second.push(Piece::styled(sent, styles.info));
    }
    draw::pieces(buf, draw::line_of(area, 1), &second, styles);
    let mut used = 2;
    if let Some(result) = &line.forwarded {
        draw::pieces(buf, draw::line_of(area, used), &forward::line(result, scene), styles);
        used += 1;
    }
    if !reading.envelope {
        return;
    }
    if let Some(result) = line.forwarded.as_ref().filter(|result| result.status.is_some()) {
        draw::pieces(buf, draw::line_of(area, used), &forward::note(result, scene), styles);
        used += 1;
    }
    for (n, (name, value)) in detail.headers.0.iter().enumerate() {
        let pieces = [
            Piece::styled(clean(name), styles.accent(Pane::Candidates)),
            Piece::styled(": ", styles.dim),
            Piece::raw(mask::header(name, value, model)),
        ];
        draw::pieces(buf, draw::line_of(area, n as u16 + used), &pieces, styles);
    }
}

/// Where the cursor is, and which match it is on.
fn path(buf: &mut Buffer, area: Rect, reading: &Reading, scene: Scene<'_>) {
    let styles = scene.styles;
    let mut found = Vec::new();
    if let Some((word, hits)) = &reading.hits {
        let at = hits.number(reading.cursor()).map_or_else(|| "–".to_owned(), |n| n.to_string());
        found.push(Piece::styled(format!(" /{}  ", clean(word)), styles.dim));
        found.push(Piece::styled(format!("{at}/{}", hits.rows().len()), styles.info));
    }
    let used = draw::pieces_right(buf, area, &found, styles);
    let told = match (reading.shape, &reading.changes) {
        (Shape::Changes, Some(lines)) => sum_up(lines),
        _ => reading.path().unwrap_or_default(),
    };
    let rest = Rect { width: area.width.saturating_sub(used), ..area };
    draw::pieces(buf, rest, &[Piece::styled(clean(&told), styles.info)], styles);
}

/// How much changed, in a line.
fn sum_up(lines: &[Line]) -> String {
    let count = |wanted: fn(&Change) -> bool| lines.iter().filter(|line| wanted(&line.change)).count();
    let changed = count(|change| matches!(change, Change::Changed { .. }));
    let added = count(|change| matches!(change, Change::Added { .. }));
    let removed = count(|change| matches!(change, Change::Removed { .. }));
    format!("{changed} changed, {added} added, {removed} removed")
}

/// The ground and the cursor of a line.
fn under(buf: &mut Buffer, line: Rect, chosen: bool, accent: Style, scene: Scene<'_>) {
    if chosen {
        draw::ground(buf, line, scene.styles.selected);
        draw::pieces(buf, line, &[Piece::styled(scene.styles.symbols.cursor, accent)], scene.styles);
    }
}

/// A line's text, without colours where the cursor turns them round.
fn write(buf: &mut Buffer, line: Rect, indent: u16, mut all: Vec<Piece<'_>>, plain: bool, scene: Scene<'_>) {
    if plain {
        for piece in &mut all {
            piece.style = Style::new();
        }
    }
    let indent = indent.min(line.width / 2) + 2;
    let rest = Rect { x: line.x + indent, width: line.width.saturating_sub(indent + 1), ..line };
    draw::pieces(buf, rest, &all, scene.styles);
}

fn tree(buf: &mut Buffer, area: Rect, reading: &Reading, accent: Style, scene: Scene<'_>) {
    let styles = scene.styles;
    let shown = reading.folds.visible().iter().skip(reading.top()).take(usize::from(area.height));
    for (n, at) in shown.enumerate() {
        let line = draw::line_of(area, n as u16);
        let chosen = *at == reading.cursor();
        under(buf, line, chosen, accent, scene);
        let Some(row) = reading.tree.row(*at) else { continue };
        write(buf, line, row.depth * INDENT, value(reading, *at, scene), chosen && styles.turns(), scene);
        if let Some((word, hits)) = &reading.hits
            && hits.number(*at).is_some()
        {
            draw::highlight(buf, line, word, styles);
        }
    }
}

/// A row: sign of its fold, key, value.
fn value<'a>(reading: &'a Reading, at: u32, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let Some(row) = reading.tree.row(at) else { return Vec::new() };
    let [folded, open] = styles.symbols.folds;
    let sign = match (row.kind.is_container(), reading.folds.is_open(at)) {
        (true, true) => open,
        (true, false) => folded,
        (false, _) => " ",
    };
    let mut pieces = vec![Piece::styled(sign, styles.dim), Piece::raw(" ")];
    let in_array =
        row.parent.and_then(|parent| reading.tree.row(parent)).is_some_and(|row| row.kind == Kind::Array);
    if let Some(key) = &row.key {
        pieces.push(Piece::styled(clean(key), styles.accent(Pane::Candidates)));
        pieces.push(Piece::styled(if row.kind.is_container() { " " } else { ": " }, styles.dim));
    } else if in_array {
        pieces.push(Piece::styled(format!("{} ", row.place), styles.dim));
    }
    let ends = match row.kind {
        Kind::Object => Some(["{", "}"]),
        Kind::Array => Some(["[", "]"]),
        _ => None,
    };
    if let Some([from, to]) = ends {
        pieces.push(Piece::styled(format!("{from}{}{to}", row.children), styles.dim));
        return pieces;
    }
    pieces.push(Piece::styled(clean(reading.tree.spelling(at)), scalar(row.kind, scene)));
    pieces
}

/// The style of a plain value.
fn scalar(kind: Kind, scene: Scene<'_>) -> Style {
    let styles = scene.styles;
    match kind {
        Kind::String => styles.ok,
        Kind::Number => styles.accent(Pane::Violations),
        Kind::Bool => styles.accent(Pane::Events),
        Kind::Null => styles.dim,
        _ => styles.text,
    }
}

fn raw(buf: &mut Buffer, area: &PayloadArea, reading: &Reading, accent: Style, scene: Scene<'_>) {
    for (n, text) in reading.raw_lines().enumerate() {
        let at = reading.top() + n;
        under(buf, draw::line_of(area.rows, n as u16), at == reading.at(), accent, scene);
        draw::pieces(buf, draw::line_of(area.raw(), n as u16), &[Piece::raw(clean(text))], scene.styles);
    }
}

fn changes(buf: &mut Buffer, area: Rect, reading: &Reading, accent: Style, scene: Scene<'_>) {
    let styles = scene.styles;
    let Some(lines) = reading.changes.as_ref().filter(|lines| !lines.is_empty()) else {
        let told =
            [Piece::raw(" "), Piece::styled("Nothing changed: the two bodies say the same", styles.dim)];
        draw::pieces(buf, draw::first_line(area), &told, styles);
        return;
    };
    for (n, change) in lines.iter().skip(reading.top()).take(usize::from(area.height)).enumerate() {
        let line = draw::line_of(area, n as u16);
        let chosen = reading.top() + n == reading.at();
        under(buf, line, chosen, accent, scene);
        write(buf, line, change.depth * INDENT, changed(change, scene), chosen && styles.turns(), scene);
    }
}

/// A line of a comparison: `+` added, `-` removed, `~` changed.
fn changed<'a>(line: &'a Line, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let label = || Piece::styled(clean(&line.label), styles.accent(Pane::Candidates));
    let colon = || Piece::styled(": ", styles.dim);
    match &line.change {
        Change::Within if line.label.is_empty() => vec![Piece::styled("  the body", styles.dim)],
        Change::Within => vec![Piece::raw("  "), label()],
        Change::Same(count) => {
            vec![Piece::styled(format!("  {} {count} unchanged", styles.symbols.cut), styles.dim)]
        }
        Change::Added { new } => {
            vec![Piece::styled("+ ", styles.ok), label(), colon(), Piece::styled(clean(new), styles.ok)]
        }
        Change::Removed { old } => {
            vec![Piece::styled("- ", styles.bad), label(), colon(), Piece::styled(clean(old), styles.bad)]
        }
        Change::Changed { old, new, by } => {
            let mut pieces = vec![
                Piece::styled("~ ", styles.warn),
                label(),
                colon(),
                Piece::styled(clean(old), styles.dim),
                Piece::styled(format!(" {} ", styles.symbols.arrow), styles.dim),
                Piece::styled(clean(new), styles.strong),
            ];
            // A time in milliseconds that moved says nothing as a sum.
            if let Some(by) = by.filter(|by| by.abs() < 1e6) {
                pieces.push(Piece::styled(format!(" ({})", signed(by)), styles.warn));
            }
            pieces
        }
    }
}

/// A difference with its sign, and with no more decimals than say something.
fn signed(by: f64) -> String {
    let text = format!("{by:+.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The value under the cursor in full, or what is hidden in it.
fn inspector(buf: &mut Buffer, area: Rect, reading: &Reading, scene: Scene<'_>) {
    let styles = scene.styles;
    draw::ground(buf, area, styles.held);
    let (title, text) = match &reading.inspector {
        Inspector::Closed => return,
        Inspector::Value => ("the whole value", reading.tree.scalar(reading.cursor())),
        Inspector::Decoded(text) => ("decoded", Cow::Borrowed(text.as_str())),
    };
    let inside = padded(area);
    draw::pieces(buf, draw::line_of(inside, 0), &[Piece::styled(title, styles.dim)], styles);
    let most = usize::from(area.height.saturating_sub(1));
    // A value may be a megabyte; no more than fits is looked at.
    let room = most * usize::from(inside.width.max(1)) * 4;
    let cut: String = text.chars().take(room).collect();
    let lines = cut.lines().flat_map(|line| text::wrap(&clean(line), inside.width)).take(most);
    for (n, line) in lines.enumerate() {
        draw::pieces(buf, draw::line_of(inside, n as u16 + 1), &[Piece::raw(line)], styles);
    }
}
