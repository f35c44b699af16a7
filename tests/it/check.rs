//! `invigil check`: a session that was kept is sound, every sort of damage is told, and what is derived is made anew.
#![expect(clippy::disallowed_methods, reason = "a test that fails is to say where")]

use std::path::Path;

use invigil::clock;
use invigil::domain::delivery::{Delivery, Headers, Source};
use invigil::domain::envelope;
use invigil::domain::query::{Anchor, Query};
use invigil::domain::secret::{Keyring, Secret};
use invigil::pulse::Pulse;
use invigil::store::StoreError;
use invigil::store::journal::Journal;
use invigil::store::reader::Reader;
use proptest::prelude::*;
use rusqlite::Connection;

use super::keeping::{Keeper, midnight};
use super::support::SECRET;
use super::support::command::run;
use super::support::serving::{Serving, body, signed};

const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");

/// A session with a few candidacies, repeats, a mark and an unrecognised event.
fn session(path: &Path) {
    let keeper = Keeper::at(path);
    for n in 0..40u32 {
        let body = SAMPLE
            .replace("69145db6968cb883ddfc598b", &format!("candidate{}", n % 7))
            .replace("\"tabSwitchCount\": 0", &format!("\"tabSwitchCount\": {}", n % 5))
            .replace("1778491596453", &(1_778_491_596_453_u64 + u64::from(n * 7 % 30)).to_string());
        for _ in 0..=n % 3 {
            keeper.take(
                &format!("msg_{n}"),
                midnight().plus_millis(i64::from(n)),
                Source::Http,
                body.as_bytes(),
            );
        }
    }
    keeper.take("msg_odd", midnight(), Source::File, b"no json");
    // Its time is that of its earliest attempt, which comes late.
    let body = br#"{"type":"assessment","event":"archived","data":{"assessmentId":"a9"}}"#;
    keeper.take("msg_late", midnight().plus_millis(9000), Source::Http, body);
    keeper.take("msg_late", midnight().plus_millis(2000), Source::Http, body);
}

#[test]
fn what_is_wrong_is_told_and_what_is_derived_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    session(&path);
    let check = |more: &[&str]| run(&[&["check", "s.sqlite"], more].concat(), dir.path(), "");
    let sound = check(&[]);
    assert_eq!((sound.code, sound.err.as_str()), (0, ""), "{}", sound.out);
    assert_eq!(sound.out, "sound: 42 events (41 verified, 1 unverified), 7 candidacies in 2 assessments\n");
    let export = || run(&["export", "s.sqlite"], dir.path(), "").out;
    let saved =
        |text: &str| text.lines().filter(|line| !line.contains("exported_at")).collect::<Vec<_>>().join("\n");
    let before = saved(&export());
    for (damage, told) in [
        ("UPDATE sums SET events = 7", "sum `events` is 7, by the events it is 42"),
        (
            "UPDATE candidacy SET v0 = 9 WHERE candidate_id = 'candidate3'",
            "`candidate3`: `v0` is 9, by the events it is 4",
        ),
        ("DELETE FROM candidacy WHERE candidate_id = 'candidate3'", "`candidate3`: is missing"),
        ("UPDATE assessment SET name = 'x\u{1b}[2J', red = 3", "`name` is `x"),
        ("DELETE FROM rise WHERE seq = (SELECT min(seq) FROM rise)", "is missing"),
        (
            "UPDATE event SET kind = 2, candidacy = 1 WHERE id = 'msg_odd'",
            "event 41: `kind` is 2, by the events it is nothing",
        ),
        (
            "DROP INDEX event_kinds; CREATE INDEX event_kinds ON event (kind, seq, candidacy, assessment) WHERE seq > 5",
            "",
        ),
    ] {
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let ended = check(&[]);
        if told.is_empty() {
            assert_eq!(ended.code, 0, "{damage}");
            continue;
        }
        assert_eq!(ended.code, 1, "{damage}");
        assert!(ended.out.contains(told), "{damage}: {}", ended.out);
        assert!(!ended.out.contains('\u{1b}') && ended.err.contains("is not sound"), "{}", ended.err);
        let repaired = check(&["--repair"]);
        assert_eq!(repaired.code, 0, "{damage}: {}{}", repaired.out, repaired.err);
        assert!(repaired.out.contains("derived anew: "), "{}", repaired.out);
        assert_eq!(saved(&export()), before, "{damage}");
        assert_eq!(check(&[]).code, 0);
    }
}

#[test]
fn a_body_that_is_lost_is_told_and_stops_a_repair() {
    for damage in [
        "DELETE FROM body WHERE seq = 3",
        "UPDATE body SET data = zeroblob(40) WHERE seq = 3",
        "UPDATE body SET length = 1000000000000 WHERE seq = 3",
        "UPDATE body SET length = 'many' WHERE seq = 3",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sqlite");
        session(&path);
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let ended = run(&["check", "s.sqlite"], dir.path(), "");
        assert_eq!(ended.code, 1, "{damage}");
        assert!(ended.out.contains("event 3 (msg_2): its body is "), "{damage}: {}", ended.out);
        let of_library = ["Conversion", "Src size", "Invalid column", "Blob"];
        assert!(!of_library.iter().any(|words| ended.out.contains(words)), "{damage}: {}", ended.out);
        let bytes = std::fs::read(&path).unwrap();
        let repaired = run(&["check", "s.sqlite", "--repair"], dir.path(), "");
        assert_eq!(repaired.code, 2, "{damage}: {}", repaired.err);
        assert!(repaired.err.contains("nothing was changed"), "{}", repaired.err);
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{damage}");
    }
}

/// An export is whole or not at all: it names the event that cannot be read, whatever it writes to.
#[test]
fn an_export_names_the_event_whose_body_is_lost() {
    for damage in [
        "DELETE FROM body WHERE seq = 3",
        "UPDATE body SET data = zeroblob(40) WHERE seq = 3",
        "UPDATE body SET length = length + 1 WHERE seq = 3",
        "UPDATE body SET length = 'many' WHERE seq = 3",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sqlite");
        session(&path);
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        for more in [&["-o", "out.json"][..], &[], &["--format", "ndjson"], &["--redact", "-o", "out.json"]] {
            let ended = run(&[&["export", "s.sqlite"], more].concat(), dir.path(), "");
            assert_eq!(ended.code, 1, "{damage}: {}", ended.err);
            assert_eq!(ended.err.trim_end().lines().count(), 1, "{damage}: {}", ended.err);
            for part in ["s.sqlite: event 3 (msg_2): its body is ", "; `invigil check s.sqlite` tells more"] {
                assert!(ended.err.contains(part), "{damage}: {}", ended.err);
            }
            let of_library = ["Conversion", "Src size", "Invalid column", "Blob", "--out"];
            assert!(!of_library.iter().any(|words| ended.err.contains(words)), "{damage}: {}", ended.err);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing half-written is left");
    }
}

#[test]
fn a_file_that_is_damaged_is_not_sound_and_one_that_is_none_is_a_wrong_argument() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    session(&path);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(dir.path().join("cut.sqlite"), &bytes[..bytes.len() / 2]).unwrap();
    let mut torn = bytes.clone();
    let middle = bytes.len() / 2 / 4096 * 4096;
    torn[middle..middle + 4096].fill(0x5a);
    std::fs::write(dir.path().join("torn.sqlite"), torn).unwrap();
    std::fs::write(dir.path().join("text.sqlite"), "hello").unwrap();
    for (file, code) in [("cut.sqlite", 1), ("torn.sqlite", 1), ("text.sqlite", 2), ("none.sqlite", 2)] {
        let ended = run(&["check", file], dir.path(), "");
        assert_eq!(ended.code, code, "{file}: {}{}", ended.out, ended.err);
        assert_eq!(ended.err.trim_end().lines().count(), 1, "{file}");
        assert!(!ended.err.contains("--repair"), "it would not help {file}: {}", ended.err);
        // What cannot even be begun to be read is told on standard error alone.
        assert!(code == 1 || ended.out.is_empty(), "{file}: {}", ended.out);
    }
}

#[test]
fn signatures_are_verified_again_with_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let journal = Journal::open(&path, clock::now(), Pulse::default()).unwrap();
        for n in 0..3 {
            let (id, body) = (format!("msg_{n}"), SAMPLE.as_bytes());
            let signature = Secret::parse(SECRET).unwrap().sign(&id, midnight().secs(), body);
            let headers = [
                ("svix-id", id.clone()),
                ("svix-timestamp", midnight().secs().to_string()),
                ("svix-signature", signature),
            ];
            let delivery = Delivery {
                id,
                sent_at: midnight(),
                received_at: midnight(),
                source: Source::Http,
                verified: true,
                headers: Headers(headers.map(|(name, value)| (name.to_owned(), value)).into()),
                event: envelope::decode(body),
                body: body.into(),
            };
            journal.append(delivery).await.unwrap();
        }
        journal.close().await;
    });
    let check = |secret: &str| run(&["check", "s.sqlite", "--secret", secret], dir.path(), "");
    let good = check(SECRET);
    assert!(good.code == 0 && good.out.contains("3 signatures valid now"), "{}{}", good.out, good.err);
    std::fs::write(dir.path().join("bare.json"), SAMPLE).unwrap();
    assert_eq!(run(&["import", "bare.json", "--session", "unsigned.sqlite"], dir.path(), "").code, 0);
    let none = run(&["check", "unsigned.sqlite", "--secret", SECRET], dir.path(), "");
    assert!(none.out.contains("no signatures are there to verify again"), "{}", none.out);
    let other = check(OTHER);
    assert_eq!(other.code, 1);
    assert!(other.out.contains("event 1 (msg_0): kept as verified, but"), "{}", other.out);
    assert!(!other.out.contains("whsec") && !other.out.contains("v1,"), "{}", other.out);
}

#[test]
fn a_repair_waits_for_nobody_who_writes() {
    let dir = tempfile::tempdir().unwrap();
    let keeper = Keeper::at(&dir.path().join("s.sqlite"));
    keeper.take("msg_1", midnight(), Source::Http, b"no json");
    let repair = run(&["check", "s.sqlite", "--repair"], dir.path(), "");
    assert!(repair.code == 2 && repair.err.contains("another invigil is writing"), "{}", repair.err);
    let check = run(&["check", "s.sqlite"], dir.path(), "");
    assert_eq!(check.out, "sound: 1 event (1 verified, 0 unverified), 0 candidacies in 0 assessments\n");
}

/// Who reads a session at rest sees when somebody begins to write it, and who begins to read one that is open but
/// not yet written to sees what is written then.
#[test]
fn a_session_is_read_right_while_somebody_begins_to_write_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.sqlite");
    session(&path);
    assert!(Serving::start(&path).stop().success());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    let events =
        |reader: &Reader| reader.events(&Query::default(), &Anchor::First, 0, 1, &[]).map(|page| page.total);
    let mut early = Reader::open(&path).unwrap();
    assert!(!early.keep_up().unwrap());
    assert_eq!(events(&early).unwrap(), 42);
    let serving = Serving::start(&path);
    let late = Reader::open(&path).unwrap();
    assert_eq!(serving.ask(&signed("msg_new", &body(1), 0)).status, 204);
    assert_eq!(events(&late).unwrap(), 43);
    assert!(matches!(events(&early), Err(StoreError::Begun { .. })));
    assert!(early.keep_up().unwrap());
    assert_eq!(events(&early).unwrap(), 43);
    drop(serving);
    assert_eq!(run(&["check", "s.sqlite"], dir.path(), "").code, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever order and repetition events came in, what was derived as they came is what a fresh fold gives.
    #[test]
    fn every_session_that_was_kept_is_sound(events in super::session::history()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sqlite");
        super::session::keep_at(&path, &events);
        let mut lines = Vec::new();
        let report = invigil::store::check::check(&path, &Keyring::default(), &mut |line| lines.push(line.to_owned()));
        prop_assert_eq!(report.unwrap().findings, 0, "{:?}", lines);
    }
}
