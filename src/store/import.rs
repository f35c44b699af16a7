//! Putting events of files into a session: a saved JSON read back, so that it shows what the session showed, and
//! whatever else was kept elsewhere.
#![expect(clippy::disallowed_methods, reason = "the saved file is read here")]

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rusqlite::OptionalExtension;

use super::codec::{Packer, SAMPLES};
use super::gone::Gone;
use super::projector::Projector;
use super::{StoreError, codec, ids, session};
use crate::domain::alert::Rules;
use crate::domain::delivery::{Delivery, Headers, Receipt, Seq, Source};
use crate::domain::envelope;
use crate::domain::time::Timestamp;
use crate::json::{self, Reader};

/// How deep a body stands in the document: in the event, in the list, in the document.
const LEVELS: u32 = 3;
/// Deliveries an event may have had: more than anybody sends, and the sum over all events still fits.
const MOST: u64 = u32::MAX as u64;
/// Events kept with one transaction.
const GROUP: usize = 10_000;

/// Fills a new session file from a saved JSON; returns how many events there are.
///
/// # Errors
/// If the file is no saved session; the error says where.
pub fn fill(saved: &Path, session: &Path) -> Result<u64, StoreError> {
    let text =
        std::fs::read(saved).map_err(|error| StoreError::file(saved, format!("cannot be read: {error}")))?;
    let text = String::from_utf8(text).map_err(|error| {
        StoreError::file(saved, format!("is no saved session: no text {}", error.utf8_error()))
    })?;
    let wrong = |error: &json::Error| StoreError::file(saved, format!("is no saved session: {error}"));
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    known(text).map_err(|error| wrong(&error))?.map_err(|what| StoreError::file(saved, what))?;
    let mut filling = Filling::copy(session)?;
    let read = events(text, |event| {
        let (delivery, deliveries) = event.delivery()?;
        filling.keep(&delivery, deliveries).map_err(|error| error.to_string()).map(drop)
    });
    let read = read.map_err(|error| wrong(&error))?;
    if let Some((number, what)) = read {
        return Err(StoreError::file(saved, format!("event {number} of it {what}")));
    }
    filling.finish()
}

/// Looks whether this is a saved session of a version known here; if not, says why.
///
/// # Errors
/// If it is no JSON.
pub fn known(text: &str) -> Result<Result<(), &'static str>, json::Error> {
    let (mut format, mut version) = (None, None);
    let mut reader = Reader::around(text, LEVELS);
    reader.object(|reader, key| {
        match key {
            "format" => format = reader.string()?,
            "version" => version = reader.number()?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    reader.finish()?;
    Ok(match (format.as_deref(), version) {
        (Some("invigil-session"), Some(version)) if version <= 1.0 => Ok(()),
        (Some("invigil-session"), Some(_)) => Err("was saved by a newer invigil; update this one"),
        (Some("invigil-session"), None) => {
            Err("has no `version`, which every saved session has; save it again")
        }
        _ => Err("is JSON, but no session saved by invigil"),
    })
}

/// One event as it was saved.
#[derive(Debug, Clone, Default)]
pub struct Saved {
    id: Option<String>,
    occurred_at: Option<Timestamp>,
    received_at: Option<Timestamp>,
    deliveries: u64,
    verified: bool,
    source: Option<Source>,
    payload: Option<Vec<u8>>,
    /// What stood before and after the payload.
    blanks: Option<[String; 2]>,
    /// A body that is no JSON.
    other: Option<Vec<u8>>,
    /// What is there, but says nothing.
    unreadable: Option<&'static str>,
}

impl Saved {
    /// The event as its first delivery, and how many there were.
    ///
    /// # Errors
    /// What it lacks, or what of it cannot be read.
    pub fn delivery(self) -> Result<(Delivery, u64), String> {
        if let Some(key) = self.unreadable {
            return Err(format!("has a `{key}` that cannot be read"));
        }
        let id = self.id.ok_or("has no `id`")?;
        let [before, after] = self.blanks.unwrap_or_default();
        let around = |payload: Vec<u8>| [before.into_bytes(), payload, after.into_bytes()].concat();
        let body =
            self.other.or(self.payload.map(around)).ok_or("has neither `payload` nor `body_base64`")?;
        let body = Bytes::from(body);
        let received_at = self.received_at.ok_or("has no `received_at`")?;
        let delivery = Delivery {
            id,
            // Where the body and the id give no time, the event's time was that of an attempt.
            sent_at: self.occurred_at.unwrap_or(received_at),
            received_at,
            source: self.source.unwrap_or(Source::File),
            verified: self.verified,
            headers: Headers::default(),
            event: envelope::decode(&body),
            body,
        };
        Ok((delivery, self.deliveries))
    }
}

/// What a line of JSON is.
#[derive(Debug)]
pub enum Line {
    /// A saved session, whole.
    Document,
    /// An event as an export has it.
    Event(Box<Saved>),
    /// Something else in braces: a body.
    Body,
}

/// Tells what a line is.
///
/// # Errors
/// Why it is neither of them.
pub fn line(text: &str) -> Result<Line, String> {
    let wrong = |error: json::Error| {
        let before = text.get(..error.at).unwrap_or_default().matches('\n').count();
        let place = if text.contains('\n') { format!("line {}: ", before + 1) } else { String::new() };
        format!("is no JSON: {place}{error}")
    };
    let mut reader = Reader::around(text, LEVELS);
    let (mut format, mut found, mut has_body) = (None, 0, false);
    let is_object = reader.object(|reader, key| {
        match key {
            "format" => format = reader.string()?,
            _ => drop(reader.skip()?),
        }
        found += u8::from(["id", "received_at", "deliveries"].contains(&key));
        has_body |= ["payload", "body_base64"].contains(&key);
        Ok(())
    });
    let is_object = is_object.map_err(wrong)?;
    reader.finish().map_err(wrong)?;
    match (is_object, format.as_deref(), found) {
        (false, ..) => Err("is JSON, but neither an event nor a body".to_owned()),
        (_, Some("invigil-session"), _) => Ok(Line::Document),
        (.., 3) if has_body => {
            event(&mut Reader::around(text, 1)).map(|saved| Line::Event(Box::new(saved))).map_err(wrong)
        }
        _ => json::check(text).map(|()| Line::Body).map_err(wrong),
    }
}

/// Hands each event of a saved session on; stops at the first that `take` finds wrong, and tells which.
///
/// # Errors
/// If it is no JSON.
pub fn events(
    text: &str,
    mut take: impl FnMut(Saved) -> Result<(), String>,
) -> Result<Option<(usize, String)>, json::Error> {
    let (mut number, mut wrong) = (0, None);
    let mut reader = Reader::around(text, LEVELS);
    reader.object(|reader, key| {
        if key != "events" {
            return reader.skip().map(drop);
        }
        reader.array(|reader| {
            let saved = event(reader)?;
            number += 1;
            if wrong.is_none()
                && let Err(what) = take(saved)
            {
                wrong = Some((number, what));
            }
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(wrong)
}

fn event(reader: &mut Reader<'_>) -> Result<Saved, json::Error> {
    let mut saved = Saved { deliveries: 1, ..Saved::default() };
    let mut unreadable = None;
    reader.object(|reader, key| {
        let mut given = |is_read: bool, key| unreadable = unreadable.or((!is_read).then_some(key));
        let time = |text: Option<std::borrow::Cow<'_, str>>| text.and_then(|text| Timestamp::parse(&text));
        match key {
            "id" => saved.id = reader.string()?.map(Into::into),
            "occurred_at" => saved.occurred_at = time(reader.string()?),
            "received_at" => {
                saved.received_at = time(reader.string()?);
                given(saved.received_at.is_some(), "received_at");
            }
            "deliveries" => saved.deliveries = reader.number()?.map_or(1, |number| (number as u64).min(MOST)),
            "verified" => saved.verified = reader.boolean()?.unwrap_or_default(),
            "source" => {
                let word = reader.string()?;
                saved.source = Source::ALL.into_iter().find(|source| Some(source.word()) == word.as_deref());
            }
            "payload" => saved.payload = Some(reader.skip()?.as_bytes().to_vec()),
            "body_base64" => {
                saved.other = reader.string()?.and_then(|text| STANDARD.decode(&*text).ok());
                given(saved.other.is_some(), "body_base64");
            }
            "blanks" => {
                let mut two = Vec::new();
                reader.array(|reader| {
                    two.extend(reader.string()?.map(String::from));
                    Ok(())
                })?;
                let blank = |text: &String| text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
                saved.blanks = two.try_into().ok().filter(|two: &[String; 2]| two.iter().all(blank));
                given(saved.blanks.is_some(), "blanks");
            }
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(Saved { unreadable, ..saved })
}

/// A session that events are put into.
pub struct Filling {
    connection: rusqlite::Connection,
    projector: Projector,
    /// What was removed for good: an import does not bring it back.
    gone: Gone,
    packer: Packer,
    /// A dictionary is to be made as soon as there are events enough for one.
    untrained: bool,
    waiting: usize,
    /// Groups are committed as they come: what has come is kept even if there is no end.
    stepwise: bool,
    /// The last event that was there before; `None` if what comes is the session's own.
    before: Option<Seq>,
    /// A file that was made for this, and is to go again if nothing is put into it.
    made: Option<PathBuf>,
    _lock: session::WriterLock,
}

impl Filling {
    /// A copy of a saved session.
    fn copy(path: &Path) -> Result<Self, StoreError> {
        let filling = Self::begin(path, true)?;
        // Nobody keeps this file: if the machine fails, the saved one is still there.
        filling.connection.execute_batch("COMMIT; PRAGMA synchronous = OFF; BEGIN")?;
        Ok(filling)
    }

    /// A session that somebody keeps, new or continued. Unless `stepwise`, all that comes is kept at
    /// [`Filling::finish`], or nothing.
    ///
    /// # Errors
    /// If the file is no session or cannot be written.
    pub fn into(path: &Path, now: Timestamp, stepwise: bool) -> Result<Self, StoreError> {
        let made = (!path.exists()).then(|| path.to_path_buf());
        let mut filling = Self::begin(path, stepwise)?;
        let connection = &filling.connection;
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('created_at', ?1)", [now.to_string()])?;
        filling.packer = Packer::of(connection)?;
        filling.untrained = !filling.packer.has_dictionary();
        filling.before =
            Some(connection.query_row("SELECT ifnull(max(seq), 0) FROM event", [], |row| row.get(0))?);
        filling.made = made;
        Ok(filling)
    }

    fn begin(path: &Path, stepwise: bool) -> Result<Self, StoreError> {
        let (connection, lock) = session::open_writer(path)?;
        let projector = Projector::new(&connection, Rules::default())?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let packer = Packer::default();
        let gone = Gone::of(&connection)?;
        let (before, made) = (None, None);
        let untrained = false;
        Ok(Self {
            connection,
            projector,
            gone,
            packer,
            untrained,
            waiting: 0,
            stepwise,
            before,
            made,
            _lock: lock,
        })
    }

    /// Keeps an event. One that was there before this began is left as it is, so that to import twice is to
    /// import once; one that came since has been delivered once more. True if it was not there before.
    ///
    /// # Errors
    /// If the session cannot be written.
    pub fn keep(&mut self, delivery: &Delivery, deliveries: u64) -> Result<bool, StoreError> {
        if let Some(before) = self.before {
            let mut find = self.connection.prepare_cached(ids::FIND)?;
            let there: Option<Seq> = find.query_row([&delivery.id], |row| row.get(0)).optional()?;
            if there.is_some_and(|seq| seq <= before) {
                return Ok(false);
            }
        }
        if self.gone.holds(&self.connection, delivery)? {
            return Ok(false);
        }
        let packed = self.packer.pack(&delivery.headers, &delivery.body);
        let receipt = self.projector.take(&self.connection, delivery, &packed)?;
        let fresh = matches!(receipt, Receipt::Fresh(_));
        if fresh && deliveries > 1 {
            self.projector.delivered(&self.connection, deliveries)?;
        }
        self.waiting += 1;
        if self.waiting == GROUP {
            self.waiting = 0;
            self.group()?;
        }
        if self.untrained && self.projector.sums().events >= SAMPLES {
            self.untrained = false;
            if let Some(bytes) = codec::train(&self.connection) {
                codec::keep_dictionary(&self.connection, &bytes)?;
                self.packer.adopt(bytes);
            }
        }
        Ok(fresh)
    }

    /// Lets go of what is at hand.
    fn group(&mut self) -> Result<(), StoreError> {
        self.projector.finish(&self.connection)?;
        if self.stepwise {
            self.connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    /// Commits all that came; returns how many events the session has.
    ///
    /// # Errors
    /// If the session cannot be written.
    pub fn finish(mut self) -> Result<u64, StoreError> {
        self.projector.finish(&self.connection)?;
        self.connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
        self.made = None;
        Ok(self.projector.sums().events)
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        if let Some(path) = self.made.take()
            && self.connection.execute_batch("ROLLBACK").is_ok()
            && self.connection.query_row("SELECT events FROM sums", [], |row| row.get(0)) == Ok(0_u64)
        {
            // An empty session is what nobody asked for.
            session::remove(&path);
        }
    }
}
