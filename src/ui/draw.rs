//! The few strokes everything is drawn with: a line of pieces, a frame with a title, a scroll bar, a box.
//!
//! ```text
//! ╭ 2 Candidates  312 ──────── newest first ╮
//! │▌ Bea Grant      ◑ in test               ┃
//! ╰──────────────────────────────────  4/312 ╯
//! ```

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::styles::Styles;
use super::text;
use crate::app::geometry::Framing;
use crate::app::model::Model;

/// What is drawn, and with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) model: &'a Model,
    pub(super) styles: &'a Styles,
}

/// A piece of text with its style.
pub(super) type Piece<'a> = Span<'a>;

/// The first line of an area.
pub(super) fn first_line(area: Rect) -> Rect {
    Rect { height: area.height.min(1), ..area }
}

/// One line of an area, counted from its top; empty if the area is not that high.
pub(super) fn line_of(area: Rect, n: u16) -> Rect {
    let height = u16::from(n < area.height);
    Rect { y: area.y.saturating_add(n), height, ..area }
}

/// Draws pieces one after another, cut to the area's width. Returns how many cells they took.
pub(super) fn pieces(buf: &mut Buffer, area: Rect, pieces: &[Piece<'_>], styles: &Styles) -> u16 {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return 0;
    }
    let mut used = 0;
    for (n, piece) in pieces.iter().enumerate() {
        let room = area.width - used;
        if room == 0 {
            break;
        }
        let wide = text::width(&piece.content);
        // The last piece that fits exactly needs no sign; one that is followed by another does.
        let more = pieces.iter().skip(n + 1).any(|piece| !piece.content.trim().is_empty());
        if wide > room || (wide == room && more && room > 1) {
            let cut = if wide > room {
                text::fit(&piece.content, room, styles.symbols.cut)
            } else {
                let begun = text::fit(&piece.content, room - text::width(styles.symbols.cut), "");
                Cow::Owned(format!("{begun}{}", styles.symbols.cut))
            };
            buf.set_stringn(area.x + used, area.y, &cut, room as usize, piece.style);
            return area.width;
        }
        buf.set_stringn(area.x + used, area.y, &piece.content, room as usize, piece.style);
        used += wide;
    }
    used
}

/// How many cells pieces take.
pub(super) fn pieces_width(pieces: &[Piece<'_>]) -> u16 {
    pieces.iter().map(|piece| text::width(&piece.content)).fold(0, u16::saturating_add)
}

/// Draws pieces so that they end at the area's right edge. Returns how many cells they took.
pub(super) fn pieces_right(buf: &mut Buffer, area: Rect, all: &[Piece<'_>], styles: &Styles) -> u16 {
    let wide = pieces_width(all).min(area.width);
    pieces(buf, Rect { x: area.right() - wide, width: wide, ..area }, all, styles)
}

/// Fills an area with a ground.
pub(super) fn ground(buf: &mut Buffer, area: Rect, style: Style) {
    buf.set_style(area.intersection(buf.area), style);
}

/// Empties an area and gives it a ground.
pub(super) fn clear(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}

fn sign(buf: &mut Buffer, x: u16, y: u16, sign: &'static str, style: Style) {
    if let Some(cell) = buf.cell_mut((x, y)) {
        cell.set_symbol(sign).set_style(style);
    }
}

/// A frame's texts.
#[derive(Debug, Default)]
pub(super) struct Labels<'a> {
    /// At the top, left.
    pub(super) title: Vec<Piece<'a>>,
    /// At the top, right.
    pub(super) aside: Vec<Piece<'a>>,
    /// At the bottom, right.
    pub(super) foot: Vec<Piece<'a>>,
}

/// Sets a part off from its neighbours and labels it.
pub(super) fn frame(
    buf: &mut Buffer,
    rect: Rect,
    framing: Framing,
    style: Style,
    labels: &Labels<'_>,
    styles: &Styles,
) {
    if framing == Framing::Bare || rect.is_empty() {
        return;
    }
    let [top_left, top_right, bottom_left, bottom_right, horizontal, vertical] = styles.symbols.frame;
    let (right, bottom) = (rect.right().saturating_sub(1), rect.bottom().saturating_sub(1));
    for x in rect.left()..rect.right() {
        sign(buf, x, rect.y, horizontal, style);
        if framing == Framing::Box {
            sign(buf, x, bottom, horizontal, style);
        }
    }
    if framing == Framing::Box {
        for y in rect.top()..rect.bottom() {
            sign(buf, rect.x, y, vertical, style);
            sign(buf, right, y, vertical, style);
        }
        sign(buf, rect.x, rect.y, top_left, style);
        sign(buf, right, rect.y, top_right, style);
        sign(buf, rect.x, bottom, bottom_left, style);
        sign(buf, right, bottom, bottom_right, style);
    }
    let top = Rect { x: rect.x + 1, width: rect.width.saturating_sub(2), height: 1, ..rect };
    let used = pieces(buf, top, &labels.title, styles);
    let rest = Rect { x: top.x + used, width: top.width - used, ..top };
    if pieces_width(&labels.aside) < rest.width {
        pieces_right(buf, rest, &labels.aside, styles);
    }
    if framing == Framing::Box {
        pieces_right(buf, Rect { y: bottom, ..top }, &labels.foot, styles);
    }
}

/// Where in a long list the screen is: a thumb on the right side of a frame.
pub(super) fn scroll_bar(buf: &mut Buffer, lines: Rect, top: u64, total: u64, style: Style, styles: &Styles) {
    let height = u64::from(lines.height);
    if total <= height || height == 0 {
        return;
    }
    let size = (height * height / total).max(1);
    let most = total - height;
    let at = (top.min(most) * (height - size)).checked_div(most).unwrap_or_default();
    for y in at..at + size {
        sign(buf, lines.right(), lines.y + y as u16, styles.symbols.thumb, style);
    }
}

/// Where a list of blocks of so many lines begins on screen, so that the block chosen shows whole.
pub(super) fn first_block(heights: &[usize], chosen: usize, room: usize) -> usize {
    let (above, rest) = heights.split_at(chosen.min(heights.len()));
    let mut room = room.saturating_sub(rest.first().copied().unwrap_or_default());
    let fits = above.iter().rev().take_while(|height| {
        let left = room.checked_sub(**height);
        room = left.unwrap_or_default();
        left.is_some()
    });
    above.len() - fits.count()
}

/// A rectangle of some size in the middle of another one, or as much of it as there is.
pub(super) fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let (x, y) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
    Rect { x, y, width, height }
}

/// For a terminal that knows no more than ASCII: what was drawn with other signs becomes the nearest one.
pub(super) fn to_ascii(buf: &mut Buffer) {
    let area = buf.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let Some(cell) = buf.cell_mut((x, y)).filter(|cell| !cell.symbol().is_ascii()) else { continue };
            let sign = match cell.symbol() {
                "…" => "~",
                "“" | "”" => "\"",
                "–" => "-",
                "×" => "x",
                "½" => "/",
                _ => "?",
            };
            cell.set_symbol(sign);
        }
    }
}

/// Lets every place in a line of the screen stand out where a word is found.
pub(super) fn highlight(buf: &mut Buffer, line: Rect, word: &str, styles: &Styles) {
    let line = line.intersection(buf.area);
    let wanted: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
    if wanted.is_empty() || line.is_empty() {
        return;
    }
    let mut letters: Vec<(u16, char)> = Vec::with_capacity(line.width as usize);
    for x in line.left()..line.right() {
        let symbol = buf.cell((x, line.y)).map_or("", |cell| cell.symbol());
        letters.extend(symbol.chars().flat_map(char::to_lowercase).map(|c| (x, c)));
    }
    for run in letters.windows(wanted.len()) {
        if run.iter().map(|(_, c)| c).eq(&wanted) {
            for (x, _) in run {
                ground(buf, Rect::new(*x, line.y, 1, 1), styles.hit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_begins_where_the_block_chosen_shows_whole() {
        let heights = [1, 2, 3, 1];
        assert_eq!([0, 1, 2, 3].map(|chosen| first_block(&heights, chosen, 4)), [0, 0, 2, 2]);
        assert_eq!([0, 1, 2, 3].map(|chosen| first_block(&heights, chosen, 7)), [0; 4]);
        assert_eq!(first_block(&heights, 2, 2), 2, "one that is too high begins the list");
        assert_eq!((first_block(&heights, 9, 4), first_block(&[], 0, 4)), (2, 0));
    }
}
