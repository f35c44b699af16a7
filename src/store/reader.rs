//! Answering questions: pages of lists by keyset, single events, assessments in depth.
//!
//! A page is found by the sort key of the row it lies around, never by counting rows off, so that the end of
//! a long list costs as much as its beginning.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, InterruptHandle, OptionalExtension, Row as SqlRow, params_from_iter};

use super::codec::Unpacker;
use super::counts::Counted;
use super::list::{CANDIDACIES, EVENTS, List, THIS_CANDIDACY, Ways, list};
use super::patience::Patience;
use super::rows;
use super::session::Way;
use super::sql::{self, Condition, Rows};
use super::{StoreError, forwarded, ids, journal, projector, tally};
use crate::domain::delivery::Seq;
use crate::domain::proctoring::ViolationKind;
use crate::domain::query::{
    Anchor, AssessmentRow, CandidateRow, EventDetail, EventLine, Page, Query, RiseRow, Sums,
};
use crate::domain::time::Timestamp;

type Result<T> = std::result::Result<T, StoreError>;

/// Reads a session. Each thread needs its own.
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) patience: Patience,
    pub(super) counted: Counted,
    /// How it is connected, and to what.
    way: Way,
    path: PathBuf,
    pub(super) unpacker: Unpacker,
}

/// Stops the question that a reader is answering.
pub struct Interrupt(InterruptHandle);

impl Interrupt {
    /// Stops it; the reader answers [`StoreError::Interrupted`].
    pub fn now(&self) {
        self.0.interrupt();
    }
}

/// Where a page is to lie: the sort key of a row, or an end of the list.
pub(super) enum Place {
    First,
    Last,
    /// The sort key of a row.
    At(Vec<Value>),
}

impl Reader {
    /// Opens a saved session; nothing is written, not even beside it.
    ///
    /// # Errors
    /// If the file is no session, is damaged or newer.
    pub fn open(path: &Path) -> Result<Self> {
        Self::connected(Way::to(path)?, path)
    }

    /// Another reader of the session that this process writes.
    ///
    /// # Errors
    /// If SQLite cannot open it.
    pub fn of(journal: &journal::Journal) -> Result<Self> {
        Self::connected(Way::InUse, journal.path())
    }

    /// The session's file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn connected(way: Way, path: &Path) -> Result<Self> {
        let mut connection = way.connect(path)?;
        forwarded::stand_in(&connection)?;
        let patience = Patience::with(&mut connection)?;
        Ok(Self {
            connection,
            patience,
            counted: Counted::default(),
            way,
            path: path.to_path_buf(),
            unpacker: Unpacker::default(),
        })
    }

    /// Another reader of the same session, for another thread.
    ///
    /// # Errors
    /// If SQLite cannot open it.
    pub fn twin(&self) -> Result<Self> {
        Self::connected(self.way, &self.path)
    }

    /// Connects anew if the session was at rest and somebody has begun to write it; says whether it did.
    ///
    /// # Errors
    /// If SQLite cannot open it.
    pub fn keep_up(&mut self) -> Result<bool> {
        let begun = !self.way.holds(&self.path);
        if begun {
            *self = Self::connected(Way::InUse, &self.path)?;
        }
        Ok(begun)
    }

    /// Under a filter, walks a list for so long before its rows are gathered instead; zero: never. Both find
    /// the same.
    pub fn walk_for(&self, time: Duration) {
        self.patience.last(time);
    }

    /// Stops what this reader is doing, from another thread.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        Interrupt(self.connection.get_interrupt_handle())
    }

    /// The sums of the whole session.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn sums(&self) -> Result<Sums> {
        Ok(Sums { unforwarded: self.given_up()?, ..projector::read_sums(&self.connection)? })
    }

    /// When the session was begun.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn created_at(&self) -> Result<Option<Timestamp>> {
        let text: Option<String> = self
            .connection
            .query_row("SELECT value FROM meta WHERE key = 'created_at'", [], |row| row.get(0))
            .optional()?;
        Ok(text.as_deref().and_then(Timestamp::parse))
    }

    /// Reads at one moment of the session, whatever is committed meanwhile.
    pub(super) fn at_one_moment<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        // It ends however reading ends.
        let moment = self.connection.unchecked_transaction()?;
        let answer = read();
        if !self.way.holds(&self.path) {
            return Err(StoreError::Begun { file: self.path.display().to_string() });
        }
        let answer = answer?;
        moment.commit()?;
        Ok(answer)
    }

    /// A page of assessments.
    ///
    /// # Errors
    /// If the file cannot be read, or a newer question came.
    pub fn assessments(
        &self,
        query: &Query,
        anchor: &Anchor<String>,
        before: u32,
        after: u32,
    ) -> Result<Page<AssessmentRow>> {
        let find = |id: &String| ("a.id = ?", vec![id.clone().into()], None);
        self.page(Rows::Assessments, query, anchor, find, (before, after), rows::assessment)
    }

    /// A page of candidacies.
    ///
    /// # Errors
    /// If the file cannot be read, or a newer question came.
    pub fn candidates(
        &self,
        query: &Query,
        anchor: &Anchor<(String, String)>,
        before: u32,
        after: u32,
    ) -> Result<Page<CandidateRow>> {
        let find =
            |key: &(String, String)| (THIS_CANDIDACY, vec![key.0.clone().into(), key.1.clone().into()], None);
        self.page(Rows::Candidacies, query, anchor, find, (before, after), rows::candidate)
    }

    /// A page of rises.
    ///
    /// # Errors
    /// If the file cannot be read, or a newer question came.
    pub fn rises(
        &self,
        query: &Query,
        anchor: &Anchor<(Seq, ViolationKind)>,
        before: u32,
        after: u32,
    ) -> Result<Page<RiseRow>> {
        let find = |key: &(Seq, ViolationKind)| {
            let place: Vec<Value> = vec![key.0.into(), (key.1.index() as i64).into()];
            ("r.seq = ? AND r.kind = ?", place.clone(), Some(place))
        };
        self.page(Rows::Rises, query, anchor, find, (before, after), rows::rise)
    }

    pub(super) fn page<R, K>(
        &self,
        rows: Rows,
        query: &Query,
        anchor: &Anchor<K>,
        find: impl FnOnce(&K) -> (&'static str, Vec<Value>, Option<Vec<Value>>),
        (before, after): (u32, u32),
        read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<R>,
    ) -> Result<Page<R>> {
        self.at_one_moment(|| {
            let list = list(rows, query);
            let ways = Ways::of(rows, query);
            let place = match anchor {
                Anchor::First | Anchor::Glimpse => Place::First,
                Anchor::Last => Place::Last,
                Anchor::At(key) => {
                    let (test, values, otherwise) = find(key);
                    let found = self.place(&list, test, values)?.or(otherwise);
                    found.map_or(Place::First, Place::At)
                }
            };
            if !list.walked {
                let wanted = (before as usize, after as usize);
                return self.by_name(&list, &ways.gather, place, wanted, read);
            }
            let total = || self.total(rows, query, &list, &ways);
            // Counting is what costs under a filter, so it is done only where the rows do not tell.
            let ends = |page: &[R], limit: u32| page.len() < limit as usize;
            let mut page = Page::default();
            match place {
                Place::First => {
                    page.rows = self.run(&list, &ways, true, None, before + after, &read)?;
                    let ended = ends(&page.rows, before + after);
                    let known = || ended || ways.walk.text.is_empty() || tally::is_kept(rows, query);
                    page.exact = !matches!(anchor, Anchor::Glimpse) || known();
                    page.total = if ended || !page.exact { page.rows.len() as u64 } else { total()? };
                }
                Place::Last => {
                    page.rows = self.run(&list, &ways, false, None, before + after, &read)?;
                    page.rows.reverse();
                    page.total =
                        if ends(&page.rows, before + after) { page.rows.len() as u64 } else { total()? };
                    page.before = page.total - page.rows.len() as u64;
                }
                Place::At(at) => {
                    page.rows = self.run(&list, &ways, false, Some((&at, false)), before, &read)?;
                    page.rows.reverse();
                    if !ends(&page.rows, before) {
                        let earlier = self.earlier(rows, query, &list, &ways, &at)?;
                        page.before = earlier.saturating_sub(page.rows.len() as u64);
                    }
                    let later = self.run(&list, &ways, true, Some((&at, true)), after, &read)?;
                    let ended = ends(&later, after);
                    page.rows.extend(later);
                    page.total = if ended { page.before + page.rows.len() as u64 } else { total()? };
                }
            }
            Ok(page)
        })
    }

    /// The sort key of the row that a test finds.
    pub(super) fn place(&self, list: &List, test: &str, values: Vec<Value>) -> Result<Option<Vec<Value>>> {
        let text = format!("SELECT {} FROM {} WHERE {test}", list.order.join(", "), list.from);
        let mut statement = self.connection.prepare_cached(&text)?;
        let width = list.order.len();
        let key =
            statement.query_row(params_from_iter(values), |row| (0..width).map(|n| row.get(n)).collect());
        Ok(key.optional()?)
    }

    /// Some rows of a list beside a place in it, in whichever way finds them sooner.
    pub(super) fn run<R>(
        &self,
        list: &List,
        ways: &Ways,
        forwards: bool,
        beside: Option<(&[Value], bool)>,
        limit: u32,
        read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<R>,
    ) -> Result<Vec<R>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let ask = |way: sql::Way, condition: &Condition| {
            let mut whole = condition.clone();
            if let Some((key, including)) = beside {
                whole.also(&list.beside(forwards, including), key.iter().cloned());
            }
            let text = list.text(way, &whole, forwards, limit);
            let mut statement = self.connection.prepare_cached(&text)?;
            let found = statement.query_map(params_from_iter(whole.values), &read)?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        };
        if ways.one {
            return ask(sql::Way::Walk, &ways.walk);
        }
        match self.patience.limit(|| ask(sql::Way::Walk, &ways.walk))? {
            Some(rows) => Ok(rows),
            None => ask(sql::Way::Gather, &ways.gather),
        }
    }

    /// How many of so many events have a smaller number. They are numbered without gaps unless some were
    /// removed: then those on the shorter side are counted.
    pub(super) fn older(&self, seq: Seq, events: u64) -> Result<u64> {
        let mut ends = self
            .connection
            .prepare_cached("SELECT (SELECT min(seq) FROM event), (SELECT max(seq) FROM event)")?;
        let (oldest, newest): (Option<Seq>, Option<Seq>) =
            ends.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(oldest), Some(newest)) = (oldest, newest) else { return Ok(0) };
        let seq = seq.clamp(oldest, newest + 1);
        if (newest - oldest + 1) as u64 == events {
            return Ok((seq - oldest) as u64);
        }
        let count = |test: &str| {
            let text = format!("SELECT count(*) FROM event WHERE seq {test} ?1");
            self.connection.prepare_cached(&text)?.query_row([seq], |row| row.get::<_, u64>(0))
        };
        if seq - oldest < newest - seq { Ok(count("<")?) } else { Ok(events.saturating_sub(count(">=")?)) }
    }

    /// One event in full; `None` if there is none of this number.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn detail(&self, seq: Seq) -> Result<Option<EventDetail>> {
        self.at_one_moment(|| {
            let Some(line) = self.line(seq)? else { return Ok(None) };
            let (headers, body) = self
                .connection
                .prepare_cached("SELECT coding, length, data FROM body WHERE seq = ?1")?
                .query_row([seq], |row| self.unpacker.row(&self.connection, row, 0))?;
            let beside = |way: &str, order: &str| -> Result<Option<Seq>> {
                let text = format!(
                    "SELECT e.seq FROM event e JOIN event o ON o.seq = ?1 WHERE e.candidacy = o.candidacy
                     AND (e.occurred_at, e.id) {way} (o.occurred_at, o.id) ORDER BY e.occurred_at {order}, e.id {order} LIMIT 1"
                );
                let mut statement = self.connection.prepare_cached(&text)?;
                Ok(statement.query_row([seq], |row| row.get(0)).optional()?)
            };
            let (previous, next) = (beside("<", "DESC")?, beside(">", "ASC")?);
            Ok(Some(EventDetail { line, headers, body, previous, next }))
        })
    }

    fn line(&self, seq: Seq) -> Result<Option<EventLine>> {
        let text = format!("SELECT {} FROM {EVENTS} WHERE e.seq = ?1", rows::EVENT);
        let line = self.connection.prepare_cached(&text)?.query_row([seq], rows::event).optional()?;
        let Some(mut line) = line else { return Ok(None) };
        let mut rises = self.connection.prepare_cached(rows::RISES_OF)?;
        line.rises = rows::rises_of(&mut rises, seq)?;
        line.forwarded = self.forwarded(seq)?.map(Box::new);
        Ok(Some(line))
    }

    /// One candidacy's row.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn candidacy(&self, assessment_id: &str, candidate_id: &str) -> Result<Option<CandidateRow>> {
        let text = format!("SELECT {} FROM {CANDIDACIES} WHERE {THIS_CANDIDACY}", rows::CANDIDATE);
        let mut statement = self.connection.prepare_cached(&text)?;
        Ok(statement.query_row([assessment_id, candidate_id], rows::candidate).optional()?)
    }

    /// The number of the event with this id.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn seq_of(&self, id: &str) -> Result<Option<Seq>> {
        let mut statement = self.connection.prepare_cached(ids::FIND)?;
        Ok(statement.query_row([id], |row| row.get(0)).optional()?)
    }
}
