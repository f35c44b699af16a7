//! Files as a source: what was exported or captured, verified where it can be, kept once.
//!
//! Everything is read with one rule, whatever the file is called inside a directory: a captured request has its
//! headers (`NAME.http`, or `NAME.json` with `NAME.headers` beside it), a session saved as JSON is one document,
//! and anything else is a body, or a line of JSON for each event or body.
#![expect(clippy::disallowed_methods, reason = "files are read here")]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Serialize;

use crate::clock;
use crate::domain::capture;
use crate::domain::delivery::{Delivery, Headers, Source};
use crate::domain::envelope;
use crate::domain::secret::Keyring;
use crate::domain::signature;
use crate::store::StoreError;
use crate::store::import::{self, Filling, Line, Saved};

/// The longest line, and the largest captured request. A saved session may be larger.
const LONGEST: u64 = 64 << 20;
/// Endings of the files of a directory that are read.
const READ: [&str; 5] = ["http", "json", "jsonl", "ndjson", "body"];
/// What some editors write before a text to say that it is UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// Headers that say that somebody signed.
const SIGNATURES: [&str; 2] = ["svix-signature", "webhook-signature"];

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Events that are new in the session.
    pub events: u64,
    /// Events that were there before.
    pub known: u64,
    /// Those of the new ones that nobody has verified.
    pub unverified: u64,
    /// Requests whose signature does not hold.
    pub refused: u64,
    /// What could not be read.
    pub failed: u64,
    /// Files that are nothing to import.
    pub left_aside: u64,
}

/// Why an import ended before its end. Nothing that it had not committed is kept.
#[derive(Debug)]
pub enum Broken {
    /// Something to be imported is wrong; the text says where and what.
    Wrong(String),
    /// The session cannot be written.
    Store(StoreError),
}

/// What is to be imported, and how.
pub struct Import<'a> {
    /// The session.
    pub filling: Filling,
    /// The secrets any of which may have signed; with none, nothing is verified.
    pub keyring: &'a Keyring,
    /// What is wrong is told and counted, and the rest is taken.
    pub keep_going: bool,
    /// What it has come to so far.
    pub report: Report,
    /// Hears what is refused or left out, a line each.
    pub tell: &'a mut dyn FnMut(String),
}

impl Import<'_> {
    /// Takes all that a file or a directory holds; `-` is standard input.
    ///
    /// # Errors
    /// What is wrong and where, unless it is to keep going; or that the session cannot be written.
    pub fn take(&mut self, path: &Path) -> Result<(), Broken> {
        if path == Path::new("-") {
            return self.lines("standard input", &mut io::stdin().lock());
        }
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => self.directory(path),
            Ok(_) => self.file(path),
            Err(error) => self.wrong(format!("{}: cannot be read: {error}", path.display())),
        }
    }

    /// Ends it: from here on the events are in the session for good.
    ///
    /// # Errors
    /// If the session cannot be written.
    pub fn finish(self) -> Result<Report, StoreError> {
        self.filling.finish().map(|_events| self.report)
    }

    fn wrong(&mut self, what: String) -> Result<(), Broken> {
        if !self.keep_going {
            return Err(Broken::Wrong(what));
        }
        self.report.failed += 1;
        (self.tell)(what);
        Ok(())
    }

    fn directory(&mut self, path: &Path) -> Result<(), Broken> {
        let listed = fs::read_dir(path).and_then(|entries| {
            let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
            files.sort();
            Ok(files)
        });
        let files = match listed {
            Ok(files) => files,
            Err(error) => return self.wrong(format!("{}: cannot be read: {error}", path.display())),
        };
        for file in files {
            match file.extension().and_then(|ending| ending.to_str()) {
                Some(ending) if READ.contains(&ending) && file.is_file() => self.file(&file)?,
                Some("headers") if READ.iter().any(|ending| file.with_extension(ending).is_file()) => {}
                _ => self.report.left_aside += 1,
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), Broken> {
        let name = path.display().to_string();
        let beside = path.with_extension("headers");
        let is_message = path.extension().is_some_and(|ending| ending == "http");
        if is_message || (beside.is_file() && beside != path) {
            return match captured(path, (!is_message).then_some(&*beside)) {
                Ok((headers, body)) => self.request(&name, headers, body),
                Err(what) => self.wrong(format!("{name}: {what}")),
            };
        }
        match File::open(path) {
            Ok(file) => self.lines(&name, &mut BufReader::new(file)),
            Err(error) => self.wrong(format!("{name}: cannot be read: {error}")),
        }
    }

    /// A line for each event or body, or one value of many lines.
    fn lines(&mut self, name: &str, input: &mut impl BufRead) -> Result<(), Broken> {
        let (mut number, mut line, mut found) = (0_u64, Vec::new(), false);
        loop {
            line.clear();
            match input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line) {
                Err(error) => return self.wrong(format!("{name}: cannot be read: {error}")),
                // Of lines there may be none; what is one value is there.
                Ok(0) if !found && is_one(name) => return self.wrong(format!("{name}: is empty")),
                Ok(0) => return Ok(()),
                Ok(_) => number += 1,
            }
            if number == 1 && line.starts_with(MARK) {
                line.drain(..MARK.len());
            }
            if line.len() as u64 > LONGEST {
                // Where the next line begins would have to be sought in what may have no end.
                return self.wrong(format!("{name}, line {number}: is longer than {LONGEST} bytes"));
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            found = true;
            let read = text(&line).and_then(import::line);
            if matches!(read, Ok(Line::Document)) || (number == 1 && read.is_err()) {
                return self.value(name, line, input);
            }
            self.line(&format!("{name}, line {number}"), read, &line)?;
        }
    }

    fn line(&mut self, place: &str, read: Result<Line, String>, line: &[u8]) -> Result<(), Broken> {
        match read {
            Ok(Line::Event(saved)) => self.saved(place, *saved),
            Ok(Line::Body) => self.request(place, Headers::default(), line.trim_ascii().to_vec()),
            Ok(Line::Document) => {
                self.wrong(format!("{place}: is a saved session among lines; import it alone"))
            }
            Err(what) => self.wrong(format!("{place}: {what}")),
        }
    }

    /// What does not end on its first line: a saved session, a body, or lines of which the first is wrong.
    fn value(&mut self, name: &str, mut whole: Vec<u8>, input: &mut impl BufRead) -> Result<(), Broken> {
        let first = whole.len();
        if let Err(error) = input.read_to_end(&mut whole) {
            return self.wrong(format!("{name}: cannot be read: {error}"));
        }
        let value = match text(&whole) {
            Ok(value) => value,
            Err(what) => return self.wrong(format!("{name}: {what}")),
        };
        let mut lines = value.get(first..).unwrap_or_default().lines().filter(|line| !line.trim().is_empty());
        match import::line(value) {
            Ok(Line::Document) => self.document(name, value),
            Err(what) if value.starts_with("{\"format\":\"invigil-session\"") && self.keep_going => {
                self.rescue(name, value, &what)
            }
            Err(_) if lines.next().is_some_and(|second| import::line(second.trim()).is_ok()) => {
                self.each_line(name, value)
            }
            read => self.line(name, read, value.as_bytes()),
        }
    }

    fn each_line(&mut self, name: &str, value: &str) -> Result<(), Broken> {
        for (number, line) in value.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = format!("{name}, line {}", number + 1);
            self.line(&place, import::line(line.trim()), line.as_bytes())?;
        }
        Ok(())
    }

    /// A saved session that is no JSON any more, and why, still has a line for each event.
    fn rescue(&mut self, name: &str, value: &str, why: &str) -> Result<(), Broken> {
        let mut found = false;
        let lines = value.lines().enumerate().skip_while(|(_, line)| !line.starts_with("\"events\":["));
        for (number, line) in lines.skip(1).filter(|(_, line)| !["", "]}"].contains(&line.trim())) {
            match import::line(line.trim().trim_end_matches(',')) {
                Ok(Line::Event(saved)) => self.saved(&format!("{name}, line {}", number + 1), *saved)?,
                read => {
                    found = true;
                    let what = read.err().unwrap_or_else(|| "is no event".to_owned());
                    self.wrong(format!("{name}, line {}: {what}", number + 1))?;
                }
            }
        }
        // Else it is broken before its events or after them.
        if found { Ok(()) } else { self.wrong(format!("{name}: {why}")) }
    }

    fn document(&mut self, name: &str, text: &str) -> Result<(), Broken> {
        match import::known(text) {
            Ok(Ok(())) => {}
            Ok(Err(what)) => return self.wrong(format!("{name}: {what}")),
            Err(error) => return self.wrong(format!("{name}: is no saved session: {error}")),
        }
        let (mut number, mut broken) = (0_u64, None);
        let read = import::events(text, |saved| {
            number += 1;
            let kept = self.saved(&format!("{name}, event {number}"), saved);
            // The error stops the reading; what it was is told below.
            kept.map_err(|error| {
                broken = Some(error);
                String::new()
            })
        });
        match (read, broken) {
            (_, Some(broken)) => Err(broken),
            (Err(error), None) => self.wrong(format!("{name}: is no saved session: {error}")),
            (Ok(_), None) => Ok(()),
        }
    }

    /// An event as it was saved: what it says of its verification is taken over, as it has no headers.
    fn saved(&mut self, place: &str, saved: Saved) -> Result<(), Broken> {
        match saved.delivery() {
            Ok((delivery, deliveries)) => self.keep(&delivery, deliveries),
            Err(what) => self.wrong(format!("{place}: {what}")),
        }
    }

    /// A request as it was captured, or a body without any headers.
    fn request(&mut self, place: &str, headers: Headers, body: Vec<u8>) -> Result<(), Broken> {
        let signed = SIGNATURES.iter().any(|name| headers.get(name).is_some());
        let event = envelope::decode(&body);
        let now = clock::now();
        let admitted = if signed && !self.keyring.is_empty() {
            // It was sent when it was sent: only whether it is what was signed is asked.
            match signature::verify(&headers, &body, self.keyring, i64::MAX, now) {
                Ok(verified) => (verified.id, verified.sent_at, true),
                Err(fault) => {
                    self.report.refused += 1;
                    (self.tell)(format!("{place}: refused, {}: {}", fault.code.word(), fault.sentence));
                    return Ok(());
                }
            }
        } else {
            if !event.is_json {
                return self.wrong(format!("{place}: is no JSON, and no signature says that it was sent so"));
            }
            match signature::read_unverified(&headers, &body, event.timestamp.unwrap_or(now)) {
                Ok((id, sent_at)) => (id, sent_at, false),
                Err(fault) => return self.wrong(format!("{place}: {}", fault.sentence)),
            }
        };
        let (id, sent_at, verified) = admitted;
        let source = Source::File;
        let body = Bytes::from(body);
        // When it arrived is not known; it was soon after it was sent.
        self.keep(&Delivery { id, sent_at, received_at: sent_at, source, verified, headers, body, event }, 1)
    }

    fn keep(&mut self, delivery: &Delivery, deliveries: u64) -> Result<(), Broken> {
        if self.filling.keep(delivery, deliveries).map_err(Broken::Store)? {
            self.report.events += 1;
            self.report.unverified += u64::from(!delivery.verified);
        } else {
            self.report.known += 1;
        }
        Ok(())
    }
}

/// Whether a file of this name is one value, and not lines of any number.
fn is_one(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "json" || ending == "body")
}

/// Headers and body of a captured request: both in one file, or the headers in another.
fn captured(path: &Path, beside: Option<&Path>) -> Result<(Headers, Vec<u8>), String> {
    let content = read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let Some(beside) = beside else {
        if content.trim_ascii().is_empty() {
            return Err("is empty".to_owned());
        }
        return capture::message(&content).map(|(headers, body)| (headers, body.to_vec()));
    };
    let name = beside.display();
    let headers = read(beside).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let headers = capture::headers(&String::from_utf8_lossy(&headers));
    Ok((headers.map_err(|what| format!("{name}, {what}"))?, content))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LONGEST {
        return Err(io::Error::other(format!("it is longer than {LONGEST} bytes")));
    }
    Ok(content)
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map(str::trim).map_err(|error| format!("is no text: {error}"))
}
