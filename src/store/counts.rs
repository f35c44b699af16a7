//! How many rows a list has, and how many stand before a place in it: counted once, and from there step by step
//! as long as nothing is written.

use std::sync::{Mutex, PoisonError};

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::list::{List, Ways};
use super::reader::Reader;
use super::sql::{Condition, Rows};
use super::{StoreError, tally};
use crate::domain::filter::Filter;
use crate::domain::query::{Query, Scope, Sort};

type Result<T> = std::result::Result<T, StoreError>;

/// Lists of which it is held what was counted: those of a screen.
const LISTS: usize = 8;

/// What was counted of the lists that were asked for last, the latest first.
#[derive(Default)]
pub(super) struct Counted(Mutex<Vec<Counts>>);

struct Counts {
    /// What the list chooses, and its order.
    of: (String, Vec<Value>),
    /// The state of the file.
    version: i64,
    total: Option<u64>,
    /// A place, and how many rows stand before it: at first the beginning.
    place: Option<Vec<Value>>,
    earlier: u64,
}

impl Reader {
    /// How many rows the list has.
    pub(super) fn total(&self, rows: Rows, query: &Query, list: &List, ways: &Ways) -> Result<u64> {
        if ways.gather.text.is_empty() {
            let sums = self.sums()?;
            return Ok(match rows {
                Rows::Assessments => sums.assessments,
                Rows::Candidacies => sums.candidates,
                Rows::Rises => sums.rises,
                Rows::Events => sums.events,
            });
        }
        if tally::is_kept(rows, query) {
            return self.tally(query);
        }
        let mut counts = self.counts(list, ways)?;
        if let Some(total) = counts.total {
            self.keep(counts);
            return Ok(total);
        }
        let total = match negated(rows, query) {
            Some(others) => {
                let others = Ways::of(rows, &others);
                self.sums()?.events.saturating_sub(self.count(list, &others.gather)?)
            }
            None => self.count(list, &ways.gather)?,
        };
        counts.total = Some(total);
        self.keep(counts);
        Ok(total)
    }

    /// How many rows of the list stand before a place.
    pub(super) fn earlier(
        &self,
        rows: Rows,
        query: &Query,
        list: &List,
        ways: &Ways,
        at: &[Value],
    ) -> Result<u64> {
        if let (Rows::Events, true, [Value::Integer(seq)]) = (rows, ways.gather.text.is_empty(), at) {
            let events = self.sums()?.events;
            let older = self.older(*seq, events)?;
            let there =
                || self.connection.prepare_cached("SELECT 1 FROM event WHERE seq = ?1")?.exists([seq]);
            return Ok(match query.sort {
                Sort::Oldest => older,
                _ => events.saturating_sub(older + u64::from(there()?)),
            });
        }
        let mut counts = self.counts(list, ways)?;
        let near = self.patience.limit(|| {
            let known = counts.place.as_deref();
            let after = self.between(list, ways, known, Some(at))?;
            let before = if known.is_some() { self.between(list, ways, Some(at), known)? } else { 0 };
            Ok::<_, StoreError>((counts.earlier + after).saturating_sub(before))
        })?;
        let earlier = match near {
            Some(earlier) => earlier,
            None => {
                let mut before = ways.gather.clone();
                before.also(&list.beside(false, false), at.iter().cloned());
                self.count(list, &before)?
            }
        };
        counts.place = Some(at.to_vec());
        counts.earlier = earlier;
        self.keep(counts);
        Ok(earlier)
    }

    /// What is known of a list, to be kept again; to be asked while reading at one moment.
    fn counts(&self, list: &List, ways: &Ways) -> Result<Counts> {
        let mut version = self.connection.prepare_cached("PRAGMA data_version")?;
        let version: i64 = version.query_row([], |row| row.get(0))?;
        let of = (list.count(&ways.gather) + &list.sorted(true, ""), ways.gather.values.clone());
        let mut held = self.counted.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|counts| counts.version == version);
        let known = held.iter().position(|counts| counts.of == of).map(|at| held.remove(at));
        Ok(known.unwrap_or(Counts { of, version, total: None, place: None, earlier: 0 }))
    }

    fn keep(&self, counts: Counts) {
        let mut held = self.counted.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(0, counts);
        held.truncate(LISTS);
    }

    /// How many rows stand between two places, the first one's own included, by walking over them.
    fn between(
        &self,
        list: &List,
        ways: &Ways,
        from: Option<&[Value]>,
        until: Option<&[Value]>,
    ) -> Result<u64> {
        let mut walk = ways.walk.clone();
        let ends = [(from, list.beside(true, true)), (until, list.beside(false, false))];
        for (place, test) in ends {
            if let Some(place) = place {
                walk.also(&test, place.iter().cloned());
            }
        }
        let text = format!("SELECT count(*) FROM {} {}", list.from, walk.clause());
        let mut statement = self.connection.prepare_cached(&text)?;
        Ok(statement.query_row(params_from_iter(walk.values), |row| row.get(0))?)
    }

    fn count(&self, list: &List, condition: &Condition) -> Result<u64> {
        let mut statement = self.connection.prepare_cached(&list.count(condition))?;
        Ok(statement.query_row(params_from_iter(&condition.values), |row| row.get(0))?)
    }
}

/// The question for all other events of the session: often those are fewer.
fn negated(rows: Rows, query: &Query) -> Option<Query> {
    let [filter] = query.filters.as_slice() else { return None };
    let filter = match filter {
        Filter::All(parts) if parts.len() == 1 => parts.first()?,
        filter => filter,
    };
    let Filter::Not(others) = filter else { return None };
    (rows == Rows::Events && query.scope == Scope::Session)
        .then(|| Query { filters: vec![(**others).clone()], ..query.clone() })
}
