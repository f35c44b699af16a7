//! The line being typed, over the lower edge of the screen: filter, search, file name, secret.
//!
//! ```text
//! ╭ Filter ─────────────────────────────────────────────╮
//! │ flag:rod█                                           │
//! │      ^ no flag `rod`; one of green, yellow, red     │
//! │ flag:red                                            │
//! ╰─────────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::cells::clean;
use super::draw::{self, Labels, Piece, Scene};
use super::styles::Styles;
use super::{footer, mask, text};
use crate::app::action::Action;
use crate::app::geometry::{self, Framing};
use crate::app::keymap::Context;
use crate::app::prompt::{Prompt, Purpose};

/// What is wrong is told in so many lines at most.
const ERROR_LINES: usize = 5;
/// How many choices are shown at most.
const CHOICES: usize = 40;

/// Draws the box around a line that is typed.
pub(super) fn draw(buf: &mut Buffer, screen: Rect, prompt: &Prompt, scene: Scene<'_>) {
    let styles = scene.styles;
    let (title, about) = about(prompt, scene);
    let most = if prompt.purpose == Purpose::Secret { 76 } else { 110 };
    let room = screen.width.saturating_sub(4).min(most);
    let mut below: Vec<Vec<Piece<'_>>> = Vec::new();
    if let Some((column, why)) = &prompt.error {
        let indent =
            column.map_or(0, |column| caret_column(prompt, column, scene)).min(usize::from(room / 2));
        let sign = if column.is_some() { "^ " } else { "" };
        let why = if tells(why, prompt, scene) { "this cannot be read as a filter" } else { why };
        let lines = text::wrap(why, room.saturating_sub(indent as u16 + 4));
        for (n, line) in lines.into_iter().take(ERROR_LINES).enumerate() {
            let lead = if n == 0 {
                format!("{}{sign}", " ".repeat(indent))
            } else {
                " ".repeat(indent + sign.len())
            };
            below.push(vec![
                Piece::styled(lead, styles.bad),
                Piece::styled(clean(&line).into_owned(), styles.bad),
            ]);
        }
    }
    if !prompt.choices.is_empty() {
        let mut line = Vec::new();
        for (n, choice) in prompt.choices.iter().take(CHOICES).enumerate() {
            let style = if n == 0 { styles.info } else { styles.dim };
            line.push(Piece::styled(format!("{}  ", clean(choice)), style));
        }
        below.push(line);
    }
    below.extend(
        about
            .into_iter()
            .flat_map(|line| text::wrap(&line, room.saturating_sub(2)))
            .map(|line| vec![Piece::styled(line, styles.dim)]),
    );
    let height = (below.len() as u16 + 3).min(screen.height);
    let width = (room + 2).min(screen.width);
    let rect = if prompt.purpose == Purpose::Secret {
        draw::centred(screen, width, height)
    } else {
        Rect {
            x: screen.x + (screen.width - width) / 2,
            y: screen.bottom().saturating_sub(height + 1).max(screen.y),
            width,
            height,
        }
    };
    footer::boxed(buf, rect, scene.styles);
    let labels =
        Labels { title: vec![Piece::styled(format!(" {title} "), styles.strong)], ..Labels::default() };
    draw::frame(buf, rect, Framing::Box, styles.info, &labels, styles);
    let inside = geometry::inside(rect, Framing::Box);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    typed(buf, draw::first_line(inside), prompt, scene);
    for (n, line) in below.iter().enumerate() {
        draw::pieces(buf, draw::line_of(inside, n as u16 + 1), line, styles);
    }
}

/// What a box is called and what it explains.
fn about(prompt: &Prompt, scene: Scene<'_>) -> (&'static str, Vec<String>) {
    let model = scene.model;
    let key = |action| model.keymap.chord(Context::Prompt, action, model.ascii).unwrap_or_default();
    match &prompt.purpose {
        Purpose::Filter => ("Filter", Vec::new()),
        Purpose::Search { .. } if model.payload().is_some() => ("Search", Vec::new()),
        Purpose::Search { bodies: false } => {
            let where_else =
                format!("In names, addresses, ids and titles  ({} for whole bodies)", key(Action::Toggle));
            ("Search", vec![where_else])
        }
        Purpose::Search { bodies: true } => {
            let where_else = format!(
                "In the whole bodies of the events  ({} for names, addresses, ids and titles)",
                key(Action::Toggle)
            );
            ("Search bodies", vec![where_else])
        }
        Purpose::Save { only, redact } => {
            let what = match (&model.filter, only) {
                (None, _) => "Everything in this session.".to_owned(),
                (Some(active), true) => {
                    format!(
                        "Only what the filter chooses: {}  ({} for everything)",
                        clean(&mask::filter(&active.text, model)),
                        key(Action::Toggle)
                    )
                }
                (Some(_), false) => {
                    format!(
                        "Everything, whatever the filter says  ({} for what it chooses)",
                        key(Action::Toggle)
                    )
                }
            };
            let who = if *redact { " Names, addresses and links are replaced." } else { "" };
            ("Save as JSON", vec![format!("{what}{who}")])
        }
        Purpose::Secret => (
            "The endpoint's secret",
            vec![
                String::new(),
                "Paste what Testlify shows beside the endpoint; it begins with whsec_.".into(),
                "It stays in memory only.".into(),
                "Until then deliveries get 401; they are verified once it is here.".into(),
            ],
        ),
    }
}

/// The cell under which a column of the typed text stands.
fn caret_column(prompt: &Prompt, column: usize, scene: Scene<'_>) -> usize {
    let before: String = readable(prompt, scene).chars().take(column.saturating_sub(1)).collect();
    usize::from(text::width(&clean(&before)))
}

/// What is typed as far as it is to be read: each character, or a sign in its place.
fn readable(prompt: &Prompt, scene: Scene<'_>) -> String {
    let text = prompt.line.text();
    match prompt.purpose {
        Purpose::Secret => text.chars().map(|_| mask::cover(scene.model)).collect(),
        Purpose::Filter => mask::typed_filter(&text, scene.model).into_owned(),
        Purpose::Search { .. } | Purpose::Save { .. } => text.to_string(),
    }
}

/// A mistake is told with the word it is about, which may be one that is not to be read.
fn tells(why: &str, prompt: &Prompt, scene: Scene<'_>) -> bool {
    let (typed, shown) = (prompt.line.text(), readable(prompt, scene));
    why.split('`').skip(1).step_by(2).any(|word| typed.contains(word) && !shown.contains(word))
}

/// The line itself.
fn typed(buf: &mut Buffer, area: Rect, prompt: &Prompt, scene: Scene<'_>) {
    let at = prompt.line.before().chars().count();
    line(buf, area, &readable(prompt, scene), at, scene.styles);
}

/// A line of text with its cursor before a character, scrolled so that the cursor is seen.
pub(super) fn line(buf: &mut Buffer, area: Rect, text: &str, at: usize, styles: &Styles) {
    let before: String = text.chars().take(at).collect();
    let after: String = text.chars().skip(at).collect();
    let (before, after) = (clean(&before), clean(&after));
    let room = area.width.saturating_sub(1);
    let mut shown = &*before;
    while text::width(shown) > room {
        let mut letters = shown.chars();
        letters.next();
        shown = letters.as_str();
    }
    let mut rest = after.chars();
    let under: String = rest.next().map_or(" ".into(), String::from);
    let style = Style::new().add_modifier(Modifier::BOLD);
    let pieces = [
        Piece::styled(shown, style),
        Piece::styled(under, styles.caret),
        Piece::styled(rest.as_str(), style),
    ];
    draw::pieces(buf, area, &pieces, styles);
}
