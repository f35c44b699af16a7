//! A mirror: a session that another invigil holds, kept here too, event by event as it stands there.
//!
//! Position and events are written in the same transaction, so that however either side ends, a mirror never
//! has an event twice nor lacks one. A batch that does not begin where the mirror is, is not taken.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::oneshot;

use super::codec::{Packed, Packer};
use super::gone::Gone;
use super::journal::{Journal, Order};
use super::projector::Projector;
use super::session::Way;
use super::{StoreError, Unavailable, session};
use crate::domain::delivery::{Delivery, Seq, Source};
use crate::domain::stream::{Batch, Hello, Position, Record, Repeated};
use crate::domain::time::Timestamp;

/// Facts about a session: what tells it from any other; how far a mirror has come, which only mirrors have;
/// and where a mirror was last fed from.
pub(super) const IDENTITY: &str = "identity";
const POSITION: &str = "mirror";
const URL: &str = "mirror_of";

/// A batch as the writer takes it.
pub struct Reflection {
    before: Position,
    after: Position,
    events: Vec<(Delivery, Packed, Repeated)>,
    repeated: Vec<Repeated>,
    last_received_at: Option<Timestamp>,
}

impl Reflection {
    /// Where the mirror is once this is kept.
    #[must_use]
    pub fn after(&self) -> &Position {
        &self.after
    }
}

/// The fact of a name, if there is one.
pub(super) fn fact(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [name], |row| row.get(0)).optional()
}

fn keep(connection: &Connection, name: &str, fact: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?.execute((name, fact)).map(drop)
}

/// Gives a session that is received here its identity, once.
///
/// # Errors
/// If it is a mirror: what is received here must not get between what comes from there.
pub(super) fn begin_own(connection: &Connection, path: &Path, now: Timestamp) -> Result<(), StoreError> {
    if fact(connection, POSITION)?.is_some() {
        let what = "mirrors a session that another invigil holds; look at it with `invigil attach` or `invigil open`, or name another file";
        return Err(StoreError::file(path, what));
    }
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('created_at', ?1)", [now.to_string()])?;
    connection.execute("INSERT OR IGNORE INTO meta VALUES (?1, lower(hex(randomblob(16))))", [IDENTITY])?;
    Ok(())
}

/// Makes or continues a mirror of the session that has said hello.
pub(super) fn begin_mirror(
    connection: &Connection,
    path: &Path,
    of: &Hello,
    url: &str,
) -> Result<(), StoreError> {
    let (identity, position) = (fact(connection, IDENTITY)?, fact(connection, POSITION)?);
    let events: Seq = connection.query_row("SELECT events FROM sums", [], |row| row.get(0))?;
    let own = position.is_none() && (identity.is_some() || events > 0);
    if own {
        let what = "is a session of its own and mirrors none; name another file with --session";
        return Err(StoreError::file(path, what));
    }
    if position.is_some() && identity.as_ref() != Some(&of.session) {
        let what =
            "mirrors another session than the one that is held there; name another file with --session";
        return Err(StoreError::file(path, what));
    }
    // The other side has it on disk: after a power cut the mirror may be a little behind, and catches up.
    connection.execute_batch("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE")?;
    keep(connection, IDENTITY, &of.session)?;
    keep(connection, "created_at", &of.created_at.to_string())?;
    keep(connection, URL, url)?;
    if position.is_none() {
        keep(connection, POSITION, &written(&Position::default()))?;
    }
    Ok(connection.execute_batch("COMMIT")?)
}

fn written(position: &Position) -> String {
    format!("{} {} {}", position.seq, position.repeats, position.id)
}

fn position(connection: &Connection) -> rusqlite::Result<Option<Position>> {
    let text = fact(connection, POSITION)?;
    Ok(text.map(|text| {
        let mut words = text.splitn(3, ' ');
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
        let (seq, repeats) = (number(), number());
        Position { seq, repeats, id: words.next().unwrap_or_default().to_owned() }
    }))
}

/// Leaves out of the position of a mirror the id of an event that was removed. The number alone says enough.
pub(super) fn forget_id(connection: &Connection, removed: impl Fn(&str) -> bool) -> rusqlite::Result<()> {
    match position(connection)? {
        Some(at) if removed(&at.id) => {
            keep(connection, POSITION, &written(&Position { id: String::new(), ..at }))
        }
        _ => Ok(()),
    }
}

/// Keeps a batch, but for what was removed for good here. False, and nothing is done, if the mirror is not where the
/// batch begins.
pub(super) fn reflect(
    connection: &Connection,
    projector: &mut Projector,
    gone: &Gone,
    batch: &Reflection,
) -> rusqlite::Result<bool> {
    if position(connection)?.as_ref() != Some(&batch.before) {
        return Ok(false);
    }
    for one in &batch.repeated {
        projector.stands(connection, one)?;
    }
    for (delivery, packed, standing) in &batch.events {
        if gone.holds(connection, delivery)? {
            continue;
        }
        projector.take(connection, delivery, packed)?;
        if standing.deliveries > 1 {
            projector.stands(connection, standing)?;
        }
    }
    projector.heard(batch.last_received_at);
    keep(connection, POSITION, &written(&batch.after))?;
    Ok(true)
}

fn packed(record: Record, packer: &Packer) -> (Delivery, Packed, Repeated) {
    let packed = packer.pack(&record.headers, &record.body);
    let Record { deliveries, conflicts, sent_at, verified, .. } = record;
    let standing = Repeated { id: record.id.clone(), deliveries, conflicts, sent_at, verified };
    let delivery = Delivery {
        id: record.id,
        sent_at: record.sent_at,
        received_at: record.received_at,
        source: Source::Attach,
        verified: record.verified,
        headers: record.headers,
        event: record.event,
        body: record.body,
    };
    (delivery, packed, standing)
}

/// Tells when a batch is kept.
pub type Reflected = oneshot::Receiver<Result<(), Unavailable>>;

impl Journal {
    /// How far this mirror has come.
    ///
    /// # Errors
    /// If the session cannot be read.
    pub fn position(&self) -> Result<Position, StoreError> {
        let connection = session::connect_reader(self.path())?;
        Ok(position(&connection)?.unwrap_or_default())
    }

    /// Makes a batch ready to be kept, on the caller's thread: the one writer is what all wait for. `before` is where
    /// the mirror is, or will be once what comes before is kept.
    #[must_use]
    pub fn prepare(&self, batch: Batch, before: &Position) -> Reflection {
        let after = batch.after(before);
        let events = batch.events.into_iter().map(|record| packed(record, self.packer())).collect();
        Reflection {
            before: before.clone(),
            after,
            events,
            repeated: batch.repeated,
            last_received_at: batch.last_received_at,
        }
    }

    /// Hands in what is ready; tells when it is kept. Waits while too much is waiting.
    ///
    /// # Errors
    /// If the session is being closed.
    pub async fn reflect(&self, reflection: Reflection) -> Result<Reflected, Unavailable> {
        let (done, reflected) = oneshot::channel();
        self.order(Order::Reflect(Box::new(reflection), done)).await?;
        Ok(reflected)
    }
}

/// Where the mirror in this file was last fed from; `None` if it is none.
#[must_use]
pub fn fed_from(path: &Path) -> Option<String> {
    let connection = Way::to(path).and_then(|way| way.connect(path)).ok()?;
    fact(&connection, URL).ok().flatten()
}

/// The session that is mirrored in this file, as its greeting would say it.
///
/// # Errors
/// If the file is no mirror.
pub fn original(path: &Path) -> Result<Hello, StoreError> {
    let connection = Way::to(path)?.connect(path)?;
    let is_mirror = fact(&connection, POSITION)?.is_some();
    let identity = fact(&connection, IDENTITY)?.filter(|_| is_mirror);
    let session = identity.ok_or_else(|| StoreError::file(path, "is no mirror of another session"))?;
    let created_at = fact(&connection, "created_at")?.as_deref().and_then(Timestamp::parse);
    Ok(Hello { session, created_at: created_at.unwrap_or_default(), ..Hello::default() })
}
