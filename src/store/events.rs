//! Lists of events: the refusals that came while they did stand among them.

use super::StoreError;
use super::list::{EVENTS, Ways, list};
use super::reader::Reader;
use super::rows;
use super::sql::Rows;
use crate::domain::delivery::Seq;
use crate::domain::query::{Anchor, EventKey, EventLine, EventRow, Page, Query, Row, Scope, Sort};
use crate::domain::refusal::Refusal;

type Result<T> = std::result::Result<T, StoreError>;

impl Reader {
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
            Anchor::Glimpse => Anchor::Glimpse,
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
            line.forwarded = self.forwarded(line.seq)?.map(Box::new);
        }
        let chosen =
            |refusal: &Refusal| query.filters.iter().all(|filter| filter.matches_refusal(refusal, query.now));
        let asked = (before as usize, after as usize);
        if !by_arrival {
            // In the sender's time, to which the keys say nothing.
            return Ok(cut(plain(page), anchor, asked, |key, row| key == row));
        }
        let mut among: Vec<&(Seq, Refusal)> = Vec::new();
        if query.scope == Scope::Session {
            among.extend(refusals.iter().filter(|(_, refusal)| chosen(refusal)));
        }
        let descending = query.sort != Sort::Oldest;
        let page = interleave(page, &among, descending);
        Ok(cut(page, anchor, asked, |key, row| if descending { key >= row } else { key <= row }))
    }

    /// The nearest event of a list that comes after a row of it (or before), and is marked, or a problem: it
    /// brought a rise, is unrecognised, was repeated with another body or could not be passed on. Refusals are problems too.
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
        let wanted = if marked {
            "e.marked"
        } else {
            "(e.kind IS NULL OR e.conflicts > 0 OR e.seq IN (SELECT seq FROM rise)
             OR e.seq IN (SELECT seq FROM forward WHERE state = 2))"
        };
        let mut ways = Ways::of(Rows::Events, query);
        ways.walk.also(wanted, []);
        ways.gather.also(wanted, []);
        let place = match from {
            Some(key) => self.place(&list, "e.seq = ?", vec![key.seq.into()])?,
            None => None,
        };
        // Looking upwards in the list from a refusal finds the events after it; downwards its own event too.
        let including = from.is_some_and(|key| key.refusal > 0) && down == list.descending;
        let beside = place.as_deref().map(|place| (place, including));
        let found = self.run(&list, &ways, down, beside, 1, rows::event)?;
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

    /// Events from a number on, in order of arrival.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn since(&self, after: Seq, limit: u32) -> Result<Vec<EventLine>> {
        self.at_one_moment(|| {
            let text =
                format!("SELECT {} FROM {EVENTS} WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2", rows::EVENT);
            let mut statement = self.connection.prepare_cached(&text)?;
            let mut lines =
                statement.query_map((after, limit), rows::event)?.collect::<rusqlite::Result<Vec<_>>>()?;
            if let Some(last) = lines.last().map(|line| line.seq) {
                // One walk for all of them: many bring none, and asking for each costs more than the events.
                let mut statement = self.connection.prepare_cached(rows::RISES_AFTER)?;
                let mut rises = statement.query((after, last))?;
                while let Some(row) = rises.next()? {
                    let seq: Seq = row.get(0)?;
                    let at = lines.binary_search_by_key(&seq, |line| line.seq);
                    if let Some(line) = at.ok().and_then(|at| lines.get_mut(at)) {
                        line.rises.push(rows::rise_of(row, 1)?);
                    }
                }
            }
            Ok(lines)
        })
    }
}

/// Puts refusals among the events of a page, which is in the order of their keys.
fn interleave(page: Page<EventLine>, refusals: &[&(Seq, Refusal)], descending: bool) -> Page<EventRow> {
    let start = page.before == 0;
    let end = page.exact && page.before + page.rows.len() as u64 >= page.total;
    let mut page = plain(page);
    let in_order = |a: &EventKey, b: &EventKey| if descending { a >= b } else { a <= b };
    let (first, last) = (page.rows.first().map(Row::key), page.rows.last().map(Row::key));
    for (seq, refusal) in refusals {
        let key = EventKey { seq: *seq, refusal: refusal.number };
        let after_first = start || first.is_some_and(|first| in_order(&first, &key));
        let before_last = end || last.is_some_and(|last| in_order(&key, &last));
        if !after_first {
            page.before += 1;
        } else if before_last {
            page.rows.push(EventRow::Refusal(*seq, Box::new(refusal.clone())));
        }
    }
    page.rows.sort_by(|a, b| if descending { b.key().cmp(&a.key()) } else { a.key().cmp(&b.key()) });
    page.total += refusals.len() as u64;
    page
}

/// The same rows, among which no refusal stands.
fn plain(page: Page<EventLine>) -> Page<EventRow> {
    let rows = page.rows.into_iter().map(|line| EventRow::Event(Box::new(line))).collect();
    Page { rows, before: page.before, total: page.total, exact: page.exact }
}

/// Cuts a page to what was asked; the row it lies around is `found` by its key.
fn cut(
    mut page: Page<EventRow>,
    anchor: &Anchor<EventKey>,
    (before, after): (usize, usize),
    found: impl Fn(&EventKey, &EventKey) -> bool,
) -> Page<EventRow> {
    let count = page.rows.len();
    let (from, until) = match anchor {
        Anchor::First | Anchor::Glimpse => (0, before + after),
        Anchor::Last => (count.saturating_sub(before + after), count),
        Anchor::At(key) => {
            let at = page.rows.iter().position(|row| found(key, &row.key())).unwrap_or(count);
            (at.saturating_sub(before), at + after)
        }
    };
    page.rows.truncate(until);
    page.rows.drain(..from.min(until).min(count));
    page.before += from as u64;
    page
}
