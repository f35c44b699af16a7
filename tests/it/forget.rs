//! `invigil forget`: nothing of the person is left in any byte of the file, everything else stays, and what comes
//! again of them is acknowledged and not kept.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test that fails is to say where")]

use std::path::Path;

use invigil::domain::delivery::Source;
use invigil::domain::query::Query;
use invigil::store::reader::Reader;
use rusqlite::Connection;

use super::keeping::{Keeper, midnight};
use super::support::command::{Ended, run};
use super::support::serving::{Serving, signed, until};

const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");
const ID: &str = "69145db6968cb883ddfc598b";
/// What must be gone, in small letters: id, name, address, the file name of the report.
const TRACES: [&str; 6] =
    [ID, "quillon", "vandersteen", "quillon.vandersteen@example.com", "quillon_vandersteen", "203.0.113.209"];

/// The person's event, or somebody else's.
fn body(person: Option<u32>, n: u32) -> String {
    let body = match person {
        None => SAMPLE
            .replace("Grant", "Vandersteen")
            .replace("Bea", "Quillon")
            .replace("bea", "quillon")
            .replace("grant", "vandersteen"),
        Some(who) => SAMPLE
            .replace(ID, &format!("77145db6968cb883ddf{who:05}"))
            .replace("203.0.113.209", "198.51.100.7")
            .replace("Grant", &format!("Other{who}"))
            .replace("bea.grant", &format!("bea.other{who}"))
            .replace("bea_grant", &format!("bea_other{who}")),
    };
    body.replace("\"tabSwitchCount\": 0", &format!("\"tabSwitchCount\": {}", n % 6))
        .replace("1778491596453", &(1_778_491_596_453_u64 + u64::from(n)).to_string())
}

/// A session in which the person stands everywhere: among the samples of the dictionary, in plain bodies, as the
/// latest of an assessment, in an event that nobody recognises.
fn session(path: &Path) {
    let keeper = Keeper::at(path);
    let take = |n: u32, body: &str| {
        keeper.take(&format!("msg_{n}"), midnight().plus_millis(i64::from(n)), Source::Http, body.as_bytes());
    };
    let told = |n: u32| body((!n.is_multiple_of(5)).then_some(n % 23), n);
    for n in 0..540 {
        take(n, &told(n));
    }
    let dictionary = "SELECT count(*) FROM dictionary";
    let reader = Connection::open(path).unwrap();
    until("a dictionary", || reader.query_row(dictionary, [], |row| row.get::<_, i64>(0)).unwrap() == 1);
    for n in 540..700 {
        take(n, &told(n));
    }
    take(
        700,
        &format!(r#"{{"type":"mail","event":"sent","to":"Quillon.Vandersteen@example.com","for":"{ID}"}}"#),
    );
    take(701, &format!("not JSON, but about {ID}"));
}

fn found(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).unwrap().to_ascii_lowercase();
        let has = |trace: &&&str| memchr::memmem::find(&bytes, trace.as_bytes()).is_some();
        found.extend(TRACES.iter().filter(has).map(|trace| format!("{trace} in {}", file.display())));
    }
    found
}

fn events(path: &Path) -> u64 {
    Reader::open(path).unwrap().sums().unwrap().events
}

#[test]
fn nothing_of_somebody_forgotten_is_left_or_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    session(&path);
    assert!(found(dir.path()).len() >= 4, "they are there to begin with: {:?}", found(dir.path()));
    let exported = run(&["export", "s.sqlite", "-o", "all.json"], dir.path(), "");
    assert_eq!(exported.code, 0, "{}", exported.err);
    let forget = |more: &[&str]| -> Ended { run(&[&["forget", "s.sqlite"], more].concat(), dir.path(), "") };
    let asked = forget(&["--candidate", ID]);
    assert!(asked.code == 2 && asked.err.contains("--yes: is needed"), "{}", asked.err);
    assert!(asked.err.contains("142 events of"), "{}", asked.err);
    let nobody = forget(&["--candidate", "69145db6968cb883ddfc5000", "--yes"]);
    assert!(nobody.code == 1 && nobody.err.contains("holds nothing of them"), "{}", nobody.err);
    assert_eq!(events(&path), 702);
    let done = forget(&["--candidate", ID, "--yes"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("removed for good: 142 events"), "{}", done.out);
    let imported = run(&["import", "all.json", "--session", "s.sqlite"], dir.path(), "");
    std::fs::remove_file(dir.path().join("all.json")).unwrap();
    assert_eq!(imported.code, 0, "an export from before does not bring them back: {}", imported.err);
    assert!(found(dir.path()).is_empty(), "{:?}", found(dir.path()));
    assert_eq!(events(&path), 560);
    let check = run(&["check", "s.sqlite"], dir.path(), "");
    assert!(check.code == 0 && check.out.contains("23 candidacies"), "{}{}", check.out, check.err);
    let export = run(&["export", "s.sqlite"], dir.path(), "").out.to_lowercase();
    assert!(!export.contains(ID) && !export.contains("203.0.113.209"));
    assert!(export.contains("bea.other7@example.com"), "everybody else stays");
    assert_eq!(forget(&["--candidate", ID, "--yes"]).code, 0, "again is no failure");

    let mut serving = Serving::start(&path);
    let send = |id: &str, body: &str| serving.ask(&signed(id, body, 0)).status;
    assert_eq!(send("msg_5", &body(None, 5)), 204, "an event that was removed");
    assert_eq!(send("msg_701", "whatever"), 204, "by its id alone");
    assert_eq!(send("msg_new", &body(None, 900)), 204, "a new one about them");
    assert_eq!(send("msg_other", &body(Some(3), 900)), 204);
    assert!(serving.stop().success());
    assert_eq!(events(&path), 561, "only the other one's is kept");
    assert!(found(dir.path()).is_empty(), "{:?}", found(dir.path()));
    let check = run(&["check", "s.sqlite"], dir.path(), "");
    assert_eq!(check.code, 0, "{}", check.out);
}

#[test]
fn somebody_is_forgotten_by_an_address_too_and_nobody_while_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    let keeper = Keeper::at(&path);
    for (n, who) in [None, Some(1), None, Some(2)].into_iter().enumerate() {
        let body = body(who, n as u32);
        keeper.take(&format!("msg_{n}"), midnight(), Source::Http, body.as_bytes());
    }
    let forget = || {
        let email = "QUILLON.vandersteen@example.com";
        run(&["forget", "s.sqlite", "--email", email, "--yes"], dir.path(), "")
    };
    let busy = forget();
    assert!(busy.code == 2 && busy.err.contains("another invigil is writing"), "{}", busy.err);
    drop(keeper);
    let done = forget();
    assert!(
        done.out.contains("2 events of 69145db6968cb883ddfc598b (Quillon Vandersteen) in 1 assessment"),
        "{}{}",
        done.out,
        done.err
    );
    assert!(found(dir.path()).is_empty());
    assert_eq!(events(&path), 2);
    let after_the_removed = Reader::open(&path).unwrap().chosen(&Query::default(), Some(3), 9).unwrap();
    assert_eq!(after_the_removed, [4], "whoever goes through a list goes on from where it stood");
    let again = forget();
    assert!(again.code == 1 && again.err.contains("nothing of them"), "{}", again.err);
    let both = run(&["forget", "s.sqlite", "--yes"], dir.path(), "");
    assert_eq!((both.code, both.err.lines().count()), (2, 1), "{}", both.err);
}
