//! `--retain`: what is too old goes, whole candidacies at a time, what is left says what it would have said alone, and
//! nothing that went comes back.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test that fails is to say where")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use invigil::domain::delivery::{Delivery, Headers, Receipt, Source};
use invigil::domain::secret::Keyring;
use invigil::domain::time::Timestamp;
use invigil::domain::{envelope, id};
use invigil::pulse::Pulse;
use invigil::store::check;
use invigil::store::journal::Journal;
use invigil::store::reader::Reader;
use proptest::prelude::*;
use rusqlite::Connection;
use tokio::runtime::{Builder, Runtime};

use super::keeping::midnight;
use super::session::{Told, history};
use super::support::serving::until;

const DAY: i64 = 86_400_000;

fn day(day: i64) -> Timestamp {
    midnight().plus_millis(day * DAY)
}

/// A session that keeps events for so many milliseconds.
struct Retaining {
    runtime: Runtime,
    journal: Journal,
}

impl Retaining {
    fn at(path: &Path, span_millis: Option<i64>) -> Self {
        let journal = Journal::retaining(path, midnight(), Pulse::default(), span_millis).unwrap();
        Self { runtime: Builder::new_current_thread().build().unwrap(), journal }
    }

    fn take(&self, id: &str, received_at: Timestamp, body: &str) -> Receipt {
        let delivery = Delivery {
            id: id.to_owned(),
            sent_at: received_at,
            received_at,
            source: Source::Http,
            verified: true,
            headers: Headers::default(),
            event: envelope::decode(body.as_bytes()),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        self.runtime.block_on(self.journal.append(delivery)).unwrap()
    }

    /// Removes all that is too old then; returns how many steps it took.
    fn sweep(&self, now: Timestamp) -> usize {
        let mut steps = 1;
        while self.runtime.block_on(self.journal.sweep(now)).unwrap() {
            steps += 1;
        }
        steps
    }

    /// Waits until it is told that this is the newest event, and that so many are there.
    fn tells(&self, seq: i64, events: u64) {
        let committed = self.journal.committed();
        until("told", || {
            let commit = *committed.borrow();
            (commit.seq, commit.events) == (seq, events)
        });
    }

    /// Returns how many events are told to be there at the end.
    fn close(self) -> u64 {
        self.runtime.block_on(self.journal.close()).events
    }
}

fn body(event: &str, assessment: &str, candidate: &str, tabs: u32) -> String {
    format!(
        r#"{{"type":"candidate","event":"{event}","data":{{"assessmentId":"{assessment}","candidateId":"{candidate}",
        "assessment":{{"name":"{assessment} by {candidate}"}},"signals":{{"antiCheating":{{"tabSwitchCount":{tabs}}}}}}}}}"#
    )
}

fn created(assessment: &str) -> String {
    format!(r#"{{"type":"assessment","event":"created","data":{{"assessmentId":"{assessment}"}}}}"#)
}

fn is_sound(path: &Path) {
    let mut findings = Vec::new();
    let report = check::check(path, &Keyring::default(), &mut |line| findings.push(line.to_owned())).unwrap();
    assert_eq!(report.findings, 0, "{findings:?}");
}

fn ids(path: &Path) -> BTreeSet<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT id FROM event").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn what_is_too_old_goes_and_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    let session = Retaining::at(&path, Some(10 * DAY));
    let made = |n: u8, at: Timestamp| id::message_id(at, [n; 15]);
    session.take("a_created", day(0), &created("a"));
    session.take("b_created", day(0), &created("b"));
    session.take("gone_1", day(0), &body("invited", "a", "c1", 0));
    session.take("gone_2", day(2), &body("in_progress", "a", "c1", 4));
    session.take("stays_1", day(0), &body("invited", "a", "c2", 2));
    session.take("gone_3", day(1), &body("invited", "b", "c1", 1));
    session.take("gone_4", day(1), "no json");
    session.take(&made(1, day(2)), day(2), "no json either");
    session.take("stays_2", day(11), "nor this");
    session.take("stays_3", day(12), &body("completed", "a", "c2", 3));
    assert_eq!(session.take("gone_1", day(12), ""), Receipt::Repeat { first: 3, conflict: true });
    assert_eq!(session.sweep(day(10)), 1);
    assert_eq!(ids(&path).len(), 10, "nothing is too old yet");
    session.sweep(day(13));
    session.tells(10, 4);
    let stays = ["a_created", "stays_1", "stays_2", "stays_3"].map(str::to_owned);
    assert_eq!(ids(&path), stays.clone().into());
    for (gone, at) in [("gone_1", day(13)), ("gone_2", day(13)), ("gone_4", day(14))] {
        assert_eq!(session.take(gone, at, &body("invited", "a", "c1", 0)), Receipt::Gone);
    }
    assert_eq!(
        session.take(&made(1, day(2)), day(13), "no json either"),
        Receipt::Gone,
        "its id tells its age"
    );
    assert_eq!(
        session.take(&made(2, day(2)), day(13), "never seen"),
        Receipt::Gone,
        "so does that of a late one"
    );
    assert!(matches!(session.take(&made(3, day(12)), day(13), "new"), Receipt::Fresh(11)));
    assert!(matches!(session.take("stays_1", day(13), "x"), Receipt::Repeat { first: 5, .. }));
    assert_eq!(session.take("new", day(13), &body("invited", "b", "c9", 0)), Receipt::Fresh(12));
    session.tells(12, 6);
    session.close();
    is_sound(&path);
    let reader = Reader::open(&path).unwrap();
    let sums = reader.sums().unwrap();
    assert_eq!(
        (sums.events, sums.deliveries, sums.candidates, sums.assessments, sums.rises),
        (6, 7, 2, 2, 2)
    );
    assert!(reader.candidacy("a", "c1").unwrap().is_none());
}

#[test]
fn a_session_of_which_everything_is_too_old_goes_on_counting() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    let session = Retaining::at(&path, Some(DAY));
    for n in 0..60 {
        session.take(&format!("old_{n}"), day(0), &body("invited", "a", &format!("c{n}"), 1));
    }
    assert!(session.sweep(day(3)) > 2, "in small steps");
    assert_eq!(session.take("new", day(3), &created("a")), Receipt::Fresh(61), "no number is given twice");
    session.sweep(day(30));
    session.close();
    let again = Retaining::at(&path, Some(DAY));
    assert_eq!(again.take("newer", day(30), &created("a")), Receipt::Fresh(62));
    assert_eq!(
        again.take("old_5", day(30), "x"),
        Receipt::Fresh(63),
        "not remembered for longer than it was kept"
    );
    again.close();
    is_sound(&path);
    let bytes = std::fs::read(&path).unwrap();
    assert!(memchr::memmem::find(&bytes, b"old_7").is_none(), "free pages are overwritten");
}

#[test]
fn a_dictionary_goes_with_the_events_it_was_made_from() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    let session = Retaining::at(&path, None);
    let take = |session: &Retaining, n: i64| {
        let body = body("invited", "a", &format!("candidate{n}"), 0);
        session.take(&format!("msg_{n}"), day(n / 300), &body)
    };
    for n in 0..520 {
        take(&session, n);
    }
    let reader = Connection::open(&path).unwrap();
    let count = |what: &str| {
        reader.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get::<_, i64>(0))
    };
    until("a dictionary", || count("dictionary") == Ok(1));
    for n in 520..900 {
        take(&session, n);
    }
    assert!(count("body WHERE coding = 2").unwrap() > 300);
    session.close();
    let session = Retaining::at(&path, Some(DAY));
    session.sweep(day(2));
    assert_eq!((count("dictionary"), count("body WHERE coding = 2")), (Ok(0), Ok(0)));
    take(&session, 901);
    session.close();
    is_sound(&path);
    assert_eq!(ids(&path).len(), 601, "those of the last two days");
}

/// Which events stay: those of candidacies of which any event is young, those of assessments likewise, and all others
/// that are young themselves.
fn left(events: &[Told], limit: Timestamp) -> BTreeSet<String> {
    let mut kept = BTreeMap::new();
    for told in events {
        // A repeat changes nothing.
        kept.entry(&told.id).or_insert(told);
    }
    let keys = |told: &Told| {
        let event = envelope::decode(told.body.as_bytes());
        let of = |of: (&str, &str)| format!("{} {}", of.0, of.1);
        (event.candidacy().map(of), event.assessment().map(str::to_owned))
    };
    let young = kept.values().filter(|told| told.sent_at >= limit).map(|told| keys(told));
    let (candidacies, assessments): (BTreeSet<_>, BTreeSet<_>) = young.unzip();
    let stays = |told: &Told| match keys(told) {
        (Some(candidacy), _) => candidacies.contains(&Some(candidacy)),
        (None, Some(assessment)) => assessments.contains(&Some(assessment)),
        (None, None) => told.sent_at >= limit,
    };
    kept.into_iter().filter(|(_, told)| stays(told)).map(|(id, _)| id.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_left_says_what_it_would_have_said_alone(events in history(), limit in 0i64..60, again in 0i64..30) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sqlite");
        let session = Retaining::at(&path, Some(DAY));
        for told in &events {
            session.take(&told.id, told.sent_at, &told.body);
        }
        let now = |secs: i64| midnight().plus_millis(secs * 1000 + DAY);
        session.sweep(now(limit));
        let mut expected = left(&events, midnight().plus_millis(limit * 1000));
        prop_assert_eq!(&ids(&path), &expected);
        // What is left goes on as if there had been nothing else.
        session.take("msg_late", now(limit), &body("completed", "a0", "c0", 9));
        session.sweep(now(limit + again));
        expected.insert("msg_late".to_owned());
        prop_assert!(ids(&path).is_subset(&expected));
        prop_assert_eq!(session.close(), ids(&path).len() as u64);
        is_sound(&path);
    }
}

/// The real program, which keeps for a day, on a machine whose clock can be set.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn for_a_day(faults: &super::faults::Faults, path: &Path) -> super::support::serving::Serving {
    faults.serve(path, |command| {
        command.args(["--retain", "1d"]);
    })
}

/// As many candidates are invited, long ago by the time the program is started again.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn invite_long_ago(faults: &super::faults::Faults, path: &Path, count: usize) {
    let mut serving = for_a_day(faults, path);
    for n in 0..count {
        let body = body("invited", "a", &format!("candidate{n}"), 0);
        let request = super::support::serving::signed(&format!("old_{n}"), &body, 0);
        assert_eq!(serving.ask(&request).status, 204);
    }
    assert!(serving.stop().success());
    assert_eq!(ids(path).len(), count);
    std::fs::write(&faults.clock, (2 * 86_400).to_string()).unwrap();
}

/// The real program, on a machine whose clock says that two days have gone by.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn serve_removes_what_is_too_old_by_itself() {
    use super::faults::Faults;
    use super::support::serving::signed;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    let faults = Faults::new(dir.path());
    invite_long_ago(&faults, &path, 5);
    let mut serving = for_a_day(&faults, &path);
    until("nothing", || ids(&path).is_empty());
    let new = signed("msg_new", &body("invited", "a", "candidate9", 0), 2 * 86_400);
    assert_eq!(serving.ask(&new).status, 204);
    assert!(serving.stop().success());
    until("how many are left", || serving.said("\"events\":1,") == 1);
    assert_eq!(ids(&path), BTreeSet::from(["msg_new".to_owned()]));
    is_sound(&path);
    let bytes = std::fs::read(&path).unwrap();
    assert!(memchr::memmem::find(&bytes, b"candidate3").is_none());
}

/// While steps are taken and events come, the sums are a count at every moment somebody looks.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_sums_are_a_count_while_events_come_and_go() {
    use super::faults::Faults;
    use super::support::serving::signed;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    let faults = Faults::new(dir.path());
    invite_long_ago(&faults, &path, 50);
    let mut serving = for_a_day(&faults, &path);
    let reader = Connection::open(&path).unwrap();
    let counts = || -> (i64, i64) {
        let text = "SELECT events, (SELECT count(*) FROM event) FROM sums";
        reader.query_row(text, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    for n in 0..51 {
        let body = body("invited", "a", &format!("other{n}"), 0);
        assert_eq!(serving.ask(&signed(&format!("new_{n}"), &body, 2 * 86_400)).status, 204);
        let (sums, count) = counts();
        assert_eq!(sums, count);
    }
    until("the old ones gone", || {
        let (sums, count) = counts();
        assert_eq!(sums, count);
        count == 51
    });
    assert!(serving.stop().success());
    assert_eq!(counts(), (51, 51));
    until("how many are left", || serving.said("\"events\":51,") == 1);
    is_sound(&path);
}
