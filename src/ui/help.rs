//! Help and palette: the table of actions and keys, narrowed down by typing; and the question before a link.
//!
//! ```text
//! ╭ Keys ───────────────────────────────────────────╮
//! │ █ type to search                                │
//! │ Getting around                                  │
//! │▌ j ↓        One row down                        │
//! ╰─────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells::clean;
use super::draw::{self, Labels, Piece, Scene};
use super::styles::Styles;
use super::{footer, prompt, text};
use crate::app::geometry::{self, Framing};
use crate::app::overlay::{self, Choice, Entry, Link};

/// How wide the column of keys is at most; what is wider takes another line.
const KEYS: u16 = 11;
/// The gap between keys and sentences.
const GAP: u16 = 2;
/// The marker of the cursor, and the gap after it.
const GUTTER: u16 = 2;
/// How wide a box is at most.
const WIDEST: u16 = 92;
/// A screen of fewer columns has none to spare beside a box.
const NARROW: u16 = 60;

/// One row of a list of keys.
pub(super) struct Item<'a> {
    /// What stands above it, if a group begins with it.
    pub(super) head: Option<&'static str>,
    /// The keys.
    pub(super) keys: &'a str,
    /// What they do.
    pub(super) told: &'a str,
}

impl<'a> Item<'a> {
    fn of(entry: &'a Entry, head: Option<&'static str>) -> Self {
        Self { head, keys: &entry.keys, told: entry.action.sentence() }
    }
}

/// A box of a height in the middle of the screen, with a title; returns its inside.
fn boxed(buf: &mut Buffer, screen: Rect, height: u16, title: &'static str, styles: &Styles) -> Rect {
    let rect = draw::centred(screen, wide(screen), height);
    footer::boxed(buf, rect, styles);
    let title = vec![Piece::styled(format!(" {title} "), styles.strong)];
    draw::frame(buf, rect, Framing::Box, styles.info, &Labels { title, ..Labels::default() }, styles);
    geometry::inside(rect, Framing::Box)
}

/// How wide a box is.
fn wide(screen: Rect) -> u16 {
    let margin = if screen.width < NARROW { 0 } else { 4 };
    (screen.width - margin).min(WIDEST)
}

/// A box with the line that is typed; returns what is under it.
fn open(
    buf: &mut Buffer,
    screen: Rect,
    height: u16,
    title: &'static str,
    typed: &Choice,
    styles: &Styles,
) -> Rect {
    let inside = boxed(buf, screen, height, title, styles);
    let line = draw::first_line(inside);
    let line = Rect { x: line.x + 1, width: line.width.saturating_sub(2), ..line };
    if typed.line.is_empty() {
        let hint = [Piece::styled("  type to search", styles.dim)];
        draw::pieces(buf, line, &hint, styles);
    }
    prompt::line(buf, line, &typed.line.text(), typed.line.before().chars().count(), styles);
    Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside }
}

/// A head, or a row with its number: lines of keys and sentences, which go on in the next line where they are long.
struct Block {
    row: Option<usize>,
    lines: Vec<(String, String)>,
}

/// Rows in so many cells, and how wide the column of keys is.
fn blocks(items: &[Item<'_>], width: u16) -> (Vec<Block>, u16) {
    let keys = items.iter().map(|item| text::width(item.keys)).max().unwrap_or_default().min(KEYS);
    let room = width.saturating_sub(GUTTER + keys + GAP + 1);
    let mut blocks = Vec::new();
    for (n, item) in items.iter().enumerate() {
        if let Some(head) = item.head {
            blocks.push(Block { row: None, lines: vec![(String::new(), head.to_owned())] });
        }
        let mut left = text::wrap(item.keys, keys).into_iter();
        let mut right = text::wrap(item.told, room).into_iter();
        let lines = (0..left.len().max(right.len()))
            .map(|_| (left.next().unwrap_or_default(), right.next().unwrap_or_default()));
        blocks.push(Block { row: Some(n), lines: lines.collect() });
    }
    (blocks, keys)
}

/// Draws rows of keys, each whole, so that the one chosen shows.
fn list(buf: &mut Buffer, area: Rect, items: &[Item<'_>], at: usize, styles: &Styles) {
    let (blocks, keys) = blocks(items, area.width);
    let heights: Vec<_> = blocks.iter().map(|block| block.lines.len()).collect();
    let chosen = blocks.iter().position(|block| block.row == Some(at)).unwrap_or_default();
    let first = draw::first_block(&heights, chosen, usize::from(area.height));
    let mut left = area;
    for block in blocks.iter().skip(first) {
        let height = block.lines.len() as u16;
        // Half a row would read as a whole one; only where there is no room for one there is no choice.
        if height > left.height && left.height < area.height {
            break;
        }
        for (n, (key, told)) in block.lines.iter().enumerate() {
            let line = draw::line_of(left, n as u16);
            if block.row.is_none() {
                draw::pieces(buf, line, &[Piece::raw(" "), Piece::styled(told, styles.strong)], styles);
                continue;
            }
            let mut ink = styles.key;
            if block.row == Some(at) {
                draw::ground(buf, line, styles.selected);
                draw::pieces(buf, line, &[Piece::styled(styles.symbols.cursor, styles.info)], styles);
                ink = if styles.turns() { Style::new() } else { ink };
            }
            let from = |x: u16| Rect { x: line.x + x, ..line }.intersection(line);
            draw::pieces(buf, from(GUTTER), &[Piece::styled(key, ink)], styles);
            draw::pieces(buf, from(GUTTER + keys + GAP), &[Piece::raw(told)], styles);
        }
        left = Rect { y: left.y.saturating_add(height), height: left.height.saturating_sub(height), ..left };
    }
    let total: usize = heights.iter().sum();
    let above: usize = heights.iter().take(first).sum();
    draw::scroll_bar(buf, area, above as u64, total as u64, styles.info, styles);
}

/// Draws rows of keys in a box that is as high as they are.
pub(super) fn sheet(
    buf: &mut Buffer,
    screen: Rect,
    title: &'static str,
    items: &[Item<'_>],
    at: usize,
    styles: &Styles,
) {
    let lines: usize =
        blocks(items, wide(screen).saturating_sub(2)).0.iter().map(|block| block.lines.len()).sum();
    let height = (lines as u16 + 2).min(screen.height.saturating_sub(2));
    let inside = boxed(buf, screen, height, title, styles);
    list(buf, inside, items, at, styles);
}

/// Draws all keys, under a head for each group.
pub(super) fn help(buf: &mut Buffer, screen: Rect, choice: &Choice, scene: Scene<'_>) {
    let model = scene.model;
    let rows = overlay::help_rows(&model.keymap, &choice.line.text(), model.ascii);
    let area = open(buf, screen, screen.height.saturating_sub(2), "Keys", choice, scene.styles);
    let mut group = None;
    let items = rows.iter().map(|(of, entry)| {
        let begins = group.replace(*of) != Some(*of);
        Item::of(entry, begins.then(|| of.title()))
    });
    list(buf, area, &items.collect::<Vec<_>>(), choice.at, scene.styles);
    none(buf, area, rows.is_empty(), scene);
}

/// Draws the actions that fit what is typed, the best first.
pub(super) fn palette(buf: &mut Buffer, screen: Rect, choice: &Choice, scene: Scene<'_>) {
    let model = scene.model;
    let rows = overlay::find(&model.keymap, &choice.line.text(), model.ascii);
    let area = open(buf, screen, screen.height.saturating_sub(2).min(18), "Actions", choice, scene.styles);
    let items: Vec<_> = rows.iter().map(|entry| Item::of(entry, None)).collect();
    list(buf, area, &items, choice.at, scene.styles);
    none(buf, area, rows.is_empty(), scene);
}

fn none(buf: &mut Buffer, inside: Rect, nothing: bool, scene: Scene<'_>) {
    if nothing {
        let told = [Piece::raw("  "), Piece::styled("Nothing fits", scene.styles.dim)];
        draw::pieces(buf, draw::first_line(inside), &told, scene.styles);
    }
}

/// Asks before a link is opened: where it leads comes first.
pub(super) fn link(buf: &mut Buffer, screen: Rect, link: &Link, scene: Scene<'_>) {
    let styles = scene.styles;
    let width = screen.width.saturating_sub(4).min(84);
    let url = if scene.model.redact { "(hidden)".into() } else { clean(&link.url) };
    let lines = text::wrap(&url, width.saturating_sub(4));
    let shown = lines.len().min(4);
    let rect = draw::centred(screen, width, shown as u16 + 5);
    footer::boxed(buf, rect, styles);
    let title = vec![Piece::styled(" Open this link? ", styles.strong)];
    draw::frame(buf, rect, Framing::Box, styles.info, &Labels { title, ..Labels::default() }, styles);
    let inside = geometry::inside(rect, Framing::Box);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let host = [Piece::styled("It leads to ", styles.dim), Piece::styled(clean(&link.host), styles.strong)];
    draw::pieces(buf, draw::line_of(inside, 0), &host, styles);
    for (n, line) in lines.iter().take(shown).enumerate() {
        draw::pieces(
            buf,
            draw::line_of(inside, n as u16 + 1),
            &[Piece::styled(line.as_str(), styles.dim)],
            styles,
        );
    }
    let keys = [
        Piece::styled("y", styles.key),
        Piece::styled(" open   ", styles.dim),
        Piece::styled("Esc", styles.key),
        Piece::styled(" no", styles.dim),
    ];
    draw::pieces(buf, draw::line_of(inside, shown as u16 + 2), &keys, styles);
}
