//! Searching whole bodies: the session in stretches, on every core, the first match of the list's order wins.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use memchr::memmem::Finder;

use super::reader::Reader;
use super::{StoreError, projector};
use crate::domain::delivery::Seq;
use crate::domain::query::{Anchor, EventKey, EventRow, Hunt, Query, Row, Scope, Sort};

/// Events in the first stretch, so that a match nearby shows at once, and in the longest.
const STRETCH: (i64, i64) = (64, 4096);
/// Threads at most: beyond, reading is what takes the time.
const THREADS: usize = 4;
/// Rows of a short list read at once.
const PAGE: u32 = 256;

/// Events of neighbouring numbers, and whether they are read upwards.
type Stretch = (Seq, Seq);

/// Told how far the search is, of a hundred; false ends it.
pub type Tell<'a> = &'a (dyn Fn(u8) -> bool + Sync);

impl Reader {
    /// The next event of a list whose body holds a text; `None` if there is none or `tell` ended it.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn hunt(&self, hunt: &Hunt, tell: Tell<'_>) -> Result<Option<EventKey>, StoreError> {
        let lower = hunt.text.to_ascii_lowercase();
        let needle = Finder::new(&lower);
        match hunt.query.scope {
            Scope::Session => self.hunt_by_number(hunt, &needle, tell),
            _ => self.hunt_by_row(hunt, &needle, tell),
        }
    }

    /// In a list in the order of arrival: by number, on every core.
    fn hunt_by_number(
        &self,
        hunt: &Hunt,
        needle: &Finder<'_>,
        tell: Tell<'_>,
    ) -> Result<Option<EventKey>, StoreError> {
        let newest = projector::read_newest(&self.connection)?;
        let upwards = (hunt.query.sort == Sort::Oldest) == hunt.down;
        let stretches = stretches(newest, hunt.from.map(|key| key.seq), upwards);
        let (next, best, stop) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX), AtomicBool::new(false));
        let found: Mutex<Option<(usize, Seq)>> = Mutex::default();
        let search = |reader: &Self| -> Result<(), StoreError> {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(stretch) = stretches.get(at).filter(|_| at < best.load(Ordering::Relaxed)) else {
                    return Ok(());
                };
                if stop.load(Ordering::Relaxed) || !tell((at * 100 / stretches.len()) as u8) {
                    stop.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                if let Some(seq) = reader.first_in(*stretch, upwards, needle, &hunt.query)? {
                    best.fetch_min(at, Ordering::Relaxed);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    if found.is_none_or(|(held, _)| at < held) {
                        *found = Some((at, seq));
                    }
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        let twins = (1..threads.min(stretches.len())).map(|_| self.twin()).collect::<Result<Vec<_>, _>>()?;
        std::thread::scope(|scope| {
            let search = &search;
            let others: Vec<_> = twins.into_iter().map(|twin| scope.spawn(move || search(&twin))).collect();
            let mut ended = search(self);
            for other in others {
                // A thread that panicked has found nothing; the others have looked at the rest.
                ended = ended.and(other.join().unwrap_or(Ok(())));
            }
            ended
        })?;
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(found.map(|(_, seq)| EventKey { seq, refusal: 0 }))
    }

    /// The first event of a stretch whose body matches and that the list shows.
    fn first_in(
        &self,
        (low, high): Stretch,
        upwards: bool,
        needle: &Finder<'_>,
        query: &Query,
    ) -> Result<Option<Seq>, StoreError> {
        let order = if upwards { "ASC" } else { "DESC" };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT seq, coding, length, data FROM body WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq {order}"
        ))?;
        let mut rows = statement.query([low, high])?;
        let mut buffer = Vec::new();
        while let Some(row) = rows.next()? {
            let body = self.unpacker.body_in(&self.connection, row, 1, &mut buffer)?;
            // Lowering the body in place costs less than any search that has to look for both cases.
            body.make_ascii_lowercase();
            if needle.find(body).is_some() {
                let seq = row.get(0)?;
                if query.filters.is_empty() || self.shows(query, seq)? {
                    return Ok(Some(seq));
                }
            }
        }
        Ok(None)
    }

    /// Whether a list shows an event.
    fn shows(&self, query: &Query, seq: Seq) -> Result<bool, StoreError> {
        let key = EventKey { seq, refusal: 0 };
        let page = self.events(query, &Anchor::At(key), 0, 1, &[])?;
        Ok(page.rows.first().is_some_and(|row| row.key() == key))
    }

    /// In a short list in any order: row by row.
    fn hunt_by_row(
        &self,
        hunt: &Hunt,
        needle: &Finder<'_>,
        tell: Tell<'_>,
    ) -> Result<Option<EventKey>, StoreError> {
        let mut keys: Vec<EventKey> = Vec::new();
        let mut anchor = Anchor::First;
        loop {
            let page = self.events(&hunt.query, &anchor, 0, PAGE, &[])?;
            let fresh = page.rows.iter().map(EventRow::key).filter(|key| keys.last() != Some(key));
            let before = keys.len();
            keys.extend(fresh.collect::<Vec<_>>());
            match keys.last() {
                Some(last) if keys.len() > before => anchor = Anchor::At(*last),
                _ => break,
            }
        }
        let here = hunt.from.and_then(|from| keys.iter().position(|key| *key == from));
        if !hunt.down {
            keys.reverse();
        }
        if let Some(here) = here {
            let here = if hunt.down { here } else { keys.len() - 1 - here };
            keys.rotate_left(here + 1);
        }
        for (n, key) in keys.iter().enumerate() {
            if !tell((n * 100 / keys.len()) as u8) {
                return Ok(None);
            }
            if self.first_in((key.seq, key.seq), true, needle, &Query::default())?.is_some() {
                return Ok(Some(*key));
            }
        }
        Ok(None)
    }
}

/// The whole session in stretches, beginning beside a number and coming round to it at last.
fn stretches(newest: Seq, from: Option<Seq>, upwards: bool) -> Vec<Stretch> {
    let mut all = Vec::new();
    let mut long = STRETCH.0;
    let mut leg = |low: Seq, high: Seq| {
        let (mut low, mut high) = (low, high);
        while low <= high {
            let wide = long.min(high - low + 1);
            if upwards {
                all.push((low, low + wide - 1));
                low += wide;
            } else {
                all.push((high - wide + 1, high));
                high -= wide;
            }
            long = (long * 2).min(STRETCH.1);
        }
    };
    match (from, upwards) {
        (None, _) => leg(1, newest),
        (Some(from), true) => {
            leg(from + 1, newest);
            leg(1, from.min(newest));
        }
        (Some(from), false) => {
            leg(1, (from - 1).min(newest));
            leg(from.max(1), newest);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_event_is_looked_at_once_and_the_nearest_first(
            newest in 0..20_000i64, from in proptest::option::of(1..20_000i64), upwards: bool,
        ) {
            let from = from.map(|from| from.min(newest)).filter(|from| *from > 0);
            let mut seen = Vec::new();
            for (low, high) in stretches(newest, from, upwards) {
                prop_assert!(low <= high && high - low < STRETCH.1);
                if upwards { seen.extend(low..=high) } else { seen.extend((low..=high).rev()) }
            }
            let mut wanted: Vec<Seq> = (1..=newest).collect();
            if !upwards {
                wanted.reverse();
            }
            if let Some(from) = from {
                let here = wanted.iter().position(|seq| *seq == from).unwrap();
                wanted.rotate_left(here + 1);
            }
            prop_assert_eq!(seen, wanted);
        }
    }
}
