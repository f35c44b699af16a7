//! Help and palette: the table of actions and keys, narrowed down by typing; and the question before a link.
//!
//! ```text
//! ╭ Keys ─────────────────────────── type to search ╮
//! │ Getting around                                  │
//! │ ▌ j ↓        One row down                       │
//! ╰─────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::clean;
use super::draw::{self, Labels, Piece, Scene};
use super::{footer, text};
use crate::app::action::Group;
use crate::app::geometry::{self, Framing};
use crate::app::overlay::{self, Choice, Entry, Link};

/// How wide the column of keys is.
const KEYS: u16 = 20;

/// A box of a size in the middle of the screen, with a title; returns its inside.
fn open(
    buf: &mut Buffer,
    screen: Rect,
    size: (u16, u16),
    title: &'static str,
    typed: &Choice,
    scene: Scene<'_>,
) -> Rect {
    let styles = scene.styles;
    let rect = draw::centred(screen, size.0, size.1);
    footer::boxed(buf, rect, scene);
    let word = clean(&typed.line.text()).into_owned();
    let aside = if word.is_empty() && !typed.typing {
        vec![Piece::styled(" type to search ", styles.dim)]
    } else {
        vec![
            Piece::styled(format!(" {word}"), styles.strong),
            Piece::styled(" ", styles.caret),
            Piece::raw(" "),
        ]
    };
    let title = vec![Piece::styled(format!(" {title} "), styles.strong)];
    draw::frame(buf, rect, Framing::Box, styles.info, &Labels { title, aside, ..Labels::default() }, styles);
    geometry::inside(rect, Framing::Box)
}

fn entry(buf: &mut Buffer, line: Rect, entry: &Entry, chosen: bool, scene: Scene<'_>) {
    let styles = scene.styles;
    if chosen {
        draw::ground(buf, line, styles.selected);
        draw::pieces(buf, line, &[Piece::styled(styles.symbols.cursor, styles.info)], styles);
    }
    let keys = Rect { x: line.x + 2, width: KEYS.min(line.width.saturating_sub(2)), ..line };
    let key = if chosen && styles.turns() { ratatui::style::Style::new() } else { styles.key };
    draw::pieces(buf, keys, &[Piece::styled(entry.keys.as_str(), key)], styles);
    let x = KEYS + 3;
    let rest = Rect { x: line.x + x, width: line.width.saturating_sub(x + 1), ..line };
    draw::pieces(buf, rest, &[Piece::raw(entry.action.sentence())], styles);
}

/// Draws all keys, under a head for each group.
pub(super) fn help(buf: &mut Buffer, screen: Rect, choice: &Choice, scene: Scene<'_>) {
    let model = scene.model;
    let rows = overlay::help_rows(&model.keymap, &choice.line.text(), model.ascii);
    let size = (screen.width.saturating_sub(4).min(92), screen.height.saturating_sub(2));
    let inside = open(buf, screen, size, "Keys", choice, scene);
    let mut lines: Vec<Result<(usize, &Entry), Group>> = Vec::new();
    let mut group = None;
    for (n, (of, entry)) in rows.iter().enumerate() {
        if group.replace(*of) != Some(*of) {
            lines.push(Err(*of));
        }
        lines.push(Ok((n, entry)));
    }
    // The chosen row stays on screen, with the head above it where that is possible.
    let at = lines.iter().position(|line| matches!(line, Ok((n, _)) if *n == choice.at)).unwrap_or_default();
    let top = (at + 2).saturating_sub(usize::from(inside.height));
    for (n, line) in lines.iter().skip(top).take(usize::from(inside.height)).enumerate() {
        let area = draw::line_of(inside, n as u16);
        match line {
            Err(group) => {
                let head = [Piece::raw(" "), Piece::styled(group.title(), scene.styles.strong)];
                draw::pieces(buf, area, &head, scene.styles);
            }
            Ok((n, row)) => entry(buf, area, row, *n == choice.at, scene),
        }
    }
    none(buf, inside, rows.is_empty(), scene);
}

/// Draws the actions that fit what is typed, the best first.
pub(super) fn palette(buf: &mut Buffer, screen: Rect, choice: &Choice, scene: Scene<'_>) {
    let model = scene.model;
    let rows = overlay::find(&model.keymap, &choice.line.text(), model.ascii);
    let size = (screen.width.saturating_sub(4).min(84), screen.height.saturating_sub(2).min(18));
    let inside = open(buf, screen, size, "Actions", choice, scene);
    let height = usize::from(inside.height);
    let top = (choice.at + 1).saturating_sub(height);
    for (n, row) in rows.iter().enumerate().skip(top).take(height) {
        entry(buf, draw::line_of(inside, (n - top) as u16), row, n == choice.at, scene);
    }
    none(buf, inside, rows.is_empty(), scene);
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
    footer::boxed(buf, rect, scene);
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
