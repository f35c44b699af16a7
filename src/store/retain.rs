//! Removing what is older than a session is to keep, in steps so small that nobody waits for them.
//!
//! A candidacy goes as a whole, when all of its events are too old: what is said of somebody never rests on part of
//! their story. Events of an assessment itself go when all that name it are too old, all others by themselves. So what is derived stays what a fold of the events that are left would give.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::codec::{Recoding, Unpacker};
use super::gone::Gone;
use super::rows::{self, Result};
use super::{projector, schema};
use crate::domain::delivery::Seq;
use crate::domain::event::Status;
use crate::domain::proctoring::Flag;
use crate::domain::projection::{Assessment, Register, Share, Stamp};
use crate::domain::time::Timestamp;
use crate::domain::tombstone::Of;
use crate::domain::{envelope, id};

/// Events looked at in one step.
const LOOKED: usize = 512;
/// Candidacies and single events removed in one.
const REMOVED: usize = 16;

/// How long events are kept, and how far the present round through them has come.
pub(super) struct Retention {
    span_millis: i64,
    /// The event looked at last.
    at: Seq,
    /// Packing anew what was packed with a dictionary, which holds pieces of the events it was made from.
    recoding: Option<Recoding>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Step {
    /// Events removed.
    pub(super) removed: u64,
    /// The round is not at its end.
    pub(super) more: bool,
}

impl Retention {
    /// Keeps events for so long.
    pub(super) fn new(span_millis: i64) -> Self {
        Self { span_millis, at: 0, recoding: Some(Recoding::default()) }
    }

    /// The same, from the beginning of a round.
    pub(super) fn begun_anew(self) -> Self {
        Self::new(self.span_millis)
    }

    /// Whether an event that was created then is not to be kept any more.
    pub(super) fn is_past(&self, created: Timestamp, now: Timestamp) -> bool {
        now.since(created) > self.span_millis
    }

    /// The next step of the round. The caller holds the transaction.
    pub(super) fn step(&mut self, connection: &Connection, gone: &mut Gone, now: Timestamp) -> Result<Step> {
        if let Some(recoding) = &mut self.recoding
            && recoding.step(connection)?
        {
            self.recoding = None;
        }
        // Whoever sent what these stand for has forgotten it by now too.
        connection.prepare_cached("DELETE FROM tombstone WHERE until < ?1")?.execute([now.millis()])?;
        let mut removal = Removal {
            connection,
            gone,
            limit: now.plus_millis(-self.span_millis),
            until: now.plus_millis(self.span_millis),
            seen: BTreeSet::new(),
            tables: schema::of_events(connection)?,
            lost: BTreeMap::new(),
            units: 0,
            removed: 0,
        };
        let events = events_after(connection, self.at)?;
        let whole = events.len() == LOOKED;
        let mut looked = 0;
        for event in &events {
            if removal.units == REMOVED {
                break;
            }
            removal.look_at(event)?;
            self.at = event.seq;
            looked += 1;
        }
        let ended = !whole && looked == events.len();
        if ended {
            self.at = 0;
        }
        let removed = removal.finish()?;
        Ok(Step { removed, more: !ended || self.recoding.is_some() })
    }
}

/// An event, as far as its age asks.
struct Aged {
    seq: Seq,
    received_at: Timestamp,
    candidacy: Option<i64>,
    assessment: Option<i64>,
}

fn events_after(connection: &Connection, after: Seq) -> Result<Vec<Aged>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, received_at, candidacy, assessment FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let events = statement.query_map(params![after, LOOKED], |row| {
        Ok(Aged {
            seq: row.get(0)?,
            received_at: rows::time(row, 1)?.unwrap_or_default(),
            candidacy: row.get(2)?,
            assessment: row.get(3)?,
        })
    })?;
    events.collect()
}

/// What an assessment loses in a step.
#[derive(Default)]
struct Lost {
    shares: Vec<Share>,
    ids: BTreeSet<String>,
    latest: Option<Timestamp>,
}

/// One step's work.
struct Removal<'a> {
    connection: &'a Connection,
    gone: &'a mut Gone,
    /// Earlier than this is too old.
    limit: Timestamp,
    /// How long an id that does not tell its age is remembered.
    until: Timestamp,
    /// Candidacies that were decided about.
    seen: BTreeSet<i64>,
    /// Where an event has rows.
    tables: Vec<String>,
    lost: BTreeMap<i64, Lost>,
    units: usize,
    removed: u64,
}

impl Removal<'_> {
    fn look_at(&mut self, event: &Aged) -> Result<()> {
        if event.received_at >= self.limit {
            return Ok(());
        }
        match (event.candidacy, event.assessment) {
            (Some(candidacy), assessment) => {
                if self.seen.insert(candidacy) && self.is_past("candidacy", candidacy)? {
                    self.candidacy(candidacy, assessment)?;
                }
            }
            (None, Some(assessment)) => {
                if self.is_past("assessment", assessment)? {
                    self.events("seq", event.seq, Some(assessment))?;
                }
            }
            (None, None) => self.events("seq", event.seq, None)?,
        }
        Ok(())
    }

    /// Whether all events of a candidacy or an assessment are too old. One that is not is among the last.
    fn is_past(&self, column: &str, n: i64) -> Result<bool> {
        let text = format!(
            "SELECT 1 FROM event WHERE {column} = ?1 AND received_at >= ?2 ORDER BY seq DESC LIMIT 1"
        );
        Ok(!self.connection.prepare_cached(&text)?.exists(params![n, self.limit.millis()])?)
    }

    /// Removes a candidacy with all its events.
    fn candidacy(&mut self, n: i64, assessment: Option<i64>) -> Result<()> {
        let share = self
            .connection
            .prepare_cached("SELECT status, score, violations, flag FROM candidacy WHERE n = ?1")?
            .query_row([n], |row| {
                Ok(Share {
                    status: rows::one_of(row, 0, &Status::ALL)?,
                    score: row.get(1)?,
                    violations: row.get(2)?,
                    flag: rows::one_of(row, 3, &Flag::ALL)?.unwrap_or_default(),
                })
            })?;
        let rises = self.connection.prepare_cached("DELETE FROM rise WHERE candidacy = ?1")?.execute([n])?;
        self.connection.prepare_cached("DELETE FROM candidacy WHERE n = ?1")?.execute([n])?;
        self.connection
            .prepare_cached("UPDATE sums SET candidates = candidates - 1, rises = rises - ?1")?
            .execute([rises])?;
        if let Some(assessment) = assessment {
            self.lost.entry(assessment).or_default().shares.push(share);
        }
        self.events("candidacy", n, assessment)
    }

    /// Removes the events that a column chooses.
    fn events(&mut self, column: &str, n: i64, assessment: Option<i64>) -> Result<()> {
        if self.removed == 0 {
            projector::keep_newest(self.connection)?;
        }
        self.units += 1;
        let text =
            format!("SELECT seq, id, occurred_at, deliveries, kind IS NULL FROM event WHERE {column} = ?1");
        let mut statement = self.connection.prepare_cached(&text)?;
        let found = statement.query_map([n], |row| {
            Ok((row.get(0)?, row.get(1)?, rows::time(row, 2)?, row.get(3)?, row.get(4)?))
        })?;
        let found: Vec<(Seq, String, Option<Timestamp>, u64, bool)> = found.collect::<Result<_>>()?;
        for (seq, id, occurred_at, deliveries, unrecognised) in found {
            for table in &self.tables {
                let text = format!("DELETE FROM {table} WHERE seq = ?1");
                self.connection.prepare_cached(&text)?.execute([seq])?;
            }
            self.connection
                .prepare_cached(
                    "UPDATE sums SET events = events - 1, deliveries = deliveries - ?1, unrecognised = unrecognised - ?2",
                )?
                .execute(params![deliveries, unrecognised])?;
            if id::created_at(&id).is_none() {
                self.gone.bury(self.connection, Of::Event, &id, Some(self.until))?;
            }
            if let Some(assessment) = assessment {
                let lost = self.lost.entry(assessment).or_default();
                lost.latest = lost.latest.max(occurred_at);
                lost.ids.insert(id);
            }
            self.removed += 1;
        }
        Ok(())
    }

    /// Takes what went out of the assessments it belonged to; returns how many events went.
    fn finish(self) -> Result<u64> {
        for (n, lost) in &self.lost {
            self.assessment(*n, lost)?;
        }
        Ok(self.removed)
    }

    fn assessment(&self, n: i64, lost: &Lost) -> Result<()> {
        let left =
            self.connection.prepare_cached("SELECT 1 FROM event WHERE assessment = ?1")?.exists([n])?;
        if !left {
            self.connection.prepare_cached("DELETE FROM assessment WHERE n = ?1")?.execute([n])?;
            self.connection.prepare_cached("UPDATE sums SET assessments = assessments - 1")?.execute([])?;
            return Ok(());
        }
        let id: String = self
            .connection
            .prepare_cached("SELECT id FROM assessment WHERE n = ?1")?
            .query_row([n], |row| row.get(0))?;
        let (_, mut assessment) =
            self.connection.prepare_cached(rows::LOAD_ASSESSMENT)?.query_row([&id], rows::load_assessment)?;
        for share in &lost.shares {
            assessment.totals.replace(Some(*share), None);
        }
        if rests_on(&assessment, lost) {
            assessment = Assessment { totals: assessment.totals, ..self.folded(n)? };
        } else if assessment.last_at <= lost.latest {
            assessment.last_at = self.last_at(n, assessment.last_at)?;
        }
        let mut save = self.connection.prepare_cached(rows::SAVE_ASSESSMENT)?;
        rows::save_assessment(&mut save, n, &id, &assessment)
    }

    /// When the last of the events that are left of an assessment was: most often one more was at that time.
    fn last_at(&self, n: i64, before: Option<Timestamp>) -> Result<Option<Timestamp>> {
        let at = before.map(Timestamp::millis);
        let another =
            "SELECT 1 FROM event WHERE assessment = ?1 AND occurred_at = ?2 ORDER BY seq DESC LIMIT 1";
        if self.connection.prepare_cached(another)?.exists(params![n, at])? {
            return Ok(before);
        }
        self.connection
            .prepare_cached("SELECT max(occurred_at) FROM event WHERE assessment = ?1")?
            .query_row([n], |row| rows::time(row, 0))
    }

    /// What the events that are left tell of an assessment.
    fn folded(&self, n: i64) -> Result<Assessment> {
        let unpacker = Unpacker::default();
        let mut assessment = Assessment::default();
        let mut statement = self.connection.prepare_cached(
            "SELECT e.occurred_at, e.id, b.coding, b.length, b.data FROM event e JOIN body b ON b.seq = e.seq
             WHERE e.assessment = ?1 ORDER BY e.seq",
        )?;
        let mut found = statement.query([n])?;
        while let Some(row) = found.next()? {
            let id: String = row.get(1)?;
            let stamp = Stamp { at: rows::time(row, 0)?.unwrap_or_default(), id: id.into() };
            assessment.fold(&envelope::decode(&unpacker.body(self.connection, row, 2)?), &stamp);
        }
        Ok(assessment)
    }
}

/// Whether anything said of an assessment is from an event that went. That is rare: what is said last stays longest.
fn rests_on(assessment: &Assessment, lost: &Lost) -> bool {
    fn from<T>(register: &Register<T>, lost: &Lost) -> bool {
        register.latest.as_ref().is_some_and(|(_, stamp)| lost.ids.contains(&*stamp.id))
    }
    from(&assessment.name, lost)
        || from(&assessment.workspace, lost)
        || from(&assessment.org_id, lost)
        || from(&assessment.latest_event, lost)
        || from(&assessment.is_archived, lost)
}
