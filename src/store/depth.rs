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
            Ok(Some(AssessmentDetail { row, body: self.latest_body(n)?, ..self.added_up(n)? }))
        })
    }

    /// What its candidacies add up to, read once.
    ///
    /// Scores are counted in ten steps, of which a hundred belongs to the last. Who started without an
    /// invitation that is known (a public link) counts as invited.
    fn added_up(&self, n: i64) -> Result<AssessmentDetail, StoreError> {
        let mut detail = AssessmentDetail::default();
        let (mut to_start, mut to_finish) = (Vec::new(), Vec::new());
        let mut statement = self.connection.prepare_cached(
            "SELECT score, invited_at, started_at, finished_at, flag, v0, v1, v2, v3, v4, v5, v6, v7, v8, v9
             FROM candidacy WHERE assessment = ?1",
        )?;
        let mut found = statement.query([n])?;
        while let Some(row) = found.next()? {
            if let Some(score) = row.get::<_, Option<f64>>(0)? {
                let step = (score / 10.0).clamp(0.0, 9.0) as usize;
                detail.scores.iter_mut().skip(step).take(1).for_each(|count| *count += 1);
            }
            let [invited, started, finished]: [Option<i64>; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
            let reached = [true, started.is_some() || finished.is_some(), finished.is_some()];
            detail.funnel.iter_mut().zip(reached).for_each(|(count, reached)| *count += u64::from(reached));
            let length = |from: Option<i64>, to: Option<i64>| Some(to? - from?).filter(|millis| *millis >= 0);
            to_start.extend(length(invited, started));
            to_finish.extend(length(started, finished));
            if row.get::<_, i64>(4)? > 0 {
                for (kind, (people, times)) in detail.violations.iter_mut().enumerate() {
                    let count: u64 = row.get(5 + kind)?;
                    *people += u64::from(count > 0);
                    *times += count;
                }
            }
        }
        (detail.median_to_start, detail.median_to_finish) = (middle(to_start), middle(to_finish));
        Ok(detail)
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

/// The middle one; of an even number, the greater of the two.
fn middle(mut lengths: Vec<i64>) -> Option<i64> {
    let at = lengths.len() / 2;
    (!lengths.is_empty()).then(|| *lengths.select_nth_unstable(at).1)
}
