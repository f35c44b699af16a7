//! The list of saved sessions.
//!
//! ```text
//!  invigil  saved sessions  3
//!   begun                   events  candidates  file
//! ▌ 2026-11-24 12:03:10     12,345         312  2026-11-24-120310.sqlite
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::cells::clean;
use super::draw::{self, Piece};
use super::styles::Styles;
use super::{footer, help, prompt, text};
use crate::app::chooser::{Chooser, Saved};

/// The marker of the cursor, and the gap after it.
const GUTTER: u16 = 2;
/// The gap between columns.
const GAP: u16 = 2;
/// The columns before the name, with their widths.
const COLUMNS: [(&str, u16); 3] = [("begun", 19), ("events", 9), ("candidates", 10)];
/// A session's own name is the date it was begun. A column that leaves less than that for names is left out.
const NAME: u16 = 24;

/// Draws the list; the row chosen is always among those that show.
pub fn render(chooser: &Chooser, styles: &Styles, area: Rect, buf: &mut Buffer) {
    draw::clear(buf, area, styles.base);
    draw::ground(buf, draw::line_of(area, 0), styles.bar);
    let shown = chooser.shown();
    let all = text::count(chooser.sessions.len() as u64);
    let count = match &chooser.word {
        Some(_) => format!("{} of {all}", text::count(shown.len() as u64)),
        None => all,
    };
    let title = [
        Piece::styled(" invigil  ", styles.info.add_modifier(Modifier::BOLD)),
        Piece::raw("saved sessions  "),
        Piece::styled(count, styles.dim),
    ];
    draw::pieces(buf, draw::line_of(area, 0), &title, styles);
    let mut head = 1;
    if let Some(word) = &chooser.word {
        let line = draw::line_of(area, head);
        let sign = draw::pieces(buf, line, &[Piece::styled(" / ", styles.key)], styles);
        let line = Rect { x: line.x + sign, width: line.width - sign, ..line };
        prompt::line(buf, line, &word.text(), word.before().chars().count(), styles);
        head += 1;
    }
    let rows =
        Rect { y: area.y + head, height: area.height.saturating_sub(head + 1), ..area }.intersection(area);
    list(buf, rows, chooser, &shown, styles);
    let foot = draw::line_of(area, area.height.saturating_sub(1));
    draw::ground(buf, foot, styles.bar);
    match &chooser.told {
        Some(why) => footer::at_length(buf, foot, &clean(why), styles.bad, styles),
        None => {
            let hints = chooser.hints(styles.symbols.ascii);
            let hints = hints.into_iter().map(|(keys, what)| footer::hint(&keys, what, styles));
            footer::hints(buf, foot, hints, styles);
        }
    }
    if let Some(at) = chooser.helps {
        let keys = chooser.keys(styles.symbols.ascii);
        let items: Vec<_> = keys.iter().map(|(keys, told)| help::Item { head: None, keys, told }).collect();
        help::sheet(buf, area, "Keys", &items, at, styles);
    }
    if styles.symbols.ascii {
        draw::to_ascii(buf);
    }
}

/// The columns that there is room for, as a place in the table and a column of the screen; then where names begin.
fn layout(width: u16) -> (Vec<(usize, u16)>, u16) {
    let (mut places, mut x) = (Vec::new(), GUTTER);
    for (n, (_, wide)) in COLUMNS.iter().enumerate() {
        if x + wide + GAP + NAME <= width {
            places.push((n, x));
            x += wide + GAP;
        }
    }
    (places, x)
}

fn list(buf: &mut Buffer, area: Rect, chooser: &Chooser, shown: &[&Saved], styles: &Styles) {
    let (places, name) = layout(area.width);
    let wide = |n: usize| COLUMNS.get(n).map_or(0, |(_, wide)| *wide);
    let cell = |line: Rect, x: u16, width: u16| Rect { x: line.x + x, width, ..line }.intersection(line);
    let heads = draw::line_of(area, 0);
    let cells = |buf: &mut Buffer, line: Rect, texts: &[String; 3], style: [Style; 3]| {
        for (n, x) in &places {
            let (Some(text), Some(style)) = (texts.get(*n), style.get(*n)) else { continue };
            let (rect, piece) = (cell(line, *x, wide(*n)), [Piece::styled(text.as_str(), *style)]);
            if *n == 0 {
                draw::pieces(buf, rect, &piece, styles);
            } else {
                draw::pieces_right(buf, rect, &piece, styles);
            }
        }
    };
    cells(buf, heads, &COLUMNS.map(|(head, _)| head.to_owned()), [styles.dim; 3]);
    draw::pieces(buf, cell(heads, name, area.width), &[Piece::styled("file", styles.dim)], styles);
    let mut left = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }.intersection(area);
    if shown.is_empty() {
        let told = [Piece::styled("  No name holds this", styles.dim)];
        draw::pieces(buf, draw::first_line(left), &told, styles);
        return;
    }
    let names: Vec<_> =
        shown.iter().map(|saved| named(saved, area.width.saturating_sub(name), styles)).collect();
    let heights: Vec<_> = names.iter().map(Vec::len).collect();
    let (first, room) = (draw::first_block(&heights, chooser.at, usize::from(left.height)), left.height);
    for (n, (saved, lines)) in shown.iter().zip(names).enumerate().skip(first) {
        let height = lines.len() as u16;
        if height > left.height && left.height < room {
            break;
        }
        let chosen = n == chooser.at;
        let turned = chosen && styles.turns();
        for (n, mut pieces) in lines.into_iter().enumerate() {
            let line = draw::line_of(left, n as u16);
            if chosen {
                draw::ground(buf, line, styles.selected);
                draw::pieces(buf, line, &[Piece::styled(styles.symbols.cursor, styles.info)], styles);
            }
            if turned {
                for piece in &mut pieces {
                    piece.style = Style::new();
                }
            }
            draw::pieces(buf, cell(line, name, area.width), &pieces, styles);
        }
        let count = |count: Option<u64>| count.map(text::count).unwrap_or_default();
        let sums = saved.sums.as_ref().ok();
        let texts = [
            saved.begun.map(|at| chooser.date(at)).unwrap_or_default(),
            count(sums.map(|sums| sums.events)),
            count(sums.map(|sums| sums.candidates)),
        ];
        let ink = if turned { Style::new() } else { styles.info };
        cells(buf, draw::first_line(left), &texts, [Style::new(), ink, ink]);
        left = Rect { y: left.y.saturating_add(height), height: left.height.saturating_sub(height), ..left };
    }
}

/// The name, whole, and behind or under it why the file cannot be read.
fn named(saved: &Saved, room: u16, styles: &Styles) -> Vec<Vec<Piece<'static>>> {
    let names = text::wrap(&clean(&saved.name()), room);
    let used = names.last().map(|line| text::width(line)).unwrap_or_default();
    let mut lines: Vec<_> = names.into_iter().map(|line| vec![Piece::raw(line)]).collect();
    let Err(why) = &saved.sums else { return lines };
    let why = clean(why);
    match lines.last_mut().filter(|_| used + GAP + text::width(&why) <= room) {
        Some(line) => line.push(Piece::styled(format!("  {why}"), styles.bad)),
        None => {
            let more = text::wrap(&why, room).into_iter();
            lines.extend(more.map(|line| vec![Piece::styled(line, styles.bad)]));
        }
    }
    lines
}
