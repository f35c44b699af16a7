//! Saving a session to a file: whole or not at all, for the user's eyes only, and never over a session.
#![expect(clippy::disallowed_methods, reason = "the saved file is written here")]

use std::fs::{OpenOptions, canonicalize, metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::export::{Choice, Format, write};
use super::reader::Reader;
use super::{StoreError, session};

/// Bytes that are written at once.
const BUFFER: usize = 1 << 18;

/// Saves to a file: written beside it first, synced, then renamed, readable only by the user. A file that is
/// there is not replaced unless `replace`, and a session never. What is no file, like a pipe, is written to.
///
/// # Errors
/// If the session cannot be read or the file cannot be written; nothing is left behind then.
pub fn save(
    reader: &Reader,
    path: &Path,
    format: Format,
    choice: &Choice,
    replace: bool,
) -> Result<u64, StoreError> {
    if !replace && path.exists() {
        return Err(StoreError::file(path, "is there already; choose another name"));
    }
    if session::is_part_of_one(path, reader.path()) {
        return Err(StoreError::file(
            path,
            "belongs to a session, which it would replace; choose another name",
        ));
    }
    let written = match metadata(path) {
        Ok(there) if !there.is_file() => into(reader, path, format, choice),
        // Where it is a link, what it leads to is replaced.
        Ok(_) => {
            canonicalize(path).map_err(Into::into).and_then(|path| beside(reader, &path, format, choice))
        }
        Err(_) => beside(reader, path, format, choice),
    };
    written.map_err(|error| match error {
        StoreError::Io(error) => StoreError::file(path, format!("cannot be written: {error}")),
        other => other,
    })
}

/// Writes to what is there.
fn into(reader: &Reader, path: &Path, format: Format, choice: &Choice) -> Result<u64, StoreError> {
    let mut out = BufWriter::with_capacity(BUFFER, OpenOptions::new().write(true).open(path)?);
    let events = write(reader, &mut out, format, choice)?;
    out.flush()?;
    Ok(events)
}

/// Writes a file beside the one it is to be, and gives it its name.
fn beside(reader: &Reader, path: &Path, format: Format, choice: &Choice) -> Result<u64, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(name);
    let written = write_file(reader, &part, format, choice)
        .and_then(|events| std::fs::rename(&part, path).map(|()| events).map_err(StoreError::Io));
    if written.is_err() {
        // What is left is no session; that it may be gone already is fine.
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write_file(reader: &Reader, part: &Path, format: Format, choice: &Choice) -> Result<u64, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::with_capacity(BUFFER, options.open(part)?);
    let events = write(reader, &mut out, format, choice)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(events)
}
