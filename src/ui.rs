//! Drawing the screen: a function of the model, the styles and the size, which changes nothing.
//!
//! ```text
//! ┌ header ─────────────────────────────────────────────────────────────┐
//! │ 1 Assessments                  │ 3 Violations                       │
//! │ 2 Candidates                   │ 4 Events                           │
//! └ footer ─────────────────────────────────────────────────────────────┘
//! ```
//!
//! Every text from outside passes [`crate::domain::clean::Clean`] on its way here.

mod assessment;
mod assessments;
mod attachment;
mod candidacy;
mod candidates;
mod cells;
pub mod chooser;
mod draw;
mod events;
mod footer;
mod forward;
mod header;
mod help;
mod list;
pub mod mask;
mod payload;
mod prompt;
mod relay;
pub mod styles;
pub mod symbols;
mod table;
pub mod text;
pub mod theme;
mod violations;
mod welcome;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::app::geometry::{self, Framing, Regions};
use crate::app::model::Model;
use crate::app::msg::Slot;
use crate::app::overlay::Overlay;
use crate::app::pane::{self, Pane};
use draw::{Piece, Scene};
use list::List;
use styles::Styles;

/// Draws the whole screen.
pub fn render(model: &Model, styles: &Styles, area: Rect, buf: &mut Buffer) {
    let scene = Scene { model, styles };
    draw::clear(buf, area, styles.base);
    let Some(regions) = geometry::regions(model, area) else {
        let (columns, rows) = geometry::LEAST;
        let told = [Piece::raw(format!("Too small: {columns}×{rows} is needed"))];
        draw::pieces(buf, draw::first_line(area), &told, styles);
        return;
    };
    header::draw(buf, &regions, scene);
    tabs(buf, &regions, scene);
    lists(buf, &regions, scene);
    assessment::draw(buf, &regions, scene);
    candidacy::draw(buf, &regions, scene);
    candidacy::refusal(buf, &regions, scene);
    payload::draw(buf, &regions, scene);
    footer::draw(buf, &regions, scene);
    for overlay in &model.overlays {
        match overlay {
            Overlay::Prompt(line) => prompt::draw(buf, area, line, scene),
            Overlay::Palette(choice) => help::palette(buf, area, choice, scene),
            Overlay::Help(choice) => help::help(buf, area, choice, scene),
            Overlay::Link(link) => help::link(buf, area, link, scene),
            Overlay::Replay(again) => forward::question(buf, area, again, scene),
        }
    }
    if styles.symbols.ascii {
        draw::to_ascii(buf);
    }
}

fn lists(buf: &mut Buffer, regions: &Regions, scene: Scene<'_>) {
    let model = scene.model;
    let assessments = List {
        slot: Slot::Assessments,
        pane: Pane::Assessments,
        window: &model.assessments,
        columns: &assessments::COLUMNS,
        sign: |_, _| None,
    };
    list::draw(buf, regions, &assessments, scene);
    let candidates = List {
        slot: Slot::Candidates,
        pane: Pane::Candidates,
        window: &model.candidates,
        columns: candidates::columns(model.view),
        sign: candidates::sign,
    };
    list::draw(buf, regions, &candidates, scene);
    let violations = List {
        slot: Slot::Violations,
        pane: Pane::Violations,
        window: &model.rises,
        columns: &violations::COLUMNS,
        sign: violations::sign,
    };
    list::draw(buf, regions, &violations, scene);
    let events = List {
        slot: Slot::Events,
        pane: Pane::Events,
        window: &model.events,
        columns: events::columns(model),
        sign: events::sign,
    };
    list::draw(buf, regions, &events, scene);
    if let Some(level) = model.assessment() {
        let columns = &candidates::ROSTER;
        let (slot, pane) = (Slot::Roster, Pane::Candidates);
        list::draw(
            buf,
            regions,
            &List { slot, pane, window: &level.roster, columns, sign: candidates::sign },
            scene,
        );
    }
    if let Some(level) = model.candidacy() {
        let columns = events::timeline(&level.timeline, model);
        let (slot, pane) = (Slot::Timeline, Pane::Events);
        let list = List { slot, pane, window: &level.timeline, columns, sign: events::sign };
        list::draw(buf, regions, &list, scene);
    }
}

/// Names of the panes, where only one is shown: `1 Assessments  2 Candi…`.
fn tabs(buf: &mut Buffer, regions: &Regions, scene: Scene<'_>) {
    let Some(area) = regions.tabs else { return };
    for (pane, x, title) in pane::tabs(scene.model.focus, area.width) {
        let focused = pane == scene.model.focus;
        let accent = scene.styles.accent(pane);
        let style = if focused {
            accent.add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        } else {
            scene.styles.dim
        };
        let number = Piece::styled(format!("{} ", pane.number()), scene.styles.dim);
        let rest = Rect { x: area.x + x, width: area.width.saturating_sub(x), ..area };
        draw::pieces(buf, rest, &[number, Piece::styled(title, style)], scene.styles);
    }
    debug_assert!(regions.framing == Framing::Bare, "tabs stand where frames do not");
}
