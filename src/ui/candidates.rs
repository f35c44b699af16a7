//! The *Candidates* pane, and the candidates of one assessment: who stands where, since when, how clean.
//!
//! ```text
//!   candidate      status      since  score  flag      violations        assessment
//! ▌ Bea Grant      ◑ in test      4m      –  ▲ yellow  tab 5 · mouse 2   Backend Engineer
//! ```

use super::cells::{self, clean, dim, number, plain};
use super::draw::{Piece, Scene};
use super::table::{Column, Spot, Width};
use super::text;
use crate::app::pane::View;
use crate::domain::query::CandidateRow;

/// The columns of the pane.
static COLUMNS: [Column<CandidateRow>; 11] = [
    Column { head: "candidate", width: Width::Flex(13, 28, 3), rank: 0, right: false, cell: who },
    Column { head: "status", width: Width::Flex(11, 14, 2), rank: 1, right: false, cell: status },
    Column { head: "for", width: Width::Time, rank: 2, right: true, cell: since },
    Column { head: "score", width: Width::Fixed(5), rank: 5, right: true, cell: score },
    Column { head: "flag", width: Width::Fixed(8), rank: 3, right: false, cell: flag },
    Column { head: "violations", width: Width::Flex(9, 44, 4), rank: 4, right: false, cell: violations },
    Column { head: "assessment", width: Width::Flex(12, 28, 2), rank: 6, right: false, cell: assessment },
    Column { head: "e-mail", width: Width::Flex(16, 30, 2), rank: 8, right: false, cell: email },
    Column { head: "away", width: Width::Fixed(7), rank: 9, right: true, cell: away },
    Column { head: "events", width: Width::Fixed(6), rank: 10, right: true, cell: events },
    Column { head: "last", width: Width::Time, rank: 7, right: true, cell: last },
];

/// The columns for who is in a test: there is no score yet, and time is what matters.
static IN_TEST: [Column<CandidateRow>; 9] = [
    Column { head: "candidate", width: Width::Flex(14, 28, 3), rank: 0, right: false, cell: who },
    Column { head: "for", width: Width::Time, rank: 1, right: true, cell: since },
    Column { head: "flag", width: Width::Fixed(8), rank: 2, right: false, cell: flag },
    Column { head: "violations", width: Width::Flex(12, 44, 4), rank: 3, right: false, cell: violations },
    Column { head: "assessment", width: Width::Flex(12, 28, 2), rank: 4, right: false, cell: assessment },
    Column { head: "away", width: Width::Fixed(7), rank: 6, right: true, cell: away },
    Column { head: "e-mail", width: Width::Flex(16, 30, 2), rank: 7, right: false, cell: email },
    Column { head: "events", width: Width::Fixed(6), rank: 8, right: true, cell: events },
    Column { head: "last", width: Width::Time, rank: 9, right: true, cell: last },
];

/// The columns for who has not started: there is nothing to score and nothing to flag.
static WAITING: [Column<CandidateRow>; 6] = [
    Column { head: "candidate", width: Width::Flex(14, 28, 3), rank: 0, right: false, cell: who },
    Column { head: "status", width: Width::Flex(11, 14, 2), rank: 1, right: false, cell: status },
    Column { head: "for", width: Width::Time, rank: 2, right: true, cell: since },
    Column { head: "assessment", width: Width::Flex(12, 30, 2), rank: 3, right: false, cell: assessment },
    Column { head: "e-mail", width: Width::Flex(16, 40, 3), rank: 5, right: false, cell: email },
    Column { head: "events", width: Width::Fixed(6), rank: 6, right: true, cell: events },
];

/// The columns for what somebody did: all violations of each. Who is not red there is told by the flag.
static DEEDS: [Column<CandidateRow>; 9] = [
    Column { head: "candidate", width: Width::Flex(13, 28, 3), rank: 0, right: false, cell: who },
    Column { head: "violations", width: Width::Flex(18, 60, 5), rank: 1, right: false, cell: violations },
    Column { head: "flag", width: Width::Fixed(8), rank: 2, right: false, cell: flag },
    Column { head: "status", width: Width::Flex(11, 14, 2), rank: 3, right: false, cell: status },
    Column { head: "for", width: Width::Time, rank: 4, right: true, cell: since },
    Column { head: "score", width: Width::Fixed(5), rank: 6, right: true, cell: score },
    Column { head: "assessment", width: Width::Flex(12, 28, 2), rank: 7, right: false, cell: assessment },
    Column { head: "away", width: Width::Fixed(7), rank: 8, right: true, cell: away },
    Column { head: "e-mail", width: Width::Flex(16, 30, 2), rank: 9, right: false, cell: email },
];

/// The columns that answer a view's question.
pub(super) fn columns(view: View) -> &'static [Column<CandidateRow>] {
    match view {
        View::InTest => &IN_TEST,
        View::NotStarted | View::Expired => &WAITING,
        View::Flagged | View::Disqualified | View::Red => &DEEDS,
        _ => &COLUMNS,
    }
}

/// The columns where the assessment is known: it is the one that is open.
pub(super) static ROSTER: [Column<CandidateRow>; 10] = [
    Column { head: "candidate", width: Width::Flex(13, 28, 3), rank: 0, right: false, cell: who },
    Column { head: "status", width: Width::Flex(11, 14, 2), rank: 1, right: false, cell: status },
    Column { head: "for", width: Width::Time, rank: 2, right: true, cell: since },
    Column { head: "score", width: Width::Fixed(5), rank: 5, right: true, cell: score },
    Column { head: "flag", width: Width::Fixed(8), rank: 3, right: false, cell: flag },
    Column { head: "violations", width: Width::Flex(9, 60, 4), rank: 4, right: false, cell: violations },
    Column { head: "e-mail", width: Width::Flex(16, 40, 2), rank: 7, right: false, cell: email },
    Column { head: "away", width: Width::Fixed(7), rank: 8, right: true, cell: away },
    Column { head: "events", width: Width::Fixed(6), rank: 9, right: true, cell: events },
    Column { head: "last", width: Width::Time, rank: 6, right: true, cell: last },
];

/// An alert rule holds for the row.
pub(super) fn sign(row: &CandidateRow, scene: Scene<'_>) -> Option<Piece<'static>> {
    scene.model.rules.mark(row).then(|| cells::alert(scene))
}

fn who<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    plain(cells::who(row.name.as_deref(), row.email.as_deref(), Some(&row.candidate_id), scene))
}

fn status<'a>(row: &'a CandidateRow, scene: Scene<'a>, spot: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    cells::status(row.status, spot.width, scene)
}

fn since<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    cells::when(row.status_at, scene)
}

fn score<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    cells::score(row.score, scene)
}

fn flag<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    cells::flag(row.flag, scene)
}

fn violations<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    cells::violations(&row.counts, scene)
}

fn assessment<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    dim(clean(row.assessment_name.as_deref().unwrap_or(&row.assessment_id)), scene)
}

fn email<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    dim(cells::email(row.email.as_deref(), &row.candidate_id, scene), scene)
}

fn away<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    if row.outside_secs <= 0.0 {
        return Vec::new();
    }
    dim(text::duration((row.outside_secs.min(1e9) * 1000.0) as i64), scene)
}

fn events<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    number(row.events, scene)
}

fn last<'a>(row: &'a CandidateRow, scene: Scene<'a>, _: Spot<'a, CandidateRow>) -> Vec<Piece<'a>> {
    cells::when(row.last_event_at, scene)
}
