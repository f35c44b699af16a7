//! How headers and bodies lie in the file: compressed, once there are enough of them with a dictionary made
//! from the session's own first events. Webhooks of one sender are alike, so that a body then takes a fifth.

use std::cell::RefCell;
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::{Connection, OptionalExtension, Row, params};
use zstd::bulk::{Compressor, Decompressor};

use crate::domain::delivery::Headers;

/// Fast, and with a dictionary nearly as small as the slower levels.
const LEVEL: i32 = 1;
/// Events the dictionary is made from: the first of the session.
pub(super) const SAMPLES: u64 = 512;
/// Size of the dictionary.
const DICTIONARY: usize = 64 << 10;
/// Bodies packed anew in one step.
const RECODED: usize = 64;
/// Bytes of samples read at most: a few huge bodies must not fill memory.
const SAMPLE_BYTES: usize = 8 << 20;

/// How the bytes of a row are coded; the numbers stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Coding {
    /// As they are.
    #[default]
    Plain = 0,
    /// Compressed by themselves.
    Alone = 1,
    /// Compressed with the session's dictionary.
    Dictionary = 2,
}

/// Headers and body of one event as they are kept; none by default.
#[derive(Debug, Default)]
pub(super) struct Packed {
    coding: Coding,
    length: usize,
    data: Vec<u8>,
}

impl Packed {
    /// Inserts them as the row of an event.
    pub(super) fn insert(&self, connection: &Connection, seq: i64) -> rusqlite::Result<()> {
        connection
            .prepare_cached("INSERT INTO body (seq, coding, length, data) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![seq, self.coding as i64, self.length, self.data])?;
        Ok(())
    }

    /// Puts them in place of what the row of an event has.
    pub(super) fn replace(&self, connection: &Connection, seq: i64) -> rusqlite::Result<()> {
        connection
            .prepare_cached("UPDATE body SET coding = ?2, length = ?3, data = ?4 WHERE seq = ?1")?
            .execute(params![seq, self.coding as i64, self.length, self.data])?;
        Ok(())
    }
}

type Dictionary = Arc<Vec<u8>>;

/// Compresses, on whatever thread it is called; clones share the dictionary.
#[derive(Clone, Default)]
pub(super) struct Packer {
    dictionary: Arc<RwLock<Option<Dictionary>>>,
}

struct Bench {
    compressor: Compressor<'static>,
    dictionary: Option<Dictionary>,
}

thread_local! {
    /// A compressor costs more to make than to use, so each thread keeps one.
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

impl Packer {
    /// Uses the dictionary that the session has, if it has one.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let packer = Self::default();
        if let Some(bytes) = stored(connection)? {
            packer.adopt(bytes);
        }
        Ok(packer)
    }

    /// Uses this dictionary from now on. It must be in the file already.
    pub(super) fn adopt(&self, bytes: Vec<u8>) {
        *self.dictionary.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(bytes));
    }

    /// True if there is a dictionary.
    pub(super) fn has_dictionary(&self) -> bool {
        self.dictionary.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Packs headers and body.
    pub(super) fn pack(&self, headers: &Headers, body: &[u8]) -> Packed {
        let mut whole = Vec::with_capacity(body.len() + 1024);
        for (name, value) in &headers.0 {
            for part in [name.as_str(), ": ", value.as_str(), "\n"] {
                whole.extend_from_slice(part.as_bytes());
            }
        }
        whole.push(b'\n');
        whole.extend_from_slice(body);
        self.pack_whole(whole)
    }

    /// Packs what headers and body are together.
    fn pack_whole(&self, whole: Vec<u8>) -> Packed {
        let dictionary = self.dictionary.read().unwrap_or_else(PoisonError::into_inner).clone();
        let coding = if dictionary.is_some() { Coding::Dictionary } else { Coding::Alone };
        let length = whole.len();
        match compress(dictionary, &whole).filter(|data| data.len() < length) {
            Some(data) => Packed { coding, length, data },
            None => Packed { coding: Coding::Plain, length, data: whole },
        }
    }
}

fn compress(dictionary: Option<Dictionary>, data: &[u8]) -> Option<Vec<u8>> {
    BENCH.with_borrow_mut(|bench| {
        let same = |bench: &Bench| match (&bench.dictionary, &dictionary) {
            (Some(held), Some(wanted)) => Arc::ptr_eq(held, wanted),
            (None, None) => true,
            _ => false,
        };
        if !bench.as_ref().is_some_and(same) {
            let bytes = dictionary.as_ref().map_or(&[][..], |dictionary| dictionary);
            let compressor = Compressor::with_dictionary(LEVEL, bytes).ok()?;
            *bench = Some(Bench { compressor, dictionary });
        }
        bench.as_mut()?.compressor.compress(data).ok()
    })
}

fn stored(connection: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    connection.query_row("SELECT bytes FROM dictionary WHERE one = 1", [], |row| row.get(0)).optional()
}

/// Packing anew, by itself, everything that was packed with the dictionary, which then goes: it holds pieces of the
/// events it was made from. A step is a few bodies.
#[derive(Default)]
pub(super) struct Recoding {
    at: i64,
}

impl Recoding {
    /// Packs the next few; true if all is done. The caller holds the transaction, and nobody packs with a dictionary
    /// any more.
    pub(super) fn step(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        if stored(connection)?.is_none() {
            return Ok(true);
        }
        let (unpacker, packer) = (Unpacker::default(), Packer::default());
        for _ in 0..RECODED {
            match recode_next(connection, self.at, &unpacker, &packer)? {
                Some(seq) => self.at = seq,
                None => {
                    connection.execute("DELETE FROM dictionary", [])?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Makes the dictionary anew from what there is now, and packs everything with it. The caller holds the transaction.
pub(super) fn recode(connection: &Connection) -> rusqlite::Result<()> {
    let (unpacker, packer) = (Unpacker::default(), Packer::default());
    let dictionary = if stored(connection)?.is_some() { train(connection) } else { None };
    if let Some(bytes) = &dictionary {
        packer.adopt(bytes.clone());
    }
    let mut at = i64::MIN;
    while let Some(seq) = recode_next(connection, at, &unpacker, &packer)? {
        at = seq;
    }
    // The one before was needed until now.
    connection.execute("DELETE FROM dictionary", [])?;
    dictionary.map_or(Ok(()), |bytes| keep_dictionary(connection, &bytes))
}

/// Packs the body after a number anew; returns its own number.
fn recode_next(
    connection: &Connection,
    after: i64,
    unpacker: &Unpacker,
    packer: &Packer,
) -> rusqlite::Result<Option<i64>> {
    let next = "SELECT seq, coding, length, data FROM body WHERE seq > ?1 ORDER BY seq LIMIT 1";
    let found = connection
        .prepare_cached(next)?
        .query_row([after], |row| Ok((row.get(0)?, unpacker.whole(connection, row, 1)?)))
        .optional()?;
    let Some((seq, whole)) = found else { return Ok(None) };
    packer.pack_whole(whole).replace(connection, seq)?;
    Ok(Some(seq))
}

/// Keeps a dictionary in the file.
pub(super) fn keep_dictionary(connection: &Connection, bytes: &[u8]) -> rusqlite::Result<()> {
    connection.execute("INSERT OR IGNORE INTO dictionary (one, bytes) VALUES (1, ?1)", [bytes])?;
    Ok(())
}

/// Makes a dictionary from the first events of a session; `None` if they do not give one.
pub(super) fn train(connection: &Connection) -> Option<Vec<u8>> {
    let unpacker = Unpacker::default();
    let mut statement =
        connection.prepare("SELECT coding, length, data FROM body ORDER BY seq LIMIT ?1").ok()?;
    let mut found = statement.query([SAMPLES]).ok()?;
    let mut samples = Vec::new();
    let mut bytes = 0;
    while let Some(row) = found.next().ok()?
        && bytes < SAMPLE_BYTES
    {
        let whole = unpacker.whole(connection, row, 0).ok()?;
        bytes += whole.len();
        samples.push(whole);
    }
    zstd::dict::from_samples(&samples, DICTIONARY).ok()
}

/// Decompresses the rows of one connection.
#[derive(Default)]
pub(super) struct Unpacker {
    alone: RefCell<Option<Decompressor<'static>>>,
    dictionary: RefCell<Option<Decompressor<'static>>>,
}

/// What is wrong with a row, as the end of a sentence about its body.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Damage(String);

fn broken(what: impl Into<String>) -> rusqlite::Error {
    let damage = Box::new(Damage(what.into()));
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, damage)
}

/// The library's own words for it say nothing to anybody.
fn garbled(_library: std::io::Error) -> rusqlite::Error {
    broken("is damaged and cannot be unpacked")
}

/// What is wrong with the row of a body; `None` if it was not the row that failed.
pub(super) fn damage(error: &rusqlite::Error) -> Option<String> {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    match error {
        FromSqlConversionFailure(.., why) => why.downcast_ref().map(|Damage(what)| what.clone()),
        InvalidColumnType(_, _, rusqlite::types::Type::Null) => Some("is missing".to_owned()),
        InvalidColumnType(..) | IntegralValueOutOfRange(..) => {
            Some("is damaged: it does not say how it is packed".to_owned())
        }
        _ => None,
    }
}

impl Unpacker {
    /// Headers and body from the columns `coding, length, data` that begin at one.
    pub(super) fn row(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        from: usize,
    ) -> rusqlite::Result<(Headers, Vec<u8>)> {
        Ok(parts(self.whole(connection, row, from)?))
    }

    /// The same, but only if it has the length that stands beside it.
    pub(super) fn whole_row(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        from: usize,
    ) -> rusqlite::Result<(Headers, Vec<u8>)> {
        let (stated, whole) = (row.get::<_, usize>(from + 1)?, self.whole(connection, row, from)?);
        if stated != whole.len() {
            let what = format!("is damaged: {} bytes are there instead of {stated}", whole.len());
            return Err(broken(what));
        }
        Ok(parts(whole))
    }

    /// The body alone.
    pub(super) fn body(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        from: usize,
    ) -> rusqlite::Result<Vec<u8>> {
        self.row(connection, row, from).map(|(_, body)| body)
    }

    /// The body alone, in a buffer that is used again for the next one.
    pub(super) fn body_in<'b>(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        from: usize,
        buffer: &'b mut Vec<u8>,
    ) -> rusqlite::Result<&'b mut [u8]> {
        self.fill(connection, row, from, buffer)?;
        let begins = body_begins(buffer);
        Ok(buffer.get_mut(begins..).unwrap_or_default())
    }

    fn whole(&self, connection: &Connection, row: &Row<'_>, from: usize) -> rusqlite::Result<Vec<u8>> {
        let mut buffer = Vec::new();
        self.fill(connection, row, from, &mut buffer)?;
        Ok(buffer)
    }

    fn fill(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        from: usize,
        buffer: &mut Vec<u8>,
    ) -> rusqlite::Result<()> {
        let coding: i64 = row.get(from)?;
        let length: usize = row.get(from + 1)?;
        let data = row.get_ref(from + 2)?.as_blob()?;
        buffer.clear();
        if coding == Coding::Plain as i64 {
            buffer.extend_from_slice(data);
            return Ok(());
        }
        // A length that is wrong by far must not be taken at its word.
        let room = buffer.try_reserve_exact(length);
        room.map_err(|_too_much| broken(format!("is damaged: it says that it has {length} bytes")))?;
        let with_dictionary = coding == Coding::Dictionary as i64;
        let mut slot = if with_dictionary { self.dictionary.borrow_mut() } else { self.alone.borrow_mut() };
        let decompressor = match &mut *slot {
            Some(decompressor) => decompressor,
            empty => {
                let bytes =
                    if with_dictionary { stored(connection)?.unwrap_or_default() } else { Vec::new() };
                empty.insert(Decompressor::with_dictionary(&bytes).map_err(garbled)?)
            }
        };
        let read = decompressor.decompress_to_buffer(data, buffer);
        if read.is_err() && with_dictionary {
            // Another process may have made the dictionary anew.
            let bytes = stored(connection)?.unwrap_or_default();
            let decompressor = slot.insert(Decompressor::with_dictionary(&bytes).map_err(garbled)?);
            buffer.clear();
            decompressor.decompress_to_buffer(data, buffer).map_err(garbled)?;
            return Ok(());
        }
        read.map(drop).map_err(garbled)
    }
}

/// Headers and body of what was packed together.
fn parts(mut whole: Vec<u8>) -> (Headers, Vec<u8>) {
    let body = whole.split_off(body_begins(&whole));
    let text = String::from_utf8_lossy(&whole);
    let headers = text.lines().filter_map(|line| line.split_once(": "));
    (Headers(headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()), body)
}

/// Where the body begins, after the headers and an empty line.
fn body_begins(whole: &[u8]) -> usize {
    if whole.first() == Some(&b'\n') {
        return 1;
    }
    memchr::memmem::find(whole, b"\n\n").map_or(whole.len(), |at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_byte_for_byte() {
        let connection = Connection::open_in_memory().unwrap();
        super::super::schema::create(&connection).unwrap();
        let packer = Packer::of(&connection).unwrap();
        let headers = Headers(vec![("svix-id".into(), "msg_1".into()), ("x".into(), String::new())]);
        let bodies = [&b""[..], b"\n\n", b"{}", &[0xff; 5000], &b"abc ".repeat(2000)];
        let mut seq = 0;
        let mut keep = |headers: &Headers, body: &[u8]| {
            seq += 1;
            packer.pack(headers, body).insert(&connection, seq).unwrap();
        };
        for body in bodies {
            keep(&headers, body);
            keep(&Headers::default(), body);
        }
        for n in 0..SAMPLES {
            keep(
                &headers,
                format!("{{\"candidate\":\"number {n}\",\"tabs\":{}}}", n * 7).repeat(20).as_bytes(),
            );
        }
        let dictionary = train(&connection).unwrap();
        keep_dictionary(&connection, &dictionary).unwrap();
        packer.adopt(dictionary);
        keep(&headers, b"{\"candidate\":\"number 5\",\"tabs\":35}");
        let unpacker = Unpacker::default();
        let read = |seq: i64| {
            let text = "SELECT coding, length, data FROM body WHERE seq = ?1";
            connection.query_row(text, [seq], |row| unpacker.row(&connection, row, 0)).unwrap()
        };
        for (n, body) in bodies.iter().enumerate() {
            assert_eq!(read(n as i64 * 2 + 1), (headers.clone(), body.to_vec()));
            assert_eq!(read(n as i64 * 2 + 2), (Headers::default(), body.to_vec()));
        }
        assert_eq!(read(seq).1, b"{\"candidate\":\"number 5\",\"tabs\":35}");
    }
}
