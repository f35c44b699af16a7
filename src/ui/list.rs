//! A list with all that belongs to it: frame, strip of views, heads, rows, scroll bar, or why it is empty.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::cells;
use super::draw::{self, Labels, Piece, Scene};
use super::table::{self, Column};
use super::{text, welcome};
use crate::app::geometry::{self, Framing, Part, Regions};
use crate::app::model::{Mode, Model};
use crate::app::msg::Slot;
use crate::app::pane::{self, Pane, View};
use crate::app::window::{Live, Seen, Window};
use crate::domain::filter::{Is, Term};
use crate::domain::query::Sort;

/// A list and how it is shown.
pub(super) struct List<'a, R: Live> {
    pub(super) slot: Slot,
    pub(super) pane: Pane,
    pub(super) window: &'a Window<R>,
    pub(super) columns: &'a [Column<R>],
    pub(super) sign: fn(&R, Scene<'_>) -> Option<Piece<'static>>,
}

/// Draws a list if it is on screen.
pub(super) fn draw<R: Live>(buf: &mut Buffer, regions: &Regions, list: &List<'_, R>, scene: Scene<'_>) {
    let Some(rect) = regions.of(Part::List(list.slot)) else { return };
    let focused = scene.model.list() == Some(list.slot);
    let accent = scene.styles.accent(list.pane);
    let line = if focused { accent } else { scene.styles.border };
    let labels =
        Labels { title: title(list, focused, scene), aside: aside(list, scene), foot: foot(list, scene) };
    draw::frame(buf, rect, regions.framing, line, &labels, scene.styles);
    let area = geometry::list_area(rect, regions.framing, Model::has_strip(list.slot));
    if let Some(strip) = area.strip {
        views(buf, padded(strip), scene.model.view(list.slot), accent, scene);
    }
    if list.window.total() == 0 {
        let top = area.heads.map_or(area.rows.y, |heads| heads.y);
        let room = Rect { y: top, height: area.rows.bottom().saturating_sub(top), ..area.rows };
        empty(buf, room, list, scene);
        return;
    }
    let places = table::layout(list.columns, area.rows.width, scene);
    if let Some(heads) = area.heads {
        table::heads(buf, heads, list.columns, &places, scene);
    }
    let newest_first = scene.model.sort(list.slot) == Sort::Latest;
    // Where most rows are new, none stands out; in a flood nothing glows.
    let calm = list.window.visible().filter(|seen| seen.fresh).count() * 2 <= usize::from(area.rows.height);
    for (n, seen) in list.window.visible().enumerate() {
        let rect = draw::line_of(area.rows, n as u16);
        if rect.is_empty() {
            break;
        }
        let sign = (list.sign)(seen.row, scene);
        // Where nobody has moved it, the cursor of another list is no news.
        let cursor = seen.cursor && (focused || !list.window.follows());
        let seen = Seen { cursor, fresh: seen.fresh && calm, ..seen };
        let look = table::Look { focused, accent, sign, newest_first };
        table::row(buf, rect, list.columns, &places, &seen, look, scene);
        if let (true, Some(word)) = (focused, &scene.model.search) {
            draw::highlight(buf, rect, word, scene.styles);
        }
    }
    if list.window.outdated() {
        // What is still shown must not be taken for the answer to what was just asked.
        buf.set_style(area.rows.intersection(buf.area), scene.styles.dim);
    }
    if regions.framing == Framing::Box {
        let (top, total) = (list.window.above(), list.window.total());
        draw::scroll_bar(buf, area.rows, top, total, line, scene.styles);
    }
}

fn title<R: Live>(list: &List<'_, R>, focused: bool, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let styles = scene.styles;
    let accent = styles.accent(list.pane);
    let strong = if focused { accent.add_modifier(Modifier::BOLD) } else { accent };
    let number = match list.slot {
        Slot::Roster | Slot::Timeline => String::new(),
        _ => format!("{} ", list.pane.number()),
    };
    let shown = if list.window.outdated() {
        scene.styles.symbols.cut.to_owned()
    } else if list.window.known() {
        let more = if list.window.exact() { "" } else { "+" };
        format!("{}{more}", text::count(list.window.total()))
    } else {
        String::new()
    };
    let mut pieces = vec![
        Piece::raw(" "),
        Piece::styled(number, styles.dim),
        Piece::styled(list.pane.title(), strong),
        Piece::styled(format!(" {shown} "), styles.text),
    ];
    let view = scene.model.view(list.slot);
    if view != View::All {
        pieces.push(Piece::styled(format!("{} {} ", styles.symbols.dot, view.title()), styles.info));
    }
    if let (Slot::Violations, Some(row)) = (list.slot, scene.model.suspect()) {
        let who = cells::who(row.name.as_deref(), row.email.as_deref(), Some(&row.candidate_id), scene);
        pieces.push(Piece::styled(format!("of {who} "), styles.info));
    }
    pieces
}

fn aside<R: Live>(list: &List<'_, R>, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let styles = scene.styles;
    let sort = scene.model.sort(list.slot);
    let mut pieces = Vec::new();
    // What lies above a list that has the newest on top came after what is seen.
    if sort == Sort::Latest && list.window.above() > 0 {
        let newer = format!(" {} {} newer ", styles.symbols.above, text::count(list.window.above()));
        pieces.push(Piece::styled(newer, styles.info));
    }
    if list.window.total() > 0 {
        pieces.push(Piece::styled(format!(" {} ", pane::sort_word(sort)), styles.dim));
    }
    pieces
}

fn foot<R: Live>(list: &List<'_, R>, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let (index, total) = (list.window.index() + 1, list.window.total());
    if total == 0 || list.window.follows() {
        return Vec::new();
    }
    vec![Piece::styled(format!(" {}/{} ", text::count(index), text::count(total)), scene.styles.dim)]
}

fn padded(area: Rect) -> Rect {
    Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area }
}

/// The strip of views: `All · In test · Not started …`, the one in force standing out.
fn views(buf: &mut Buffer, area: Rect, current: View, accent: Style, scene: Scene<'_>) {
    let styles = scene.styles;
    let places = pane::strip(current, area.width);
    if places.first().is_some_and(|(view, _)| *view != View::All) {
        draw::pieces(buf, area, &[Piece::styled(styles.symbols.cut, styles.dim)], styles);
    }
    for (n, (view, x)) in places.iter().enumerate() {
        let style = if *view == current {
            accent.add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        } else {
            styles.dim
        };
        let mut pieces = vec![Piece::styled(view.title(), style)];
        if n + 1 < places.len() {
            pieces.push(Piece::styled(format!(" {} ", styles.symbols.dot), styles.dim));
        }
        let rest = Rect { x: area.x + x, width: area.width - x, ..area };
        draw::pieces(buf, rest, &pieces, styles);
    }
}

/// Why a list is empty, and what to do about it.
fn empty<R: Live>(buf: &mut Buffer, area: Rect, list: &List<'_, R>, scene: Scene<'_>) {
    let model = scene.model;
    let area = padded(area);
    if let Some(why) = list.window.fault() {
        let told = format!("Cannot be read: {}", cells::clean(why));
        welcome::lines(buf, area, &[(told.into(), scene.styles.bad)], scene);
        return;
    }
    if !list.window.known() {
        welcome::lines(buf, area, &[("Reading…".into(), scene.styles.dim)], scene);
        return;
    }
    if model.is_untouched() && model.levels.is_empty() {
        welcome::step(buf, area, list.pane, scene);
        return;
    }
    let view = model.view(list.slot);
    let told = match (model.filter.is_some(), view) {
        (true, View::All) => "Nothing here matches the filter",
        (true, _) => "Nobody in this view matches the filter",
        (false, view) if Model::has_strip(list.slot) => view.nobody(),
        _ => match list.pane {
            Pane::Assessments => "No assessment yet",
            Pane::Candidates => "No candidate yet",
            Pane::Violations => "No violation: everybody behaves",
            Pane::Events => "No event yet",
        },
    };
    let mut lines = vec![(told.into(), scene.styles.dim)];
    let forwarding = |term: &Term| matches!(term, Term::Is(Is::Forwarded | Is::Unforwarded));
    let asks = model.filter.as_ref().is_some_and(|active| active.filter.has(forwarding));
    if asks && model.mode == Mode::Attach && model.list() == Some(list.slot) {
        let told = "How each event was forwarded is known over there alone: ask on its screen";
        lines.push((told.into(), scene.styles.warn));
    }
    if model.filter.is_some() {
        lines.push(("f changes it; emptied, it shows everything again".into(), scene.styles.dim));
    }
    welcome::lines(buf, area, &lines, scene);
}
