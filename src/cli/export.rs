//! `invigil export`: a session as JSON, lines of JSON, or a table.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::args::{Export, Format};
use super::failure::Failure;
use super::reference::written;
use crate::clock;
use crate::domain::filter;
use crate::store::StoreError;
use crate::store::export::{self, Choice};
use crate::store::reader::Reader;

/// Writes the session as asked.
///
/// # Errors
/// Code 2 if the file is no session or the filter none; 1 if it cannot be read or written.
pub fn run(args: &Export) -> Result<(), Failure> {
    let filter = args.filter.as_deref().map(filter::parse).transpose();
    let filter = filter.map_err(|error| Failure::usage(format!("--filter: {error}")))?;
    let choice = Choice { filter, redact: args.redact, now: clock::now() };
    let reader = Reader::open(&args.file).map_err(|error| Failure::usage(error.to_string()))?;
    let format = match args.format {
        Format::Json => export::Format::Json,
        Format::Ndjson => export::Format::Ndjson,
        Format::Csv => export::Format::Csv,
    };
    if args.out == Path::new("-") {
        let mut out = BufWriter::with_capacity(1 << 18, io::stdout().lock());
        return match export::write(&reader, &mut out, format, &choice) {
            Ok(_) => written(out.flush()),
            Err(StoreError::Io(error)) => written(Err(error)),
            Err(error) => Err(Failure::running(error.to_string())),
        };
    }
    let events = export::save(&reader, &args.out, format, &choice, true);
    let events = events.map_err(|error| Failure::running(format!("--out {error}")))?;
    // The file is the answer; a line that cannot be written changes nothing.
    let _ = writeln!(io::stderr(), "saved {events} events to {}", args.out.display());
    Ok(())
}
