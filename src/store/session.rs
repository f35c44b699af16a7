//! Opening session files: new, continued or only to be read; and telling what is wrong with a file that is
//! none, before anything is written to it.
#![expect(clippy::disallowed_methods, reason = "session files are opened here")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;
use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{StoreError, schema};
use crate::domain::filter::fold_case;

/// Pages SQLite may keep in memory, in KiB: memory must not grow with the session. The writer touches a page
/// of each candidacy that something happens to; a reader only what is on screen.
const WRITER_CACHE_KIB: i32 = 12 * 1024;
const READER_CACHE_KIB: i32 = 4 * 1024;
/// The write-ahead log is folded into the file after so many pages: rarely enough to stay off the path of an
/// acknowledgement, often enough to keep the log small.
const CHECKPOINT_PAGES: i32 = 4000;
/// What to do about a disk.
const DISK: &str = "make room on the disk, or see to it";
/// How every SQLite file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The right to write a session: held by one process at a time.
///
/// A file of its own is locked, beside the session: closing any handle of the session file itself would drop
/// the locks that SQLite holds on it in this process.
#[derive(Debug)]
pub struct WriterLock {
    path: PathBuf,
    file: File,
}

impl WriterLock {
    fn take(session: &Path) -> Result<Self, StoreError> {
        let path = beside(session, "-lock");
        loop {
            let file = private(OpenOptions::new().create(true).truncate(false).write(true)).open(&path);
            let file = file.map_err(|error| cannot(session, "be written", &error))?;
            match file.try_lock() {
                // Whoever held it before may have removed it since it was opened here: that is nobody's lock.
                Ok(()) if !is_named(&file, &path) => {}
                Ok(()) => return Ok(Self { path, file }),
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(StoreError::Busy { file: session.display().to_string() });
                }
                Err(fs::TryLockError::Error(error)) => return Err(cannot(session, "be locked", &error)),
            }
        }
    }
}

/// What tells a file from another one that took its name.
pub(super) type Identity = (u64, u64);

#[cfg(unix)]
fn identity(meta: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn identity(_meta: &fs::Metadata) -> Identity {
    (0, 0)
}

/// Which file has a name; `None` if none has.
pub(super) fn named(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|meta| identity(&meta))
}

/// Whether an open file still has its name.
fn is_named(file: &File, path: &Path) -> bool {
    file.metadata().is_ok_and(|open| named(path) == Some(identity(&open)))
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Removed while still locked: whoever has it open already sees that it has no name.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// The log beside a session that is being written.
pub(super) fn log_of(session: &Path) -> PathBuf {
    beside(session, "-wal")
}

/// Whether a name is that of a SQLite file, or of what stands beside one: nothing else may be written there. The session
/// that is open here is known by itself: closing another handle of it would drop the locks that SQLite has on it.
pub(super) fn is_part_of_one(path: &Path, open: &Path) -> bool {
    let is_open =
        |path: &Path| matches!((fs::canonicalize(path), fs::canonicalize(open)), (Ok(a), Ok(b)) if a == b);
    let is_one = |path: &Path| {
        let mut first = [0; MAGIC.len()];
        // What is no file may wait for somebody to write it.
        let is_file = fs::metadata(path).is_ok_and(|there| there.is_file());
        is_file
            && File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok()
            && first == *MAGIC
    };
    let name = path.to_string_lossy();
    let session = ["-wal", "-shm", "-lock"].iter().find_map(|ending| name.strip_suffix(ending));
    [Some(path), session.map(Path::new)].into_iter().flatten().any(|path| is_open(path) || is_one(path))
}

/// Gives a log that has lost its name a copy of that name, as whole as the log.
pub(super) fn write_log_again(mut log: &File, session: &Path) -> std::io::Result<()> {
    let part = beside(session, "-wal.part");
    let mut written = || {
        let mut copy = private(OpenOptions::new().create(true).truncate(true).write(true)).open(&part)?;
        log.rewind()?;
        std::io::copy(&mut log, &mut copy)?;
        copy.sync_all()?;
        fs::rename(&part, log_of(session))
    };
    written().inspect_err(|_| {
        // It is no log; that there may be none is fine.
        let _ = fs::remove_file(&part);
    })
}

/// Removes a session and what SQLite has beside it, which it leaves there if the file is gone before it closes.
/// That it cannot be removed is no harm.
pub(super) fn remove(session: &Path) {
    for path in [session.to_path_buf(), log_of(session), beside(session, "-shm")] {
        let _ = fs::remove_file(path);
    }
}

fn beside(session: &Path, ending: &str) -> PathBuf {
    let mut name = session.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn cannot(path: &Path, what: &str, error: &std::io::Error) -> StoreError {
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        return StoreError::Unusable { file: path.display().to_string(), why: error.to_string(), help: DISK };
    }
    StoreError::file(path, format!("cannot {what}: {error}"))
}

/// Makes the directories of a path, readable only by the user.
///
/// # Errors
/// If one cannot be made.
pub fn make_parents(path: &Path) -> Result<(), StoreError> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(parent).map_err(|error| cannot(parent, "be made", &error))
}

/// Opens a session for writing: makes a new one, or continues the one that is there.
///
/// # Errors
/// If the file is no session, is damaged, newer, or being written by another process; it is then untouched.
pub fn open_writer(path: &Path) -> Result<(Connection, WriterLock), StoreError> {
    make_parents(path)?;
    let new = match check(path) {
        Ok(Header::Empty) => true,
        Ok(Header::Session) => false,
        Err(StoreError::Io(error)) if error.kind() == ErrorKind::NotFound => true,
        Err(StoreError::Io(error)) => return Err(cannot(path, "be read", &error)),
        Err(error) => return Err(error),
    };
    let lock = WriterLock::take(path)?;
    // SQLite would delete it. It holds what was acknowledged before the session itself was moved away.
    let log = log_of(path);
    if new && fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        let what = format!(
            "is gone, but its log {} is there and holds events; give the session back, or move the log away",
            log.display()
        );
        return Err(StoreError::file(path, what));
    }
    if new {
        private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(path)
            .map_err(|error| cannot(path, "be made", &error))?;
    }
    let connection = begin_writing(path, new).map_err(|error| unusable(path, error))?;
    Ok((connection, lock))
}

fn begin_writing(path: &Path, new: bool) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    if new {
        // Before there is a log, so that the file itself says at once what it is.
        schema::create(&connection)?;
    }
    connection.execute_batch("PRAGMA journal_mode = WAL")?;
    prepare(&connection)?;
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -{WRITER_CACHE_KIB}; PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};"
    ))?;
    connection.query_row("SELECT events FROM sums", [], |_| Ok(()))?;
    schema::index(&connection)?;
    Ok(connection)
}

/// Why SQLite cannot use a session: a disk that fails or somebody who has locked it says nothing of the file.
fn unusable(path: &Path, error: StoreError) -> StoreError {
    use ErrorCode::{
        CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly, SystemIoFailure, Unknown,
    };
    let StoreError::Sqlite(why) = error else { return error };
    match why.sqlite_error_code() {
        // Unknown is what SQLite calls it if a table is missing.
        None | Some(DatabaseCorrupt | NotADatabase | Unknown) => {
            StoreError::damaged(path, format!("the session is damaged: {why}"))
        }
        Some(code) => {
            let disk = matches!(code, DiskFull | SystemIoFailure | CannotOpen | ReadOnly);
            let help = if disk { DISK } else { "end what else has it open, and try again" };
            StoreError::Unusable { file: path.display().to_string(), why: why.to_string(), help }
        }
    }
}

/// How a session that somebody else wrote is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The file is whole by itself and nobody writes it, so SQLite need put nothing beside it to read it.
    AtRest,
    /// With the log beside it, and with whoever writes it.
    InUse,
}

impl Way {
    /// Looks at a session that is only to be read, and says how that is done. Not to be asked where this process
    /// has the session open already: SQLite would lose its locks.
    ///
    /// # Errors
    /// If the file is no session, is damaged or newer.
    pub(super) fn to(path: &Path) -> Result<Self, StoreError> {
        match check(path) {
            Ok(Header::Session) => {}
            Ok(Header::Empty) => return Err(StoreError::file(path, "is empty, it holds no session")),
            Err(StoreError::Io(error)) => return Err(cannot(path, "be read", &error)),
            Err(error) => return Err(error),
        }
        Ok(if Self::AtRest.holds(path) { Self::AtRest } else { Self::InUse })
    }

    /// Whether the session may still be read in this way.
    pub(super) fn holds(self, path: &Path) -> bool {
        // Asked with each answer of a reader; of a session in use there is nothing to find out.
        if self == Self::InUse {
            return true;
        }
        match fs::metadata(log_of(path)).map(|log| log.len()) {
            Err(_) => true,
            // Somebody may have it open who has written nothing yet.
            Ok(0) => fs::metadata(beside(path, "-shm")).is_err(),
            Ok(_) => false,
        }
    }

    /// Connects to the session; nothing is written, not even beside it.
    ///
    /// # Errors
    /// If SQLite cannot open it, or what it finds is damaged.
    pub(super) fn connect(self, path: &Path) -> Result<Connection, StoreError> {
        let connection = match self {
            Self::AtRest => connect_immutable(path)?,
            Self::InUse => connect_reader(path)?,
        };
        let looked = connection.query_row("SELECT events FROM sums", [], |_| Ok(()));
        looked.map_err(|error| unusable(path, error.into()))?;
        Ok(connection)
    }
}

/// Another reading connection of a session that this process writes. The file is not looked at before: closing
/// it again would drop the locks of the writer.
///
/// # Errors
/// If SQLite cannot open it.
pub fn connect_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

/// A connection that folds the log of a session that this process writes.
pub(super) fn connect_folder(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

fn connect_immutable(path: &Path) -> Result<Connection, StoreError> {
    let absolute = std::path::absolute(path)?;
    let escaped: String = absolute.to_string_lossy().chars().fold(String::new(), |mut uri, c| {
        match c {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            c => uri.push(c),
        }
        uri
    });
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // A plan stands whatever is asked for: otherwise each new value (of a `LIMIT`, say) has it made anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection
        .execute_batch(&format!("PRAGMA cache_size = -{READER_CACHE_KIB}; PRAGMA temp_store = MEMORY;"))?;
    // has(word, text, …): whether one of the texts holds a word that is already folded; no text holds none.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("has", -1, flags, |call| {
        let finder = call.get_or_create_aux(0, finder)?;
        Ok((1..call.len()).any(|n| text(call, n).is_some_and(|text| has(text, &finder))))
    })?;
    // names(word, id, text, …): the same, or the id is the word.
    connection.create_scalar_function("names", -1, flags, |call| {
        let finder = call.get_or_create_aux(0, finder)?;
        let is_id = text(call, 1).is_some_and(|id| is(id, &finder));
        Ok(is_id || (2..call.len()).any(|n| text(call, n).is_some_and(|text| has(text, &finder))))
    })?;
    connection.create_scalar_function("fold", 1, flags, |call| {
        let text = call.get_raw(0).as_str_or_null().unwrap_or_default();
        Ok(text.map(fold_case))
    })?;
    Ok(())
}

fn finder(word: ValueRef<'_>) -> Result<Finder<'static>, rusqlite::types::FromSqlError> {
    word.as_bytes().map(|word| Finder::new(word).into_owned())
}

fn text<'a>(call: &'a Context<'_>, n: usize) -> Option<&'a [u8]> {
    match call.get_raw(n) {
        ValueRef::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether a text is a word that is folded already.
fn is(text: &[u8], word: &Finder<'_>) -> bool {
    if text.is_ascii() {
        text.eq_ignore_ascii_case(word.needle())
    } else {
        fold_case(&String::from_utf8_lossy(text)).as_bytes() == word.needle()
    }
}

/// Whether a text holds a word that is folded already. Most texts are short and plain, and asked about in
/// great number: those are not copied to the heap, and the word is made ready once.
fn has(text: &[u8], word: &Finder<'_>) -> bool {
    const SHORT: usize = 128;
    let mut buffer = [0; SHORT];
    match buffer.get_mut(..text.len()) {
        Some(folded) if text.is_ascii() => {
            folded.copy_from_slice(text);
            folded.make_ascii_lowercase();
            word.find(folded).is_some()
        }
        _ => word.find(fold_case(&String::from_utf8_lossy(text)).as_bytes()).is_some(),
    }
}

enum Header {
    Empty,
    Session,
}

/// Looks at the first bytes of a file: SQLite would already write to one that it opens.
fn check(path: &Path) -> Result<Header, StoreError> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() {
        return Err(StoreError::file(path, "is no file; name a session file"));
    }
    if meta.len() == 0 {
        return Ok(Header::Empty);
    }
    let mut head = [0; 100];
    let read = File::open(path)?.read(&mut head)?;
    if read < head.len() || !head.starts_with(MAGIC) {
        return Err(StoreError::file(path, "is no session of invigil's; name another file"));
    }
    let number = |at: usize| {
        head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
    };
    if number(68) != schema::APPLICATION_ID {
        return Err(StoreError::file(
            path,
            "is a SQLite file, but no session of invigil's; name another file",
        ));
    }
    if number(60) > schema::VERSION {
        let what =
            format!("was written by a newer invigil (version {} of the file); update this one", number(60));
        return Err(StoreError::file(path, what));
    }
    if number(60) < schema::VERSION {
        let what = format!(
            "has a form that was never released (version {} of the file); open it with the invigil that wrote it",
            number(60)
        );
        return Err(StoreError::file(path, what));
    }
    let page = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let whole = u64::from(number(28)) * page;
    // With a log beside it, pages may legitimately be there and not yet here.
    let log = fs::metadata(log_of(path)).map_or(0, |meta| meta.len());
    if log == 0 && meta.len() < whole {
        let what = format!("is cut off: {} of {whole} bytes are there; use a whole copy", meta.len());
        return Err(StoreError::damaged(path, what));
    }
    Ok(Header::Session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_has_lost_its_name_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let (session, path) = (dir.path().join("s.sqlite"), dir.path().join("s.sqlite-lock"));
        let held = WriterLock::take(&session).unwrap();
        // Somebody opens it, and whoever holds it ends before that one locks it.
        let opened = File::open(&path).unwrap();
        assert!(is_named(&opened, &path));
        drop(held);
        assert!(!is_named(&opened, &path), "it is gone");
        let _next = WriterLock::take(&session).unwrap();
        assert!(opened.try_lock().is_ok() && !is_named(&opened, &path), "what is locked is another file");
    }
}
