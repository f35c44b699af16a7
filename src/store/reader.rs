//! Answering questions: pages of lists by keyset, single events, assessments in depth.
//!
//! A page is found by the sort key of the row it lies around, never by counting rows off, so that the end of
//! a long list costs as much as its beginning.

use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, InterruptHandle, OptionalExtension, Row as SqlRow, params_from_iter};

use super::codec::Unpacker;
use super::list::{CANDIDACIES, EVENTS, List, condition, list};
use super::rows;
use super::sql::{Condition, Rows};
use super::{StoreError, journal, projector, session};
use crate::domain::delivery::Seq;
use crate::domain::proctoring::ViolationKind;
use crate::domain::query::{
    Anchor, AssessmentRow, CandidateRow, EventDetail, EventKey, EventLine, EventRow, Page, Query, RiseRow,
    Row, Scope, Sort, Sums,
};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

type Result<T> = std::result::Result<T, StoreError>;

/// Reads a session. Each thread needs its own.
pub struct Reader {
    pub(super) connection: Connection,
    /// How it was connected, and to what: for a twin.
    connect: (fn(&Path) -> Result<Connection>, PathBuf),
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
enum Place {
    First,
    Last,
    /// A place, and whether there is a row right there.
    At(Vec<Value>),
}

impl Reader {
    /// Opens a saved session; nothing is written, not even beside it.
    ///
    /// # Errors
    /// If the file is no session, is damaged or newer.
    pub fn open(path: &Path) -> Result<Self> {
        Self::connected(session::open_reader, path)
    }

    /// Another reader of the session that this process writes.
    ///
    /// # Errors
    /// If SQLite cannot open it.
    pub fn of(journal: &journal::Journal) -> Result<Self> {
        Self::connected(session::connect_reader, journal.path())
    }

    fn connected(connect: fn(&Path) -> Result<Connection>, path: &Path) -> Result<Self> {
        let connection = connect(path)?;
        Ok(Self { connection, connect: (connect, path.to_path_buf()), unpacker: Unpacker::default() })
    }

    /// Another reader of the same session, for another thread.
    pub(super) fn twin(&self) -> Result<Self> {
        Self::connected(self.connect.0, &self.connect.1)
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
        Ok(projector::read_sums(&self.connection)?)
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
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        let answer = read();
        let ended = self.connection.prepare_cached("COMMIT")?.execute([]);
        let answer = answer?;
        ended?;
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
        let find = |key: &(String, String)| {
            ("a.id = ? AND c.candidate_id = ?", vec![key.0.clone().into(), key.1.clone().into()], None)
        };
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

    /// A page of events, with the refusals among them that came while they did. Refusals stand only in lists
    /// of the whole session.
    ///
    /// # Errors
    /// If the file cannot be read, or a newer question came.
    pub fn events(
        &self,
        query: &Query,
        anchor: &Anchor<EventKey>,
        before: u32,
        after: u32,
        refusals: &[(Seq, Refusal)],
    ) -> Result<Page<EventRow>> {
        let by_arrival = !matches!(query.scope, Scope::Candidacy(..));
        let events_anchor = match anchor {
            Anchor::First => Anchor::First,
            Anchor::Last => Anchor::Last,
            // A refusal stands after its event: downwards that is before it, so the event stays in the page.
            Anchor::At(key) => Anchor::At(key.seq),
        };
        let find = |seq: &Seq| ("e.seq = ?", vec![(*seq).into()], by_arrival.then(|| vec![(*seq).into()]));
        let mut page =
            self.page(Rows::Events, query, &events_anchor, find, (before + 1, after + 1), rows::event)?;
        let mut rises = self.connection.prepare_cached(rows::RISES_OF)?;
        for line in &mut page.rows {
            line.rises = rows::rises_of(&mut rises, line.seq)?;
        }
        let chosen =
            |refusal: &Refusal| query.filters.iter().all(|filter| filter.matches_refusal(refusal, query.now));
        let mut among: Vec<&(Seq, Refusal)> = Vec::new();
        if query.scope == Scope::Session {
            among.extend(refusals.iter().filter(|(_, refusal)| chosen(refusal)));
        }
        Ok(interleave(page, &among, anchor, before as usize, after as usize, query.sort != Sort::Oldest))
    }

    fn page<R, K>(
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
            let condition = condition(rows, query);
            let place = match anchor {
                Anchor::First => Place::First,
                Anchor::Last => Place::Last,
                Anchor::At(key) => {
                    let (test, values, otherwise) = find(key);
                    let found = self.place(&list, test, values)?.or(otherwise);
                    found.map_or(Place::First, Place::At)
                }
            };
            let total = || self.count(rows, query, &list, &condition, None);
            // Counting is what costs under a filter, so it is done only where the rows do not tell.
            let ends = |page: &[R], limit: u32| page.len() < limit as usize;
            let mut page = Page::default();
            match place {
                Place::First => {
                    page.rows = self.run(&list, &condition, true, None, before + after, &read)?;
                    page.total =
                        if ends(&page.rows, before + after) { page.rows.len() as u64 } else { total()? };
                }
                Place::Last => {
                    page.rows = self.run(&list, &condition, false, None, before + after, &read)?;
                    page.rows.reverse();
                    page.total =
                        if ends(&page.rows, before + after) { page.rows.len() as u64 } else { total()? };
                    page.before = page.total - page.rows.len() as u64;
                }
                Place::At(at) => {
                    page.rows = self.run(&list, &condition, false, Some((&at, false)), before, &read)?;
                    page.rows.reverse();
                    if !ends(&page.rows, before) {
                        let earlier = self.count(rows, query, &list, &condition, Some(&at))?;
                        page.before = earlier.saturating_sub(page.rows.len() as u64);
                    }
                    let later = self.run(&list, &condition, true, Some((&at, true)), after, &read)?;
                    let ended = ends(&later, after);
                    page.rows.extend(later);
                    page.total = if ended { page.before + page.rows.len() as u64 } else { total()? };
                }
            }
            Ok(page)
        })
    }

    /// The sort key of the row that a test finds.
    fn place(&self, list: &List, test: &str, values: Vec<Value>) -> Result<Option<Vec<Value>>> {
        let text = format!("SELECT {} FROM {} WHERE {test}", list.order.join(", "), list.from);
        let mut statement = self.connection.prepare_cached(&text)?;
        let width = list.order.len();
        let key =
            statement.query_row(params_from_iter(values), |row| (0..width).map(|n| row.get(n)).collect());
        Ok(key.optional()?)
    }

    fn run<R>(
        &self,
        list: &List,
        condition: &Condition,
        forwards: bool,
        beside: Option<(&[Value], bool)>,
        limit: u32,
        read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<R>,
    ) -> Result<Vec<R>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut whole = Condition { text: condition.text.clone(), values: condition.values.clone() };
        if let Some((key, including)) = beside {
            whole.also(&list.beside(forwards, including), key.iter().cloned());
        }
        let text = format!(
            "SELECT {} FROM {} {} ORDER BY {} LIMIT {limit}",
            list.columns,
            list.from,
            whole.clause(),
            list.sorted(forwards)
        );
        let mut statement = self.connection.prepare_cached(&text)?;
        let found = statement.query_map(params_from_iter(whole.values), read)?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// How many rows the list has, or how many stand before a place in it.
    fn count(
        &self,
        rows: Rows,
        query: &Query,
        list: &List,
        condition: &Condition,
        before: Option<&[Value]>,
    ) -> Result<u64> {
        let whole_session = condition.text.is_empty();
        if whole_session {
            let sums = self.sums()?;
            match (rows, before) {
                (Rows::Assessments, None) => return Ok(sums.assessments),
                (Rows::Candidacies, None) => return Ok(sums.candidates),
                (Rows::Rises, None) => return Ok(sums.rises),
                (Rows::Events, None) => return Ok(sums.events),
                // Events are numbered without gaps: no need to count.
                (Rows::Events, Some([Value::Integer(seq)])) => {
                    let seq = (*seq).clamp(0, sums.events as i64 + 1) as u64;
                    return Ok(if query.sort == Sort::Oldest {
                        seq.saturating_sub(1)
                    } else {
                        sums.events.saturating_sub(seq)
                    });
                }
                _ => {}
            }
        }
        let mut whole = Condition { text: condition.text.clone(), values: condition.values.clone() };
        if let Some(key) = before {
            whole.also(&list.beside(false, false), key.iter().cloned());
        }
        let from = match rows {
            Rows::Candidacies if !whole.text.contains("a.") => "candidacy c",
            Rows::Rises if whole_session => "rise r",
            Rows::Events => "event e",
            _ => list.from,
        };
        let text = format!("SELECT count(*) FROM {from} {}", whole.clause());
        let mut statement = self.connection.prepare_cached(&text)?;
        Ok(statement.query_row(params_from_iter(whole.values), |row| row.get(0))?)
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
        Ok(Some(line))
    }

    /// One candidacy's row.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn candidacy(&self, assessment_id: &str, candidate_id: &str) -> Result<Option<CandidateRow>> {
        let text =
            format!("SELECT {} FROM {CANDIDACIES} WHERE a.id = ?1 AND c.candidate_id = ?2", rows::CANDIDATE);
        let mut statement = self.connection.prepare_cached(&text)?;
        Ok(statement.query_row([assessment_id, candidate_id], rows::candidate).optional()?)
    }

    /// The nearest event of a list that comes after a row of it (or before), and is marked, or a problem: it
    /// brought a rise, is unrecognised or was repeated with another body. Refusals are problems too.
    ///
    /// # Errors
    /// If the file cannot be read, or a newer question came.
    pub fn next(
        &self,
        query: &Query,
        from: Option<EventKey>,
        down: bool,
        marked: bool,
        refusals: &[(Seq, Refusal)],
    ) -> Result<Option<EventKey>> {
        let list = list(Rows::Events, query);
        let mut condition = condition(Rows::Events, query);
        condition.also(
            if marked {
                "e.marked"
            } else {
                "(e.kind IS NULL OR e.conflicts > 0 OR e.seq IN (SELECT seq FROM rise))"
            },
            [],
        );
        let place = match from {
            Some(key) => self.place(&list, "e.seq = ?", vec![key.seq.into()])?,
            None => None,
        };
        // Looking upwards in the list from a refusal finds the events after it; downwards its own event too.
        let including = from.is_some_and(|key| key.refusal > 0) && down == list.descending;
        let beside = place.as_deref().map(|place| (place, including));
        let found = self.run(&list, &condition, down, beside, 1, rows::event)?;
        let event = found.first().map(|line| EventKey { seq: line.seq, refusal: 0 });
        if marked || query.scope != Scope::Session {
            return Ok(event);
        }
        let chosen =
            |refusal: &Refusal| query.filters.iter().all(|filter| filter.matches_refusal(refusal, query.now));
        let keys = refusals
            .iter()
            .filter(|(_, refusal)| chosen(refusal))
            .map(|(seq, refusal)| EventKey { seq: *seq, refusal: refusal.number });
        let later = down != list.descending;
        let keys = keys.filter(|key| from.is_none_or(|from| if later { *key > from } else { *key < from }));
        Ok(if later { keys.chain(event).min() } else { keys.chain(event).max() })
    }

    /// The number of the event with this id.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn seq_of(&self, id: &str) -> Result<Option<Seq>> {
        let mut statement = self.connection.prepare_cached("SELECT seq FROM event WHERE id = ?1")?;
        Ok(statement.query_row([id], |row| row.get(0)).optional()?)
    }

    /// Events from a number on, in order of arrival.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn since(&self, after: Seq, limit: u32) -> Result<Vec<EventLine>> {
        let query = Query { sort: Sort::Oldest, ..Query::default() };
        let page =
            self.events(&query, &Anchor::At(EventKey { seq: after + 1, refusal: 0 }), 0, limit, &[])?;
        let lines = page.rows.into_iter().filter_map(|row| match row {
            EventRow::Event(line) if line.seq > after => Some(*line),
            _ => None,
        });
        Ok(lines.collect())
    }
}

/// Puts refusals among the events of a page and cuts it to what was asked.
fn interleave(
    page: Page<EventLine>,
    refusals: &[&(Seq, Refusal)],
    anchor: &Anchor<EventKey>,
    before: usize,
    after: usize,
    descending: bool,
) -> Page<EventRow> {
    let (start, end) = (page.before == 0, page.before + page.rows.len() as u64 >= page.total);
    let mut rows: Vec<EventRow> = page.rows.into_iter().map(|line| EventRow::Event(Box::new(line))).collect();
    let in_order = |a: &EventKey, b: &EventKey| if descending { a >= b } else { a <= b };
    let (first, last) = (rows.first().map(Row::key), rows.last().map(Row::key));
    let mut earlier = 0;
    for (seq, refusal) in refusals {
        let key = EventKey { seq: *seq, refusal: refusal.number };
        let after_first = start || first.is_some_and(|first| in_order(&first, &key));
        let before_last = end || last.is_some_and(|last| in_order(&key, &last));
        if !after_first {
            earlier += 1;
        } else if before_last {
            rows.push(EventRow::Refusal(*seq, Box::new(refusal.clone())));
        }
    }
    rows.sort_by(|a, b| if descending { b.key().cmp(&a.key()) } else { a.key().cmp(&b.key()) });
    let total = page.total + refusals.len() as u64;
    let whole = before + after;
    let from = match anchor {
        Anchor::First => 0,
        Anchor::Last => rows.len().saturating_sub(whole),
        Anchor::At(key) => {
            let at = rows.iter().position(|row| in_order(key, &row.key())).unwrap_or(rows.len());
            at.saturating_sub(before)
        }
    };
    let until = match anchor {
        Anchor::At(key) => {
            let at = rows.iter().position(|row| in_order(key, &row.key())).unwrap_or(rows.len());
            at + after
        }
        _ => from + whole,
    };
    let kept: Vec<_> = rows.into_iter().take(until).skip(from).collect();
    Page { rows: kept, before: page.before + earlier + from as u64, total }
}
