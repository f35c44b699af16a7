//! What one invigil tells another that looks on: frames of JSON, written and read.
//!
//! First a greeting, which says whose session it is. Then batches: events in the order in which they were
//! kept, each with all that is needed to keep it again exactly so, and those that were delivered again since.
//! Now and then a report of how the other side is doing, which also is the sign that it is there.
//!
//! ```text
//! {"what":"hello","protocol":1,"invigil":"0.1.0","session":"5f0c…","created_at":"…","newest":1284}
//! {"what":"events","events":[{"seq":1,"id":"msg_…",…,"payload":{…}}],"repeated":[],"repeats":0,"newest":1284,…}
//! {"what":"report","newest":1284,"accepted":1321,"refused":{"timestamp_too_old":1},…}
//! ```

mod report;

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

use super::delivery::{Headers, Seq, Source};
use super::envelope;
use super::event::Event;
use super::time::Timestamp;
use crate::json::{self, Reader};

pub use report::Report;

/// The form of these frames. One that is not known here is not guessed at.
pub const PROTOCOL: u32 = 1;
/// Deliveries an event may have had: more than anybody sends, and the sum over all events still fits.
const MOST: u64 = u32::MAX as u64;
/// How deep a body stands in a frame: in the event, in the list, in the frame.
const LEVELS: u32 = 3;

/// The first frame: what is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hello {
    /// The form of the frames that follow.
    pub protocol: u32,
    /// The version of the invigil there.
    pub version: String,
    /// The session's identity: the same as long as its file is.
    pub session: String,
    /// When the session was begun.
    pub created_at: Timestamp,
    /// The newest event there.
    pub newest: Seq,
    /// The event that was named as the last one known is not there: the session has another history.
    pub diverged: bool,
}

/// How far a mirror has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// The newest event it has, as numbered there.
    pub seq: Seq,
    /// The id of that event; empty if there is none.
    pub id: String,
    /// How far it knows which events were delivered again.
    pub repeats: i64,
}

/// An event with all that is needed to keep it again exactly so.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its number there.
    pub seq: Seq,
    /// Its `svix-id`.
    pub id: String,
    /// When its first delivery arrived.
    pub received_at: Timestamp,
    /// When the earliest attempt at it was made.
    pub sent_at: Timestamp,
    /// Where it came from there.
    pub source: Source,
    /// Its signature held there.
    pub verified: bool,
    /// How often it was delivered.
    pub deliveries: u64,
    /// How many of those brought another body.
    pub conflicts: u64,
    /// The headers of its first delivery, or of the first that was verified.
    pub headers: Headers,
    /// Its body, byte for byte.
    pub body: Bytes,
    /// What the body says. To write a record it is enough to know whether it is JSON.
    pub event: Event,
}

/// How an event stands that is known and was delivered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// Its `svix-id`.
    pub id: String,
    /// How often it was delivered.
    pub deliveries: u64,
    /// How many of those brought another body.
    pub conflicts: u64,
    /// When the earliest attempt at it was made.
    pub sent_at: Timestamp,
    /// Whether any delivery of it was verified.
    pub verified: bool,
}

/// Some events, and where that leaves who reads them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Events that are new to the reader, in order.
    pub events: Vec<Record>,
    /// Events it knows, as they stand now.
    pub repeated: Vec<Repeated>,
    /// How far that tells of repeated deliveries.
    pub repeats: i64,
    /// The newest event there.
    pub newest: Seq,
    /// When the latest delivery was taken there.
    pub last_received_at: Option<Timestamp>,
}

impl Batch {
    /// Where a reader is after this batch that was here before it.
    #[must_use]
    pub fn after(&self, before: &Position) -> Position {
        let repeats = self.repeats.max(before.repeats);
        match self.events.last() {
            Some(last) => Position { seq: last.seq, id: last.id.clone(), repeats },
            None => Position { repeats, ..before.clone() },
        }
    }
}

/// A frame as it was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// The first one.
    Hello(Hello),
    /// Events.
    Batch(Batch),
    /// How the other side is doing.
    Report(Box<Report>),
    /// Something that a newer invigil says and that can be done without.
    Unknown,
}

impl Hello {
    /// As a frame.
    #[must_use]
    pub fn write(&self) -> String {
        let mut frame = json!({
            "what": "hello",
            "protocol": self.protocol,
            "invigil": self.version,
            "session": self.session,
            "created_at": self.created_at.to_string(),
            "newest": self.newest,
        });
        if self.diverged {
            also(&mut frame, "diverged", true.into());
        }
        frame.to_string()
    }
}

/// Adds a member to a frame.
fn also(frame: &mut serde_json::Value, name: &str, value: serde_json::Value) {
    if let Some(members) = frame.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Writes a batch, event by event.
pub struct BatchWriter {
    text: String,
    events: usize,
}

impl Default for BatchWriter {
    fn default() -> Self {
        Self { text: "{\"what\":\"events\",\"events\":[".to_owned(), events: 0 }
    }
}

impl BatchWriter {
    /// Adds an event. Its body stands in the frame as it is, if it is JSON.
    pub fn event(&mut self, record: &Record) {
        if self.events > 0 {
            self.text.push(',');
        }
        self.events += 1;
        let out = &mut self.text;
        let _ = write!(out, "{{\"seq\":{},\"id\":", record.seq);
        quote(out, &record.id);
        let _ = write!(
            out,
            ",\"received_at\":\"{}\",\"sent_at\":\"{}\",\"deliveries\":{},\"conflicts\":{},\"verified\":{},\"source\":\"{}\",\"headers\":[",
            record.received_at,
            record.sent_at,
            record.deliveries,
            record.conflicts,
            record.verified,
            record.source
        );
        for (n, (name, value)) in record.headers.0.iter().enumerate() {
            out.push_str(if n == 0 { "[" } else { ",[" });
            quote(out, name);
            out.push(',');
            quote(out, value);
            out.push(']');
        }
        match std::str::from_utf8(&record.body).ok().filter(|_| record.event.is_json) {
            Some(text) => {
                let [before, value, after] = json::apart(text);
                if value.len() < text.len() {
                    out.push_str("],\"blanks\":[");
                    quote(out, before);
                    out.push(',');
                    quote(out, after);
                }
                out.push_str("],\"payload\":");
                out.push_str(value);
                out.push('}');
            }
            None => {
                out.push_str("],\"body_base64\":\"");
                STANDARD.encode_string(&record.body, out);
                out.push_str("\"}");
            }
        }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// No event was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// The frame, with everything of a batch but its events.
    #[must_use]
    pub fn finish(mut self, rest: &Batch) -> String {
        let repeated = rest.repeated.iter().map(|one| {
            json!({
                "id": one.id,
                "deliveries": one.deliveries,
                "conflicts": one.conflicts,
                "sent_at": one.sent_at.to_string(),
                "verified": one.verified,
            })
        });
        let repeated = serde_json::Value::Array(repeated.collect());
        let last = json!(rest.last_received_at.map(|time| time.to_string()));
        let _ = write!(
            self.text,
            "],\"repeated\":{repeated},\"repeats\":{},\"newest\":{},\"last_received_at\":{last}}}",
            rest.repeats, rest.newest
        );
        self.text
    }
}

/// Appends a text as a JSON string.
fn quote(out: &mut String, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Reads a frame.
///
/// # Errors
/// In a sentence, why it is none.
pub fn read(text: &str) -> Result<Frame, String> {
    let wrong = |error: json::Error| format!("a frame is no JSON: {error}");
    // What it is stands first in all that are written here, so that a batch is read but once.
    if text.starts_with("{\"what\":\"events\"") {
        return batch(text).map_err(wrong)?.map(Frame::Batch);
    }
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("a frame is no JSON: {error}"))?;
    match value.get("what").and_then(serde_json::Value::as_str) {
        Some("hello") => hello(&value).map(Frame::Hello),
        Some("events") => batch(text).map_err(wrong)?.map(Frame::Batch),
        Some("report") => Ok(Frame::Report(Box::new(Report::read(&value)))),
        Some(_) => Ok(Frame::Unknown),
        None => Err("a frame does not say what it is".to_owned()),
    }
}

fn hello(value: &serde_json::Value) -> Result<Hello, String> {
    let missing = |name: &str| format!("the greeting has no `{name}`");
    let text = |name: &str| value[name].as_str().ok_or_else(|| missing(name));
    let protocol = value["protocol"].as_u64().ok_or_else(|| missing("protocol"))?;
    let session = text("session")?;
    if !(1..=64).contains(&session.len()) || !session.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("the session's identity is none".to_owned());
    }
    Ok(Hello {
        protocol: u32::try_from(protocol).unwrap_or(u32::MAX),
        version: value["invigil"].as_str().unwrap_or_default().to_owned(),
        session: session.to_owned(),
        created_at: Timestamp::parse(text("created_at")?).ok_or_else(|| missing("created_at"))?,
        newest: value["newest"].as_i64().ok_or_else(|| missing("newest"))?,
        diverged: value["diverged"].as_bool().unwrap_or_default(),
    })
}

/// Reads a batch; the inner error names what an event lacks.
fn batch(text: &str) -> Result<Result<Batch, String>, json::Error> {
    let (mut batch, mut wrong) = (Batch::default(), None);
    let mut reader = Reader::around(text, LEVELS);
    reader.object(|reader, key| {
        match key {
            "events" => drop(reader.array(|reader| {
                match event(reader)? {
                    Ok(record) => batch.events.push(record),
                    Err(what) => wrong = wrong.take().or(Some(what)),
                }
                Ok(())
            })?),
            "repeated" => drop(reader.array(|reader| {
                match repeated(reader)? {
                    Some(repeated) => batch.repeated.push(repeated),
                    None => wrong = wrong.take().or(Some("how a repeated event stands is not said whole")),
                }
                Ok(())
            })?),
            "repeats" => batch.repeats = whole(reader)?.unwrap_or_default(),
            "newest" => batch.newest = whole(reader)?.unwrap_or_default(),
            "last_received_at" => batch.last_received_at = time(reader)?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    reader.finish()?;
    Ok(match wrong {
        Some(what) => Err(what.to_owned()),
        None => Ok(batch),
    })
}

fn whole(reader: &mut Reader<'_>) -> Result<Option<i64>, json::Error> {
    Ok(reader.number()?.map(|number| number as i64))
}

fn time(reader: &mut Reader<'_>) -> Result<Option<Timestamp>, json::Error> {
    Ok(reader.string()?.and_then(|text| Timestamp::parse(&text)))
}

fn count(reader: &mut Reader<'_>) -> Result<Option<u64>, json::Error> {
    Ok(reader.number()?.map(|number| (number as u64).min(MOST)))
}

fn event(reader: &mut Reader<'_>) -> Result<Result<Record, &'static str>, json::Error> {
    let (mut seq, mut id, mut received_at, mut sent_at, mut source) = (None, None, None, None, None);
    let (mut verified, mut deliveries, mut conflicts) = (None, None, None);
    let (mut headers, mut said, mut blanks) = (Headers::default(), None, None);
    reader.object(|reader, key| {
        match key {
            "seq" => seq = whole(reader)?,
            "id" => id = reader.string()?.map(String::from),
            "received_at" => received_at = time(reader)?,
            "sent_at" => sent_at = time(reader)?,
            "source" => {
                let word = reader.string()?;
                source = Source::ALL.into_iter().find(|source| Some(source.word()) == word.as_deref());
            }
            "verified" => verified = reader.boolean()?,
            "deliveries" => deliveries = count(reader)?,
            "conflicts" => conflicts = count(reader)?,
            "headers" => drop(reader.array(|reader| {
                headers.0.extend(pair(reader)?);
                Ok(())
            })?),
            "blanks" => blanks = pair(reader)?,
            "payload" => {
                reader.peek()?;
                let from = reader.position();
                let event = envelope::within(reader)?;
                let value = reader.slice(from);
                said = Some(match blanks.take() {
                    None => (Bytes::copy_from_slice(value.as_bytes()), event),
                    // Whether they are blanks is for the body to say.
                    Some((before, after)) => {
                        told([before.as_bytes(), value.as_bytes(), after.as_bytes()].concat())
                    }
                });
            }
            "body_base64" => {
                said = reader.string()?.and_then(|text| STANDARD.decode(&*text).ok()).map(told);
            }
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    let whole = || {
        let (body, event) = said?;
        Some(Record {
            seq: seq?,
            id: id.filter(|id| !id.is_empty() && !id.contains(char::is_whitespace))?,
            received_at: received_at?,
            sent_at: sent_at?,
            source: source?,
            verified: verified?,
            deliveries: deliveries?.max(1),
            conflicts: conflicts?,
            headers,
            body,
            event,
        })
    };
    Ok(whole().ok_or("an event is not said whole"))
}

/// A body, and what it says.
fn told(body: Vec<u8>) -> (Bytes, Event) {
    let event = envelope::decode(&body);
    (body.into(), event)
}

/// Two texts in an array.
fn pair(reader: &mut Reader<'_>) -> Result<Option<(String, String)>, json::Error> {
    let mut texts = Vec::with_capacity(2);
    reader.array(|reader| {
        texts.push(reader.string()?.unwrap_or_default().into_owned());
        Ok(())
    })?;
    Ok(<[String; 2]>::try_from(texts).ok().map(<(String, String)>::from))
}

fn repeated(reader: &mut Reader<'_>) -> Result<Option<Repeated>, json::Error> {
    let (mut id, mut deliveries, mut conflicts, mut sent_at) = (None, None, None, None);
    let mut verified = false;
    reader.object(|reader, key| {
        match key {
            "id" => id = reader.string()?.map(String::from),
            "deliveries" => deliveries = count(reader)?,
            "conflicts" => conflicts = count(reader)?,
            "sent_at" => sent_at = time(reader)?,
            "verified" => verified = reader.boolean()?.unwrap_or_default(),
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    let whole = || {
        let (deliveries, conflicts) = (deliveries?, conflicts?);
        Some(Repeated { id: id?, deliveries, conflicts, sent_at: sent_at?, verified })
    };
    Ok(whole())
}

#[cfg(test)]
mod tests;
