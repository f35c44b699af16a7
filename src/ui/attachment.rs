//! The other invigil in the header: whether it is followed, how far behind this is, or when it is tried again.

use super::draw::{Piece, Scene};
use super::text;
use crate::domain::vitals::Link;

/// In words, with the space before them, or in as few as say it; nothing if this is no look at another invigil.
pub(super) fn state(brief: bool, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let (model, styles) = (scene.model, scene.styles);
    if brief {
        return fault(scene).into_iter().collect();
    }
    let Some(attachment) = &model.vitals.attachment else { return Vec::new() };
    let (said, style) = match attachment.link {
        Link::Connecting => ("connecting".to_owned(), styles.warn),
        Link::Live { .. } if attachment.behind == 0 => ("up to date".to_owned(), styles.ok),
        Link::Live { .. } => (format!("behind by {}", text::count(attachment.behind)), styles.warn),
        Link::Retrying { at } => {
            let soon = text::age(at.since(model.now).max(0));
            let why = if attachment.refused { "refused, " } else { "" };
            (format!("{why}retrying in {soon}"), if attachment.refused { styles.bad } else { styles.warn })
        }
    };
    vec![Piece::styled(format!("  {said}"), style)]
}

/// In three words, if what is there is not all here.
pub(super) fn fault(scene: Scene<'_>) -> Option<Piece<'static>> {
    let (model, styles) = (scene.model, scene.styles);
    let attachment = model.vitals.attachment.as_ref()?;
    let said = match attachment.link {
        Link::Connecting => "  connecting".to_owned(),
        Link::Live { .. } if attachment.behind == 0 => return None,
        Link::Live { .. } => format!("  {} behind", text::short(attachment.behind)),
        Link::Retrying { at } => format!("  again in {}", text::age(at.since(model.now).max(0))),
    };
    Some(Piece::styled(said, if attachment.refused { styles.bad } else { styles.warn }))
}
