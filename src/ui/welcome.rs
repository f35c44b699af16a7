//! What the panes say while nothing has come: each one a step of getting there.
//!
//! ```text
//! ╭ 1 Assessments 0 ───────────────────────╮
//! │  1  Register the webhook               │
//! │  In Testlify: Settings › Developers …  │
//! │  http://127.0.0.1:8080/webhook         │
//! ╰────────────────────────────────────────╯
//! ```

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::cells::clean;
use super::draw::{self, Piece, Scene};
use super::text;
use crate::app::action::Action;
use crate::app::keymap::Context;
use crate::app::model::Mode;
use crate::app::pane::Pane;

type Said<'a> = (Cow<'a, str>, Style);

/// Draws lines from the top of an area, broken where they are too long.
pub(super) fn lines(buf: &mut Buffer, area: Rect, all: &[Said<'_>], scene: Scene<'_>) {
    let mut n = 0;
    for (said, style) in all {
        for line in text::wrap(said, area.width) {
            draw::pieces(buf, draw::line_of(area, n), &[Piece::styled(line, *style)], scene.styles);
            n += 1;
        }
    }
}

/// Draws the step that a pane stands for.
pub(super) fn step(buf: &mut Buffer, area: Rect, pane: Pane, scene: Scene<'_>) {
    let said = match scene.model.mode {
        Mode::Open => saved(pane, scene),
        Mode::Demo => demo(pane, scene),
        Mode::Watch => watch(pane, scene),
        Mode::Attach => attached(pane, scene),
    };
    lines(buf, area, &said, scene);
}

fn head<'a>(text: &'static str, pane: Pane, scene: Scene<'a>) -> Said<'a> {
    (text.into(), scene.styles.accent(pane).add_modifier(Modifier::BOLD))
}

fn saved(pane: Pane, scene: Scene<'_>) -> Vec<Said<'_>> {
    match pane {
        Pane::Assessments => {
            vec![head("This session is empty", pane, scene), (clean(&scene.model.path), scene.styles.dim)]
        }
        _ => vec![("Nothing was received".into(), scene.styles.dim)],
    }
}

fn demo(pane: Pane, scene: Scene<'_>) -> Vec<Said<'_>> {
    match pane {
        Pane::Assessments => vec![
            head("The demo is about to begin", pane, scene),
            ("A made-up rollout, signed and sent over real HTTP to this program.".into(), scene.styles.dim),
        ],
        _ => vec![("Waiting for the first event".into(), scene.styles.dim)],
    }
}

fn attached(pane: Pane, scene: Scene<'_>) -> Vec<Said<'_>> {
    let (model, styles) = (scene.model, scene.styles);
    let behind = model.vitals.attachment.as_ref().map_or(0, |attachment| attachment.behind);
    let (first, nothing) = match behind {
        _ if !model.is_followed() => ("Not connected", "Nothing is mirrored yet"),
        0 => ("Waiting for the first event", "Nothing has come yet"),
        _ => ("Catching up", "On its way"),
    };
    match pane {
        Pane::Assessments => vec![
            head("A look at another invigil", pane, scene),
            (clean(&model.session), styles.strong),
            ("What it receives is shown here as it comes. Nothing over there is changed.".into(), styles.dim),
        ],
        Pane::Events => vec![
            head(first, pane, scene),
            (format!("All that is there is mirrored in {}", clean(&model.path)).into(), styles.dim),
        ],
        _ => vec![(nothing.into(), styles.dim)],
    }
}

fn watch(pane: Pane, scene: Scene<'_>) -> Vec<Said<'_>> {
    let (model, styles) = (scene.model, scene.styles);
    let key = |action| model.keymap.chord(Context::Panes, action, model.ascii).unwrap_or_default();
    let dim = |text: String| (Cow::Owned(text), styles.dim);
    let url = model.url.as_deref().unwrap_or("(starting to listen…)");
    match pane {
        Pane::Assessments if model.vitals.relay.is_some() => {
            let public = model.vitals.relay.as_ref().and_then(|relay| relay.url.as_deref());
            let shown =
                if model.redact { "(hidden)" } else { public.unwrap_or("(the relay has not answered…)") };
            vec![
                head("1  Register the webhook", pane, scene),
                (clean(shown), styles.strong),
                dim("In Testlify: Settings, Developers, Webhooks (v2).".into()),
                dim(format!("{} copies it. The relay can read what passes.", key(Action::CopyRelayUrl))),
            ]
        }
        Pane::Assessments => vec![
            head("1  Register the webhook", pane, scene),
            (clean(url), styles.strong),
            dim("In Testlify: Settings, Developers, Webhooks (v2).".into()),
            dim(format!("It wants public https: a proxy in front. {} copies.", key(Action::CopyUrl))),
        ],
        Pane::Candidates if model.has_secret => vec![
            head("2  Its secret", pane, scene),
            (format!("{} A secret is set", styles.symbols.good).into(), styles.ok),
            dim("Only deliveries it signs are kept.".into()),
        ],
        Pane::Candidates => vec![
            head("2  Paste its secret", pane, scene),
            (format!("{} No secret yet", styles.symbols.warn).into(), styles.warn),
            dim("It stands beside the endpoint as whsec_…".into()),
            dim(format!("{}secret opens the line for it.", key(Action::Palette))),
        ],
        Pane::Violations => vec![
            head("3  Try it", pane, scene),
            (format!("invigil simulate --to {} --secret whsec_…", clean(url)).into(), styles.text),
            dim("sends a made-up rollout, signed as Testlify signs.".into()),
        ],
        Pane::Events => vec![
            head("Waiting for the first event", pane, scene),
            dim(format!("All that comes is kept in {}", clean(&model.path))),
            dim(format!("{} lists every key.", key(Action::Help))),
        ],
    }
}
