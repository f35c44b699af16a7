//! An assessment in depth, above its candidates: how far they came, how fast, how well, how clean.
//!
//! ```text
//! ╭ Backend Engineer ────────────────────────────────────────────────╮
//! │ completed    ████████████████ 54  │ completion 42%   to start 3h │
//! │ in test      ███ 9                │ scores ▁▂▅▇▅▂                │
//! ╰──────────────────────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::assessments::stages;
use super::cells::{clean, kind_word};
use super::draw::{self, Labels, Piece, Scene};
use super::symbols::status_word;
use super::text;
use crate::app::geometry::{self, Part, Regions};
use crate::app::level::AssessmentLevel;
use crate::app::pane::Pane;
use crate::domain::event::Status;
use crate::domain::proctoring::ViolationKind;
use crate::domain::query::AssessmentDetail;

/// The configuration shown first, in the sender's words.
const WORTH_KNOWING: [&str; 7] = [
    "total time",
    "number of attempts",
    "total candidate count",
    "force full screen",
    "screen share",
    "snapshot capture required",
    "ip proctoring enabled",
];

/// How wide the names of bars are.
const LABEL: u16 = 15;
/// How wide the names of figures are.
const FIGURE: usize = 13;

/// Draws the head if it is on screen.
pub(super) fn draw(buf: &mut Buffer, regions: &Regions, scene: Scene<'_>) {
    let (Some(rect), Some(level)) = (regions.of(Part::Assessment), scene.model.assessment()) else { return };
    let styles = scene.styles;
    let accent = styles.accent(Pane::Assessments);
    let mut title =
        vec![Piece::raw(" "), Piece::styled(clean(&level.label), accent.patch(styles.strong).patch(accent))];
    if let Some(detail) = level.head.get() {
        let state = match (detail.row.deleted, detail.row.archived) {
            (true, _) => " deleted",
            (_, true) => " archived",
            _ => "",
        };
        title.push(Piece::styled(state, styles.warn));
    }
    title.push(Piece::raw(" "));
    draw::frame(buf, rect, regions.framing, styles.border, &Labels { title, ..Labels::default() }, styles);
    let inside = geometry::inside(rect, regions.framing);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let Some(detail) = level.head.get() else {
        let told = level.head.fault().map_or("Reading…".into(), clean);
        draw::pieces(buf, draw::first_line(inside), &[Piece::styled(told, styles.dim)], styles);
        return;
    };
    body(buf, inside, level, detail, scene);
}

fn body(buf: &mut Buffer, area: Rect, level: &AssessmentLevel, detail: &AssessmentDetail, scene: Scene<'_>) {
    let columns: u16 = match area.width {
        0..52 => 1,
        52..74 => 2,
        74..150 => 3,
        _ => 4,
    };
    let wide = area.width / columns;
    let column = |n: u16| Rect { x: area.x + n * wide, width: wide.saturating_sub(2), ..area };
    if columns == 1 {
        let rest = funnel(buf, area, detail, scene);
        rates(buf, rest, detail, scene);
        return;
    }
    let upper = funnel(buf, column(0), detail, scene);
    let rest = rates(buf, column(1), detail, scene);
    if columns == 2 {
        let rest = histogram(buf, below(rest), detail, scene);
        violations(buf, rest, detail, scene);
        return;
    }
    if columns == 3 {
        // Below both columns, as wide as they are together.
        let y = upper.y.max(rest.y);
        let both = Rect { y, height: area.bottom() - y, width: (2 * wide).saturating_sub(2), ..area };
        settings(buf, below(both), level, scene, true);
    }
    let rest = histogram(buf, column(2), detail, scene);
    let rest = if rest.height > 6 { below(rest) } else { rest };
    violations(buf, rest, detail, scene);
    if columns == 4 {
        settings(buf, column(3), level, scene, false);
    }
}

fn below(area: Rect) -> Rect {
    Rect { y: area.y + 1.min(area.height), height: area.height.saturating_sub(1), ..area }
}

/// Draws lines from the top; returns what is left below them.
fn stack(buf: &mut Buffer, area: Rect, lines: &[Vec<Piece<'_>>], scene: Scene<'_>) -> Rect {
    for (n, line) in lines.iter().enumerate() {
        draw::pieces(buf, draw::line_of(area, n as u16), line, scene.styles);
    }
    let used = (lines.len() as u16).min(area.height);
    Rect { y: area.y + used, height: area.height - used, ..area }
}

fn head<'a>(text: &'static str, scene: Scene<'a>) -> Vec<Piece<'a>> {
    vec![Piece::styled(text, scene.styles.dim)]
}

/// How long a bar is: its count, the greatest count, and the cells that the greatest has.
#[derive(Clone, Copy)]
struct Length {
    count: u64,
    most: u64,
    room: u16,
}

/// A label, a bar in proportion, a figure.
fn bar<'a>(label: &str, length: Length, figure: &str, style: Style, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let Length { count, most, room } = length;
    let [full, ..] = scene.styles.symbols.shades;
    let exact = if most == 0 { 0.0 } else { count as f64 / most as f64 * f64::from(room) };
    let cells = (exact.round() as usize).max(usize::from(count > 0));
    vec![
        Piece::styled(label.to_owned(), if count == 0 { scene.styles.dim } else { style }),
        Piece::styled(full.repeat(cells), style),
        Piece::raw(format!(" {figure}")),
    ]
}

/// The cells that the longest bar has beside its label and the widest figure.
fn room(area: Rect, label: u16, figures: u16) -> u16 {
    area.width.saturating_sub(label + figures + 1).max(1)
}

fn funnel(buf: &mut Buffer, area: Rect, detail: &AssessmentDetail, scene: Scene<'_>) -> Rect {
    let totals = &detail.row.totals;
    let most = totals.by_status.iter().copied().max().unwrap_or_default();
    let room = room(area, LABEL, text::width(&text::count(most)));
    let order = [
        Status::Invited,
        Status::Enrolled,
        Status::InProgress,
        Status::Completed,
        Status::InvitedForInterview,
        Status::Rejected,
        Status::Disqualified,
        Status::InvitationExpired,
    ];
    let mut lines = vec![head("where they stand", scene)];
    for status in order {
        let count = totals.by_status.get(status.index()).copied().unwrap_or_default();
        // What is empty is left out where room is short.
        if count > 0 || area.height > 9 {
            let label = format!("{} {}", scene.styles.symbols.status(status), status_word(status));
            let label = format!("{label:<wide$}", wide = usize::from(LABEL));
            let (length, style) = (Length { count, most, room }, scene.styles.status(status));
            lines.push(bar(&label, length, &text::count(count), style, scene));
        }
    }
    stack(buf, area, &lines, scene)
}

fn rates(buf: &mut Buffer, area: Rect, detail: &AssessmentDetail, scene: Scene<'_>) -> Rect {
    let styles = scene.styles;
    let totals = &detail.row.totals;
    let [_, started, _] = detail.funnel;
    let all = totals.candidates;
    let of = |status: Status| totals.by_status.get(status.index()).copied().unwrap_or_default();
    let figure = |label: &'static str, value: String| {
        vec![Piece::styled(format!("{label:<FIGURE$}"), styles.dim), Piece::styled(value, styles.strong)]
    };
    let time = |millis: Option<i64>| millis.map_or("–".into(), text::duration);
    let share = |part: u64| {
        let percent = text::percent(part, all);
        let whole = format!("{percent} {}/{}", text::count(part), text::count(all));
        if usize::from(area.width) < FIGURE + whole.len() { percent } else { whole }
    };
    let [done, ..] = stages(totals);
    let mut lines = vec![
        head("how it goes", scene),
        figure("started", share(started)),
        figure("completed", share(done)),
        figure("expired", share(of(Status::InvitationExpired))),
        figure("disqualified", share(of(Status::Disqualified))),
        figure("median start", time(detail.median_to_start)),
        figure("median time", time(detail.median_to_finish)),
    ];
    let average = totals.average_score().map_or("–".into(), |score| format!("{score:.1}"));
    lines.push(figure("mean score", format!("{average} ({} scored)", text::count(totals.scored))));
    // In a narrow column the flags speak for themselves.
    let label = if area.width < 34 { "" } else { "flags        " };
    lines.push(vec![
        Piece::styled(label, styles.dim),
        Piece::styled(format!("{} {} red", styles.symbols.bad, totals.red), styles.bad),
        Piece::raw(" "),
        Piece::styled(format!("{} {} yellow", styles.symbols.warn, totals.yellow), styles.warn),
    ]);
    stack(buf, area, &lines, scene)
}

/// Candidacies by score: ten bars beside each other, of up to three lines.
fn histogram(buf: &mut Buffer, area: Rect, detail: &AssessmentDetail, scene: Scene<'_>) -> Rect {
    let styles = scene.styles;
    let most = detail.scores.iter().copied().max().unwrap_or_default();
    let mut lines = vec![head("scores, 0 to 100", scene)];
    if most == 0 {
        lines.push(vec![Piece::styled("none yet", styles.dim)]);
        return stack(buf, area, &lines, scene);
    }
    let levels: u64 = if area.height >= 12 { 3 } else { 1 };
    let wide = usize::from((area.width / 10).clamp(2, 4));
    for level in (0..levels).rev() {
        let mut line = String::new();
        for count in detail.scores {
            // Eighths of a line that this bar reaches up to.
            let height = (count * levels * 8).div_ceil(most);
            let here = height.saturating_sub(level * 8).min(8);
            let sign = here.checked_sub(1).and_then(|n| styles.symbols.bars.get(n as usize)).copied();
            line.push_str(&sign.unwrap_or(" ").repeat(wide - 1));
            line.push(' ');
        }
        lines.push(vec![Piece::styled(line, styles.accent(Pane::Candidates))]);
    }
    // Where bars stand close, every other one has its number.
    let every = if wide < 3 { 2 } else { 1 };
    let label = |n: usize| Piece::styled(format!("{:<width$}", n * 10, width = wide * every), styles.dim);
    lines.push((0..10).step_by(every).map(label).collect());
    stack(buf, area, &lines, scene)
}

fn violations(buf: &mut Buffer, area: Rect, detail: &AssessmentDetail, scene: Scene<'_>) -> Rect {
    let styles = scene.styles;
    let mut kinds: Vec<_> =
        ViolationKind::ALL.into_iter().zip(detail.violations).filter(|(_, (who, _))| *who > 0).collect();
    kinds.sort_by_key(|(_, (_, count))| std::cmp::Reverse(*count));
    let mut lines = vec![head("violations (candidates)", scene)];
    if kinds.is_empty() {
        lines.push(vec![Piece::styled("none", styles.dim)]);
    }
    let most = kinds.first().map_or(0, |(_, (_, count))| *count);
    let people = |who: u64| format!(" ({})", text::count(who));
    let figures = kinds.iter().map(|(_, (who, count))| text::width(&(text::count(*count) + &people(*who))));
    let label = kinds.iter().map(|(kind, _)| text::width(kind_word(*kind)) + 1).max().unwrap_or_default();
    let room = room(area, label, figures.max().unwrap_or_default());
    for (kind, (who, count)) in kinds {
        let length = Length { count, most, room };
        let label = format!("{:<wide$}", kind_word(kind), wide = usize::from(label));
        let mut line = bar(&label, length, &text::count(count), styles.warn, scene);
        line.push(Piece::styled(people(who), styles.dim));
        lines.push(line);
    }
    stack(buf, area, &lines, scene)
}

/// The configuration: a line each, or `flowing` one after another.
fn settings(buf: &mut Buffer, area: Rect, level: &AssessmentLevel, scene: Scene<'_>, flowing: bool) {
    if level.settings.is_empty() || area.height < 2 {
        return;
    }
    let rank =
        |name: &str| WORTH_KNOWING.iter().position(|known| *known == name).unwrap_or(WORTH_KNOWING.len());
    let mut all: Vec<&(String, String)> = level.settings.iter().collect();
    all.sort_by_key(|(name, _)| rank(name));
    let mut lines = vec![head("configuration", scene), Vec::new()];
    let mut used = 0;
    for (name, value) in all {
        let value = match value.as_str() {
            "true" => "yes".into(),
            "false" => "no".into(),
            _ if name == "total time" => value
                .parse()
                .map_or(clean(value), |secs: i64| text::duration(secs.saturating_mul(1000)).into()),
            value => clean(value),
        };
        let name = format!("{} ", clean(name));
        let wide = text::width(&name) + text::width(&value);
        if used > 0 && (!flowing || used + 3 + wide > area.width) {
            lines.push(Vec::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { return };
        if used > 0 {
            line.push(Piece::styled(format!(" {} ", scene.styles.symbols.dot), scene.styles.dim));
            used += 3;
        }
        used += wide;
        line.extend([Piece::styled(name, scene.styles.dim), Piece::raw(value)]);
    }
    stack(buf, area, &lines, scene);
}
