//! Keeping deliveries inside the writer's transaction: events once, and everything derived from them.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::candidacies::Entry;
use super::codec::{Packed, Packer, Unpacker};
use super::ids::{self, Ids};
use super::rows::{self, Result};
use crate::domain::alert::{About, Alert, Rules};
use crate::domain::delivery::{Delivery, Headers, Receipt, Seq};
use crate::domain::envelope;
use crate::domain::id;
use crate::domain::projection::{Assessment, Candidacy, Stamp};
use crate::domain::query::Sums;
use crate::domain::stream::Repeated;
use crate::domain::time::Timestamp;

/// Candidacies kept at hand between groups. Beyond, the least recently used half is read again when needed.
const AT_HAND: usize = 4096;

/// What an event's time rests on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basis {
    Body = 0,
    Id = 1,
    Sent = 2,
}

/// The time of an event: what its body says, else when its id was made, else the earliest attempt.
fn occurred_at(delivery: &Delivery) -> (Timestamp, Basis) {
    match (delivery.event.timestamp, || id::created_at(&delivery.id)) {
        (Some(time), _) => (time, Basis::Body),
        (None, made) => made().map_or((delivery.sent_at, Basis::Sent), |time| (time, Basis::Id)),
    }
}

/// A row at hand.
struct Held<T> {
    n: i64,
    value: T,
}

/// The most recently used rows of one table: what the group under way changes, and two generations of what
/// earlier ones did, of which the older is dropped when the younger is full.
struct AtHand<T> {
    changing: HashMap<String, Box<Held<T>>>,
    young: HashMap<String, Box<Held<T>>>,
    old: HashMap<String, Box<Held<T>>>,
}

impl<T> Default for AtHand<T> {
    fn default() -> Self {
        Self { changing: HashMap::new(), young: HashMap::new(), old: HashMap::new() }
    }
}

impl<T> AtHand<T> {
    /// The row of this key, to be changed; loaded if it is not at hand.
    fn change(&mut self, key: &str, load: impl FnOnce() -> Result<Held<T>>) -> Result<&mut Held<T>> {
        if !self.changing.contains_key(key) {
            let held = match self.young.remove(key).or_else(|| self.old.remove(key)) {
                Some(held) => held,
                None => Box::new(load()?),
            };
            self.changing.insert(key.to_owned(), held);
        }
        self.changing.get_mut(key).map(AsMut::as_mut).ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    /// Writes every changed row, then lets go of rows if there are too many.
    fn flush(&mut self, mut write: impl FnMut(&str, &mut Held<T>) -> Result<()>) -> Result<()> {
        let mut changed: Vec<_> = self.changing.drain().collect();
        // Rows that were made together stand together, and share pages.
        changed.sort_unstable_by_key(|(_, held)| held.n);
        for (key, held) in &mut changed {
            write(key, held)?;
        }
        self.young.extend(changed);
        if self.young.len() > AT_HAND / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        Ok(())
    }
}

/// Folds deliveries into a session. After an error nothing at hand can be trusted: make a new one.
pub(super) struct Projector {
    sums: Sums,
    /// The number of the newest event. Events that were removed leave gaps, and no number is given twice.
    newest: Seq,
    next_assessment: i64,
    next_candidacy: i64,
    ids: Ids,
    assessments: AtHand<Assessment>,
    candidacies: AtHand<Entry>,
    unpacker: Unpacker,
    rules: Rules,
    alerts: Vec<Alert>,
}

/// Between the number of the assessment and the candidate's id in the key of a candidacy. A number never holds
/// it, so whatever an id holds, the first one divides.
const BETWEEN: char = '\u{1f}';

impl Projector {
    pub(super) fn new(connection: &Connection, rules: Rules) -> Result<Self> {
        let next = |table: &str| {
            connection
                .query_row(&format!("SELECT coalesce(max(n), 0) + 1 FROM {table}"), [], |row| row.get(0))
        };
        Ok(Self {
            sums: read_sums(connection)?,
            newest: read_newest(connection)?,
            next_assessment: next("assessment")?,
            next_candidacy: next("candidacy")?,
            ids: Ids::new(connection)?,
            assessments: AtHand::default(),
            candidacies: AtHand::default(),
            unpacker: Unpacker::default(),
            rules,
            alerts: Vec::new(),
        })
    }

    /// Whom the group calls for; to be told once it is committed.
    pub(super) fn alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.alerts)
    }

    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    /// The number of the newest event.
    pub(super) fn newest(&self) -> Seq {
        self.newest
    }

    /// Gives the next event this number.
    pub(super) fn number_next(&mut self, seq: Seq) {
        self.newest = seq - 1;
    }

    /// Keeps one delivery. Nothing is durable before [`Projector::finish`] and the commit.
    pub(super) fn take(
        &mut self,
        connection: &Connection,
        delivery: &Delivery,
        packed: &Packed,
    ) -> Result<Receipt> {
        let (occurred_at, basis) = occurred_at(delivery);
        self.sums.deliveries += 1;
        self.sums.last_received_at = self.sums.last_received_at.max(Some(delivery.received_at));
        if let Some(first) = self.ids.find(connection, &delivery.id)? {
            return self.repeat(connection, first, delivery, packed);
        }
        self.sums.events += 1;
        self.sums.unrecognised += u64::from(delivery.event.kind.is_none());
        self.newest += 1;
        let seq = self.newest;
        let place = self.fold(connection, seq, delivery, occurred_at)?;
        insert_event(connection, seq, delivery, packed, (occurred_at, basis), place)?;
        self.ids.add(&delivery.id, seq);
        Ok(Receipt::Fresh(seq))
    }

    /// Folds an event into what it speaks of, and says which numbers that has.
    fn fold(
        &mut self,
        connection: &Connection,
        seq: Seq,
        delivery: &Delivery,
        occurred_at: Timestamp,
    ) -> Result<Place> {
        let event = &delivery.event;
        let Some(assessment_id) = event.assessment() else { return Ok(Place::default()) };
        let stamp = Stamp { at: occurred_at, id: delivery.id.as_str().into() };
        let next = &mut self.next_assessment;
        let sums = &mut self.sums;
        let assessment = self.assessments.change(assessment_id, || {
            let load = connection
                .prepare_cached(rows::LOAD_ASSESSMENT)?
                .query_row([assessment_id], rows::load_assessment);
            Ok(number(load.optional()?, next, &mut sums.assessments))
        })?;
        assessment.value.fold(event, &stamp);
        let mut candidacy_n = None;
        if let Some((_, candidate_id)) = event.candidacy() {
            let key = format!("{}{BETWEEN}{candidate_id}", assessment.n);
            let next = &mut self.next_candidacy;
            let candidacy = self.candidacies.change(&key, || {
                let loaded = Entry::load(connection, assessment.n, candidate_id)?;
                Ok(number(loaded, next, &mut sums.candidates))
            })?;
            candidacy_n = Some(candidacy.n);
            let Held { n, value: Entry { candidacy, .. } } = candidacy;
            let known = candidacy.events > 0;
            let before = known.then(|| candidacy.share());
            let stood = (known && !self.rules.is_empty()).then(|| candidacy.standing());
            let rises = candidacy.fold(event, &stamp);
            assessment.value.totals.replace(before, Some(candidacy.share()));
            if !self.rules.is_empty() {
                let calls = self.rules.call(stood.as_ref(), &candidacy.standing());
                self.alerts.extend(calls.into_iter().map(|rule| {
                    let about = About {
                        assessment_id: assessment_id.to_owned(),
                        candidate_id: candidate_id.to_owned(),
                        name: candidacy.name.value().cloned(),
                        assessment: assessment.value.name.value().cloned(),
                    };
                    Alert { number: 0, at: delivery.received_at, rule, about: Some(about) }
                }));
            }
            for rise in rises {
                sums.rises += 1;
                connection
                    .prepare_cached("INSERT INTO rise (seq, kind, \"before\", \"after\", candidacy) VALUES (?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![seq, rise.kind.index(), rise.before, rise.after, *n])?;
            }
        }
        Ok(Place { assessment: Some(assessment.n), candidacy: candidacy_n })
    }

    /// Counts a delivery of an event that is there. An earlier attempt may make the event itself earlier, and one that
    /// is verified takes the place of one that was not.
    fn repeat(
        &mut self,
        connection: &Connection,
        first: Seq,
        delivery: &Delivery,
        packed: &Packed,
    ) -> Result<Receipt> {
        let mut find = connection.prepare_cached(
            "SELECT e.basis, e.sent_at, b.coding, b.length, b.data, e.verified FROM event e JOIN body b ON b.seq = e.seq
             WHERE e.seq = ?1",
        )?;
        let (basis, sent_at, conflict, verified) = find.query_row([first], |row| {
            let body = self.unpacker.body(connection, row, 2)?;
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, body != *delivery.body, row.get::<_, bool>(5)?))
        })?;
        if delivery.verified && !verified && !conflict {
            verify(connection, first, packed)?;
        }
        connection
            .prepare_cached(
                "UPDATE event SET deliveries = deliveries + 1, conflicts = conflicts + ?2, sent_at = min(sent_at, ?3)
                 WHERE seq = ?1",
            )?
            .execute(params![first, conflict, delivery.sent_at.millis()])?;
        connection.prepare_cached("INSERT OR REPLACE INTO repeat (seq) VALUES (?1)")?.execute([first])?;
        if basis == Basis::Sent as i64 && delivery.sent_at.millis() < sent_at {
            self.earlier(connection, first)?;
        }
        Ok(Receipt::Repeat { first, conflict })
    }

    /// An event whose time is that of its earliest attempt has an earlier one.
    fn earlier(&mut self, connection: &Connection, seq: Seq) -> Result<()> {
        connection.execute("UPDATE event SET occurred_at = sent_at WHERE seq = ?1", [seq])?;
        self.refold(connection, seq)
    }

    /// Makes a mirrored event stand as it does where it comes from.
    pub(super) fn stands(&mut self, connection: &Connection, standing: &Repeated) -> Result<()> {
        let Some(seq) = self.ids.find(connection, &standing.id)? else { return Ok(()) };
        let mut find =
            connection.prepare_cached("SELECT basis, sent_at, deliveries FROM event WHERE seq = ?1")?;
        let (basis, sent_at, deliveries) = find.query_row([seq], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, u64>(2)?))
        })?;
        self.sums.deliveries = self.sums.deliveries.saturating_sub(deliveries) + standing.deliveries;
        connection
            .prepare_cached("UPDATE event SET deliveries = ?2, conflicts = ?3, sent_at = ?4 WHERE seq = ?1")?
            .execute(params![seq, standing.deliveries, standing.conflicts, standing.sent_at.millis()])?;
        if standing.verified {
            self.proven(connection, seq)?;
        }
        if basis == Basis::Sent as i64 && standing.sent_at.millis() < sent_at {
            self.earlier(connection, seq)?;
        }
        Ok(())
    }

    /// A mirrored event was verified since it was told. With which headers is not told, and those of the delivery
    /// that was not would prove nothing: they go.
    fn proven(&self, connection: &Connection, seq: Seq) -> Result<()> {
        let mut find = connection.prepare_cached(
            "SELECT b.coding, b.length, b.data FROM event e JOIN body b ON b.seq = e.seq WHERE e.seq = ?1 AND NOT e.verified",
        )?;
        let body = find.query_row([seq], |row| self.unpacker.body(connection, row, 0)).optional()?;
        let Some(body) = body else { return Ok(()) };
        verify(connection, seq, &Packer::default().pack(&Headers::default(), &body))
    }

    /// The latest delivery was taken then, where a mirrored session comes from.
    pub(super) fn heard(&mut self, at: Option<Timestamp>) {
        self.sums.last_received_at = self.sums.last_received_at.max(at);
    }

    /// Makes the event that was kept last look as it did where it comes from: delivered so many times.
    pub(super) fn delivered(&mut self, connection: &Connection, deliveries: u64) -> Result<()> {
        let more = deliveries.saturating_sub(1);
        self.sums.deliveries += more;
        let seq = self.newest;
        connection
            .prepare_cached("UPDATE event SET deliveries = deliveries + ?2 WHERE seq = ?1")?
            .execute(params![seq, more])?;
        Ok(())
    }

    /// Folds the assessment and candidacy of an event anew, from all their events: its time has changed.
    fn refold(&mut self, connection: &Connection, seq: Seq) -> Result<()> {
        self.flush(connection)?;
        let of: Option<(String, i64)> = connection
            .query_row(
                "SELECT a.id, a.n FROM event e JOIN assessment a ON a.n = e.assessment WHERE e.seq = ?1",
                [seq],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((assessment_id, assessment_n)) = of else { return Ok(()) };
        let candidacy_n: Option<i64> =
            connection.query_row("SELECT candidacy FROM event WHERE seq = ?1", [seq], |row| row.get(0))?;
        let mut assessment = Assessment::default();
        let mut candidacy = Candidacy::default();
        let mut events = connection.prepare(
            "SELECT e.occurred_at, e.id, e.candidacy, b.coding, b.length, b.data FROM event e JOIN body b ON b.seq = e.seq
             WHERE e.assessment = ?1 ORDER BY e.seq",
        )?;
        let mut found = events.query([assessment_n])?;
        while let Some(row) = found.next()? {
            let stamp =
                Stamp { at: rows::time(row, 0)?.unwrap_or_default(), id: row.get_ref(1)?.as_str()?.into() };
            let event = envelope::decode(&self.unpacker.body(connection, row, 3)?);
            assessment.fold(&event, &stamp);
            if candidacy_n.is_some() && row.get::<_, Option<i64>>(2)? == candidacy_n {
                candidacy.fold(&event, &stamp);
            }
        }
        let held = self.assessments.change(&assessment_id, || {
            let (n, value) =
                connection.query_row(rows::LOAD_ASSESSMENT, [&assessment_id], rows::load_assessment)?;
            Ok(Held { n, value })
        })?;
        assessment.totals = held.value.totals;
        if let Some(n) = candidacy_n {
            let candidate_id: String =
                connection
                    .query_row("SELECT candidate_id FROM candidacy WHERE n = ?1", [n], |row| row.get(0))?;
            let key = format!("{assessment_n}{BETWEEN}{candidate_id}");
            let held = self.candidacies.change(&key, || {
                let loaded = Entry::load(connection, assessment_n, &candidate_id)?;
                let (n, value) = loaded.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
                Ok(Held { n, value })
            })?;
            let before = std::mem::replace(&mut held.value.candidacy, candidacy);
            assessment.totals.replace(Some(before.share()), Some(held.value.candidacy.share()));
        }
        *held = Held { n: assessment_n, value: assessment };
        Ok(())
    }

    /// Writes what the group changed besides its events; the commit follows.
    pub(super) fn finish(&mut self, connection: &Connection) -> Result<()> {
        self.flush(connection)?;
        self.ids.flush(connection)?;
        let sums = self.sums;
        connection
            .prepare_cached(
                "UPDATE sums SET events = ?1, deliveries = ?2, unrecognised = ?3, candidates = ?4, assessments = ?5,
                 rises = ?6, last_received_at = ?7",
            )?
            .execute(params![
                sums.events as i64,
                sums.deliveries as i64,
                sums.unrecognised as i64,
                sums.candidates as i64,
                sums.assessments as i64,
                sums.rises as i64,
                sums.last_received_at.map(Timestamp::millis)
            ])?;
        Ok(())
    }

    fn flush(&mut self, connection: &Connection) -> Result<()> {
        let mut save = connection.prepare_cached(rows::SAVE_ASSESSMENT)?;
        self.assessments.flush(|id, held| rows::save_assessment(&mut save, held.n, id, &held.value))?;
        self.candidacies.flush(|key, held| {
            let (assessment, candidate_id) = key.split_once(BETWEEN).unwrap_or_default();
            held.value.save(connection, held.n, assessment.parse().unwrap_or_default(), candidate_id)
        })
    }
}

/// What was loaded, or a new row with the next number, which is counted.
fn number<T: Default>(loaded: Option<(i64, T)>, next: &mut i64, count: &mut u64) -> Held<T> {
    if let Some((n, value)) = loaded {
        return Held { n, value };
    }
    let n = *next;
    *next += 1;
    *count += 1;
    Held { n, value: T::default() }
}

/// The numbers of what an event speaks of.
#[derive(Clone, Copy, Default)]
struct Place {
    assessment: Option<i64>,
    candidacy: Option<i64>,
}

fn insert_event(
    connection: &Connection,
    seq: Seq,
    delivery: &Delivery,
    packed: &Packed,
    (occurred_at, basis): (Timestamp, Basis),
    place: Place,
) -> Result<()> {
    let event = &delivery.event;
    connection
        .prepare_cached(
            "INSERT INTO event (seq, id, received_at, occurred_at, basis, sent_at, verified, source, kind, name,
             is_json, score, size, assessment, candidacy)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            seq,
            delivery.id,
            delivery.received_at.millis(),
            occurred_at.millis(),
            basis as i64,
            delivery.sent_at.millis(),
            delivery.verified,
            delivery.source as i64,
            event.kind.map(|kind| kind as i64),
            event.name,
            event.is_json,
            event.score,
            delivery.body.len() as i64,
            place.assessment,
            place.candidacy,
        ])?;
    packed.insert(connection, seq)
}

/// Marks an event as verified, by the delivery that has these headers and the same body.
fn verify(connection: &Connection, seq: Seq, packed: &Packed) -> Result<()> {
    connection.prepare_cached("UPDATE event SET verified = 1 WHERE seq = ?1")?.execute([seq])?;
    packed.replace(connection, seq)
}

/// The number of the newest event, also if that is gone.
pub(super) fn read_newest(connection: &Connection) -> Result<Seq> {
    connection
        .prepare_cached(
            "SELECT max(ifnull((SELECT max(seq) FROM event), 0), ifnull((SELECT value FROM meta WHERE key = 'newest'), 0))",
        )?
        .query_row([], |row| row.get(0))
}

/// Whether there is an event of this id.
pub(super) fn knows(connection: &Connection, id: &str) -> Result<bool> {
    connection.prepare_cached(ids::FIND)?.exists([id])
}

/// Keeps the number of the newest event, before it may be removed.
pub(super) fn keep_newest(connection: &Connection) -> Result<()> {
    let newest = read_newest(connection)?;
    connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('newest', ?1)")?.execute([newest])?;
    Ok(())
}

/// The sums as the file has them.
pub(super) fn read_sums(connection: &Connection) -> Result<Sums> {
    let mut statement = connection.prepare_cached(
        "SELECT events, deliveries, unrecognised, candidates, assessments, rises, last_received_at FROM sums",
    )?;
    statement.query_row([], |row| {
        Ok(Sums {
            events: row.get(0)?,
            deliveries: row.get(1)?,
            unrecognised: row.get(2)?,
            candidates: row.get(3)?,
            assessments: row.get(4)?,
            rises: row.get(5)?,
            last_received_at: rows::time(row, 6)?,
            unforwarded: 0,
        })
    })
}
