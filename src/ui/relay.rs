//! The relay in the header: connecting, live and when it was last heard, or when it is tried again.

use super::draw::{Piece, Scene};
use super::text;
use crate::domain::vitals::Link;

/// In words, with the space before them, or in as few as say it; nothing if there is no relay.
pub(super) fn state(brief: bool, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let (model, styles) = (scene.model, scene.styles);
    if let Some(piece) = fault(scene).filter(|_| brief) {
        return vec![piece];
    }
    let Some(relay) = model.vitals.relay.as_ref().filter(|_| model.is_told()) else { return Vec::new() };
    let (said, style) = match relay.link {
        Link::Connecting => ("connecting".to_owned(), styles.warn),
        Link::Live { heard_at } if brief => (text::age(model.now.since(heard_at)), styles.ok),
        Link::Live { heard_at } => {
            (format!("live, heard {} ago", text::age(model.now.since(heard_at))), styles.ok)
        }
        Link::Retrying { at } => {
            (format!("retrying in {}", text::age(at.since(model.now).max(0))), styles.warn)
        }
    };
    vec![Piece::styled(format!("  relay {said}"), style)]
}

/// In two words, if something is wrong with it.
pub(super) fn fault(scene: Scene<'_>) -> Option<Piece<'static>> {
    let model = scene.model;
    let relay = model.vitals.relay.as_ref().filter(|relay| model.is_told() && !relay.is_live())?;
    let said = if relay.last_end.is_some() { "  relay down" } else { "  relay …" };
    Some(Piece::styled(said, scene.styles.warn))
}
