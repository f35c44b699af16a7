//! Who a candidacy is, above its timeline; and why a delivery was refused.
//!
//! ```text
//! ╭ Bea Grant ───────────────────────────────────────────────────────╮
//! │ ◑ in test for 4m   ▲ yellow   score –   Backend Engineer         │
//! │ tab 5 · mouse 2    away 1m 12s                                   │
//! │ invited Nov 23 14:02 › started 10:03:12 (20h) › …                │
//! ╰──────────────────────────────────────────────────────────────────╯
//! ```

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::{self, clean};
use super::draw::{self, Labels, Piece, Scene};
use super::{mask, text, welcome};
use crate::app::geometry::{self, Part, Regions};
use crate::app::level::Level;
use crate::app::pane::Pane;
use crate::domain::query::CandidateRow;

/// Draws the head of a candidacy if it is on screen.
pub(super) fn draw(buf: &mut Buffer, regions: &Regions, scene: Scene<'_>) {
    let (Some(rect), Some(level)) = (regions.of(Part::Candidacy), scene.model.candidacy()) else { return };
    let styles = scene.styles;
    let label =
        if scene.model.redact { mask::person(&level.candidate_id).into() } else { clean(&level.label) };
    let accent = styles.accent(Pane::Candidates).add_modifier(ratatui::style::Modifier::BOLD);
    let title = vec![Piece::raw(" "), Piece::styled(label, accent), Piece::raw(" ")];
    draw::frame(buf, rect, regions.framing, styles.border, &Labels { title, ..Labels::default() }, styles);
    let inside = geometry::inside(rect, regions.framing);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let Some(row) = level.head.get() else {
        let told = level.head.fault().map_or("Reading…".into(), clean);
        draw::pieces(buf, draw::first_line(inside), &[Piece::styled(told, styles.dim)], styles);
        return;
    };
    let lines =
        [standing(row, scene), breaches(row, scene), way(row, scene), reach(row, scene), links(row, scene)];
    for (n, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        draw::pieces(buf, draw::line_of(inside, n as u16), line, styles);
    }
}

fn standing<'a>(row: &'a CandidateRow, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let mut line = cells::status(row.status, u16::MAX, scene);
    if let Some(at) = row.status_at {
        let since = format!(" for {}", text::duration(scene.model.now.since(at).max(0)));
        line.push(Piece::styled(since, styles.dim));
    }
    line.push(Piece::raw("   "));
    line.extend(cells::flag(row.flag, scene));
    line.push(Piece::styled("   score ", styles.dim));
    line.extend(cells::score(row.score, scene));
    if let Some(stage) = &row.stage {
        line.push(Piece::styled("   stage ", styles.dim));
        line.push(Piece::raw(clean(stage)));
    }
    line.push(Piece::styled("   in ", styles.dim));
    line.push(Piece::raw(clean(row.assessment_name.as_deref().unwrap_or(&row.assessment_id))));
    line
}

fn breaches<'a>(row: &'a CandidateRow, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let mut line = cells::violations(&row.counts, scene);
    if line.is_empty() {
        line.push(Piece::styled("no violation", styles.dim));
    }
    for (secs, label) in [(row.outside_secs, "outside the test"), (row.mouse_out_secs, "pointer outside")] {
        if secs > 0.0 {
            let time = text::duration((secs.min(1e9) * 1000.0) as i64);
            line.push(Piece::styled(format!("   {label} "), styles.dim));
            line.push(Piece::raw(time));
        }
    }
    line
}

/// Invited, started, finished, with the time between.
fn way<'a>(row: &'a CandidateRow, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let (model, styles) = (scene.model, scene.styles);
    let mut line = Vec::new();
    let mut before = None;
    for (at, word) in
        [(row.invited_at, "invited"), (row.started_at, "started"), (row.finished_at, "finished")]
    {
        let Some(at) = at else { continue };
        if !line.is_empty() {
            line.push(Piece::styled(format!(" {} ", styles.symbols.crumb), styles.dim));
        }
        line.push(Piece::styled(format!("{word} "), styles.dim));
        line.push(Piece::raw(text::clock(model, at)));
        if let Some(before) = before {
            line.push(Piece::styled(format!(" (after {})", text::duration(at.since(before))), styles.dim));
        }
        before = Some(at);
    }
    line
}

fn reach<'a>(row: &'a CandidateRow, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let mut line = Vec::new();
    if row.email.is_some() {
        line.push(Piece::raw(cells::email(row.email.as_deref(), &row.candidate_id, scene)));
        line.push(Piece::raw("   "));
    }
    line.push(Piece::styled("id ", styles.dim));
    line.push(Piece::styled(clean(&row.candidate_id), styles.dim));
    line
}

fn links<'a>(row: &'a CandidateRow, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let Some(link) = row.detail_link.as_deref().or(row.result_link.as_deref()) else { return Vec::new() };
    let shown = if scene.model.redact { "hidden".into() } else { clean(link) };
    vec![Piece::styled("link ", scene.styles.dim), Piece::styled(shown, scene.styles.info)]
}

/// Draws why a delivery was refused, if that is open.
pub(super) fn refusal(buf: &mut Buffer, regions: &Regions, scene: Scene<'_>) {
    let (Some(rect), Some(Level::Refusal(refusal))) = (regions.of(Part::Refusal), scene.model.levels.last())
    else {
        return;
    };
    let (model, styles) = (scene.model, scene.styles);
    let (called, sign, style) = if refusal.pending {
        ("Unverified delivery", styles.symbols.warn, styles.warn)
    } else {
        ("Refused delivery", styles.symbols.bad, styles.bad)
    };
    let title = vec![Piece::raw(" "), Piece::styled(called, style), Piece::raw(" ")];
    draw::frame(buf, rect, regions.framing, style, &Labels { title, ..Labels::default() }, styles);
    let inside = geometry::inside(rect, regions.framing);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let clock = match refusal.clock_off_secs {
        Some(0) => "our clock and the sender's agree".into(),
        Some(secs) if secs > 0 => format!("our clock is {secs} s ahead of the sender's"),
        Some(secs) => format!("our clock is {} s behind the sender's", secs.unsigned_abs()),
        None => "the sender gave no readable time".into(),
    };
    let given = |text: Cow<'_, str>| if text.is_empty() { "not given".into() } else { text.into_owned() };
    let mut lines = vec![
        (format!("{sign} {}", refusal.code.word()).into(), style),
        (clean(&refusal.sentence), styles.text),
        ("".into(), styles.text),
        (
            format!(
                "came  {}  ({} ago)",
                text::full(model, refusal.at),
                text::age(model.now.since(refusal.at))
            )
            .into(),
            styles.text,
        ),
        (format!("from  {}", given(cells::peer(refusal.peer.as_deref(), scene))).into(), styles.text),
        (
            format!("id    {}", given(refusal.id.as_deref().map(clean).unwrap_or_default())).into(),
            styles.text,
        ),
        (format!("time  {clock}").into(), styles.text),
        ("".into(), styles.text),
    ];
    let end = if refusal.pending {
        "It was answered 401 and waits for the secret: once that is entered, it is verified and kept if it holds."
    } else {
        "It was answered 401 and not kept: the sender tries again on its own schedule."
    };
    lines.push((end.into(), styles.dim));
    welcome::lines(buf, inside, &lines, scene);
}
