//! Rows of the tables, to and from the plain structs of the domain.

use rusqlite::{Row, Statement, named_params};

use super::state::{Reader, Writer};
use crate::domain::delivery::Source;
use crate::domain::event::{EventKind, Status};
use crate::domain::proctoring::{Counts, Flag, ViolationKind};
use crate::domain::projection::{Assessment, Rise, Totals};
use crate::domain::query::{AssessmentRow, CandidateRow, EventLine, RiseRow};
use crate::domain::time::Timestamp;

pub(super) type Result<T> = rusqlite::Result<T>;

/// Columns of a candidacy's row, for [`candidate`]; `c` is the candidacy, `a` its assessment.
pub(super) const CANDIDATE: &str = "a.id, c.candidate_id, a.name, c.name, c.email, c.status, c.status_at, c.stage, c.score,
    c.flag, c.v0, c.v1, c.v2, c.v3, c.v4, c.v5, c.v6, c.v7, c.v8, c.v9, c.outside_secs, c.mouse_out_secs, c.events,
    c.invited_at, c.started_at, c.finished_at, c.last_at, c.detail_link, c.result_link";
/// Columns of an assessment's row, for [`assessment`].
pub(super) const ASSESSMENT: &str =
    "a.id, a.name, a.workspace, a.org_id, a.latest_event, a.is_archived, a.last_at,
    a.candidates, a.by_status, a.scored, a.score_micros, a.violations, a.red, a.yellow";
/// Columns of an event's row, for [`event`].
pub(super) const EVENT: &str = "e.seq, e.id, e.name, e.kind, e.occurred_at, e.received_at, e.sent_at, e.deliveries,
    e.conflicts, e.verified, e.source, e.size, e.marked, a.id, c.candidate_id, a.name, c.name, c.email, e.score,
    e.candidacy, e.is_json";
/// Columns of a rise, for [`rise`].
pub(super) const RISE: &str =
    "r.seq, r.kind, r.\"before\", r.\"after\", e.occurred_at, a.id, c.candidate_id, a.name, c.name,
    c.email, c.flag, c.status";

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.and_then(Timestamp::from_millis))
}

pub(super) fn one_of<T: Copy>(row: &Row<'_>, column: usize, all: &[T]) -> Result<Option<T>> {
    let index: Option<usize> = row.get(column)?;
    Ok(index.and_then(|index| all.get(index)).copied())
}

pub(super) fn counts(row: &Row<'_>, from: usize) -> Result<Counts> {
    let mut counts = Counts::default();
    for (n, kind) in ViolationKind::ALL.into_iter().enumerate() {
        counts.raise(kind, row.get(from + n)?);
    }
    Ok(counts)
}

pub(super) fn candidate(row: &Row<'_>) -> Result<CandidateRow> {
    Ok(CandidateRow {
        assessment_id: row.get(0)?,
        candidate_id: row.get(1)?,
        assessment_name: row.get(2)?,
        name: row.get(3)?,
        email: row.get(4)?,
        status: one_of(row, 5, &Status::ALL)?,
        status_at: time(row, 6)?,
        stage: row.get(7)?,
        score: row.get(8)?,
        flag: one_of(row, 9, &Flag::ALL)?.unwrap_or_default(),
        counts: counts(row, 10)?,
        outside_secs: row.get(20)?,
        mouse_out_secs: row.get(21)?,
        events: row.get(22)?,
        invited_at: time(row, 23)?,
        started_at: time(row, 24)?,
        finished_at: time(row, 25)?,
        last_event_at: time(row, 26)?,
        detail_link: row.get(27)?,
        result_link: row.get(28)?,
    })
}

/// What the candidacies of every assessment, or of one, add up to.
pub(super) const TOTALS: &str = "SELECT candidates, by_status, scored, score_micros, violations, red, yellow
    FROM assessment WHERE ?1 IS NULL OR id = ?1";

pub(super) fn totals(row: &Row<'_>, from: usize) -> Result<Totals> {
    let words: String = row.get(from + 1)?;
    let mut by_status = [0; 8];
    by_status
        .iter_mut()
        .zip(words.split(' '))
        .for_each(|(slot, word)| *slot = word.parse().unwrap_or_default());
    Ok(Totals {
        candidates: row.get(from)?,
        by_status,
        scored: row.get(from + 2)?,
        score_micros: row.get(from + 3)?,
        violations: row.get(from + 4)?,
        red: row.get(from + 5)?,
        yellow: row.get(from + 6)?,
    })
}

pub(super) fn assessment(row: &Row<'_>) -> Result<AssessmentRow> {
    let latest = one_of(row, 4, EventKind::ALL)?;
    let archived = latest == Some(EventKind::AssessmentArchived);
    let is_archived: Option<bool> = row.get(5)?;
    Ok(AssessmentRow {
        id: row.get(0)?,
        name: row.get(1)?,
        workspace: row.get(2)?,
        org_id: row.get(3)?,
        archived,
        deleted: latest == Some(EventKind::AssessmentDeleted),
        contradiction: archived && is_archived == Some(false),
        totals: totals(row, 7)?,
        last_event_at: time(row, 6)?,
    })
}

/// An event's row and the number of its candidacy; its rises are read apart.
pub(super) fn event(row: &Row<'_>) -> Result<EventLine> {
    Ok(EventLine {
        seq: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        kind: one_of(row, 3, EventKind::ALL)?,
        occurred_at: time(row, 4)?.unwrap_or_default(),
        received_at: time(row, 5)?.unwrap_or_default(),
        sent_at: time(row, 6)?.unwrap_or_default(),
        deliveries: row.get(7)?,
        conflicts: row.get(8)?,
        verified: row.get(9)?,
        source: one_of(row, 10, &Source::ALL)?.unwrap_or(Source::File),
        size: row.get(11)?,
        marked: row.get(12)?,
        assessment_id: row.get(13)?,
        candidate_id: row.get(14)?,
        assessment_name: row.get(15)?,
        candidate_name: row.get(16)?,
        email: row.get(17)?,
        score: row.get(18)?,
        rises: Vec::new(),
        forwarded: None,
    })
}

pub(super) fn rise(row: &Row<'_>) -> Result<RiseRow> {
    Ok(RiseRow {
        seq: row.get(0)?,
        kind: one_of(row, 1, &ViolationKind::ALL)?.unwrap_or(ViolationKind::TabSwitch),
        before: row.get(2)?,
        after: row.get(3)?,
        at: time(row, 4)?.unwrap_or_default(),
        assessment_id: row.get(5)?,
        candidate_id: row.get(6)?,
        assessment_name: row.get(7)?,
        candidate_name: row.get(8)?,
        email: row.get(9)?,
        flag: one_of(row, 10, &Flag::ALL)?.unwrap_or_default(),
        status: one_of(row, 11, &Status::ALL)?,
    })
}

/// Asks for [`rises_of`] an event.
pub(super) const RISES_OF: &str = "SELECT kind, \"before\", \"after\" FROM rise WHERE seq = ?1 ORDER BY kind";

/// Asks for the rises of all events after one, up to another: the event's number, then as [`rise_of`] reads.
pub(super) const RISES_AFTER: &str =
    "SELECT seq, kind, \"before\", \"after\" FROM rise WHERE seq > ?1 AND seq <= ?2 ORDER BY seq, kind";

/// The rises one event brought.
pub(super) fn rises_of(statement: &mut Statement<'_>, seq: i64) -> Result<Vec<Rise>> {
    let rises = statement.query_map([seq], |row| rise_of(row, 0))?;
    rises.collect()
}

/// A rise of an event that is known.
pub(super) fn rise_of(row: &Row<'_>, from: usize) -> Result<Rise> {
    let kind = one_of(row, from, &ViolationKind::ALL)?.unwrap_or(ViolationKind::TabSwitch);
    Ok(Rise { kind, before: row.get(from + 1)?, after: row.get(from + 2)? })
}

/// Reads an assessment with all its registers: `n` is column 0 of the answer.
pub(super) const LOAD_ASSESSMENT: &str = "SELECT n, name, workspace, org_id, latest_event, is_archived, last_at,
    candidates, by_status, scored, score_micros, violations, red, yellow, state FROM assessment WHERE id = ?1";

pub(super) fn load_assessment(row: &Row<'_>) -> Result<(i64, Assessment)> {
    let state: String = row.get(14)?;
    let mut stamps = Reader::new(&state);
    let assessment = Assessment {
        name: stamps.register(row.get(1)?),
        workspace: stamps.register(row.get(2)?),
        org_id: stamps.register(row.get(3)?),
        latest_event: stamps.register(one_of(row, 4, EventKind::ALL)?),
        is_archived: stamps.register(row.get(5)?),
        last_at: time(row, 6)?,
        totals: totals(row, 7)?,
    };
    Ok((row.get(0)?, assessment))
}

pub(super) const SAVE_ASSESSMENT: &str = "INSERT INTO assessment (n, id, name, workspace, org_id, latest_event,
    is_archived, last_at, candidates, by_status, scored, score_micros, violations, red, yellow, state)
    VALUES (:n, :id, :name, :workspace, :org_id, :latest_event, :is_archived, :last_at, :candidates, :by_status,
    :scored, :score_micros, :violations, :red, :yellow, :state)
    ON CONFLICT (n) DO UPDATE SET id = excluded.id, name = excluded.name, workspace = excluded.workspace, org_id = excluded.org_id,
    latest_event = excluded.latest_event, is_archived = excluded.is_archived, last_at =
    excluded.last_at, candidates = excluded.candidates, by_status = excluded.by_status, scored =
    excluded.scored, score_micros = excluded.score_micros, violations = excluded.violations, red =
    excluded.red, yellow = excluded.yellow, state = excluded.state";

pub(super) fn save_assessment(
    statement: &mut Statement<'_>,
    n: i64,
    id: &str,
    assessment: &Assessment,
) -> Result<()> {
    let totals = assessment.totals;
    let by_status: Vec<String> = totals.by_status.iter().map(u64::to_string).collect();
    let state = Writer::default()
        .stamp(&assessment.name)
        .stamp(&assessment.workspace)
        .stamp(&assessment.org_id)
        .stamp(&assessment.latest_event)
        .stamp(&assessment.is_archived);
    statement.execute(named_params! {
        ":n": n, ":id": id, ":name": assessment.name.value(), ":workspace": assessment.workspace.value(),
        ":org_id": assessment.org_id.value(),
        ":latest_event": assessment.latest_event.value().map(|kind| *kind as i64),
        ":is_archived": assessment.is_archived.value(), ":last_at": assessment.last_at.map(Timestamp::millis),
        ":candidates": totals.candidates as i64, ":by_status": by_status.join(" "),
        ":scored": totals.scored as i64, ":score_micros": totals.score_micros,
        ":violations": totals.violations as i64, ":red": totals.red as i64, ":yellow": totals.yellow as i64,
        ":state": state.finish(),
    })?;
    Ok(())
}
