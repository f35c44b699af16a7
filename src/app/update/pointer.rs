//! The mouse: a click takes a pane and a row, a double click drills in, the wheel scrolls what is under it.

use super::super::action::Action;
use super::super::geometry::{self, Part};
use super::super::level::Level;
use super::super::model::Model;
use super::super::msg::{MouseKind, Slot};
use super::super::pane::{self, Pane};
use super::{moves, typing};

/// Rows a notch of the wheel moves.
const NOTCH: usize = 3;

/// Takes what the mouse did.
pub(super) fn mouse(model: &mut Model, column: u16, row: u16, kind: MouseKind) {
    let wheel = match kind {
        MouseKind::WheelDown => Some(Action::Down),
        MouseKind::WheelUp => Some(Action::Up),
        MouseKind::Press | MouseKind::Double => None,
    };
    if !model.overlays.is_empty() {
        if let Some(action) = wheel {
            typing::page(model, if action == Action::Down { 1 } else { -1 });
        }
        return;
    }
    let Some(regions) = geometry::regions(model, model.area()) else { return };
    if let Some(tabs) = regions.tabs.filter(|tabs| tabs.y == row && wheel.is_none()) {
        let tab = pane::tabs(model.focus, tabs.width).into_iter().rfind(|(_, x, _)| tabs.x + x <= column);
        model.focus = tab.map_or(model.focus, |(pane, ..)| pane);
        return;
    }
    let Some((part, rect)) = regions.at(column, row) else { return };
    match part {
        Part::List(slot) => {
            if let Some(action) = wheel {
                (0..NOTCH).for_each(|_| moves::scroll(model, slot, action));
                return;
            }
            if let Some(pane) = Pane::ALL.into_iter().find(|pane| Model::pane_slot(*pane) == slot) {
                model.focus = pane;
            }
            let area = geometry::list_area(rect, regions.framing, Model::has_strip(slot));
            if let Some(strip) = area.strip.filter(|strip| strip.y == row) {
                // Two cells in, as it is drawn.
                moves::view(model, slot, column.saturating_sub(strip.x + 2), strip.width.saturating_sub(2));
                return;
            }
            let line = row.checked_sub(area.rows.y).filter(|line| *line < area.rows.height);
            if line.is_some_and(|line| click(model, slot, line)) {
                if model.list().is_none() {
                    moves::reopen(model);
                } else if kind == MouseKind::Double {
                    moves::open(model);
                }
            }
        }
        Part::Payload => {
            let Some(Level::Payload(level)) = model.levels.last_mut() else { return };
            let rows = geometry::payload_area(rect, regions.framing, level).rows;
            let Some(reading) = &mut level.reading else { return };
            let line = row.checked_sub(rows.y).filter(|line| *line < rows.height);
            match (wheel, line) {
                (Some(action), _) => (0..NOTCH).for_each(|_| reading.act(action)),
                (None, Some(line)) => reading.click(line, kind == MouseKind::Double),
                (None, None) => {}
            }
        }
        Part::Assessment | Part::Candidacy | Part::Refusal => {}
    }
}

fn click(model: &mut Model, slot: Slot, line: u16) -> bool {
    match slot {
        Slot::Assessments => model.assessments.click(line),
        Slot::Candidates => model.candidates.click(line),
        Slot::Violations => model.rises.click(line),
        Slot::Events => model.events.click(line),
        _ => model.levels.iter_mut().rev().any(|level| match level {
            Level::Assessment(level) if slot == Slot::Roster => level.roster.click(line),
            Level::Candidacy(level) if slot == Slot::Timeline => level.timeline.click(line),
            _ => false,
        }),
    }
}
