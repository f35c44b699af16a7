//! The *Violations* pane: every rise of a count, the newest first.
//!
//! ```text
//!   when  candidate      violation    count    flag      assessment
//! ▌   4s  Bea Grant      tab switch   2→5 +3   ▲ yellow  Backend Engineer
//! ```

use super::cells::{self, clean, dim, plain};
use super::draw::{Piece, Scene};
use super::table::{Column, Spot, Width};
use crate::domain::proctoring::{Flag, ViolationKind};
use crate::domain::query::RiseRow;

/// The columns of the pane.
pub(super) static COLUMNS: [Column<RiseRow>; 8] = [
    Column { head: "when", width: Width::Time, rank: 1, right: true, cell: when },
    Column { head: "candidate", width: Width::Flex(12, 28, 3), rank: 0, right: false, cell: who },
    Column { head: "violation", width: Width::Flex(10, 16, 3), rank: 2, right: false, cell: kind },
    Column { head: "count", width: Width::Flex(7, 9, 1), rank: 3, right: false, cell: count },
    Column { head: "flag", width: Width::Fixed(8), rank: 4, right: false, cell: flag },
    Column { head: "status", width: Width::Flex(11, 14, 1), rank: 6, right: false, cell: status },
    Column { head: "assessment", width: Width::Flex(12, 30, 2), rank: 5, right: false, cell: assessment },
    Column { head: "e-mail", width: Width::Flex(16, 30, 1), rank: 7, right: false, cell: email },
];

/// An alert rule holds for the row.
pub(super) fn sign(row: &RiseRow, scene: Scene<'_>) -> Option<Piece<'static>> {
    scene.model.rules.mark_rise(row).then(|| cells::alert(scene))
}

fn when<'a>(row: &'a RiseRow, scene: Scene<'a>, _: Spot<'a, RiseRow>) -> Vec<Piece<'a>> {
    cells::when(Some(row.at), scene)
}

fn who<'a>(row: &'a RiseRow, scene: Scene<'a>, _: Spot<'a, RiseRow>) -> Vec<Piece<'a>> {
    plain(cells::who(row.candidate_name.as_deref(), row.email.as_deref(), Some(&row.candidate_id), scene))
}

fn kind<'a>(row: &'a RiseRow, scene: Scene<'a>, _: Spot<'a, RiseRow>) -> Vec<Piece<'a>> {
    let grave = matches!(row.kind, ViolationKind::AiPlugin | ViolationKind::CopyPaste);
    let style = if grave { scene.styles.bad } else { scene.styles.text };
    vec![Piece::styled(row.kind.title(), style)]
}

fn count<'a>(row: &'a RiseRow, scene: Scene<'a>, _: Spot<'a, RiseRow>) -> Vec<Piece<'a>> {
    let rise = row.after.saturating_sub(row.before);
    let mut pieces = Vec::with_capacity(2);
    if row.before > 0 {
        pieces.push(Piece::styled(format!("{}{}", row.before, scene.styles.symbols.arrow), scene.styles.dim));
    }
    pieces.push(Piece::styled(row.after.to_string(), scene.styles.strong));
    if row.before > 0 {
        pieces.push(Piece::styled(format!(" +{rise}"), scene.styles.dim));
    }
    pieces
}

fn flag<'a>(row: &'a RiseRow, scene: Scene<'a>, _: Spot<'a, RiseRow>) -> Vec<Piece<'a>> {
    // A rise with no flag would be a contradiction; the state may just be a moment older than the rise.
    if row.flag == Flag::Green { dim(scene.styles.symbols.none, scene) } else { cells::flag(row.flag, scene) }
}

fn status<'a>(row: &'a RiseRow, scene: Scene<'a>, spot: Spot<'a, RiseRow>) -> Vec<Piece<'a>> {
    cells::status(row.status, spot.width, scene)
}

fn assessment<'a>(row: &'a RiseRow, scene: Scene<'a>, _: Spot<'a, RiseRow>) -> Vec<Piece<'a>> {
    dim(clean(row.assessment_name.as_deref().unwrap_or(&row.assessment_id)), scene)
}

fn email<'a>(row: &'a RiseRow, scene: Scene<'a>, _: Spot<'a, RiseRow>) -> Vec<Piece<'a>> {
    dim(cells::email(row.email.as_deref(), &row.candidate_id, scene), scene)
}
