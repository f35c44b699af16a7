//! Whether a session is sound: the file itself, every body, every verdict, and all that is derived, against a
//! fresh fold of the events.

use std::cmp::Ordering;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, Rows};

use super::codec::Unpacker;
use super::fresh::{Fresh, KEPT, Kept};
use super::projector::{read_newest, read_sums};
use super::session::Way;
use super::{StoreError, ids};
use crate::domain::secret::Keyring;
use crate::domain::signature;

type Result<T> = std::result::Result<T, StoreError>;

/// Findings of one sort that are told; the rest is counted.
const TOLD: u64 = 20;

/// What a check came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Events looked at.
    pub events: u64,
    /// Those whose signature held when they came.
    pub verified: u64,
    /// Those whose signature holds under the secrets given now.
    pub held: u64,
    /// Candidacies.
    pub candidacies: u64,
    /// Assessments.
    pub assessments: u64,
    /// All events could be read: what is derived from them can be made anew.
    pub whole: bool,
    /// What is wrong; 0 means the session is sound.
    pub findings: u64,
}

/// Checks a session, which may be written meanwhile. Each finding is told as one line. With secrets, signatures
/// are verified again over what was kept.
///
/// # Errors
/// If the file is no session, or reading it fails for a reason that is not its own.
pub fn check(path: &Path, keyring: &Keyring, tell: &mut dyn FnMut(&str)) -> Result<Report> {
    let way = match Way::to(path) {
        Err(StoreError::Damaged { what, .. }) => {
            tell(&what);
            return Ok(Report { findings: 1, ..Report::default() });
        }
        way => way?,
    };
    let mut told = Vec::new();
    let report = check_in(way, path, keyring, &mut |line| told.push(line.to_owned()));
    if !way.holds(path) {
        // Somebody began to write it meanwhile: what was read may be of two moments.
        return check_in(Way::InUse, path, keyring, tell);
    }
    for line in &told {
        tell(line);
    }
    report
}

fn check_in(way: Way, path: &Path, keyring: &Keyring, tell: &mut dyn FnMut(&str)) -> Result<Report> {
    let mut findings = Findings::new(tell);
    let connection = match way.connect(path) {
        Err(StoreError::Damaged { what, .. }) => {
            findings.add(Sort::File, &what);
            return Ok(Report { findings: findings.all(), ..Report::default() });
        }
        connected => connected?,
    };
    connection.execute_batch("PRAGMA temp_store = FILE; BEGIN")?;
    let report = look(&connection, keyring, &mut findings)?.report;
    Ok(Report { findings: findings.all(), ..report })
}

/// What was found, and what the events come to when they are folded anew.
pub(super) struct Looked {
    pub(super) report: Report,
    /// `None` if not all of them can be read.
    pub(super) fresh: Option<Connection>,
}

/// Looks at everything in one session.
pub(super) fn look(
    connection: &Connection,
    keyring: &Keyring,
    findings: &mut Findings<'_>,
) -> Result<Looked> {
    let mut looked = Looked { report: Report::default(), fresh: None };
    match look_into(connection, keyring, findings, &mut looked) {
        Err(StoreError::Sqlite(error)) if is_damage(&error) => {
            findings.add(Sort::File, &format!("cannot be read to its end: {error}"));
            looked.fresh = None;
        }
        done => done?,
    }
    looked.report.whole = looked.fresh.is_some();
    Ok(looked)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error {
        // A value of another type than was ever written.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => true,
        error => matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)),
    }
}

fn look_into(
    connection: &Connection,
    keyring: &Keyring,
    findings: &mut Findings<'_>,
    looked: &mut Looked,
) -> Result<()> {
    for what in integrity(connection)? {
        findings.add(Sort::File, &what);
    }
    let fresh = events(connection, keyring, findings, &mut looked.report)?;
    let mut strays = connection.prepare("SELECT seq FROM body WHERE seq NOT IN (SELECT seq FROM event)")?;
    let mut rows = strays.query([])?;
    while let Some(row) = rows.next()? {
        findings.add(Sort::Body, &format!("body {} belongs to no event", row.get::<_, i64>(0)?));
    }
    let Some(fresh) = fresh else {
        findings.add(Sort::Derived, "what is derived was not looked at, since not every body can be read");
        return Ok(());
    };
    for part in &PARTS {
        compare(connection, &fresh, part, findings)?;
    }
    sums(connection, &fresh, findings)?;
    let astray = ids::astray(connection)?;
    if astray > 0 {
        findings.add(Sort::Derived, &format!("{astray} ids are not found, or belong to no event"));
    }
    let sums = read_sums(&fresh)?;
    (looked.report.candidacies, looked.report.assessments) = (sums.candidates, sums.assessments);
    looked.fresh = Some(fresh);
    Ok(())
}

/// What SQLite itself finds wrong with the file.
pub(super) fn integrity(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({})", 2 * TOLD))?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    let lines = found.iter().flat_map(|text| text.lines());
    Ok(lines.filter(|line| *line != "ok").map(|line| format!("the file is damaged: {line}")).collect())
}

/// Looks at each event and its body, and folds it anew.
fn events(
    connection: &Connection,
    keyring: &Keyring,
    findings: &mut Findings<'_>,
    report: &mut Report,
) -> Result<Option<Connection>> {
    let unpacker = Unpacker::default();
    let mut fresh = Fresh::new()?;
    let mut whole = true;
    let mut statement = connection.prepare(KEPT)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kept = Kept::read(connection, &unpacker, row)?;
        report.events += 1;
        report.verified += u64::from(kept.verified);
        let mut found =
            |sort, what: &str| findings.add(sort, &format!("event {} ({}): {what}", kept.seq, kept.id));
        match &kept.content {
            Err(what) => {
                whole = false;
                found(Sort::Body, what);
            }
            Ok((_, body)) if body.len() as u64 != kept.size => {
                found(Sort::Body, &format!("its body has {} bytes, and came with {}", body.len(), kept.size));
            }
            // What was put in from an export came without: who verified it then cannot be asked again.
            Ok((headers, _)) if headers.0.is_empty() => {}
            Ok((headers, body)) if kept.verified && !keyring.is_empty() => {
                // How old it was is judged when it comes; here only whether it is what was signed.
                match signature::verify(headers, body, keyring, i64::MAX, kept.received_at) {
                    Ok(verified) if verified.id == kept.id => report.held += 1,
                    Ok(_) => found(Sort::Verdict, "its headers were signed for another id"),
                    Err(fault) => found(Sort::Verdict, &format!("kept as verified, but {}", fault.sentence)),
                }
            }
            Ok(_) => {}
        }
        fresh.take(kept)?;
    }
    Ok(if whole { Some(fresh.finish()?) } else { None })
}

/// Folds every event anew; `None` if a body cannot be read.
pub(super) fn fold(connection: &Connection) -> Result<Option<Connection>> {
    let mut silent = |_: &str| {};
    let mut findings = Findings::new(&mut silent);
    events(connection, &Keyring::default(), &mut findings, &mut Report::default())
}

/// Something derived: how it is called and read, its key in front.
struct Part {
    what: &'static str,
    keys: usize,
    rows: &'static str,
}

/// Everything derived but the sums. Ids stand for the file's own numbers, which need not be the same.
const PARTS: [Part; 4] = [
    Part {
        what: "event",
        keys: 1,
        rows: "SELECT e.seq, e.occurred_at, e.basis, e.kind, e.name, e.is_json, e.score, e.size, a.id AS assessment,
            c.candidate_id AS candidacy FROM event e LEFT JOIN candidacy c ON c.n = e.candidacy
            LEFT JOIN assessment a ON a.n = e.assessment ORDER BY e.seq",
    },
    Part {
        what: "assessment",
        keys: 1,
        rows: "SELECT id, name, workspace, org_id, latest_event, is_archived, last_at, candidates, by_status, scored,
            score_micros, violations, red, yellow, state FROM assessment ORDER BY id",
    },
    Part {
        what: "candidacy",
        keys: 2,
        rows: "SELECT a.id, c.candidate_id, c.name, c.email, c.status, c.status_at, c.stage, c.score, c.detail_link,
            c.result_link, c.flag, c.violations, c.v0, c.v1, c.v2, c.v3, c.v4, c.v5, c.v6, c.v7, c.v8, c.v9,
            c.outside_secs, c.mouse_out_secs, c.events, c.invited_at, c.started_at, c.finished_at, c.first_at,
            c.last_at, c.state FROM candidacy c LEFT JOIN assessment a ON a.n = c.assessment
            ORDER BY a.id, c.candidate_id",
    },
    Part {
        what: "rise",
        keys: 2,
        rows: "SELECT r.seq, r.kind, r.\"before\", r.\"after\", a.id AS assessment, c.candidate_id AS candidacy
            FROM rise r LEFT JOIN candidacy c ON c.n = r.candidacy LEFT JOIN assessment a ON a.n = c.assessment
            ORDER BY r.seq, r.kind",
    },
];

type Cells = Vec<Value>;

fn next(rows: &mut Rows<'_>, width: usize) -> Result<Option<Cells>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((0..width).map(|n| row.get(n)).collect::<rusqlite::Result<_>>()?))
}

/// The order SQLite gives keys.
fn order(a: &[Value], b: &[Value]) -> Ordering {
    fn place(value: &Value) -> (u8, i64, &[u8]) {
        match value {
            Value::Null => (0, 0, &[]),
            Value::Integer(number) => (1, *number, &[]),
            Value::Real(number) => (1, *number as i64, &[]),
            Value::Text(text) => (2, 0, text.as_bytes()),
            Value::Blob(bytes) => (3, 0, bytes),
        }
    }
    a.iter().map(place).cmp(b.iter().map(place))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => format!("`{text}`"),
        Value::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

/// Walks what is kept and what the events come to side by side, and tells each difference.
fn compare(kept: &Connection, fresh: &Connection, part: &Part, findings: &mut Findings<'_>) -> Result<()> {
    let (mut kept, mut fresh) = (kept.prepare(part.rows)?, fresh.prepare(part.rows)?);
    let columns: Vec<String> = kept.column_names().map(str::to_owned).collect();
    let (mut kept, mut fresh) = (kept.query([])?, fresh.query([])?);
    let width = columns.len();
    let (mut held, mut told) = (next(&mut kept, width)?, next(&mut fresh, width)?);
    loop {
        let key = |cells: &Cells| cells.iter().take(part.keys).cloned().collect::<Vec<_>>();
        let name = |cells: &Cells| {
            let ids: Vec<_> = key(cells).iter().map(shown).collect();
            format!("{} {}", part.what, ids.join(", "))
        };
        let ordering = match (&held, &told) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(held), Some(told)) => order(&key(held), &key(told)),
        };
        match (ordering, &held, &told) {
            (Ordering::Less, Some(cells), _) => {
                findings.add(Sort::Derived, &format!("{}: no event tells of it", name(cells)));
            }
            (Ordering::Greater, _, Some(cells)) => {
                findings.add(Sort::Derived, &format!("{}: is missing", name(cells)));
            }
            (_, Some(held), Some(told)) => {
                let name = name(told);
                let cells = columns.iter().zip(held.iter().zip(told));
                for (column, (held, told)) in cells.filter(|(_, (held, told))| held != told) {
                    let what = format!("is {}, by the events it is {}", shown(held), shown(told));
                    findings.add(Sort::Derived, &format!("{name}: `{column}` {what}"));
                }
            }
            _ => {}
        }
        if ordering != Ordering::Greater {
            held = next(&mut kept, width)?;
        }
        if ordering != Ordering::Less {
            told = next(&mut fresh, width)?;
        }
    }
}

/// The totals. The last delivery may have been a repeat, whose time nothing else tells.
fn sums(kept: &Connection, fresh: &Connection, findings: &mut Findings<'_>) -> Result<()> {
    let (held, told) = (read_sums(kept)?, read_sums(fresh)?);
    let pairs = [
        ("events", held.events, told.events),
        ("deliveries", held.deliveries, told.deliveries),
        ("unrecognised", held.unrecognised, told.unrecognised),
        ("candidates", held.candidates, told.candidates),
        ("assessments", held.assessments, told.assessments),
        ("rises", held.rises, told.rises),
    ];
    for (name, held, told) in pairs.into_iter().filter(|(_, held, told)| held != told) {
        findings.add(Sort::Derived, &format!("sum `{name}` is {held}, by the events it is {told}"));
    }
    if held.last_received_at < told.last_received_at {
        findings.add(Sort::Derived, "sum `last_received_at` is earlier than an event");
    }
    if read_newest(kept)? < read_newest(fresh)? {
        findings.add(Sort::Derived, "the number of the newest event is smaller than an event's");
    }
    Ok(())
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    File,
    Body,
    Verdict,
    Derived,
}

/// Tells findings and counts them; of each sort only the first few.
pub(super) struct Findings<'a> {
    tell: &'a mut dyn FnMut(&str),
    counts: [u64; 4],
}

impl<'a> Findings<'a> {
    pub(super) fn new(tell: &'a mut dyn FnMut(&str)) -> Self {
        Self { tell, counts: [0; 4] }
    }

    pub(super) fn all(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn add(&mut self, sort: Sort, what: &str) {
        let Some(count) = self.counts.get_mut(sort as usize) else { return };
        *count += 1;
        match (*count).cmp(&(TOLD + 1)) {
            Ordering::Less => (self.tell)(what),
            Ordering::Equal => (self.tell)("… and more like this, which are only counted"),
            Ordering::Greater => {}
        }
    }
}
