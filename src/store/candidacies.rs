//! Candidacies in the file: read whole, written by what changed.
//!
//! SQLite rewrites every index over a column that is set, also to what it was. A candidacy changes with each
//! of its events, but its name, score or flag with few of them, so those are set only where they differ.

use std::sync::OnceLock;

use rusqlite::{Connection, OptionalExtension, Row, Statement, ToSql};

use super::rows::{Result, counts, one_of, time};
use super::state::{Reader, Writer};
use crate::domain::event::Status;
use crate::domain::proctoring::Counts;
use crate::domain::projection::Candidacy;
use crate::domain::time::Timestamp;

/// Columns that change together. The last group is written always, and no index covers any of it.
const GROUPS: [&[&str]; 6] = [
    &["last_at"],
    &["status", "status_at"],
    &["score"],
    &["flag", "violations", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"],
    &["name", "email"],
    &[
        "stage",
        "detail_link",
        "result_link",
        "outside_secs",
        "mouse_out_secs",
        "events",
        "invited_at",
        "started_at",
        "finished_at",
        "first_at",
        "state",
    ],
];
const ALL: usize = (1 << GROUPS.len()) - 1;
const ALWAYS: usize = 1 << (GROUPS.len() - 1);

/// The values that indexes cover.
#[derive(Debug, Clone, PartialEq)]
struct Covered {
    last_at: Option<Timestamp>,
    status: (Option<Status>, Option<Timestamp>),
    score: Option<f64>,
    counts: Counts,
    name: Option<String>,
    email: Option<String>,
}

impl Covered {
    /// Which groups differ from these values; takes the new ones over.
    fn catch_up(&mut self, candidacy: &Candidacy) -> usize {
        fn set<T: PartialEq>(held: &mut T, new: T) -> bool {
            let differs = *held != new;
            if differs {
                *held = new;
            }
            differs
        }
        fn copy(held: &mut Option<String>, new: Option<&String>) -> bool {
            let differs = held.as_ref() != new;
            if differs {
                *held = new.cloned();
            }
            differs
        }
        let named = copy(&mut self.name, candidacy.name.value());
        let addressed = copy(&mut self.email, candidacy.email.value());
        let changed = [
            set(&mut self.last_at, candidacy.last_at),
            set(&mut self.status, (candidacy.status.value().copied(), candidacy.status.at())),
            set(&mut self.score, candidacy.score.value().copied()),
            set(&mut self.counts, candidacy.counts()),
            named || addressed,
        ];
        changed.iter().enumerate().fold(ALWAYS, |mask, (n, changed)| mask | usize::from(*changed) << n)
    }

    fn of(candidacy: &Candidacy) -> Self {
        Self {
            last_at: candidacy.last_at,
            status: (candidacy.status.value().copied(), candidacy.status.at()),
            score: candidacy.score.value().copied(),
            counts: candidacy.counts(),
            name: candidacy.name.value().cloned(),
            email: candidacy.email.value().cloned(),
        }
    }
}

/// A candidacy, and what of it the file has.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) candidacy: Candidacy,
    /// `None` if the file has no row of it.
    filed: Option<Covered>,
}

const LOAD: &str = "SELECT n, name, email, status, stage, score, detail_link, result_link,
    v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, outside_secs, mouse_out_secs, events, invited_at, started_at,
    finished_at, first_at, last_at, state FROM candidacy WHERE assessment = ?1 AND candidate_id = ?2";

impl Entry {
    /// Its number and all its registers, if the file has it.
    pub(super) fn load(
        connection: &Connection,
        assessment: i64,
        candidate_id: &str,
    ) -> Result<Option<(i64, Self)>> {
        let mut statement = connection.prepare_cached(LOAD)?;
        statement.query_row((assessment, candidate_id), Self::read).optional()
    }

    fn read(row: &Row<'_>) -> Result<(i64, Self)> {
        let state: String = row.get(26)?;
        let mut stamps = Reader::new(&state);
        let counts = counts(row, 8)?;
        let candidacy = Candidacy {
            status: stamps.register(one_of(row, 3, &Status::ALL)?),
            stage: stamps.register(row.get(4)?),
            score: stamps.register(row.get(5)?),
            name: stamps.register(row.get(1)?),
            email: stamps.register(row.get(2)?),
            detail_link: stamps.register(row.get(6)?),
            result_link: stamps.register(row.get(7)?),
            tallies: counts.0.map(|count| stamps.tally(count)),
            outside_secs: row.get(18)?,
            mouse_out_secs: row.get(19)?,
            events: row.get(20)?,
            invited_at: time(row, 21)?,
            started_at: time(row, 22)?,
            finished_at: time(row, 23)?,
            first_at: time(row, 24)?,
            last_at: time(row, 25)?,
        };
        let filed = Some(Covered::of(&candidacy));
        Ok((row.get(0)?, Self { candidacy, filed }))
    }

    /// Writes what differs from the file.
    pub(super) fn save(
        &mut self,
        connection: &Connection,
        n: i64,
        assessment: i64,
        candidate_id: &str,
    ) -> Result<()> {
        let mask = self.filed.as_mut().map(|filed| filed.catch_up(&self.candidacy));
        let mut statement = connection.prepare_cached(text(mask))?;
        let mut binding = Binding { statement: &mut statement, at: 0 };
        binding.put(n)?;
        if mask.is_none() {
            binding.put(assessment)?;
            binding.put(candidate_id)?;
        }
        for group in (0..GROUPS.len()).filter(|group| mask.unwrap_or(ALL) & (1 << group) != 0) {
            binding.group(group, &self.candidacy)?;
        }
        statement.raw_execute()?;
        if self.filed.is_none() {
            self.filed = Some(Covered::of(&self.candidacy));
        }
        Ok(())
    }
}

/// The statement that sets these groups of a row, or inserts a whole one.
fn text(mask: Option<usize>) -> &'static str {
    static UPDATES: [OnceLock<String>; ALL + 1] = [const { OnceLock::new() }; ALL + 1];
    static INSERT: OnceLock<String> = OnceLock::new();
    let columns = |mask: usize| {
        let chosen = GROUPS.iter().enumerate().filter(move |(group, _)| mask & (1 << group) != 0);
        chosen.flat_map(|(_, columns)| columns.iter().copied())
    };
    let insert = || {
        let names: Vec<_> = ["n", "assessment", "candidate_id"].into_iter().chain(columns(ALL)).collect();
        let marks = vec!["?"; names.len()].join(", ");
        format!("INSERT INTO candidacy ({}) VALUES ({marks})", names.join(", "))
    };
    let update = |mask| {
        let sets = columns(mask).enumerate().map(|(at, name)| format!("{name} = ?{}", at + 2));
        format!("UPDATE candidacy SET {} WHERE n = ?1", sets.collect::<Vec<_>>().join(", "))
    };
    match mask.and_then(|mask| Some((mask, UPDATES.get(mask)?))) {
        Some((mask, slot)) => slot.get_or_init(|| update(mask)),
        None => INSERT.get_or_init(insert),
    }
}

/// Binds one value after another.
struct Binding<'a, 'c> {
    statement: &'a mut Statement<'c>,
    at: usize,
}

impl Binding<'_, '_> {
    fn put(&mut self, value: impl ToSql) -> Result<()> {
        self.at += 1;
        self.statement.raw_bind_parameter(self.at, value)
    }

    /// The values of a group, in the order of its columns.
    fn group(&mut self, group: usize, candidacy: &Candidacy) -> Result<()> {
        let millis = |time: Option<Timestamp>| time.map(Timestamp::millis);
        match group {
            0 => self.put(millis(candidacy.last_at)),
            1 => {
                self.put(candidacy.status.value().map(|status| status.index()))?;
                self.put(millis(candidacy.status.at()))
            }
            2 => self.put(candidacy.score.value()),
            3 => {
                let counts = candidacy.counts();
                self.put(counts.flag() as i64)?;
                self.put(counts.sum() as i64)?;
                counts.0.into_iter().try_for_each(|count| self.put(count))
            }
            4 => {
                self.put(candidacy.name.value())?;
                self.put(candidacy.email.value())
            }
            _ => {
                self.put(candidacy.stage.value())?;
                self.put(candidacy.detail_link.value())?;
                self.put(candidacy.result_link.value())?;
                self.put(candidacy.outside_secs)?;
                self.put(candidacy.mouse_out_secs)?;
                self.put(candidacy.events as i64)?;
                for time in [candidacy.invited_at, candidacy.started_at, candidacy.finished_at] {
                    self.put(millis(time))?;
                }
                self.put(millis(candidacy.first_at))?;
                self.put(state(candidacy))
            }
        }
    }
}

fn state(candidacy: &Candidacy) -> String {
    Writer::default()
        .stamp(&candidacy.status)
        .stamp(&candidacy.stage)
        .stamp(&candidacy.score)
        .stamp(&candidacy.name)
        .stamp(&candidacy.email)
        .stamp(&candidacy.detail_link)
        .stamp(&candidacy.result_link)
        .tallies(&candidacy.tallies)
        .finish()
}
