//! Removing one person from a session for good: events, bodies, what is derived, and every trace in the file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;
use rusqlite::Connection;

use super::codec::{self, Unpacker};
use super::fresh::{KEPT, Kept};
use super::gone::Gone;
use super::session::{self, WriterLock};
use super::{StoreError, mirror, projector, repair, schema};
use crate::domain::delivery::Seq;
use crate::domain::envelope;
use crate::domain::filter::fold_case;
use crate::domain::tombstone::Of;

type Result<T> = std::result::Result<T, StoreError>;

/// A shorter id or address is not looked for in other texts: it would be found where it means something else.
const SHORTEST: usize = 6;

/// Whom to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The candidate of this id, in every assessment.
    Candidate(String),
    /// Every candidate who was ever told with this address.
    Email(String),
}

/// What a session has of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// The ids they have.
    pub candidates: BTreeSet<String>,
    /// The names they have.
    pub names: BTreeSet<String>,
    /// The assessments they are in.
    pub assessments: BTreeSet<String>,
    /// Events about them, and events about nobody else that mention them.
    pub events: u64,
    /// Events about others that mention them: those stay.
    pub mentions: u64,
}

/// A session in which a person was looked for; nobody else can write it meanwhile.
pub struct Forgetting {
    path: PathBuf,
    connection: Connection,
    traces: Traces,
    /// Events to remove, with their ids.
    events: Vec<(Seq, String)>,
    known: bool,
    _lock: WriterLock,
}

impl Forgetting {
    /// Looks for somebody.
    ///
    /// # Errors
    /// If the file is no session, or another process writes it.
    pub fn of(path: &Path, whom: &Whom) -> Result<Self> {
        let (connection, lock) = session::open_writer(path)?;
        let candidates = match whom {
            Whom::Candidate(id) => BTreeSet::from([id.clone()]),
            Whom::Email(email) => with_address(path, &connection, email)?,
        };
        let mut emails = BTreeSet::new();
        if let Whom::Email(email) = whom {
            emails.insert(email.to_ascii_lowercase());
        }
        let mut traces = Traces { candidates, ..Traces::default() };
        let mut events = Vec::new();
        each(path, &connection, |kept, body| {
            let event = envelope::decode(body);
            if event.candidate_id.as_ref().is_some_and(|id| traces.candidates.contains(id)) {
                traces.names.extend(event.candidate_name);
                traces.assessments.extend(event.assessment_id);
                emails.extend(event.email.map(|email| email.to_ascii_lowercase()));
                events.push((kept.seq, kept.id.clone()));
            }
        })?;
        let own: BTreeSet<Seq> = events.iter().map(|(seq, _)| *seq).collect();
        let words = traces.candidates.iter().map(|id| id.to_ascii_lowercase()).chain(emails);
        let words: Vec<String> = words.filter(|word| word.len() >= SHORTEST).collect();
        let finders: Vec<_> = words.iter().map(Finder::new).collect();
        each(path, &connection, |kept, body| {
            if own.contains(&kept.seq) {
                return;
            }
            let lower = body.to_ascii_lowercase();
            if finders.iter().any(|finder| mentions(&lower, finder)) {
                match envelope::decode(body).candidate_id {
                    None => events.push((kept.seq, kept.id.clone())),
                    Some(_) => traces.mentions += 1,
                }
            }
        })?;
        traces.events = events.len() as u64;
        let gone = Gone::of(&connection)?;
        let known = traces.candidates.iter().any(|id| gone.knows(&connection, id).unwrap_or_default());
        Ok(Self { path: path.to_owned(), connection, traces, events, known, _lock: lock })
    }

    /// What there is of them.
    #[must_use]
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// They were removed before.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Removes them: what speaks of them in one transaction, then every trace in pages that are free and in the log.
    ///
    /// # Errors
    /// If the session cannot be read whole or written: it is then as it was. Or if it is being read, so that its log
    /// cannot be emptied: then only that is left to do, and doing all of it again does it.
    pub fn carry_out(self) -> Result<Traces> {
        let Self { path, connection, traces, events, .. } = self;
        connection.execute_batch("PRAGMA secure_delete = ON; PRAGMA temp_store = FILE; BEGIN IMMEDIATE")?;
        let mut gone = Gone::of(&connection)?;
        for id in &traces.candidates {
            gone.bury(&connection, Of::Candidate, id, None)?;
        }
        projector::keep_newest(&connection)?;
        let tables = schema::of_events(&connection)?;
        for (seq, id) in &events {
            gone.bury(&connection, Of::Event, id, None)?;
            for table in &tables {
                connection.prepare_cached(&format!("DELETE FROM {table} WHERE seq = ?1"))?.execute([seq])?;
            }
        }
        mirror::forget_id(&connection, |at| events.iter().any(|(_, id)| id == at))?;
        repair::derive(&path, &connection)?;
        codec::recode(&connection)?;
        connection.execute_batch("COMMIT; VACUUM")?;
        let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy {
            let what = "was being read, so that its log still holds what was removed; end who reads it, and do this again";
            return Err(StoreError::file(&path, what));
        }
        Ok(traces)
    }
}

/// Every candidate who was ever told with an address.
fn with_address(path: &Path, connection: &Connection, email: &str) -> Result<BTreeSet<String>> {
    let wanted = fold_case(email);
    let mut candidates = BTreeSet::new();
    each(path, connection, |_, body| {
        let event = envelope::decode(body);
        if event.email.is_some_and(|email| fold_case(&email) == wanted) {
            candidates.extend(event.candidate_id);
        }
    })?;
    Ok(candidates)
}

/// Looks at each event.
fn each(path: &Path, connection: &Connection, mut look: impl FnMut(&Kept, &[u8])) -> Result<()> {
    let unpacker = Unpacker::default();
    let mut statement = connection.prepare(KEPT)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kept = Kept::read(connection, &unpacker, row)?;
        match &kept.content {
            Ok((_, body)) => look(&kept, body),
            Err(what) => {
                let what = format!("event {}: {what}; nothing was changed, see `invigil check`", kept.seq);
                return Err(StoreError::file(path, what));
            }
        }
    }
    Ok(())
}

/// Whether a word stands in a text, not as part of a longer one.
fn mentions(text: &[u8], word: &Finder<'_>) -> bool {
    let of_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    word.find_iter(text).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        !of_word(before) && !of_word(text.get(at + word.needle().len()))
    })
}
