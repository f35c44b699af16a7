//! `invigil export`: a session as JSON, lines of JSON, or a table.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use super::args::{Export, Format};
use super::failure::Failure;
use super::places;
use super::reference::written;
use crate::clock;
use crate::domain::clean::{self, Clean};
use crate::domain::count::plural;
use crate::domain::filter;
use crate::store::StoreError;
use crate::store::export::{self, Choice};
use crate::store::reader::Reader;
use crate::store::save::save;

/// Writes the session as asked.
///
/// # Errors
/// Code 2 if the file is no session or the filter none; 1 if it cannot be read or written.
pub fn run(args: &Export) -> Result<(), Failure> {
    let filter = args.filter.as_deref().map(filter::parse).transpose();
    let filter = filter.map_err(|error| Failure::usage(format!("--filter: {error}")))?;
    let choice = Choice { filter, redact: args.redact, now: clock::now() };
    if args.file.is_file() && !places::is_sqlite(&args.file) {
        let name = args.file.display();
        return Err(Failure::usage(format!(
            "{name}: is no session file; if it is a saved JSON, look at it with `invigil open {name}`, or put it into a session first: `invigil import {name} --session FILE`"
        )));
    }
    let read = |error: StoreError| error.of_file(&args.file).to_string();
    let reader = Reader::open(&args.file).map_err(|error| Failure::usage(read(error)))?;
    let format = match args.format {
        Format::Json => export::Format::Json,
        Format::Ndjson => export::Format::Ndjson,
        Format::Csv => export::Format::Csv,
    };
    if args.out == Path::new("-") {
        // What is piped is verbatim. On a terminal the same JSON is spelt so that nothing in it acts on it.
        let stdout = io::stdout();
        let plain = stdout.is_terminal() && args.format != Format::Csv;
        let out = Visible { out: stdout.lock(), plain, rest: Vec::new() };
        let mut out = BufWriter::with_capacity(1 << 18, out);
        return match export::write(&reader, &mut out, format, &choice) {
            Ok(_) => written(out.flush()),
            Err(StoreError::Io(error)) => written(Err(error)),
            Err(error) => Err(Failure::running(read(error))),
        };
    }
    let events = save(&reader, &args.out, format, &choice, true);
    let events = events.map_err(|error| match error {
        StoreError::Sqlite(_) | StoreError::Damaged { .. } => Failure::running(read(error)),
        error => Failure::running(format!("--out {error}")),
    })?;
    // The file is the answer; a line that cannot be written changes nothing.
    let out = args.out.display().to_string();
    let _ = writeln!(io::stderr(), "saved {} to {}", plural(events, "event"), Clean::of(&out));
    Ok(())
}

/// JSON on its way to somebody who looks at it, with hidden characters as escapes if that is `plain`.
struct Visible<W> {
    out: W,
    plain: bool,
    /// The beginning of a character whose end is still to come.
    rest: Vec<u8>,
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.plain {
            return self.out.write(bytes);
        }
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = self.rest.split_off(whole);
        let text = std::mem::replace(&mut self.rest, rest);
        let text = String::from_utf8(text).map_err(io::Error::other)?;
        self.out.write_all(clean::json(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_terminal_json_is_the_same_document_with_nothing_that_acts() {
        let text = "{\"n\":\"a\u{9b}2J é\u{202e}😀\u{e0067}\"}\n";
        let mut out = Visible { out: Vec::new(), plain: true, rest: Vec::new() };
        for byte in text.as_bytes() {
            out.write_all(&[*byte]).unwrap();
        }
        let shown = String::from_utf8(out.out).unwrap();
        assert_eq!(shown, "{\"n\":\"a\\u009b2J é\\u202e😀\\udb40\\udc67\"}\n");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(text), read(&shown));
        let mut verbatim = Visible { out: Vec::new(), plain: false, rest: Vec::new() };
        verbatim.write_all(text.as_bytes()).unwrap();
        assert_eq!(verbatim.out, text.as_bytes());
    }
}
