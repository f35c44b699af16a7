//! The *Events* pane and a candidacy's timeline: what was said, about whom, what it brought, how often.
//!
//! ```text
//!   when  event            who            what           ×  assessment
//! ▌   4s  ◑ in progress    Bea Grant      tab 2→5        2  Backend Engineer
//!    12s  ! refused        no_matching_signature
//! ```

use super::cells::{self, clean, dim, plain};
use super::draw::{Piece, Scene};
use super::table::{Column, Spot, Width};
use super::{forward, text};
use crate::app::model::Model;
use crate::app::pane::Pane;
use crate::app::window::Window;
use crate::domain::event::EventKind;
use crate::domain::query::{EventLine, EventRow};

/// What became of passing an event on: the last column of either list, where anything is passed on. Where there is
/// little room its sign alone is left, which is worth more than whom the event is about.
const FORWARDED: Column<EventRow> =
    Column { head: "fwd", width: Width::Flex(2, 6, 3), rank: 1, right: false, cell: forward::cell };

/// The columns of the pane.
static COLUMNS: [Column<EventRow>; 10] = [
    Column { head: "when", width: Width::Time, rank: 1, right: true, cell: when },
    Column { head: "event", width: Width::Flex(15, 21, 2), rank: 0, right: false, cell: event },
    Column { head: "who", width: Width::Flex(12, 28, 3), rank: 2, right: false, cell: who },
    Column { head: "what", width: Width::Flex(14, 34, 3), rank: 3, right: false, cell: what },
    Column { head: "sent", width: Width::Fixed(4), rank: 4, right: true, cell: times },
    Column { head: "assessment", width: Width::Flex(12, 28, 2), rank: 5, right: false, cell: assessment },
    Column { head: "size", width: Width::Fixed(6), rank: 8, right: true, cell: size },
    Column { head: "source", width: Width::Fixed(6), rank: 9, right: false, cell: source },
    Column { head: "id", width: Width::Flex(12, 31, 1), rank: 7, right: false, cell: id },
    FORWARDED,
];

/// The columns of a timeline: everything is about one candidacy, and time is what matters.
static TIMELINE: [Column<EventRow>; 10] = [
    Column { head: "time", width: Width::Fixed(12), rank: 1, right: false, cell: clock },
    Column { head: "after", width: Width::Fixed(8), rank: 2, right: true, cell: gap },
    Column { head: "event", width: Width::Flex(15, 22, 2), rank: 0, right: false, cell: event },
    Column { head: "what it brought", width: Width::Flex(14, 60, 4), rank: 2, right: false, cell: what },
    Column { head: "score", width: Width::Fixed(5), rank: 3, right: true, cell: score },
    Column { head: "sent", width: Width::Fixed(4), rank: 4, right: true, cell: times },
    Column { head: "lag", width: Width::Fixed(7), rank: 6, right: true, cell: lag },
    Column { head: "size", width: Width::Fixed(6), rank: 7, right: true, cell: size },
    Column { head: "id", width: Width::Flex(12, 31, 1), rank: 5, right: false, cell: id },
    FORWARDED,
];

/// The columns of the pane, as they are needed.
pub(super) fn columns(model: &Model) -> &'static [Column<EventRow>] {
    needed(&COLUMNS, &model.events, model)
}

/// The columns of a timeline, as they are needed.
pub(super) fn timeline(window: &Window<EventRow>, model: &Model) -> &'static [Column<EventRow>] {
    needed(&TIMELINE, window, model)
}

fn needed(
    columns: &'static [Column<EventRow>],
    window: &Window<EventRow>,
    model: &Model,
) -> &'static [Column<EventRow>] {
    let result = |row: &EventRow| line(row).is_some_and(|line| line.forwarded.is_some());
    if model.forwards() || window.rows().iter().any(result) {
        return columns;
    }
    columns.split_last().map_or(columns, |(_, rest)| rest)
}

fn line(row: &EventRow) -> Option<&EventLine> {
    match row {
        EventRow::Event(line) => Some(line),
        EventRow::Refusal(..) => None,
    }
}

/// The row is marked by the user.
pub(super) fn sign(row: &EventRow, scene: Scene<'_>) -> Option<Piece<'static>> {
    let marked = line(row).is_some_and(|line| line.marked);
    marked.then(|| Piece::styled(scene.styles.symbols.mark, scene.styles.warn))
}

fn when<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let at = match row {
        EventRow::Event(line) => line.received_at,
        EventRow::Refusal(_, refusal) => refusal.at,
    };
    cells::when(Some(at), scene)
}

fn clock<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let at = match row {
        EventRow::Event(line) => line.occurred_at,
        EventRow::Refusal(_, refusal) => refusal.at,
    };
    dim(text::clock(scene.model, at), scene)
}

/// How long after the event before it.
fn gap<'a>(row: &'a EventRow, scene: Scene<'a>, spot: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let (Some(line), Some(earlier)) = (line(row), spot.earlier.and_then(line)) else { return Vec::new() };
    dim(format!("+{}", text::duration(line.occurred_at.since(earlier.occurred_at))), scene)
}

/// The half of an event's name after the dot, as people write it.
fn spoken(kind: EventKind) -> String {
    let word = kind.event().replace('_', " ");
    match kind {
        EventKind::InvitedForInterview => "interview".into(),
        EventKind::InvitationExpired => "expired".into(),
        _ => word,
    }
}

fn event<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let line = match row {
        EventRow::Event(line) => line,
        // It is verified once there is a secret to do so with.
        EventRow::Refusal(_, refusal) if refusal.pending => {
            return vec![Piece::styled(format!("{} unverified", styles.symbols.warn), styles.warn)];
        }
        EventRow::Refusal(..) => {
            return vec![Piece::styled(format!("{} refused", styles.symbols.bad), styles.bad)];
        }
    };
    let Some(kind) = line.kind else {
        let name = line.name.as_deref().map_or("unrecognised".into(), clean);
        return vec![Piece::styled("? ", styles.warn), Piece::styled(name, styles.warn)];
    };
    let (sign, style) = match kind.status() {
        Some(status) => (styles.symbols.status(status), styles.status(status)),
        None if kind.of_assessment() => (styles.symbols.saved, styles.accent(Pane::Assessments)),
        None => (styles.symbols.crumb, styles.accent(Pane::Events)),
    };
    vec![Piece::styled(format!("{sign} "), style), Piece::styled(spoken(kind), style)]
}

fn who<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    match row {
        EventRow::Event(line) if line.kind.is_some_and(EventKind::of_assessment) => {
            let name = line.assessment_name.as_deref().or(line.assessment_id.as_deref());
            let name = name.map(clean).unwrap_or_default();
            vec![Piece::styled(name, scene.styles.accent(Pane::Assessments))]
        }
        EventRow::Event(line) => {
            let id = line.candidate_id.as_deref();
            plain(cells::who(line.candidate_name.as_deref(), line.email.as_deref(), id, scene))
        }
        EventRow::Refusal(_, refusal) => dim(cells::peer(refusal.peer.as_deref(), scene), scene),
    }
}

fn what<'a>(row: &'a EventRow, scene: Scene<'a>, spot: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let line = match row {
        EventRow::Event(line) => line,
        EventRow::Refusal(_, refusal) if refusal.pending => {
            return vec![Piece::styled("to be verified", styles.warn)];
        }
        EventRow::Refusal(_, refusal) => {
            // The whole word of the answer, unless it would be cut.
            let whole = refusal.code.word();
            let cut = whole.len() > usize::from(spot.width);
            let word = if cut { cells::reason(refusal.code) } else { whole };
            return vec![Piece::styled(word, styles.bad)];
        }
    };
    let mut pieces = Vec::new();
    if !line.verified {
        pieces.push(Piece::styled("unverified ", styles.warn));
    }
    if line.conflicts > 0 {
        pieces.push(Piece::styled("conflict ", styles.bad));
    }
    pieces.extend(cells::rises(&line.rises, scene));
    let scored = matches!(line.kind, Some(EventKind::ScoreUpdated | EventKind::Completed));
    if let (true, true, Some(score)) = (scored, line.rises.is_empty(), line.score) {
        pieces.push(Piece::styled("score ", styles.dim));
        pieces.push(Piece::raw(format!("{score:.1}")));
    }
    pieces
}

fn score<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    cells::score(line(row).and_then(|line| line.score), scene)
}

fn times<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    match line(row) {
        Some(line) if line.deliveries > 1 => {
            let text = format!("{}{}", scene.styles.symbols.times, text::short(line.deliveries));
            vec![Piece::styled(text, scene.styles.info)]
        }
        _ => Vec::new(),
    }
}

fn assessment<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let name = line(row).and_then(|line| line.assessment_name.as_deref().or(line.assessment_id.as_deref()));
    dim(name.map(clean).unwrap_or_default(), scene)
}

fn size<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let Some(line) = line(row) else { return Vec::new() };
    dim(bytes(line.size), scene)
}

/// A number of bytes in at most six cells.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1}k", bytes as f64 / 1e3),
        _ => format!("{:.1}M", bytes as f64 / 1e6),
    }
}

fn source<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    line(row).map(|line| dim(line.source.word(), scene)).unwrap_or_default()
}

/// How long the first delivery was under way since the event happened.
fn lag<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let Some(line) = line(row) else { return Vec::new() };
    dim(text::duration(line.received_at.since(line.occurred_at)), scene)
}

fn id<'a>(row: &'a EventRow, scene: Scene<'a>, _: Spot<'a, EventRow>) -> Vec<Piece<'a>> {
    let id = match row {
        EventRow::Event(line) => Some(line.id.as_str()),
        EventRow::Refusal(_, refusal) => refusal.id.as_deref(),
    };
    dim(id.map(clean).unwrap_or_default(), scene)
}
