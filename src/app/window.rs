//! A list on screen: a window of rows read from the session, and a cursor that stays on its row.
//!
//! Only the rows on screen and about two screens around them are in memory, however long the list is. The
//! cursor is an identity, not a number: whatever arrives, it stays on its row, and that row stays on its
//! line of the screen. Only a cursor that was never moved off the first row stays with the newest.

use super::msg::Stretch;
use crate::domain::query::{Anchor, AssessmentRow, CandidateRow, EventRow, Page, Query, RiseRow, Row};
use crate::domain::time::Timestamp;

/// How long a row that just arrived or changed glows.
const GLOW_MILLIS: i64 = 2_000;

/// A row that can tell whether it changed.
pub trait Live: Row {
    /// Changes when the row does, and grows with time.
    fn pulse(&self) -> i64;
}

impl Live for AssessmentRow {
    fn pulse(&self) -> i64 {
        self.last_event_at.unwrap_or_default().millis()
    }
}

impl Live for CandidateRow {
    fn pulse(&self) -> i64 {
        self.last_event_at.unwrap_or_default().millis()
    }
}

impl Live for RiseRow {
    fn pulse(&self) -> i64 {
        self.seq
    }
}

impl Live for EventRow {
    fn pulse(&self) -> i64 {
        // Refusals stand between two events, in the order of their numbers.
        match self {
            Self::Event(line) => line.seq << 20,
            Self::Refusal(seq, refusal) => (seq << 20) + refusal.number as i64,
        }
    }
}

/// What the cursor holds on to.
#[derive(Debug, Clone, PartialEq)]
pub enum Seat<K> {
    /// The first row, whichever that is.
    First,
    /// The last row, until it is known which that is.
    Last,
    /// This row.
    At(K),
}

/// A list on screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Window<R: Row> {
    page: Page<R>,
    seat: Seat<R::Key>,
    /// The cursor's place in the list, as last known.
    index: u64,
    /// The list's place of the row on the first line of the screen.
    top: u64,
    height: u64,
    /// The question of the rows held, its clock set to zero.
    held: Option<Query>,
    asked: Option<(u64, Query)>,
    stale: bool,
    /// Where the cursor was when rows were last asked for because too few were held.
    covered: Option<(u64, u64)>,
    glow: Vec<(R::Key, Timestamp)>,
    high: i64,
    fault: Option<String>,
}

impl<R: Row> Default for Window<R> {
    fn default() -> Self {
        Self {
            page: Page::default(),
            seat: Seat::First,
            index: 0,
            top: 0,
            height: 1,
            held: None,
            asked: None,
            stale: true,
            covered: None,
            glow: Vec::new(),
            high: i64::MIN,
            fault: None,
        }
    }
}

/// A row on screen.
#[derive(Debug)]
pub struct Seen<'a, R> {
    /// What it is.
    pub row: &'a R,
    /// The cursor is on it.
    pub cursor: bool,
    /// It just arrived or changed.
    pub fresh: bool,
    /// The row before it in the list, if it is held.
    pub above: Option<&'a R>,
    /// The row after it in the list, if it is held.
    pub below: Option<&'a R>,
}

/// A query as it is compared: the clock does not make it another one.
fn timeless(query: &Query) -> Query {
    Query { now: Timestamp::default(), ..query.clone() }
}

impl<R: Live> Window<R> {
    /// Starts on a given row.
    #[must_use]
    pub fn on(key: R::Key) -> Self {
        Self { seat: Seat::At(key), ..Self::default() }
    }

    /// How many rows the list has.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.page.total
    }

    /// It has just as many.
    #[must_use]
    pub fn exact(&self) -> bool {
        self.page.exact
    }

    /// An answer has come, ever.
    #[must_use]
    pub fn known(&self) -> bool {
        self.held.is_some()
    }

    /// The rows held answer another question than the one that is asked now.
    #[must_use]
    pub fn outdated(&self) -> bool {
        let asked = self.asked.as_ref().map(|(_, query)| timeless(query));
        asked.is_some() && self.held.is_some() && asked != self.held
    }

    /// The cursor stays with the newest.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.seat == Seat::First
    }

    /// The cursor's place in the list, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many rows stand above the first one on screen.
    #[must_use]
    pub fn above(&self) -> u64 {
        self.top
    }

    /// Why the rows could not be read, if they could not.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// What is on the list now may differ from what is shown.
    pub fn expire(&mut self) {
        self.stale = true;
    }

    /// The rows on screen.
    pub fn visible(&self) -> impl Iterator<Item = Seen<'_, R>> {
        let skip = self.top.saturating_sub(self.page.before) as usize;
        let cursor = self.index.checked_sub(self.page.before).map(|at| at as usize);
        let rows = self.page.rows.iter().enumerate().skip(skip).take(self.height as usize);
        rows.map(move |(n, row)| {
            let glows = || {
                let key = row.key();
                self.glow.iter().any(|(lit, _)| *lit == key)
            };
            Seen {
                row,
                cursor: cursor == Some(n),
                fresh: !self.glow.is_empty() && glows(),
                above: n.checked_sub(1).and_then(|n| self.page.rows.get(n)),
                below: self.page.rows.get(n + 1),
            }
        })
    }

    /// The row under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&R> {
        self.page.rows.get(usize::try_from(self.index.checked_sub(self.page.before)?).ok()?)
    }

    /// The rows held, for completion and the like.
    #[must_use]
    pub fn rows(&self) -> &[R] {
        &self.page.rows
    }

    /// The row above the cursor's, if it is held.
    #[must_use]
    pub fn previous(&self) -> Option<&R> {
        let at = self.index.checked_sub(self.page.before)?.checked_sub(1)?;
        self.page.rows.get(usize::try_from(at).ok()?)
    }

    /// The screen has room for so many rows.
    pub fn fit(&mut self, height: u16) {
        self.height = u64::from(height.max(1));
        self.settle();
    }

    /// Moves the cursor by some rows, as far as rows are held; more are asked for in time.
    pub fn step(&mut self, by: i64) {
        let first = self.page.before;
        let Some(last) = (first + self.page.rows.len() as u64).checked_sub(1) else { return };
        if self.page.rows.is_empty() {
            return;
        }
        if by < 0 && self.index == 0 {
            self.seat = Seat::First;
            return;
        }
        let to = self.index.saturating_add_signed(by).clamp(first, last);
        self.take(to);
    }

    /// Moves the cursor by so many screens in halves: 1 is half a screen down, −2 a screen up.
    pub fn turn(&mut self, halves: i64) {
        let by = (self.height as i64 * halves) / 2;
        self.top = self.top.saturating_add_signed(by);
        self.step(if by == 0 { halves.signum() } else { by });
    }

    /// To the first row, to stay with it.
    pub fn first(&mut self) {
        self.seat = Seat::First;
        if self.page.before > 0 {
            self.covered = None;
            self.stale = true;
        }
        (self.index, self.top) = (self.page.before, self.page.before);
        self.settle();
    }

    /// To the last row.
    pub fn last(&mut self) {
        self.seat = Seat::Last;
        let end = self.page.before + self.page.rows.len() as u64;
        if end == self.page.total && end > 0 {
            self.take(end - 1);
        } else {
            self.stale = true;
            self.covered = None;
        }
    }

    /// Stays on the row under the cursor from now on, whatever arrives.
    pub fn pin(&mut self) {
        self.take(self.index);
    }

    /// To this row, which may not be held yet.
    pub fn go(&mut self, key: R::Key) {
        if let Some(at) = self.page.rows.iter().position(|row| row.key() == key) {
            self.take(self.page.before + at as u64);
        } else {
            self.seat = Seat::At(key);
            self.stale = true;
            self.covered = None;
        }
    }

    /// To the row on this line of the screen; false if there is none.
    pub fn click(&mut self, line: u16) -> bool {
        let at = self.top + u64::from(line);
        let held = at >= self.page.before && at < self.page.before + self.page.rows.len() as u64;
        if held && u64::from(line) < self.height {
            self.take(at);
        }
        held
    }

    fn take(&mut self, index: u64) {
        let at = index.checked_sub(self.page.before).and_then(|at| self.page.rows.get(at as usize));
        let Some(row) = at else { return };
        self.seat = Seat::At(row.key());
        self.index = index;
        self.settle();
    }

    /// Keeps the cursor on screen and the screen full.
    fn settle(&mut self) {
        let most = self.page.total.saturating_sub(self.height);
        self.top = self.top.min(self.index).max((self.index + 1).saturating_sub(self.height)).min(most);
    }

    /// The question to ask now, if rows are missing or out of date. `hold`: what is shown is not to change,
    /// so only missing rows are asked for.
    pub fn need(&mut self, query: &Query, hold: bool) -> Option<Stretch<R::Key>> {
        // An answer to another question is no longer worth waiting for.
        if self.asked.as_ref().is_some_and(|(_, asked)| *asked == timeless(query)) {
            return None;
        }
        let other = self.held.as_ref() != Some(&timeless(query));
        if other && self.held.is_some() {
            self.forget();
        }
        let moved = matches!(&self.seat, Seat::At(_)) && self.current().is_none() || self.seat == Seat::Last;
        let jump = self.seat == Seat::First && self.page.before > 0 || moved;
        if !other && !(self.stale && (!hold || jump)) && !self.short() {
            return None;
        }
        let (before, after) = (self.height * 2, self.height * 3);
        let (anchor, before, after) = match &self.seat {
            Seat::First => (Anchor::First, 0, after),
            Seat::Last => (Anchor::Last, before + self.height, 0),
            Seat::At(key) => (Anchor::At(key.clone()), before, after),
        };
        Some(Stretch { query: query.clone(), anchor, before: before as u32, after: after as u32 })
    }

    /// Another question: what is held no longer counts, but the cursor stays with its row if it can.
    fn forget(&mut self) {
        self.glow.clear();
        self.high = i64::MIN;
        self.covered = None;
    }

    /// Fewer rows are held around the screen than there are.
    fn short(&self) -> bool {
        let end = self.page.before + self.page.rows.len() as u64;
        let up = self.page.before > 0 && self.top < self.page.before + self.height;
        let down = end < self.page.total && self.top + 2 * self.height > end;
        let here = Some((self.index, self.height));
        (up || down) && self.covered != here
    }

    /// Remembers that a question is under way.
    pub fn asking(&mut self, number: u64, query: &Query) {
        self.asked = Some((number, timeless(query)));
        self.stale = false;
        self.covered = Some((self.index, self.height));
    }

    /// Takes an answer in. False if it is not the one that is waited for.
    pub fn answer(&mut self, number: u64, page: Result<Page<R>, String>, now: Timestamp) -> bool {
        let Some((_, query)) = self.asked.take_if(|(asked, _)| *asked == number) else { return false };
        if page.as_ref().is_ok_and(|page| !page.exact) {
            // A glimpse: the whole answer follows.
            self.asked = Some((number, query.clone()));
        }
        match page {
            Ok(page) => {
                self.fault = None;
                let same = self.held.as_ref() == Some(&query);
                if same {
                    self.light(&page, now);
                }
                // Another list that the row is not in is read from its beginning.
                let lost =
                    matches!(&self.seat, Seat::At(key) if !page.rows.iter().any(|row| row.key() == *key));
                let again = self.held.is_some() && !same && lost;
                self.held = Some(query);
                self.replace(page);
                if again {
                    self.first();
                }
            }
            Err(why) => {
                self.fault = Some(why);
                self.held = Some(query);
            }
        }
        true
    }

    fn replace(&mut self, page: Page<R>) {
        let line = self.index.saturating_sub(self.top);
        self.page = page;
        let count = self.page.rows.len() as u64;
        let first = self.page.before;
        // An answer that was on its way when the cursor was sent to an end may lie elsewhere: it is asked again.
        let elsewhere = match &self.seat {
            Seat::First => first > 0,
            Seat::Last => first + count < self.page.total,
            Seat::At(_) => false,
        };
        self.stale |= elsewhere;
        let found = match &self.seat {
            Seat::First => Some(first),
            Seat::Last if elsewhere => Some(self.index),
            Seat::Last => (first + count).checked_sub(1),
            Seat::At(key) => {
                self.page.rows.iter().position(|row| row.key() == *key).map(|at| first + at as u64)
            }
        };
        self.high = self.page.rows.iter().map(Live::pulse).fold(self.high, i64::max);
        // A row that left the list (its status changed, say) hands the cursor to the one now in its place.
        let index = found.unwrap_or(self.index).clamp(first, (first + count).max(first + 1) - 1);
        self.index = index;
        self.top = index.saturating_sub(line);
        let lost = found.is_none() || self.seat == Seat::Last && !elsewhere;
        if let (true, Some(row)) = (lost, self.current()) {
            self.seat = Seat::At(row.key());
        } else if count == 0 {
            self.seat = Seat::First;
        }
        self.settle();
    }

    /// Lets the rows glow that are new or have changed since the last answer.
    fn light(&mut self, page: &Page<R>, now: Timestamp) {
        if self.high == i64::MIN {
            return;
        }
        let held: Vec<_> = self.page.rows.iter().map(|row| (row.key(), row.pulse())).collect();
        for row in &page.rows {
            let (key, pulse) = (row.key(), row.pulse());
            let before = held.iter().find(|(held, _)| *held == key);
            if before.map_or(pulse > self.high, |(_, before)| *before != pulse) {
                self.glow.retain(|(lit, _)| *lit != key);
                self.glow.push((key, now));
            }
        }
    }

    /// Lets what has glowed long enough go out.
    pub fn tick(&mut self, now: Timestamp) {
        self.glow.retain(|(_, since)| now.since(*since) < GLOW_MILLIS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::query::AssessmentRow;

    fn page(before: u64, count: u64) -> Page<AssessmentRow> {
        let row = |n: u64| AssessmentRow { id: n.to_string(), ..AssessmentRow::default() };
        Page { rows: (before..before + count).map(row).collect(), before, total: 100, exact: true }
    }

    #[test]
    fn a_jump_to_an_end_outlives_an_answer_that_was_on_its_way() {
        let (query, now) = (Query::default(), Timestamp::default());
        let mut window = Window::default();
        window.fit(10);
        let mut number = 0;
        let mut ask = |window: &mut Window<AssessmentRow>| {
            let asked = window.need(&query, true).map(|stretch| stretch.anchor);
            number += 1;
            window.asking(number, &query);
            (number, asked)
        };
        let (first, _) = ask(&mut window);
        assert!(window.answer(first, Ok(page(0, 30)), now));
        window.expire();
        let (again, _) = ask(&mut window);
        window.last();
        assert!(window.answer(again, Ok(page(0, 30)), now));
        let (end, asked) = ask(&mut window);
        assert_eq!(asked, Some(Anchor::Last));
        window.expire();
        assert!(window.answer(end, Ok(page(70, 30)), now));
        assert_eq!((window.index(), window.follows()), (99, false));

        let (back, _) = ask(&mut window);
        window.first();
        assert!(window.answer(back, Ok(page(70, 30)), now));
        let (beginning, asked) = ask(&mut window);
        assert_eq!(asked, Some(Anchor::First));
        assert!(window.answer(beginning, Ok(page(0, 30)), now));
        assert_eq!((window.index(), window.follows()), (0, true));
        assert!(window.need(&query, true).is_none(), "nothing is missing");
    }
}
