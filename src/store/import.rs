//! Reading a saved JSON back into a session, so that it shows what the session showed.
#![expect(clippy::disallowed_methods, reason = "the saved file is read here")]

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::codec::Packer;
use super::projector::Projector;
use super::{StoreError, session};
use crate::domain::alert::Rules;
use crate::domain::delivery::{Delivery, Headers, Receipt, Source};
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
    known(&text).map_err(|error| wrong(&error))?.map_err(|what| StoreError::file(saved, what))?;
    let mut filling = Filling::new(session)?;
    let read = events(&text, |event| filling.take(event));
    let read = read.map_err(|error| wrong(&error))?;
    if let Some((number, what)) = read {
        return Err(StoreError::file(saved, format!("event {number} of it {what}")));
    }
    filling.finish()
}

/// Looks whether this is a saved session of a version known here.
fn known(text: &str) -> Result<Result<(), &'static str>, json::Error> {
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
        (Some("invigil-session"), _) => Err("was saved by a newer invigil; update this one"),
        _ => Err("is JSON, but no session saved by invigil"),
    })
}

/// One event as it was saved.
#[derive(Default)]
struct Saved {
    id: Option<String>,
    occurred_at: Option<Timestamp>,
    received_at: Option<Timestamp>,
    deliveries: u64,
    verified: bool,
    source: Option<Source>,
    body: Option<Vec<u8>>,
}

/// Hands each event of the document on; stops at the first that `take` finds wrong, and tells which.
fn events(
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
    reader.object(|reader, key| {
        let time = |text: Option<std::borrow::Cow<'_, str>>| text.and_then(|text| Timestamp::parse(&text));
        match key {
            "id" => saved.id = reader.string()?.map(Into::into),
            "occurred_at" => saved.occurred_at = time(reader.string()?),
            "received_at" => saved.received_at = time(reader.string()?),
            "deliveries" => saved.deliveries = reader.number()?.map_or(1, |number| (number as u64).min(MOST)),
            "verified" => saved.verified = reader.boolean()?.unwrap_or_default(),
            "source" => {
                let word = reader.string()?;
                saved.source = Source::ALL.into_iter().find(|source| Some(source.word()) == word.as_deref());
            }
            "payload" => saved.body = Some(reader.skip()?.as_bytes().to_vec()),
            "body_base64" => saved.body = reader.string()?.and_then(|text| STANDARD.decode(&*text).ok()),
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(saved)
}

struct Filling {
    connection: rusqlite::Connection,
    projector: Projector,
    packer: Packer,
    waiting: usize,
    _lock: session::WriterLock,
}

impl Filling {
    fn new(path: &Path) -> Result<Self, StoreError> {
        let (connection, lock) = session::open_writer(path)?;
        let projector = Projector::new(&connection, Rules::default())?;
        // Nobody keeps this file: if the machine fails, the saved one is still there.
        connection.execute_batch("PRAGMA synchronous = OFF; BEGIN")?;
        Ok(Self { connection, projector, packer: Packer::default(), waiting: 0, _lock: lock })
    }

    fn take(&mut self, saved: Saved) -> Result<(), String> {
        let id = saved.id.ok_or("has no `id`")?;
        let body = Bytes::from(saved.body.ok_or("has neither `payload` nor `body_base64`")?);
        let received_at = saved.received_at.ok_or("has no `received_at`")?;
        let delivery = Delivery {
            id,
            // Where the body and the id give no time, the event's time was that of an attempt.
            sent_at: saved.occurred_at.unwrap_or(received_at),
            received_at,
            source: saved.source.unwrap_or(Source::File),
            verified: saved.verified,
            headers: Headers::default(),
            event: envelope::decode(&body),
            body,
        };
        let packed = self.packer.pack(&delivery.headers, &delivery.body);
        let receipt =
            self.projector.take(&self.connection, &delivery, &packed).map_err(|error| error.to_string())?;
        if matches!(receipt, Receipt::Fresh(_)) && saved.deliveries > 1 {
            let counted = self.projector.delivered(&self.connection, saved.deliveries);
            counted.map_err(|error| error.to_string())?;
        }
        self.waiting += 1;
        if self.waiting == GROUP {
            self.waiting = 0;
            self.commit("; BEGIN").map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn commit(&mut self, then: &str) -> Result<(), StoreError> {
        self.projector.finish(&self.connection)?;
        Ok(self.connection.execute_batch(&format!("COMMIT{then}"))?)
    }

    fn finish(mut self) -> Result<u64, StoreError> {
        self.commit("; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(self.projector.sums().events)
    }
}
