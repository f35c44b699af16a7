//! The list of saved sessions.
//!
//! ```text
//!  invigil  saved sessions  3
//!    begun                events  candidates  file
//! ▌  2026-11-24 12:03:10  12,345         312  2026-11-24-120310.sqlite
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::draw::{self, Piece};
use super::styles::Styles;
use super::text;
use crate::app::chooser::{Chooser, Saved};
use crate::domain::clean::Clean;

/// Lines above the list: a title and the heads of the columns.
const HEAD: u16 = 2;

/// Draws the list; the row chosen is always among those that show.
pub fn render(chooser: &Chooser, styles: &Styles, area: Rect, buf: &mut Buffer) {
    draw::clear(buf, area, styles.base);
    draw::ground(buf, draw::line_of(area, 0), styles.bar);
    let title = [
        Piece::styled(" invigil  ", styles.info.add_modifier(Modifier::BOLD)),
        Piece::raw("saved sessions  "),
        Piece::styled(text::count(chooser.sessions.len() as u64), styles.dim),
    ];
    draw::pieces(buf, draw::line_of(area, 0), &title, styles);
    let heads = format!("   {:<19}  {:>9}  {:>10}  file", "begun", "events", "candidates");
    draw::pieces(buf, draw::line_of(area, 1), &[Piece::styled(heads, styles.dim)], styles);
    let rows = area.height.saturating_sub(HEAD + 1);
    let top = chooser.at.saturating_sub(usize::from(rows.saturating_sub(1)));
    for (n, saved) in chooser.sessions.iter().skip(top).take(usize::from(rows)).enumerate() {
        let line = draw::line_of(area, HEAD + n as u16);
        if top + n == chooser.at {
            draw::ground(buf, line, styles.selected);
        }
        draw::pieces(buf, line, &row(saved, chooser, styles), styles);
    }
    let foot = draw::line_of(area, area.height.saturating_sub(1));
    draw::ground(buf, foot, styles.bar);
    let hints = [("Enter", "open"), ("j k", "move"), ("q", "leave")];
    let hints = hints.into_iter().flat_map(|(key, what)| {
        [Piece::styled(format!(" {key} "), styles.key), Piece::styled(format!("{what} "), styles.dim)]
    });
    draw::pieces(buf, foot, &hints.collect::<Vec<_>>(), styles);
    if styles.symbols.ascii {
        draw::to_ascii(buf);
    }
}

fn row<'a>(saved: &Saved, chooser: &Chooser, styles: &Styles) -> Vec<Piece<'a>> {
    let begun = saved.begun.map(|at| chooser.date(at));
    let name = saved.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = Clean::of(&name).to_string();
    let begun = Piece::raw(format!("   {:<19}  ", begun.unwrap_or_default()));
    match &saved.sums {
        Ok(sums) => {
            let counts = format!("{:>9}  {:>10}  ", text::count(sums.events), text::count(sums.candidates));
            vec![begun, Piece::styled(counts, styles.info), Piece::raw(name)]
        }
        Err(why) => {
            vec![
                begun,
                Piece::raw(format!("{name}  ")),
                Piece::styled(Clean::of(why).to_string(), styles.bad),
            ]
        }
    }
}
