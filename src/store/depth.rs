//! One assessment in depth: how far its candidates came, how long it took them, scores and violations.

use rusqlite::{OptionalExtension, params};

use super::reader::Reader;
use super::{StoreError, rows};
use crate::domain::event::EventKind;
use crate::domain::query::AssessmentDetail;

impl Reader {
    /// One assessment in depth; `None` if there is none with this id.
    ///
    /// # Errors
    /// If the file cannot be read, or a newer question came.
    pub fn assessment(&self, id: &str) -> Result<Option<AssessmentDetail>, StoreError> {
        self.at_one_moment(|| {
            let text = format!("SELECT {}, a.n FROM assessment a WHERE a.id = ?1", rows::ASSESSMENT);
            let found = self
                .connection
                .prepare_cached(&text)?
                .query_row([id], |row| Ok((rows::assessment(row)?, row.get::<_, i64>(14)?)))
                .optional()?;
            let Some((row, n)) = found else { return Ok(None) };
            Ok(Some(AssessmentDetail {
                row,
                scores: self.scores(n)?,
                median_to_start: self.median("started_at - invited_at", n)?,
                median_to_finish: self.median("finished_at - started_at", n)?,
                violations: self.violations(n)?,
                funnel: self.funnel(n)?,
                body: self.latest_body(n)?,
            }))
        })
    }

    /// Candidacies by score in ten steps; a hundred belongs to the last.
    fn scores(&self, n: i64) -> Result<[u64; 10], StoreError> {
        let mut steps = [0; 10];
        let mut statement = self.connection.prepare_cached(
            "SELECT min(max(CAST(score / 10 AS INTEGER), 0), 9) AS step, count(*) FROM candidacy
             WHERE assessment = ?1 AND score IS NOT NULL GROUP BY step",
        )?;
        let mut found = statement.query([n])?;
        while let Some(row) = found.next()? {
            if let Some(slot) = steps.get_mut(row.get::<_, usize>(0)?) {
                *slot = row.get(1)?;
            }
        }
        Ok(steps)
    }

    /// The middle of a length of time over the candidacies that have both ends of it.
    fn median(&self, length: &'static str, n: i64) -> Result<Option<i64>, StoreError> {
        let both = format!("FROM candidacy WHERE assessment = ?1 AND {length} >= 0");
        let text = format!("SELECT {length} {both} ORDER BY 1 LIMIT 1 OFFSET (SELECT count(*) / 2 {both})");
        Ok(self.connection.prepare_cached(&text)?.query_row([n], |row| row.get(0)).optional()?)
    }

    /// Of each kind of violation: in how many candidacies it happened, and how often in all.
    fn violations(&self, n: i64) -> Result<[(u64, u64); 10], StoreError> {
        let columns: Vec<_> =
            (0..10).map(|kind| format!("ifnull(sum(v{kind} > 0), 0), ifnull(sum(v{kind}), 0)")).collect();
        let text = format!("SELECT {} FROM candidacy WHERE assessment = ?1", columns.join(", "));
        let mut of = [(0, 0); 10];
        self.connection.prepare_cached(&text)?.query_row([n], |row| {
            for (kind, slot) in of.iter_mut().enumerate() {
                *slot = (row.get(kind * 2)?, row.get(kind * 2 + 1)?);
            }
            Ok(())
        })?;
        Ok(of)
    }

    /// How many were ever invited, ever started, ever finished. Who started without an invitation that is
    /// known (a public link) counts as invited.
    fn funnel(&self, n: i64) -> Result<[u64; 3], StoreError> {
        let text = "SELECT count(*), ifnull(sum(started_at IS NOT NULL OR finished_at IS NOT NULL), 0),
            ifnull(sum(finished_at IS NOT NULL), 0) FROM candidacy WHERE assessment = ?1";
        let mut statement = self.connection.prepare_cached(text)?;
        Ok(statement.query_row([n], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?)
    }

    /// The body of its latest assessment event.
    fn latest_body(&self, n: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT b.coding, b.length, b.data FROM event e JOIN body b ON b.seq = e.seq WHERE e.assessment = ?1 AND e.kind <= ?2
             ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1",
        )?;
        let last = EventKind::AssessmentDeleted as i64;
        Ok(statement
            .query_row(params![n, last], |row| self.unpacker.body(&self.connection, row, 0))
            .optional()?)
    }
}
