//! Saving a session, or what a filter chooses of it: JSON, lines of JSON, or a table. Written as a stream, so
//! that memory does not grow with the session.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{ToSql, params_from_iter};
use serde_json::json;

use super::candidacies::Entry;
use super::form::Form;
use super::reader::Reader;
use super::rows;
use super::sql::{Condition, Rows, Way};
use super::{StoreError, codec, csv};
use crate::domain::delivery::Seq;
use crate::domain::event::Status;
use crate::domain::filter::Filter;
use crate::domain::proctoring::ViolationKind;
use crate::domain::query::{AssessmentRow, CandidateRow, EventLine};
use crate::domain::redact::Redactor;
use crate::domain::time::Timestamp;
use crate::json;

/// The forms a session is saved in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One document with everything; `assets/session.schema.json` describes it.
    Json,
    /// One event a line, as in `events` of the document.
    Ndjson,
    /// A table of events without payloads.
    Csv,
}

/// What of a session is saved, and how.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only the events this chooses, and what they belong to.
    pub filter: Option<Filter>,
    /// Names, addresses and links become stable pseudonyms.
    pub redact: bool,
    /// Now.
    pub now: Timestamp,
}

/// Writes to any stream; returns how many events were written.
///
/// # Errors
/// If the session cannot be read or the stream cannot be written.
pub fn write(
    reader: &Reader,
    out: &mut impl Write,
    format: Format,
    choice: &Choice,
) -> Result<u64, StoreError> {
    reader.at_one_moment(|| {
        let mut saving =
            Saving { reader, redactor: None, filters: choice.filter.as_slice(), now: choice.now };
        if choice.redact {
            saving.redactor = Some(Redactor::new(&saving.people()?));
        }
        match format {
            Format::Json => saving.document(out, choice),
            Format::Ndjson => saving.lines(out),
            Format::Csv => saving.table(out),
        }
    })
}

/// Gathers the events after a number, each as a line of [`Format::Ndjson`], so many and so many bytes at most, but one
/// in any case. Returns the number of the last.
///
/// # Errors
/// If the session cannot be read.
pub fn lines_since(
    reader: &Reader,
    out: &mut Vec<u8>,
    form: Form,
    after: Seq,
    (most, bytes): (u32, usize),
) -> Result<Seq, StoreError> {
    let saving = Saving { reader, redactor: None, filters: &[], now: Timestamp::default() };
    let mut last = after;
    saving.each(
        "WHERE e.seq > ? ORDER BY e.seq LIMIT ?",
        [after, i64::from(most)],
        |line, is_json, body| {
            saving.event(out, line, is_json, body, form)?;
            out.push(b'\n');
            last = line.seq;
            Ok(out.len() < bytes)
        },
    )?;
    Ok(last)
}

struct Saving<'a> {
    reader: &'a Reader,
    redactor: Option<Redactor>,
    filters: &'a [Filter],
    now: Timestamp,
}

impl Saving<'_> {
    fn condition(&self, rows: Rows) -> Condition {
        Condition::of(self.filters, rows, self.now, Way::Gather)
    }

    /// Every name a person of the session has.
    fn people(&self) -> Result<Vec<String>, StoreError> {
        let mut statement =
            self.reader.connection.prepare("SELECT name FROM candidacy WHERE name IS NOT NULL")?;
        let names = statement.query_map([], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    /// A text that may be anything, a name of a person among its words included.
    fn words(&self, text: Option<&str>) -> Option<String> {
        match &self.redactor {
            Some(redactor) => text.map(|text| redactor.words(text)),
            None => text.map(str::to_owned),
        }
    }

    /// An id, which a hostile sender may have made of an address.
    fn id(&self, text: &str) -> String {
        self.redactor.as_ref().map_or_else(|| text.to_owned(), |redactor| redactor.id(text))
    }

    /// What an event calls itself: one of ours, or anything.
    fn kind(&self, line: &EventLine) -> Option<String> {
        if line.kind.is_some() { line.name.clone() } else { self.words(line.name.as_deref()) }
    }

    fn text(&self, text: Option<&str>) -> Option<String> {
        match &self.redactor {
            Some(redactor) => text.map(|text| redactor.text(text)),
            None => text.map(str::to_owned),
        }
    }

    fn document(&self, out: &mut impl Write, choice: &Choice) -> Result<u64, StoreError> {
        let filter = choice.filter.as_ref().filter(|filter| !filter.is_empty()).map(ToString::to_string);
        let filter = match &self.redactor {
            Some(redactor) => filter.map(|text| redactor.words(&text)),
            None => filter,
        };
        let created = self.reader.created_at()?.unwrap_or(self.now);
        let session = json!({
            "name": created.civil().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            "created_at": created.to_string(),
            "exported_at": self.now.to_string(),
            "invigil_version": env!("CARGO_PKG_VERSION"),
            "filter": filter,
            "redacted": choice.redact,
        });
        write!(out, "{{\"format\":\"invigil-session\",\"version\":1,\n\"session\":{session},\n")?;
        writeln!(out, "\"totals\":{},", self.totals()?)?;
        write!(out, "\"assessments\":[")?;
        self.assessments(out)?;
        write!(out, "],\n\"candidates\":[")?;
        self.candidates(out)?;
        write!(out, "],\n\"violations\":[")?;
        self.violations(out)?;
        write!(out, "],\n\"events\":[")?;
        let events = self.events(out)?;
        writeln!(out, "\n]}}")?;
        Ok(events)
    }

    fn totals(&self) -> Result<serde_json::Value, StoreError> {
        let condition = self.condition(Rows::Events);
        let text = format!(
            "SELECT count(*), ifnull(sum(e.deliveries), 0), ifnull(sum(e.kind IS NULL), 0) FROM event e {}",
            condition.clause()
        );
        let sums = self.reader.connection.query_row(&text, params_from_iter(condition.values), |row| {
            let (events, deliveries): (u64, u64) = (row.get(0)?, row.get(1)?);
            let unrecognised: u64 = row.get(2)?;
            Ok(json!({
                "events": events,
                "deliveries": deliveries,
                "duplicates": deliveries.saturating_sub(events),
                "unrecognised": unrecognised,
            }))
        })?;
        Ok(sums)
    }

    fn assessments(&self, out: &mut impl Write) -> Result<(), StoreError> {
        let condition = self.condition(Rows::Assessments);
        // The mean is taken over the scores themselves, in a fixed order, and not over rounded sums.
        let mut scores = self.reader.connection.prepare(
            "SELECT score FROM candidacy WHERE assessment = ?1 AND score IS NOT NULL ORDER BY candidate_id",
        )?;
        let text = format!(
            "SELECT {}, a.n FROM assessment a {} ORDER BY a.id",
            rows::ASSESSMENT,
            condition.clause()
        );
        let mut statement = self.reader.connection.prepare(&text)?;
        let mut found = statement.query(params_from_iter(condition.values))?;
        let mut between = "\n";
        while let Some(row) = found.next()? {
            let of: Vec<f64> = scores
                .query_map([row.get::<_, i64>(14)?], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let average = (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);
            write!(out, "{between}{}", self.assessment(&rows::assessment(row)?, average))?;
            between = ",\n";
        }
        Ok(())
    }

    fn assessment(&self, row: &AssessmentRow, average: Option<f64>) -> serde_json::Value {
        let by_status = Status::ALL.into_iter().zip(row.totals.by_status);
        let by_status =
            by_status.filter(|(_, count)| *count > 0).map(|(status, count)| (status.word(), json!(count)));
        json!({
            "assessment_id": self.id(&row.id),
            "name": self.words(row.name.as_deref()),
            "workspace": self.words(row.workspace.as_deref()),
            "org_id": row.org_id.as_deref().map(|id| self.id(id)),
            "archived": row.archived,
            "deleted": row.deleted,
            "candidates": row.totals.candidates,
            "by_status": by_status.map(|(word, count)| (word.to_owned(), count)).collect::<serde_json::Map<_, _>>(),
            "average_score": average,
            "violations": row.totals.violations,
            "last_event_at": row.last_event_at.map(|time| time.to_string()),
        })
    }

    fn candidates(&self, out: &mut impl Write) -> Result<(), StoreError> {
        let condition = self.condition(Rows::Candidacies);
        let text = format!(
            "SELECT {} FROM candidacy c JOIN assessment a ON a.n = c.assessment {} ORDER BY a.id, c.candidate_id",
            rows::CANDIDATE,
            condition.clause()
        );
        let mut statement = self.reader.connection.prepare(&text)?;
        let mut found = statement.query(params_from_iter(condition.values))?;
        let mut between = "\n";
        while let Some(row) = found.next()? {
            write!(out, "{between}{}", self.candidate(&rows::candidate(row)?))?;
            between = ",\n";
        }
        Ok(())
    }

    fn candidate(&self, row: &CandidateRow) -> serde_json::Value {
        json!({
            "assessment_id": self.id(&row.assessment_id),
            "candidate_id": self.id(&row.candidate_id),
            "name": self.text(row.name.as_deref()),
            "email": self.text(row.email.as_deref()),
            "status": row.status.map(Status::word),
            "status_at": row.status_at.map(|time| time.to_string()),
            "stage": self.words(row.stage.as_deref()),
            "score": row.score,
            "flag": row.flag.word(),
            "violations": row.counts.sum(),
            "events": row.events,
        })
    }

    fn violations(&self, out: &mut impl Write) -> Result<(), StoreError> {
        let condition = self.condition(Rows::Candidacies);
        let text = format!(
            "SELECT a.n, a.id, c.candidate_id FROM candidacy c JOIN assessment a ON a.n = c.assessment {}
             ORDER BY a.id, c.candidate_id",
            condition.clause()
        );
        let mut statement = self.reader.connection.prepare(&text)?;
        let mut found = statement.query(params_from_iter(condition.values))?;
        let mut between = "\n";
        while let Some(row) = found.next()? {
            let (n, assessment_id, candidate_id): (i64, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let Some((_, Entry { candidacy, .. })) = Entry::load(&self.reader.connection, n, &candidate_id)?
            else {
                continue;
            };
            for (kind, tally) in ViolationKind::ALL.into_iter().zip(candidacy.tallies) {
                if tally.count > 0 {
                    let object = json!({
                        "assessment_id": self.id(&assessment_id),
                        "candidate_id": self.id(&candidate_id),
                        "kind": kind.word(),
                        "count": tally.count,
                        "first_seen_at": tally.first_seen_at.to_string(),
                        "last_seen_at": tally.last_seen_at.to_string(),
                    });
                    write!(out, "{between}{object}")?;
                    between = ",\n";
                }
            }
        }
        Ok(())
    }

    fn events(&self, out: &mut impl Write) -> Result<u64, StoreError> {
        let mut written = 0;
        self.each_event(|line, is_json, body| {
            out.write_all(if written > 0 { b",\n" } else { b"\n" })?;
            self.event(out, line, is_json, body, Form::Verbatim)?;
            written += 1;
            Ok(())
        })?;
        Ok(written)
    }

    fn lines(&self, out: &mut impl Write) -> Result<u64, StoreError> {
        let mut written = 0;
        self.each_event(|line, is_json, body| {
            self.event(out, line, is_json, body, Form::Line)?;
            out.write_all(b"\n")?;
            written += 1;
            Ok(())
        })?;
        Ok(written)
    }

    /// Hands each chosen event on, in the order of arrival.
    fn each_event(
        &self,
        mut each: impl FnMut(&EventLine, bool, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let condition = self.condition(Rows::Events);
        let clause = format!("{} ORDER BY e.seq", condition.clause());
        self.each(&clause, condition.values, |line, is_json, body| each(line, is_json, body).map(|()| true))
    }

    /// Hands events on, until there is none or one is enough.
    fn each<V: ToSql>(
        &self,
        clause: &str,
        values: impl IntoIterator<Item = V>,
        mut each: impl FnMut(&EventLine, bool, &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let text = format!(
            "SELECT {}, b.coding, b.length, b.data FROM event e LEFT JOIN body b ON b.seq = e.seq
             LEFT JOIN candidacy c ON c.n = e.candidacy LEFT JOIN assessment a ON a.n = e.assessment {clause}",
            rows::EVENT,
        );
        let mut statement = self.reader.connection.prepare_cached(&text)?;
        let mut found = statement.query(params_from_iter(values))?;
        while let Some(row) = found.next()? {
            let line = rows::event(row)?;
            let content = self.reader.unpacker.whole_row(&self.reader.connection, row, 21);
            let (_, body) = content.map_err(|error| self.unreadable(&line, error))?;
            if !each(&line, row.get(20)?, &body)? {
                break;
            }
        }
        Ok(())
    }

    /// Why an event cannot be written, if it is the event.
    fn unreadable(&self, line: &EventLine, error: rusqlite::Error) -> StoreError {
        let Some(what) = codec::damage(&error) else { return error.into() };
        let path = self.reader.path();
        let tells = format!("`invigil check {}` tells more", path.display());
        StoreError::damaged(path, format!("event {} ({}): its body {what}; {tells}", line.seq, line.id))
    }

    fn event(
        &self,
        out: &mut impl Write,
        line: &EventLine,
        is_json: bool,
        body: &[u8],
        form: Form,
    ) -> Result<(), StoreError> {
        let head = json!({
            "id": self.id(&line.id),
            "type": self.kind(line),
            "occurred_at": line.occurred_at.to_string(),
            "received_at": line.received_at.to_string(),
            "deliveries": line.deliveries,
            "verified": line.verified,
            "source": line.source.word(),
            "recognised": line.kind.is_some(),
        })
        .to_string();
        out.write_all(form.of(&head).trim_end_matches('}').as_bytes())?;
        match (&self.redactor, std::str::from_utf8(body).ok().filter(|_| is_json)) {
            (None, Some(text)) => {
                let [before, payload, after] = json::apart(text);
                // A line is not to the byte anyhow.
                if form == Form::Verbatim && payload.len() < text.len() {
                    write!(out, ",\"blanks\":{}", json!([before, after]))?;
                }
                write!(out, ",\"payload\":{}}}", form.of(payload))?;
            }
            (Some(redactor), Some(text)) => {
                write!(out, ",\"payload\":{}}}", form.of(&redactor.payload(text)))?;
            }
            // What cannot be read cannot be redacted: only its size is told.
            (Some(_), None) => write!(out, ",\"body_base64\":\"\"}}")?,
            (None, None) => write!(out, ",\"body_base64\":\"{}\"}}", STANDARD.encode(body))?,
        }
        Ok(())
    }

    fn table(&self, out: &mut impl Write) -> Result<u64, StoreError> {
        let columns = [
            "id",
            "type",
            "occurred_at",
            "received_at",
            "deliveries",
            "verified",
            "source",
            "recognised",
            "assessment_id",
            "assessment",
            "candidate_id",
            "candidate",
            "email",
            "score",
        ];
        csv::row(out, columns)?;
        let mut written = 0;
        self.each_event(|line, _, _| {
            let flag = |flag: bool| if flag { "true" } else { "false" }.to_owned();
            let id = |text: &Option<String>| text.as_deref().map(|id| self.id(id)).unwrap_or_default();
            let personal = |text: &Option<String>| self.text(text.as_deref()).unwrap_or_default();
            csv::row(
                out,
                [
                    self.id(&line.id),
                    self.kind(line).unwrap_or_default(),
                    line.occurred_at.to_string(),
                    line.received_at.to_string(),
                    line.deliveries.to_string(),
                    flag(line.verified),
                    line.source.word().to_owned(),
                    flag(line.kind.is_some()),
                    id(&line.assessment_id),
                    self.words(line.assessment_name.as_deref()).unwrap_or_default(),
                    id(&line.candidate_id),
                    personal(&line.candidate_name),
                    personal(&line.email),
                    line.score.map(|score| score.to_string()).unwrap_or_default(),
                ],
            )?;
            written += 1;
            Ok(())
        })?;
        Ok(written)
    }
}
