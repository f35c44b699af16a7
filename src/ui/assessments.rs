//! The *Assessments* pane: how each rollout goes, in one line.
//!
//! ```text
//!   assessment          cand  progress         done   avg  red  last
//! ▌ Backend Engineer     128  ███████▓▒░░░··    54%  61.3    4   12s
//! ```

use super::cells::{clean, dim, number, plain, when};
use super::draw::{Piece, Scene};
use super::table::{Column, Spot, Width};
use super::text;
use crate::domain::event::Status;
use crate::domain::projection::Totals;
use crate::domain::query::AssessmentRow;

/// The columns of the pane.
pub(super) static COLUMNS: [Column<AssessmentRow>; 10] = [
    Column { head: "assessment", width: Width::Flex(14, 44, 3), rank: 0, right: false, cell: name },
    Column { head: "people", width: Width::Fixed(6), rank: 1, right: true, cell: people },
    Column { head: "progress", width: Width::Flex(10, 32, 2), rank: 4, right: false, cell: bar },
    Column { head: "done", width: Width::Fixed(4), rank: 2, right: true, cell: done },
    Column { head: "in test", width: Width::Fixed(7), rank: 7, right: true, cell: in_test },
    Column { head: "avg", width: Width::Fixed(5), rank: 5, right: true, cell: average },
    Column { head: "red", width: Width::Fixed(6), rank: 3, right: true, cell: red },
    Column { head: "violations", width: Width::Fixed(10), rank: 8, right: true, cell: violations },
    Column { head: "workspace", width: Width::Flex(9, 16, 1), rank: 9, right: false, cell: workspace },
    Column { head: "last", width: Width::Time, rank: 6, right: true, cell: last },
];

fn name<'a>(row: &'a AssessmentRow, scene: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    let style = if row.archived || row.deleted { scene.styles.dim } else { scene.styles.strong };
    let mut pieces = vec![Piece::styled(clean(row.name.as_deref().unwrap_or(&row.id)), style)];
    let state = match (row.deleted, row.archived, row.contradiction) {
        (true, ..) => " deleted",
        (_, true, true) => " archived?",
        (_, true, false) => " archived",
        _ => "",
    };
    pieces
        .insert(0, Piece::styled(if state.is_empty() { "" } else { state.trim_start() }, scene.styles.warn));
    if !state.is_empty() {
        pieces.insert(1, Piece::raw(" "));
    }
    pieces
}

fn people<'a>(row: &'a AssessmentRow, scene: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    number(row.totals.candidates, scene)
}

/// How many of the candidates are in each of six states, from done to thrown out.
pub(super) fn stages(totals: &Totals) -> [u64; 6] {
    let of = |status: Status| totals.by_status.get(status.index()).copied().unwrap_or_default();
    [
        of(Status::Completed) + of(Status::InvitedForInterview) + of(Status::Rejected),
        of(Status::InProgress),
        of(Status::Enrolled),
        of(Status::Invited),
        of(Status::InvitationExpired),
        of(Status::Disqualified),
    ]
}

/// A bar of so many cells, each state with its own shade.
pub(super) fn stage_bar<'a>(totals: &Totals, cells: u16, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let styles = scene.styles;
    let looks = [
        styles.ok,
        styles.info,
        styles.accent(crate::app::pane::Pane::Candidates),
        styles.dim,
        styles.dim,
        styles.bad,
    ];
    let counts = stages(totals);
    let lengths = shares(&counts, cells);
    let parts = lengths.into_iter().zip(looks).zip(styles.symbols.shades);
    parts.map(|((length, style), shade)| Piece::styled(shade.repeat(length as usize), style)).collect()
}

/// Divides cells among counts: each that is not zero gets one at least, if there are enough.
fn shares(counts: &[u64; 6], cells: u16) -> [u16; 6] {
    let total: u64 = counts.iter().sum();
    let mut lengths = [0u16; 6];
    if total == 0 {
        return lengths;
    }
    for (length, count) in lengths.iter_mut().zip(counts) {
        let exact = (*count as f64 * f64::from(cells) / total as f64).round() as u16;
        *length = exact.max(u16::from(*count > 0));
    }
    // Rounding may have given a few too many or too few: the longest part can tell best.
    while lengths.iter().sum::<u16>() != cells {
        let over = lengths.iter().sum::<u16>() > cells;
        let Some(longest) = lengths.iter_mut().max() else { break };
        if over && *longest == 0 {
            break;
        }
        *longest = if over { *longest - 1 } else { *longest + 1 };
    }
    lengths
}

fn bar<'a>(row: &'a AssessmentRow, scene: Scene<'a>, spot: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    stage_bar(&row.totals, spot.width, scene)
}

fn done<'a>(row: &'a AssessmentRow, _: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    let [done, ..] = stages(&row.totals);
    plain(text::percent(done, row.totals.candidates))
}

fn in_test<'a>(row: &'a AssessmentRow, scene: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    let [_, in_test, ..] = stages(&row.totals);
    number(in_test, scene)
}

fn average<'a>(row: &'a AssessmentRow, scene: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    super::cells::score(row.totals.average_score(), scene)
}

fn red<'a>(row: &'a AssessmentRow, scene: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    if row.totals.red == 0 {
        return dim("0", scene);
    }
    vec![
        Piece::styled(scene.styles.symbols.bad, scene.styles.bad),
        Piece::styled(format!(" {}", text::short(row.totals.red)), scene.styles.bad),
    ]
}

fn violations<'a>(row: &'a AssessmentRow, scene: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    number(row.totals.violations, scene)
}

fn workspace<'a>(row: &'a AssessmentRow, scene: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    dim(row.workspace.as_deref().map(clean).unwrap_or_default(), scene)
}

fn last<'a>(row: &'a AssessmentRow, scene: Scene<'a>, _: Spot<'a, AssessmentRow>) -> Vec<Piece<'a>> {
    when(row.last_event_at, scene)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bar_is_as_long_as_it_should_be(counts in proptest::array::uniform6(0u64..5000), cells in 1u16..60) {
            let lengths = shares(&counts, cells);
            let total: u16 = lengths.iter().sum();
            prop_assert_eq!(total, if counts.iter().sum::<u64>() == 0 { 0 } else { cells });
            if cells >= 12 {
                for (length, count) in lengths.iter().zip(counts) {
                    prop_assert_eq!(*length > 0, count > 0);
                }
            }
        }
    }
}
