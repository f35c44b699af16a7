//! Candidacies by name. No index has that order, as how case is folded may change with the years: one pass over
//! the names finds a page, and how many stand before it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::types::Value;
use rusqlite::{Row as SqlRow, params_from_iter};

use super::StoreError;
use super::list::List;
use super::reader::{Place, Reader};
use super::sql::Condition;
use crate::domain::filter::fold_case;
use crate::domain::query::Page;

/// After every name: who has none.
const NAMELESS: &str = "\u{10ffff}";

/// Where a candidacy stands: its name, folded, and its number.
type Spot = (String, i64);

impl Reader {
    /// A page of the candidacies that a condition chooses, in the order of their names.
    pub(super) fn by_name<R>(
        &self,
        list: &List,
        condition: &Condition,
        place: Place,
        (before, after): (usize, usize),
        read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<R>,
    ) -> Result<Page<R>, StoreError> {
        let mut around = match place {
            Place::First => Around::new(None, 0, before + after),
            Place::Last => Around::new(None, before + after, 0),
            Place::At(key) => Around::new(spot(key), before, after),
        };
        let text = format!("SELECT c.n, c.name FROM candidacy c {}", condition.clause());
        let mut statement = self.connection.prepare_cached(&text)?;
        let mut found = statement.query(params_from_iter(&condition.values))?;
        let mut folded = String::new();
        while let Some(row) = found.next()? {
            let name = row.get_ref(1)?.as_str_or_null().unwrap_or_default();
            fold_into(&mut folded, name.unwrap_or(NAMELESS));
            around.take(&folded, row.get(0)?);
        }
        let (earlier, total) = (around.earlier, around.total);
        let (numbers, held) = around.finish();
        let text = format!("SELECT {} FROM {} WHERE c.n = ?1", list.columns, list.from);
        let mut statement = self.connection.prepare_cached(&text)?;
        let rows = numbers.into_iter().map(|n| statement.query_row([n], &read));
        let rows = rows.collect::<rusqlite::Result<_>>()?;
        Ok(Page { rows, before: earlier - held, total, exact: true })
    }
}

fn spot(key: Vec<Value>) -> Option<Spot> {
    match <[Value; 2]>::try_from(key) {
        Ok([Value::Text(name), Value::Integer(n)]) => Some((name, n)),
        _ => None,
    }
}

/// Folds a name as [`fold_case`] does; most are plain, and there are many.
fn fold_into(folded: &mut String, name: &str) {
    folded.clear();
    if name.is_ascii() {
        folded.push_str(name);
        folded.make_ascii_lowercase();
    } else {
        folded.push_str(&fold_case(name));
    }
}

/// The spots nearest to one, on both sides of it.
struct Around {
    /// `None`: beyond all, on the side where none are wanted.
    at: Option<Spot>,
    wanted: (usize, usize),
    before: BinaryHeap<Reverse<Spot>>,
    after: BinaryHeap<Spot>,
    earlier: u64,
    total: u64,
}

impl Around {
    fn new(at: Option<Spot>, before: usize, after: usize) -> Self {
        let (left, right) = (BinaryHeap::new(), BinaryHeap::new());
        Self { at, wanted: (before, after), before: left, after: right, earlier: 0, total: 0 }
    }

    fn take(&mut self, name: &str, n: i64) {
        let beside = |(other, m): &Spot| (name, n).cmp(&(other.as_str(), *m));
        self.total += 1;
        let is_before = self.at.as_ref().map_or(self.wanted.1 == 0, |at| beside(at).is_lt());
        if is_before {
            self.earlier += 1;
            let full = self.before.len() == self.wanted.0;
            if !full || self.before.peek().is_some_and(|Reverse(least)| beside(least).is_gt()) {
                self.before.push(Reverse((name.to_owned(), n)));
                if full {
                    self.before.pop();
                }
            }
        } else {
            let full = self.after.len() == self.wanted.1;
            if !full || self.after.peek().is_some_and(|most| beside(most).is_lt()) {
                self.after.push((name.to_owned(), n));
                if full {
                    self.after.pop();
                }
            }
        }
    }

    /// The numbers in order, and how many of them stand before the place.
    fn finish(self) -> (Vec<i64>, u64) {
        let before = self.before.into_sorted_vec();
        let held = before.len() as u64;
        let numbers = before.into_iter().rev().map(|Reverse((_, n))| n);
        (numbers.chain(self.after.into_sorted_vec().into_iter().map(|(_, n)| n)).collect(), held)
    }
}
