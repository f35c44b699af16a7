//! The table that every list is: columns by importance, the least important left out where it is narrow.
//!
//! ```text
//!   candidate        status      since  flag       violations
//! ▌ Bea Grant        ◑ in test      4m  ▲ yellow   tab 5 · paste 1
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::draw::{self, Piece, Scene};
use super::text;
use crate::app::window::Seen;

/// The marker of the cursor and of marks, and the gap after it.
const GUTTER: u16 = 2;

/// How wide a column is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {
    /// So many cells.
    Fixed(u16),
    /// As many as a point in time takes.
    Time,
    /// At least and at most so many, and how big a part of what is left over.
    Flex(u16, u16, u16),
}

/// One column of a list of `R`.
pub(super) struct Column<R> {
    /// Its head.
    pub(super) head: &'static str,
    /// How wide it is.
    pub(super) width: Width,
    /// 0 is always shown; the higher, the sooner it is left out.
    pub(super) rank: u8,
    /// Its texts end at the right.
    pub(super) right: bool,
    /// What stands in it.
    pub(super) cell: for<'a> fn(&'a R, Scene<'a>, Spot<'a, R>) -> Vec<Piece<'a>>,
}

/// Where a cell stands.
pub(super) struct Spot<'a, R> {
    /// How many cells of the screen it has.
    pub(super) width: u16,
    /// The row that is earlier in time, where the list is in order of time.
    pub(super) earlier: Option<&'a R>,
}

impl<R> Clone for Spot<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Spot<'_, R> {}

/// Columns of a higher rank than this come in only once the others have the width they like.
const ESSENTIAL: u8 = 5;

impl Width {
    /// The width below which a column is of no use, and the one it likes.
    fn wanted(self, scene: Scene<'_>) -> (u16, u16) {
        match self {
            Self::Fixed(cells) => (cells, cells),
            Self::Time => (text::when_width(scene.model), text::when_width(scene.model)),
            Self::Flex(least, most, _) => (least, least + (most - least) * 2 / 3),
        }
    }
}

/// The columns there is room for: each with its place and width.
pub(super) fn layout<R>(columns: &[Column<R>], room: u16, scene: Scene<'_>) -> Vec<(usize, u16, u16)> {
    let gap: u16 = if room >= 70 { 2 } else { 1 };
    let room = room.saturating_sub(GUTTER);
    let mut order: Vec<(usize, &Column<R>)> = columns.iter().enumerate().collect();
    order.sort_by_key(|(_, column)| column.rank);
    let (mut least, mut liked) = (0, 0);
    let mut chosen: Vec<(usize, u16)> = Vec::new();
    for (at, column) in order {
        let (needs, likes) = column.width.wanted(scene);
        let gap = if chosen.is_empty() { 0 } else { gap };
        let others = if column.rank > ESSENTIAL { liked } else { least };
        if others + needs + gap <= room || chosen.is_empty() {
            least += needs + gap;
            liked += likes + gap;
            chosen.push((at, needs.min(room)));
        } else {
            break;
        }
    }
    chosen.sort_by_key(|(at, _)| *at);
    grow(columns, &mut chosen, room.saturating_sub(least));
    let mut x = GUTTER;
    let placed = chosen.into_iter().map(|(at, wide)| {
        let here = x;
        x += wide + gap;
        (at, here, wide)
    });
    placed.collect()
}

/// Gives what is left over to the columns that can use it, in proportion.
fn grow<R>(columns: &[Column<R>], chosen: &mut [(usize, u16)], mut left: u16) {
    while left > 0 {
        let hungry = chosen.iter_mut().filter_map(|(at, wide)| match columns.get(*at)?.width {
            Width::Flex(_, most, share) if *wide < most => {
                Some((u32::from(*wide) * 100 / u32::from(share), wide))
            }
            _ => None,
        });
        let Some((_, wide)) = hungry.min_by_key(|(fill, _)| *fill) else { return };
        *wide += 1;
        left -= 1;
    }
}

/// Draws the heads of the columns.
pub(super) fn heads<R>(
    buf: &mut Buffer,
    area: Rect,
    columns: &[Column<R>],
    places: &[(usize, u16, u16)],
    scene: Scene<'_>,
) {
    for (at, x, wide) in places {
        let Some(column) = columns.get(*at) else { continue };
        let rect = Rect { x: area.x + x, width: *wide, ..area };
        // How long something has been so, or since when.
        let head = if column.head == "for" && scene.model.absolute { "since" } else { column.head };
        let head = [Piece::styled(text::fit(head, *wide, ""), scene.styles.dim)];
        if column.right {
            draw::pieces_right(buf, rect, &head, scene.styles);
        } else {
            draw::pieces(buf, rect, &head, scene.styles);
        }
    }
}

/// How a list's cursor looks.
pub(super) struct Look {
    /// The list hears the keys.
    pub(super) focused: bool,
    /// The list's colour.
    pub(super) accent: Style,
    /// What stands in front of the row: a mark, an alert.
    pub(super) sign: Option<Piece<'static>>,
    /// The newest stands on top.
    pub(super) newest_first: bool,
}

/// Draws one row.
pub(super) fn row<R>(
    buf: &mut Buffer,
    area: Rect,
    columns: &[Column<R>],
    places: &[(usize, u16, u16)],
    seen: &Seen<'_, R>,
    look: Look,
    scene: Scene<'_>,
) {
    let styles = scene.styles;
    let Look { focused, accent, sign, newest_first } = look;
    let earlier = if newest_first { seen.below } else { seen.above };
    let turned = seen.cursor && focused && styles.turns();
    if seen.fresh {
        draw::ground(buf, area, styles.fresh);
    }
    if seen.cursor {
        draw::ground(buf, area, if focused { styles.selected } else { styles.held });
        if focused {
            draw::pieces(buf, area, &[Piece::styled(styles.symbols.cursor, accent)], styles);
        }
    }
    if let Some(sign) = sign {
        let place = Rect { x: area.x + 1, width: 1, ..area };
        draw::pieces(buf, place, &[sign], styles);
    }
    for (at, x, wide) in places {
        let Some(column) = columns.get(*at) else { continue };
        let mut cell = (column.cell)(seen.row, scene, Spot { width: *wide, earlier });
        if turned {
            for piece in &mut cell {
                piece.style = Style::new();
            }
        }
        let rect = Rect { x: area.x + x, width: *wide, ..area }.intersection(area);
        if column.right {
            draw::pieces_right(buf, rect, &cell, styles);
        } else {
            draw::pieces(buf, rect, &cell, styles);
        }
    }
}
